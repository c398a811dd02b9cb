"""What the messages of trtexec, nvidia-smi and the NVIDIA container toolkit mean, and what to do about each."""

from __future__ import annotations

from kit.errors import DeviceError, EngineError, InvalidInputError, MissingError, ResourceError
from kit.toollogs.messages import Fault

__all__ = ["NVIDIA_SMI", "START", "TRTEXEC"]

_NAME = "take the name that the ONNX model gives its input (input.name of the recipe)"
_REBUILD = "build the plan again on this GPU with this TensorRT: --force on its convert step"
_DRIVER = "check the driver with nvidia-smi on the host; `kit doctor` names the one that the image needs"
_MEMORY = "end other programs on the GPU, or lower options -> workspace"

TRTEXEC: tuple[Fault, ...] = (
    Fault(
        r"Dynamic dimensions required for input: *([^,\n]+), but no shapes were provided",
        "--shapes does not name the dynamic input {0} of the model, so trtexec would measure batch 1",
        _NAME,
        InvalidInputError,
    ),
    Fault(
        r"Static model does not take explicit shapes",
        "the ONNX model is static, so it cannot be measured at other batches",
        "export it with a dynamic batch axis",
        InvalidInputError,
    ),
    Fault(
        r"CUDA driver version is insufficient for CUDA runtime|CUDA initialization failure with error 35",
        "the GPU driver is too old for the CUDA of the image",
        "update the driver, or choose an older image (options -> base)",
        DeviceError,
    ),
    Fault(
        r"CUDA initialization failure with error 100|no CUDA-capable device",
        "the container sees no GPU",
        _DRIVER,
        DeviceError,
    ),
    Fault(r"CUDA initialization failure with error (\d+)", "CUDA does not start (error {0})", _DRIVER, DeviceError),
    Fault(
        r"generated on an incompatible device|(?:expecting|got) compute \d",
        "the plan was built on another GPU",
        _REBUILD,
    ),
    Fault(
        r"Version tag does not match|kPLAN_VERSION|not compatible with this version of TensorRT"
        r"|incompatible serialization version",
        "the plan was built by another version of TensorRT",
        _REBUILD,
    ),
    Fault(
        r"Magic tag does not match|Serialization Error in|Deserialize the cuda engine|Engine deserialization failed",
        "the plan is damaged or no plan",
        _REBUILD,
    ),
    Fault(r"Error opening engine file: ?(.*)", "trtexec cannot open the plan {0}", _REBUILD),
    Fault(
        r"Cannot open engine file|Saving engine to file failed",
        "trtexec cannot write the plan",
        "free disk space, and check who may write the store",
        ResourceError,
    ),
    Fault(
        r"Cuda Error in allocate: 2|Cuda Runtime \(out of memory\)|(?i:out of memory)",
        "the GPU's memory is exhausted",
        _MEMORY,
        ResourceError,
    ),
    Fault(
        r"Could not find any implementation for node ([^\s)]+)",
        "TensorRT has no kernel for node {0} within the workspace",
        "raise options -> workspace, or use another TensorRT",
    ),
    Fault(
        r"Try increasing the workspace size", "the workspace is too small for this model", "raise options -> workspace"
    ),
    Fault(
        r"getPluginCreator could not find plugin (\S+)|No importer registered for op: (\w+)",
        "this TensorRT has no operator {0}{1}",
        "export with a lower opset, or choose a newer TensorRT (options -> base)",
    ),
    Fault(
        r"Failed to parse ONNX model from file: (\S+)|Failed to parse onnx file|Parsing model failed",
        "TensorRT cannot read the ONNX model",
        "export it again with opset 11; its log names the node",
    ),
    Fault(
        r"setBindingDimensions|Static dimension mismatch|Error in set dimensions to profile|setInputShape",
        "the plan was built for another shape than the one that is asked for",
        _REBUILD,
    ),
    Fault(
        r"Unknown option: (\S+)",
        "this trtexec does not know the option {0}",
        "let targets -> toolchain name the TensorRT that the image holds: each version has its own flags",
    ),
    Fault(
        r"\[E\] stoi",
        "trtexec cannot read a number in its options",
        "check input.shape of the recipe and options -> workspace",
        InvalidInputError,
    ),
    Fault(
        r"Model missing or format not recognized",
        "trtexec was given no model",
        "report the command that `kit reproduce --plan` prints",
    ),
    Fault(r"Cuda failure: (.*)", "CUDA failed: {0}", _DRIVER, DeviceError),
    Fault(r"\[E\] (?:\[TRT\] )?(.*)", "trtexec failed: {0}", "read its log; `kit doctor` checks driver and GPU"),
)

NVIDIA_SMI: tuple[Fault, ...] = (
    Fault(
        r"Driver/library version mismatch",
        "the loaded driver and its libraries are of different versions: it was upgraded without a restart",
        "restart the host",
        DeviceError,
    ),
    Fault(
        r"couldn't communicate with the NVIDIA driver",
        "the NVIDIA driver is not loaded",
        "install or load the driver, then run nvidia-smi on the host",
        DeviceError,
    ),
    Fault(
        r"No devices were found", "the driver sees no GPU", "check the card's seat and power, then restart", DeviceError
    ),
    Fault(
        r"Field \"([^\"]+)\" is not a valid field",
        "this driver does not know the field {0}",
        "use a driver from R418 to R535, or report the version that you have",
        DeviceError,
    ),
    Fault(
        r"nvidia-smi: (?:command )?not found",
        "nvidia-smi is not in the container",
        "let the container toolkit add it: NVIDIA_DRIVER_CAPABILITIES must hold utility",
        MissingError,
    ),
)

#: The engine's words when a container with a GPU does not start.
START: tuple[Fault, ...] = (
    Fault(
        r"could not select device driver",
        "the engine has no driver for GPUs",
        "install the NVIDIA container toolkit, then restart the engine",
        DeviceError,
    ),
    Fault(
        r"unsatisfied condition: (cuda>=[\d.]+)",
        "the driver is too old for the image ({0})",
        "update the driver, or choose an older image (options -> base)",
        DeviceError,
    ),
    Fault(
        r"nvml error: driver not loaded",
        "the NVIDIA driver is not loaded on the host",
        "load the driver, then run nvidia-smi",
        DeviceError,
    ),
    Fault(
        r"invoking the NVIDIA Container Runtime Hook directly",
        "this engine hands GPUs over by the NVIDIA runtime only",
        "configure it: nvidia-ctk runtime configure --runtime=docker, then restart the engine",
        DeviceError,
    ),
    Fault(
        r"manifest for (\S+) not found",
        "the registry has no image {0} any more",
        "choose another one (options -> base), or use a mirror that keeps it",
        EngineError,
    ),
    Fault(
        r"unknown device|no such device.*?(GPU-[0-9a-f-]+)?",
        "there is no such GPU",
        "list them with nvidia-smi -L",
        DeviceError,
    ),
)
