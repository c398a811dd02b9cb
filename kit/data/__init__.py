"""Weights, data sets and tensors."""
