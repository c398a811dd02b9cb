"""What the messages of atc, benchmark, ais_bench, npu-smi and ascend-docker-runtime mean, and what to do about each."""

from __future__ import annotations

from kit.errors import DeviceError, MissingError, ResourceError
from kit.toollogs.messages import Fault

__all__ = ["ACL", "ATC", "COMMON", "INFERENCE", "NPU_SMI", "RUNTIME", "acl_faults"]

_DOCTOR = "run `kit doctor` for this target: it checks driver, nodes and permissions"
_RECIPE = "compare input.name and input.shape of the recipe with the ONNX model"
_REBUILD = "build the image again from an undamaged installer: `kit build`"
_LESS = "give atc fewer processes (options -> jobs: 1) or more memory (options -> memory_gib)"

#: Loader and shell messages that any of the programs can show.
COMMON: tuple[Fault, ...] = (
    Fault(
        r"libascend_hal\.so: cannot open shared object file",
        "the driver library libascend_hal.so is not visible in the container",
        "install the driver on the host; its folder /usr/local/Ascend/driver is mounted read-only",
        DeviceError,
    ),
    Fault(
        r"error while loading shared libraries: (\S+):",
        "the library {0} is missing in the container",
        "install driver and toolkit of versions that belong together, then `kit build`",
        DeviceError,
    ),
    Fault(
        r"[Ee]xec format error",
        "the tool is for another processor architecture than this machine",
        "put the file for this machine (x86_64 or aarch64, as `uname -m` says) into the packages folder",
        MissingError,
    ),
    Fault(
        r"set_env\.sh: No such file or directory",
        "the toolkit's set_env.sh is not where it should be",
        "it is /usr/local/Ascend/ascend-toolkit/set_env.sh (published guides misspell it as ascend-lastest)",
        MissingError,
    ),
    Fault(
        r"^(?:.*: )?(atc|npu-smi|benchmark\.\w+)(?::|: command) (?:not found|command not found)",
        "{0} is not in the image",
        "build the image with the vendor's packages; npu-smi comes with the host's driver",
        MissingError,
    ),
    Fault(
        r"No module named '?ais_bench",
        "ais_bench is not installed in the image",
        "put the aclruntime and ais_bench wheels into the packages folder, or set options -> tool: benchmark",
        MissingError,
    ),
)

#: atc. The code is at the start of a line; newer releases put a process id before it.
ATC: tuple[Fault, ...] = (
    Fault(r"BrokenPipeError", "atc ran out of memory: a compiler process of it was killed", _LESS, ResourceError),
    Fault(r"E10044\b.*", "atc finds too little free memory", _LESS, ResourceError),
    Fault(
        r"(?:EC0010|E40000)\b.*No module named '?([\w.]+)",
        "atc cannot import the Python module {0} of its compiler",
        _REBUILD,
    ),
    Fault(r"E40000:? .*?import ([\w.]+)", "atc cannot import {0} of its own compiler", _REBUILD),
    Fault(r"No module named '_struct'", "the Python in the image is broken: its module _struct is missing", _REBUILD),
    Fault(
        r"E10016:? .*?\[?([\w./-]+)\]? specified in",
        "the model has no input or node named {0}",
        "take the name that the ONNX model gives its input (input.name of the recipe)",
    ),
    Fault(r"E10049:? (.*)", "the input shape has another number of dimensions than the model ({0})", _RECIPE),
    Fault(r"E10002:? (.*)", "the input shape is not of the form name:n,c,h,w ({0})", _RECIPE),
    Fault(
        r"(?:E10004|E10054):? (.*)",
        "a parameter of atc is empty ({0})",
        "quote the value where a shell reads the line: a bare ; ends it",
    ),
    Fault(
        r"E10001:? .*?\[?--soc_version\]?.*",
        "atc does not know this chip",
        "set options -> chip to the Name column of `npu-smi info`, such as 310P3",
    ),
    Fault(r"E10001:? (.*)", "atc refuses a parameter: {0}", "a dynamic ONNX input needs its shape: " + _RECIPE),
    Fault(r"E10007:? (.*)", "atc was not told the framework: {0}", "run atc with --framework=5 for ONNX"),
    Fault(r"E10010:? (.*)", "the log level is not one of atc's: {0}", "set options -> log to error or info"),
    Fault(r"E10041:? (.*)", "atc cannot load the model ({0})", "export the ONNX model again: it is damaged or missing"),
    Fault(r"(?:E10021|E10022):? (.*)", "the output path is not usable: {0}", "use a shorter path for the store"),
    Fault(r"E10009:? (.*)", "the shape options exclude each other: {0}", "give either fixed shapes or dynamic ones"),
    Fault(
        r"(?:E10410|E10501|E10052|E10017|E10008):? (.*)",
        "atc refuses a file or operator: {0}",
        "check ASCEND_OPP_PATH in the image, and the model",
    ),
    Fault(
        r"(?:E19010|E1300\d):? (.*)",
        "atc has no parser for an operator of this opset ({0})",
        "export with opset 11, the newest that this atc reads",
    ),
    Fault(
        r"(?:E1900[0-2]|E19018):? (.*)",
        "atc cannot read the ONNX file ({0})",
        "export the ONNX model again: it is damaged or missing",
    ),
    Fault(
        r"EZ3003:? .*?\[([^\]]+)\](?:, optype \[([^\]]+)\])?",
        "the chip has no implementation of operator {0} ({1})",
        "install the operator package of this toolkit, or change the model so that it does without the operator",
    ),
    Fault(
        r"E90003|Compile operator failed",
        "atc cannot compile an operator of the model for this chip",
        "try another toolkit version: this fails in some of them only",
    ),
    Fault(r"ERROR: unknown command line flag '([^']+)'", "this atc does not know the flag --{0}", "check its version"),
    Fault(
        r"E19999:? (.*)", "atc failed inside ({0})", "look at its log under ~/ascend/log, and report it to the vendor"
    ),
    Fault(r"\b(E[A-Z]?\d{4,5}):? (.*)", "atc failed with {0}: {1}", "look the code up in the vendor's atc guide"),
)

