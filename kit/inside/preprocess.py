"""A folder of images to tensors: one ``.bin`` each with the vendor's info file, or one packed array.

Command line::

    python3 -m inside.preprocess --images DIR --preprocess JSON --out DIR --layout bin|packed
        [--info FILE --info-prefix PATH --width W --height H] [--workers N] [--limit N] [--out-json FILE]

``bin``: ``<stem>.bin``, by default float32 little-endian, channels first. ``packed``: ``tensors.npy`` (N, ...) and
``images.txt``. Existing files are overwritten in place: new ones cost the kernel more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import stat
import sys
import time
from typing import Any

from .arguments import positive
from .labels import image_key, list_images, some, unique_keys
from .pixels import Config, Preprocessor, parse_config
from .pool import Pool, cores
from .protocol import UserError, progress, run, write_json
from .stored import write_names

__all__ = ["PACKED", "Preprocessor", "config_argument", "main", "preprocess_folder", "versions"]

#: The packed layout's array.
PACKED = "tensors.npy"
#: Images per task: enough that sending it costs nothing, few enough that all cores end together.
_CHUNK = 8


def preprocess_folder(
    images: str,
    config: Config,
    out: str,
    *,
    layout: str = "bin",
    workers: int | None = None,
    limit: int | None = None,
    class_folders: bool = False,
) -> list[str]:
    """Preprocess the images of a folder on all cores; returns their names, sorted.

    Raises:
        UserError: an image that cannot be decoded (the first one in the order of names), two with the same stem,
            foreign ``.bin`` files in `out`.
    """
    names = list_images(images, "folders" if class_folders else "flat")[:limit]
    unique_keys(names, images)
    os.makedirs(out, exist_ok=True)
    if layout == "packed":
        base = _create_packed(os.path.join(out, PACKED), (len(names), *config.shape), config.dtype)
        write_names(out, names)
    else:
        base = None
        expected = {f"{image_key(name)}.bin" for name in names}
        if foreign := [name for name in os.listdir(out) if name.endswith(".bin") and name not in expected]:
            raise UserError(
                f"holds {len(foreign)} .bin files of other images: {some(foreign)}", "Empty the folder first.", out
            )
    chunks = ((first, names[first : first + _CHUNK]) for first in range(0, len(names), _CHUNK))
    count = min(workers or cores(), -(-len(names) // _CHUNK))
    done = 0
    with Pool(count, _Writer, images, out, config, base) as pool:
        for number in pool.map(chunks, window=4 * count):
            done += number
            progress(done, len(names), "images")
    return names


def _create_packed(path: str, shape: tuple[int, ...], dtype: str) -> int:
    """Make the array's file with its header, to be filled by the workers; returns the offset of the data."""
    import numpy as np

    with open(path, "wb" if not os.path.isfile(path) else "r+b") as file:
        kind = np.dtype(dtype)
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        offset = file.tell()
        file.truncate(offset + kind.itemsize * int(np.prod(shape)))
    return offset


