"""TensorRT by version: what differs between the trtexecs that kit drives. A new version is a row."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kit.errors import InvalidInputError
from kit.planning.target import Job
from kit.planning.toolchain import find_toolchain

__all__ = ["DEFAULT", "TOOLCHAINS", "TensorRt", "toolchain_of"]

DEFAULT = "TensorRT 7.2.3.4"
#: What trtexec does unless told otherwise, stated so that it is recorded and no later default changes it.
_SERIES = ("--warmUp=200", "--duration=3", "--iterations=10", "--avgRuns=10", "--infStreams=1")


@dataclass(frozen=True)
class TensorRt:
    """One release of TensorRT.

    ``workspace`` and ``build_only`` are trtexec's spellings; ``fp16`` says whether it has the flag, otherwise the ONNX
    model's own types decide. ``clock`` makes the version measure what 7.2 measures: copies in the loop, no CUDA graph,
    waiting without spinning. ``driver`` is the oldest one for its CUDA, ``branches`` older ones that run it all the
    same on a data-centre card, by first number.
    """

    version: str
    image: str
    cuda: str
    driver: tuple[int, int]
    branches: tuple[tuple[int, int], ...] = ()
    python: str = "3.8"
    workspace: str = "--memPoolSize=workspace:{mib}"
    build_only: str = "--skipInference"
    fp16: bool = True
    clock: tuple[str, ...] = _SERIES
    published_flags: bool = False  # measure with the flags of the published report, which later versions refuse
    fault: str = ""
    better: str = ""


def _ngc(tag: str) -> str:
    return f"nvcr.io/nvidia/tensorrt:{tag}-py3"


_V7 = TensorRt(
    "7.2.3.4", _ngc("21.06"), "11.3", (465, 19), ((418, 40), (440, 33), (450, 51), (460, 27)),
    workspace="--workspace={mib}", build_only="--buildOnly", clock=(), published_flags=True,
)  # fmt: skip
_V86 = TensorRt("8.6.3", _ngc("24.04"), "12.4", (525, 60), ((470, 57),), "3.10")
_V10 = TensorRt(
    "10.16.1.11", _ngc("26.05"), "13.2", (580, 65), ((535, 54),), "3.12", workspace="--memPoolSize=workspace:{mib}M"
)
_V11 = replace(
    _V10, version="11.0.0.114", image=_ngc("26.06"), cuda="13.3", fp16=False,
    clock=("--includeDataTransfers", "--noCudaGraph", "--noSpinWait", *_SERIES),
)  # fmt: skip

#: The table, by version.
TOOLCHAINS = {
    row.version: row
    for row in (
        _V7,
        replace(_V86, version="8.6.1.6", image=_ngc("23.10"), cuda="12.2"),
        _V86,
        replace(_V86, version="10.0.1.6", image=_ngc("24.05"), workspace=_V10.workspace),
        _V10,
        _V11,
        replace(_V11, version="11.1.0.106", image=_ngc("26.07")),
        replace(_V11, version="11.2.1.2", image=_ngc("26.08")),
    )
}
#: Behaviour of a version that has no row, where the recipe names an image that holds it.
_LIKE = {"7.2.": _V7, "8.6.": _V86, "10.": _V10, "11.": _V11}


def toolchain_of(job: Job) -> TensorRt:
    """The row of the job's toolchain; another version of a known series where the recipe names its image.

    Raises:
        InvalidInputError: unknown, or with a known fault.
    """
    stated = job.toolchain or DEFAULT
    version = stated.partition(",")[0].strip().rpartition(" ")[2]
    like = next((row for start, row in _LIKE.items() if version.startswith(start)), None)
    if version not in TOOLCHAINS and like and isinstance(base := job.options.get("base"), str):
        return replace(like, version=version, image=base)
    try:
        return find_toolchain("TensorRT", TOOLCHAINS, stated, job.target)
    except InvalidInputError as error:
        if like is None or version in TOOLCHAINS:
            raise
        raise InvalidInputError(
            error.what, remedy=f"{error.remedy}; or name an image that holds it with options -> base"
        ) from error
