"""Target ``torch``: PyTorch itself, eager or compiled, on the CPU or on an NVIDIA GPU."""