_DEVICE_SETUP = "the chip cannot be opened in the container"

#: Codes of ACL and of the runtime below it.
ACL: dict[int, tuple[str, str]] = {
    100000: ("an ACL parameter is not valid", "make the engine again"),
    100001: ("ACL was not initialised", _DOCTOR),
    100003: ("the engine file is not valid", "make the engine again"),
    100012: ("the engine file cannot be deserialised", "make the engine again"),
    100013: ("the engine file cannot be parsed", "make the engine again"),
    100014: ("the engine file cannot be read", "make the engine again"),
    100039: (
        "the program found the toolkit's stub libraries instead of the driver's",
        "mount /usr/local/Ascend/driver of the host; remove folders named stub or devlib from LD_LIBRARY_PATH",
    ),
    107001: ("there is no device of that number in the container", "choose it with --device as npu-smi counts"),
    107002: ("no ACL context exists", _DOCTOR),
    145000: ("the engine does not fit the call", "make the engine again"),
    145001: ("the engine's path is not valid", "make the engine again"),
    145002: ("the engine's path is not valid", "make the engine again"),
    145013: ("the engine was made for other batches", "make the engine for this batch"),
    200002: ("there is no such device", "choose it with --device as npu-smi counts"),
    207001: ("the device's memory is exhausted", "end other programs on the chip, or use a smaller batch"),
    207004: ("the container sees no device", _DOCTOR),
    207006: (
        "the container may not use the device",
        "join the group of the nodes (HwHiAiUser, gid 1000 by convention)",
    ),
    500000: ("the graph engine failed inside", "look at its log, and report it to the vendor"),
    500002: ("the graph engine failed", "make the engine again"),
    500003: ("the graph engine failed", "make the engine again"),
    500004: ("the driver failed", _DOCTOR),
    507000: ("the runtime failed inside", "install a driver that belongs to this toolkit"),
    507008: (
        "the engine was made for another chip",
        "set options -> chip to the Name column of `npu-smi info`, then run again",
    ),
    507010: ("the device stopped answering", "reset the chip, or restart the host"),
    507011: ("the model failed on the device", "make the engine again; check the chip's health with npu-smi"),
    507014: ("an AI core ran into a time limit", "check the chip's health with npu-smi"),
    507015: ("an AI core raised an exception", "check the chip's health with npu-smi"),
    507018: ("an AI CPU operator raised an exception", "check the chip's health with npu-smi"),
    507033: (_DEVICE_SETUP, _DOCTOR),
    507899: ("the driver failed inside", _DOCTOR),
    507901: ("the connection to the device broke", "restart the host; check the card's seat and power"),
    545001: ("the engine cannot be loaded", "make the engine again with the toolkit that runs it"),
}


def acl_faults() -> tuple[Fault, ...]:
    """One fault for every known code, wherever a message names it."""
    # "ret=507033", "retCode is 507033", "runtime result = 507033.", "error code 507033"
    mark = r"(?:\bret(?:code)?|\bresult|\berror ?code)\W*(?:is\W*)?\b"
    return tuple(
        Fault(rf"(?i){mark}{code}\b", f"{what} (ACL {code})", remedy, DeviceError)
        for code, (what, remedy) in sorted(ACL.items())
    )


