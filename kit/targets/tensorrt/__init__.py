"""NVIDIA T4 with TensorRT."""
