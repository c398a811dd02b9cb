"""Fault names for ``KIT_SIM_FAULT`` (several: comma-separated). What can really be caused needs no name here."""

from __future__ import annotations

__all__ = ["FAULTS"]

FAULTS: dict[str, str] = {
    # Ascend driver, seen by npu-smi, benchmark and ais_bench
    "driver-not-loaded": "npu-smi: dcmi module initialize failed. ret is -8005; benchmark: aclInit failed!",
    "driver-mismatch": "npu-smi: DrvMngGetConsoleLogLevel failed. (ret=4), then -8005",
    "npu-alarm": "npu-smi: Health is Alarm",
    "npu-busy": "npu-smi: AICore 87 % and memory in use by someone else",
    "npu-version-mismatch": "npu-smi: tool and driver version differ",
    # atc
    "atc-python-deps": "EC0010 (decorator is missing)",
    "atc-te-import": "E40000: te cannot be imported",
    "atc-unsupported-op": "EZ3003 for the model's first operator",
    "atc-compile": "E90003 in a Python traceback of the operator compiler",
    "atc-inner": "E19999: Inner Error",
    "atc-memory": "BrokenPipeError: the compiler's process was killed for lack of memory",
    "atc-warnings": "success with W11001 lines, progress dots and chatter of the operator compiler",
    "atc-killed": "the process is killed half way: a partial .om stays (137)",
    # benchmark
    "acl-init": "aclInit failed!",
    "acl-set-device": "aclrtSetDevice failed!",
    "acl-context": "aclrtCreateContext failed!",
    "acl-load": "aclmdlLoadFromFile failed!",
    "acl-execute": "Call exefunction failed!, execute model failed.",
    "benchmark-last-frame": "last frame inference failed and exit.",
    "benchmark-zero-latency": "Infer latency get zero, please check the model!",
    "benchmark-memory": "Check free memory less ... rate now wait! (once, then it goes on)",
    "benchmark-crash": "a segmentation fault half way: some outputs, no performance file (139)",
    "benchmark-nan": "the model gives NaN",
    # ais_bench
    "ais-open-device": "EL003, retCode=0x7020014, SetDevice failed.ret=507033",
    "ais-aclruntime": "warning that aclruntime is older than ais_bench",
    # NVIDIA driver and nvidia-smi
    "nvml-no-driver": "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver (9)",
    "nvml-mismatch": "Failed to initialize NVML: Driver/library version mismatch (18)",
    "nvml-no-devices": "No devices were found (6)",
    "gpu-busy": "utilisation and memory in use, a process of someone else",
    "gpu-hot": "90 C and P0 without a process",
    "gpu-throttled": "thermal throttle bits",
    # trtexec
    "trt-cuda-35": "CUDA initialization failure with error 35 (driver too old)",
    "trt-cuda-abort": "Cuda failure and abort (134)",
    "trt-unsupported-op": "no plugin for the first operator",
    "trt-no-tactic": "no implementation for a node",
    "trt-out-of-memory": "the GPU's memory is exhausted while building",
    "trt-plan-device": "the plan was built on another GPU",
    "trt-library-mismatch": "success with the warning that another cuDNN was loaded",
    "trt-crash": "a segmentation fault while it measures (139)",
    "trt-killed": "killed while it builds (137)",
}