#: benchmark and ais_bench: messages in the order of how much they say.
INFERENCE: tuple[Fault, ...] = (
    Fault(
        r"Please run benchmark as root user",
        "this generation of benchmark runs for root only",
        "set options -> root: true for this target",
        DeviceError,
    ),
    Fault(
        r"The batchsize of om model does not match",
        "the engine was made for another batch than the run asks for",
        "make the engine of this batch again",
    ),
    Fault(
        r"Input data size don't match the model input size! ?(.*)|(arg\d+ tensorsize: .* not match)",
        "the preprocessed files have another size than the engine's input ({0}{1})",
        "preprocess again: batch x 3 x height x width float32 numbers are expected",
    ),
    Fault(
        r"(om|input|output) path:(\S*) is illegal",
        "ais_bench refuses its {0} path {1}: it is missing, a link, another user's, or open to others",
        "run as the owner of the store; inputs may be written, and the output folder be read, by their owner only",
    ),
    Fault(
        r"dynamic batch om model detected, but dymbatch, dymdims or dymshape not set",
        "the engine was made for several shapes, and none was chosen",
        "make the engine with fixed shapes",
    ),
    Fault(
        r"EE1001.*supported socVersion=(\S*), but the model socVersion=(\S*)",
        "the engine was made for {1}, the chip is {0}",
        "set options -> chip to the Name column of `npu-smi info`",
    ),
    *acl_faults(),
    Fault(r"aclInit failed", "the Ascend runtime does not start in the container", _DOCTOR, DeviceError),
    Fault(r"aclrtSetDevice failed|open device \d+ failed", _DEVICE_SETUP, _DOCTOR, DeviceError),
    Fault(r"aclrtCreateContext failed", "the chip gives no context", _DOCTOR, DeviceError),
    Fault(
        r"aclmdlLoadFromFile failed|Load model failed|load model from file failed",
        "the engine cannot be loaded: damaged, made for another chip, or by a newer toolkit",
        "compare options -> chip with `npu-smi info`, then make the engine again",
    ),
    Fault(
        r"creat result directory failed",
        "benchmark cannot make its result folder",
        "free disk space, and check who may write the store",
        ResourceError,
    ),
    Fault(
        r"Can not open (.*)|SaveToTxtFile failed",
        "benchmark cannot write its results ({0})",
        "free disk space: a text result takes about 10 kB per image",
        ResourceError,
    ),
    Fault(r"Get absolute om_path failed", "benchmark does not find the engine", "make the engine of this batch again"),
    Fault(
        r"Get absolute input_text_path path failed|Input text file open filed",
        "benchmark does not find the info file",
        "preprocess again",
    ),
    Fault(
        r"CheckTextContent|FrameInfoMap insert error|Can not find dataId",
        "the info file is damaged, or names an index twice",
        "preprocess again: lines are `index path width height`, each index once, no blanks in paths",
    ),
    Fault(
        r"Image file does not exist: ?(.*)|File size is zero",
        "a preprocessed file is missing or empty ({0})",
        "preprocess again, with enough disk space",
    ),
    Fault(
        r"Call exefunction failed|execute model failed|last frame inference failed",
        "the engine failed while it ran",
        "check health and memory of the chip with npu-smi, then make the engine again",
    ),
    Fault(
        r"Infer latency get zero",
        "benchmark measured a latency of zero",
        "use more rounds (options -> rounds); check that the engine does anything",
    ),
    Fault(
        r"Check free memory less",
        "the chip or host has too little free memory for benchmark",
        "end other programs on the chip",
        ResourceError,
    ),
    Fault(r"only support dynamic batch or hw", "benchmark cannot run this dynamic engine", "make it with fixed shapes"),
    Fault(
        r"Vision_postprocess data is error",
        "the size of an output is not a multiple of the batch",
        "name the model's output as one float32 tensor of (batch, classes)",
    ),
    Fault(
        r"input the right round number", "benchmark takes 1 to 1024 rounds", "set options -> rounds to such a number"
    ),
    Fault(
        r"invalid ([\w ]+?), please check",
        "benchmark refuses its {0}",
        "report the command that `kit reproduce --plan` prints",
    ),
    Fault(
        r"Command params input error",
        "this benchmark does not know one of its flags",
        "use a benchmark tool of CANN 5.1 (generation A, B or C)",
    ),
    Fault(
        r"save out files error",
        "ais_bench cannot split an output by its batch",
        "give the model one output of (batch, classes)",
    ),
    Fault(r"\[ERROR\](.*)", "the inference tool failed: {0}", "look at its log; `kit doctor` checks the machine"),
)

#: npu-smi.
NPU_SMI: tuple[Fault, ...] = (
    Fault(
        r"DrvMngGetConsoleLogLevel failed",
        "driver and firmware do not match, or the host was not restarted after an update",
        "restart the host; then install a driver and firmware that belong together",
        DeviceError,
    ),
    Fault(
        r"dcmi module initialize failed\. ret is (-?\d+)",
        "npu-smi cannot reach the driver ({0}): not loaded, no node, or no permission",
        "load the driver or restart the host; check the nodes with `kit doctor`",
        DeviceError,
    ),
)

#: ascend-docker-runtime and the engine, when a container starts.
RUNTIME: tuple[Fault, ...] = (
    Fault(
        r"ASCEND_VISIBLE_DEVICES env variable is empty",
        "ascend-docker-runtime was not told which chip to pass",
        "set options -> passthrough: devices",
        DeviceError,
    ),
    Fault(
        r"invalid device range: ?(\S*)|failed to check ASCEND_VISIBLE_DEVICES",
        "ascend-docker-runtime knows no such chip ({0})",
        "choose it with --device as npu-smi counts",
        DeviceError,
    ),
    Fault(
        r"failed to add davinci device",
        "ascend-docker-runtime cannot pass the chip",
        "check the nodes with `kit doctor`, or set options -> passthrough: devices",
        DeviceError,
    ),
)
