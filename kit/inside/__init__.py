"""Programs that run in containers, mounted read-only at /kit/inside. They import nothing of the rest of kit."""

import os

# ONNX Runtime collects telemetry as soon as it is imported, and sends it where there is a network.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
