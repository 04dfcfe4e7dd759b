"""Surfaces, no science: the command line and the reports."""
