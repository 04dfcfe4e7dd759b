"""Vectors and what they know: embed, labels, maps, Kolmogorov–Smirnov tests, probes (SPEC 2.3, 3)."""
