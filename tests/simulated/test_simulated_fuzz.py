"""Whatever they are given, the stand-ins end as a vendor's tool would: never with a defect of their own."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.simulated import aipp, atc_flags, atc_shapes
from kit.simulated.atc_flags import AtcError
from kit.simulated.benchmark import read_info
from kit.simulated.benchmark_flags import BenchmarkError
from kit.simulated.gflags import FlagsError, parse
from kit.simulated.models import ModelPort
from kit.simulated.om import OmError, read_om
from kit.simulated.trt_options import InvalidArgumentError, OutOfRangeError, options_of
from kit.simulated.trt_plan import PlanError, read_plan
from kit.simulated.trt_show import option_lines

TEXT = st.text(alphabet="0123456789-+,;:x. ab\u00b2\u0663'\"", max_size=20)
TRT_NAMES = [
    "onnx",
    "shapes",
    "minShapes",
    "optShapes",
    "maxShapes",
    "batch",
    "maxBatch",
    "workspace",
    "iterations",
    "duration",
    "percentile",
    "avgRuns",
    "streams",
    "loadInputs",
    "inputIOFormats",
    "tacticSources",
    "memPoolSize",
    "infStreams",
    "explicitBatch",
    "fp16",
    "unknown",
]


@given(
    st.lists(st.tuples(st.sampled_from(TRT_NAMES), TEXT), max_size=5),
    st.sampled_from([(7, 2, 3), (8, 5, 0), (10, 0, 1), (11, 1, 0)]),
)
def test_trtexec_command_lines(items: list[tuple[str, str]], version: tuple[int, int, int]) -> None:
    with contextlib.suppress(InvalidArgumentError, OutOfRangeError):
        options = options_of([f"--{name}={value}" for name, value in items], version)
        assert option_lines(options, version)[0] == "=== Model Options ==="


@given(
    st.dictionaries(st.sampled_from(sorted(atc_flags.defaults((9, 0, 0)))), TEXT, max_size=6),
    st.sampled_from([(5, 1, 1), (9, 0, 1)]),
)
def test_atc_flags(items: dict[str, str], version: tuple[int, int, int]) -> None:
    with contextlib.suppress(AtcError, FlagsError):
        argv = [f"--{name}={value}" for name, value in items.items()]
        atc_flags.check(parse(argv, atc_flags.defaults(version)), version)


@given(TEXT, st.sampled_from(["dynamic_batch_size", "dynamic_image_size", "dynamic_dims", "input_shape_range"]), TEXT)
def test_atc_shapes(shape: str, flag: str, gears: str) -> None:
    inputs = (ModelPort("a", "float32", (-1, 3, 4, 4)), ModelPort("b", "float32", (2,)))
    for given_shape in (shape, f"a:{shape}", f"a:-1,3,-1,-1;b:{shape}"):
        with contextlib.suppress(AtcError):
            flags = parse([f"--input_shape={given_shape}", f"--{flag}={gears}"], atc_flags.defaults((5, 1, 1)))
            shapes = atc_shapes.resolve(flags, inputs, {"Conv_0"})
            assert set(shapes.dims) == {"a", "b"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(st.binary(max_size=60), TEXT.map(str.encode)))
def test_info_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "info"
    path.write_bytes(content)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(BenchmarkError):
        assert read_info(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.lists(
        st.tuples(
            st.sampled_from(
                ["src_image_size_h", "src_image_size_w", "crop", "crop_size_h", "load_start_pos_w", "mean_chn_0"]
            ),
            st.sampled_from(["0", "-4", "16", "17", "1e99", "nan", "true", "x", "32"]),
        ),
        max_size=5,
    ),
    kind=st.sampled_from(["RGB888_U8", "YUV420SP_U8", "YUV400_U8", "XRGB8888_U8", "PNG"]),
)
def test_aipp_that_is_accepted_can_be_applied(tmp_path: Path, body: list[tuple[str, str]], kind: str) -> None:
    path = tmp_path / "aipp.cfg"
    lines = "\n".join(f"{name} : {value}" for name, value in body)
    path.write_text(f"aipp_op{{\naipp_mode: static\ninput_format : {kind}\n{lines}\n}}")
    with contextlib.suppress(AtcError):
        config = aipp.read_config(path)
        dims = (2, 3, 16, 16)
        aipp.check(config, dims)
        size = aipp.source_shape(config, dims)[2]
        assert aipp.apply(config, np.zeros((2, size), np.uint8), dims).shape[2:] == (16, 16)


@pytest.mark.parametrize(
    ("read", "damaged", "make"),
    [
        (read_om, OmError, lambda machine: machine.atc(1)),
        (
            lambda path: read_plan(path.read_bytes()),
            PlanError,
            lambda machine: machine("trtexec", "--onnx=m.onnx", "--saveEngine=e.plan", "--buildOnly"),
        ),
    ],
)
def test_every_flipped_byte_is_noticed(
    machine: Any,
    model: onnx.ModelProto,
    read: Callable[[Path], Any],
    damaged: type[Exception],
    make: Callable[[Any], Any],
) -> None:
    assert make(machine).code == 0
    (path,) = [*Path().glob("*.om"), *Path().glob("*.plan")]
    data = path.read_bytes()
    header_end = 256 if path.suffix == ".om" else 0
    for place in range(header_end, len(data), 17):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        with pytest.raises(damaged):
            read(path)
    for end in range(0, len(data), 97):
        path.write_bytes(data[:end])
        with pytest.raises(damaged):
            read(path)
