"""Rows become tensors: the only door from NumPy to PyTorch."""