class _Writer:
    """A worker: makes the tensors of a few images and writes them."""

    def __init__(self, images: str, out: str, config: Config, base: int | None) -> None:
        import numpy as np

        self._images, self._out, self._base = images, out, base
        self._preprocess = Preprocessor(config)
        self._tensor = np.empty(self._preprocess.shape, dtype=self._preprocess.dtype)
        self._packed = os.open(os.path.join(out, PACKED), os.O_WRONLY | os.O_CLOEXEC) if base is not None else -1

    def __call__(self, chunk: tuple[int, list[str]]) -> int:
        first, names = chunk
        for index, name in enumerate(names, first):
            self._preprocess.prep_into(os.path.join(self._images, name), self._tensor)
            if self._base is None:
                self._write_bin(os.path.join(self._out, f"{image_key(name)}.bin"))
            else:
                self._write(self._packed, self._base + index * self._tensor.nbytes)
        return len(names)

    def _write_bin(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(FileNotFoundError):
            status = os.lstat(path)
            if status.st_nlink > 1 or not stat.S_ISREG(status.st_mode):  # other hard links keep their content
                os.unlink(path)
        handle = os.open(path, flags, 0o644)
        try:
            if os.fstat(handle).st_size != self._tensor.nbytes:
                os.ftruncate(handle, self._tensor.nbytes)
            self._write(handle, 0)
        finally:
            os.close(handle)

    def _write(self, handle: int, offset: int) -> None:
        data = self._tensor.data.cast("B")
        while data:  # the kernel may take less than all of it
            written = os.pwrite(handle, data, offset)
            data, offset = data[written:], offset + written


def write_info(path: str, names: list[str], prefix: str, width: int, height: int) -> None:
    """Write the vendor's info file: ``<index> <path> <width> <height>``, one line per image in the order of `names`.

    Its reader takes fields between blanks, so a blank in a name would shift them: a UserError.
    """
    files = [f"{prefix.rstrip('/')}/{image_key(name)}.bin" for name in names]
    lines = [f"{index} {file} {width} {height}\n" for index, file in enumerate(files)]
    if odd := [line for line in lines if len(line.split()) != 4]:
        blank = odd[0].strip()
        raise UserError(f"a path holds a blank, which the info file cannot hold: {blank!r}", "Rename the image.", path)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def config_argument(text: str) -> Config:
    """The preprocessing from the command line: JSON, or the path of a file that holds it."""
    if not text.lstrip().startswith("{"):
        try:
            with open(text, encoding="utf-8") as file:
                text = file.read(1 << 20)
        except FileNotFoundError:
            remedy = "Give the preprocessing as JSON or as a file."
            raise UserError("there is no such file", remedy, text, "missing") from None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(f"the preprocessing is not JSON: {error}", "Give one JSON object.") from None
    return parse_config(value)


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="preprocess", description="Images to float32 tensors.")
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--class-folders", action="store_true", help="there is one subfolder of images per class")
    parser.add_argument("--preprocess", required=True, help="JSON, or a file that holds it")
    parser.add_argument("--out", required=True, help="folder of the tensors")
    parser.add_argument("--layout", choices=("bin", "packed"), default="bin")
    parser.add_argument("--info", help="write the info file of the vendor's benchmark here")
    parser.add_argument("--info-prefix", default=".", help="folder of the .bin files as that benchmark sees it")
    parser.add_argument("--width", type=positive, help="width in the info file (the crop's)")
    parser.add_argument("--height", type=positive, help="height in the info file (the crop's)")
    parser.add_argument("--workers", type=positive, help="processes (all cores)")
    parser.add_argument("--limit", type=positive, help="only the first N images")
    parser.add_argument("--out-json", help="write what was made here")
    arguments = parser.parse_args(argv)
    config = config_argument(arguments.preprocess)
    height, width = config.crop
    for given, made in ((arguments.height, height), (arguments.width, width)):
        if given not in {None, made}:
            what = f"the crop gives {height} x {width}, the model takes {arguments.height} x {arguments.width}"
            raise UserError(what, "Make crop and input shape of the recipe agree.")
    if arguments.info and arguments.layout != "bin":
        raise UserError("an info file lists .bin files", "Use --layout bin.")
    start = time.perf_counter()
    names = preprocess_folder(
        arguments.images,
        config,
        arguments.out,
        layout=arguments.layout,
        workers=arguments.workers,
        limit=arguments.limit,
        class_folders=arguments.class_folders,
    )
    if arguments.info:
        write_info(arguments.info, names, arguments.info_prefix, width, height)
    seconds = time.perf_counter() - start
    print(f"{len(names)} images in {seconds:.2f} s: {len(names) / seconds:.0f} images/s")
    if arguments.out_json:
        write_json(arguments.out_json, summary(config, len(names), arguments.layout))


def summary(config: Config, count: int, layout: str) -> dict[str, Any]:
    """What was made, with which versions; the same in each run."""
    import numpy as np

    shape = list(config.shape)
    return {
        "images": count,
        "layout": layout,
        "shape": shape,
        "dtype": config.dtype,
        "bytes": count * np.dtype(config.dtype).itemsize * int(np.prod(shape)),
        "versions": versions(config),
    }


def versions(config: Config | None) -> dict[str, str]:
    """Versions of Python, NumPy and, where images are decoded, the library that does it."""
    import numpy as np

    found = {"python": sys.version.split()[0], "numpy": np.__version__}
    if config is None:
        return found
    if config.library == "pillow":
        import PIL

        return found | {"pillow": PIL.__version__}
    import cv2

    return found | {"opencv": str(cv2.__version__)}


if __name__ == "__main__":
    run(main)
