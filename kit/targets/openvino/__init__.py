"""Target ``openvino``: OpenVINO on any processor. The smallest target, and so the example for a new one."""
