"""Target ``cpu``: ONNX Runtime on any processor. The smallest target, and so the example for a new one."""
