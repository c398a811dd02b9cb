"""Stand-ins for the vendor tools, for rehearsals without the hardware.

They run in a container built from the runtime image (Python 3.11, numpy, onnxruntime, Pillow), at the vendor's paths.
Flags, files, names, messages and exit codes are the vendor's; numbers are real (the ONNX model, rounded to fp16,
through ONNX Runtime); times are the CPU's. Nothing here is a measurement of the accelerator: every output carries a
mark that the rest of kit reads (``[SIMULATED]`` on stderr, a ``SIMULATED`` file in output folders, the platform version
of an ``.om``, the header of a plan).

``README.md`` in this folder lists tools, environment variables and fault names.
"""
