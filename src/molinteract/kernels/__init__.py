"""Tensor operations of the network: irreps, weighted tensor product, batch norm. They see tensors only."""
