"""Files that a file of the user refers to: shards of a checkpoint, external data of an ONNX model."""

from __future__ import annotations

from pathlib import Path

from kit.data.presence import inside_errors
from kit.errors import InvalidInputError, MissingError
from kit.inside.companions import companions
from kit.inside.labels import some

__all__ = ["referenced_files"]


def referenced_files(path: Path) -> tuple[str, ...]:
    """Paths of the files that `path` refers to, relative to its folder; none for a folder and for most files.

    Raises:
        InvalidInputError: one of them is outside the folder, or is a link that leaves it.
        MissingError: one of them is not there.
    """
    if not path.is_file():
        return ()
    with inside_errors():
        names = [name for name in companions(str(path)) if name != path.name]
    if absent := [name for name in names if not (path.parent / name).is_file()]:
        raise MissingError(
            f"keeps weights in {some(absent)}, which {'is' if len(absent) == 1 else 'are'} not next to it",
            where=str(path),
            remedy="put what it names into the folder of the model, under the same names",
        )
    for name in names:
        place = path.parent / name
        if not place.resolve().is_relative_to(path.parent.resolve()):
            raise InvalidInputError(
                "the link leaves its folder, and a container would not see its end",
                where=str(place),
                remedy="put the file itself there",
            )
    return tuple(names)
