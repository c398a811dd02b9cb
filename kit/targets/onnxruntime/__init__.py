"""Targets ``cpu`` and ``onnxruntime``: ONNX Runtime on any processor, and with its providers."""
