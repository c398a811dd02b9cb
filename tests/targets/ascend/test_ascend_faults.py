"""The vendor's messages, in the forms that real logs have, become one sentence and one remedy each."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kit.containers.runner import Binding, Listener
from kit.errors import DeviceError, EngineError, KitError, MissingError, ResourceError, StepError
from kit.execution.executor import Executor
from kit.execution.progress import PlainProgress
from kit.execution.selection import with_devices
from kit.planning.planner import Plan
from kit.planning.step import Outcome, Step
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.storage.store import Store
from kit.targets.ascend.faults import ATC, INFERENCE, NPU_SMI, RUNTIME
from kit.toollogs.messages import Fault, explain

CASES: list[tuple[tuple[Fault, ...], str, type[KitError], str]] = [
    (
        ATC,
        "E10001: Value [-1] for parameter [Inputs] is invalid. Reason: maybe you should set input_shape",
        StepError,
        "refuses a parameter",
    ),
    (ATC, "E10001: Value [Ascend311] for parameter [--soc_version] is invalid.", StepError, "does not know this chip"),
    (
        ATC,
        "[PID: 12] 2023-01-01 E10016: Opname [xxx] specified in [--input_shape] is not found in the model",
        StepError,
        "no input or node named xxx",
    ),
    (ATC, "E10054: The requied parameter [--model] for ATC is empty.", StepError, "is empty"),
    (ATC, "E10007: [--framework] is required. The value must be [0(Caffe) or 5(Onnx)].", StepError, "framework"),
    (ATC, "E10010: invalid value for --log:X,only support debug, info", StepError, "log level"),
    (ATC, "E10041: Failed to load the model from m.onnx.", StepError, "cannot load the model"),
    (ATC, "E19010: No parser is registered for Op [x]", StepError, "no parser"),
    (ATC, "E13001: no parser", StepError, "no parser"),
    (ATC, "EZ3003: No supported Ops kernel and engine are found for [AddDsl], optype [AddDsl].", StepError, "AddDsl"),
    (
        ATC,
        "RuntimeError: ({'errCode': 'E90003', 'detailed_cause': 'tuple_reduce_sum not support'}",
        StepError,
        "cannot compile",
    ),
    (ATC, "ERROR: unknown command line flag 'input_shap'", StepError, "--input_shap"),
    (
        ATC,
        "EC0010: Failed to import Python module [ModuleNotFoundError: No module named 'decorator'].",
        StepError,
        "module decorator",
    ),
    (ATC, "ModuleNotFoundError: No module named '_struct'", StepError, "_struct"),
    (ATC, "BrokenPipeError: [Errno 32] Broken pipe", ResourceError, "out of memory"),
    (ATC, "E99999: something new", StepError, "E99999: something new"),
    (
        ATC,
        "atc.bin: error while loading shared libraries: libascend_hal.so: cannot open shared object file: No such",
        DeviceError,
        "libascend_hal.so is not visible",
    ),
    (ATC, "atc.bin: error while loading shared libraries: libgraph.so: cannot open", DeviceError, "libgraph.so"),
    (ATC, "bash: ./benchmark.aarch64: cannot execute binary file: Exec format error", MissingError, "architecture"),
    (
        ATC,
        "-bash: /usr/local/Ascend/ascend-lastest/set_env.sh: No such file or directory",
        MissingError,
        "set_env.sh",
    ),
    (ATC, "bash: line 1: npu-smi: command not found", MissingError, "npu-smi is not in the image"),
    (INFERENCE, "[ERROR] Please run benchmark as root user!", DeviceError, "root only"),
    (
        INFERENCE,
        "[ERROR][Inference] The batchsize of om model does not match the user inputs!",
        StepError,
        "another batch",
    ),
    (
        INFERENCE,
        "[ERROR][Inference] Input data size don't match the model input size! len is 4, singleSize is 8",
        StepError,
        "len is 4, singleSize is 8",
    ),
    (INFERENCE, "[ERROR] arg0 tensorsize: 196608 filesize: 602112 not match", StepError, "another size"),
    (INFERENCE, "[ERROR][PostProcess] Can not open ./result/x_1.txt", ResourceError, "cannot write"),
    (INFERENCE, "[ERROR][DataManager] Image file does not exist: ./prep_bin/a.bin", StepError, "./prep_bin/a.bin"),
    (
        INFERENCE,
        (
            "EE1001: x ModelCheckCompatibility failed, supported socVersion=Ascend310P3, but the model"
            " socVersion=Ascend310"
        ),
        StepError,
        "built for Ascend310, the chip is Ascend310P3",
    ),
    (INFERENCE, "SetDevice failed.ret=507033", DeviceError, "ACL 507033"),
    (INFERENCE, "open device 0 failed,runtime result = 507033.[FUNC:ReportCallError]", DeviceError, "ACL 507033"),
    (INFERENCE, "aclmdlLoadFromFile failed, ret is 507008", DeviceError, "another chip (ACL 507008)"),
    (INFERENCE, "[ERROR] something that nobody has seen", StepError, "something that nobody has seen"),
    (NPU_SMI, "dcmi module initialize failed. ret is -8005", DeviceError, "-8005"),
    (
        NPU_SMI,
        "DrvMngGetConsoleLogLevel failed. (ret=4)\ndcmi module initialize failed. ret is -8005",
        DeviceError,
        "do not match",
    ),
    (
        RUNTIME,
        "ASCEND_VISIBLE_DEVICES env variable is empty, will not mount any ascend device",
        DeviceError,
        "which chip",
    ),
    (RUNTIME, "invalid device range: 9-3", DeviceError, "9-3"),
]


@pytest.mark.parametrize(("table", "text", "error", "words"), CASES)
def test_a_message_is_explained(table: tuple[Fault, ...], text: str, error: type[KitError], words: str) -> None:
    found = explain(table, f"noise before\n{text}\nnoise after\n")
    assert type(found) is error
    assert words in found.what
    assert found.remedy and "\n" not in found.what + found.remedy
    assert "{0}" not in found.what + found.remedy


@pytest.mark.parametrize("code", [int(fault.what[-7:-1]) for fault in INFERENCE if "(ACL " in fault.what])
def test_every_known_code_is_explained_wherever_it_stands(code: int) -> None:
    for text in (f"ret={code}", f"retCode is {code}.", f"error code: {code}", f"[ERROR] x, ret = {code}[FUNC:f]"):
        found = explain(INFERENCE, text)
        assert found is not None and f"ACL {code}" in found.what
    assert explain(INFERENCE, f"[INFO] Dataset number: {code} finished") is None


@pytest.mark.parametrize("table", [ATC, INFERENCE, NPU_SMI, RUNTIME])
def test_clean_output_is_no_fault(table: tuple[Fault, ...]) -> None:
    clean = (
        "ATC start working now, please wait for a moment.\nATC run success, welcome to the next use.\n"
        "W11001: High-priority service of op[x] is invalid, low-priority service is used.\n"
        "[INFO][PostProcess] CurSampleNum is 107001\n[INFO] Dataset number: 9 finished cost 500.002ms\n"
    )
    assert explain(table, clean) is None


def test_control_characters_and_long_lines_do_not_reach_the_user() -> None:
    found = explain(ATC, "E10001: \x1b[31m" + "x" * 5000)
    assert found is not None
    assert "\x1b" not in found.what and len(found.what) < 300


def test_a_message_with_braces_is_quoted_as_it_is() -> None:
    found = explain(ATC, "E19999: {0} {1} {x")
    assert found is not None and "({0} {1} {x)" in found.what


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ("OCI runtime create failed: invalid device range: 7", DeviceError, "knows no such chip (7)"),
        ("the engine refused running step x: something else", EngineError, "something else"),
    ],
)
def test_the_engines_words_about_the_vendors_runtime(
    root: Path, tmp_path: Path, words: str, error: type[KitError], said: str
) -> None:
    """A container that does not start is explained by the target, if it knows the words."""

    class Refusing:
        name, containerized = "refusing", True

        def image_id(self, image: str) -> str:
            return "sha256:0"

        prepare = image_id

        def run(self, step: Step, binding: Binding, listener: Listener) -> Outcome:
            raise EngineError(words, remedy="see `docker info`")

        def command_line(self, step: Step, binding: Binding) -> str:
            return ""

        def host(self) -> dict[str, str]:
            return {}

    recipe = load_recipe(root)
    target, job = load_target("310P"), Job(recipe, "310P", (1,), tmp_path, tmp_path, tmp_path)
    step = next(step for step in target.plan(with_devices(target, job)) if step.name == "310P/state-before")
    made = Executor(Store(tmp_path / "store"), Refusing(), PlainProgress(io.StringIO()))
    with pytest.raises(error) as caught:
        made.run(Plan((step,), owners={step.name: (target, job)}))
    assert type(caught.value) is error
    assert said in caught.value.what
