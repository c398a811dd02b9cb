"""Result files of the vendors' tools, one per image, as rows of float32 scores: read many at a time, and checked.

A score is float32 whatever the file holds, as in the published script: text is read as double, then rounded.
"""

from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["FORMATS", "ResultReader", "parse_text"]

FORMATS = ("txt", "bin", "npy")
#: Files that are read together: some hundred kilobytes, which stay in the processor's caches.
_BLOCK = {"txt": 32, "bin": 256, "npy": 256}
#: Bytes of one number as text: twice what any tool writes.
_TEXT_BYTES = 64
_AGAIN = "Empty the folder and run the inference again."
_OTHER = "Choose the output that holds the scores with --suffix, or give a classifier with one score per class."
#: Bytes of a text that is too long, up to which its numbers are counted for the message.
_COUNTED = 16 << 20
#: Small integers, read as float32, are smaller than this.
_DENORMAL = 1e-30


class ResultReader:
    """Reads the result files of a folder.

    Args:
        folder: where they are.
        form: ``txt`` (numbers with blanks or line ends between them), ``bin`` (raw little-endian float32), ``npy``.
        classes: scores that each file must hold.
    """

    def __init__(self, folder: str, form: str, classes: int) -> None:
        self._folder = folder
        self._classes = classes
        self._block = _BLOCK[form]
        limit = {"txt": _TEXT_BYTES * classes, "bin": 4 * classes, "npy": 8 * classes + 4096}
        self._limit = limit[form]
        self._expected = limit[form] if form == "bin" else -1
        parse: dict[str, Callable[[list[str], list[bytes]], Floats]] = {
            "txt": self._text,
            "bin": self._binary,
            "npy": self._arrays,
        }
        self._parse = parse[form]

    def read(self, names: list[str]) -> Iterator[tuple[int, Floats]]:
        """Blocks of scores, float32 (files, classes), each with the place of its first file in `names`; in order.

        Raises:
            UserError: a file that is not what its name says; it names the file.
        """
        handle = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for first in range(0, len(names), self._block):
                yield first, self._read(handle, names[first : first + self._block])
        finally:
            os.close(handle)

    def _read(self, folder: int, names: list[str]) -> Floats:
        contents = []
        for name in names:
            try:
                file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
            except FileNotFoundError:
                raise self._error(name, "was removed while the results were read", "missing") from None
            try:
                data = os.read(file, self._limit + 1)
                if len(data) != self._expected and (more := os.read(file, self._limit + 1)):
                    data += more  # a short read, as on network file systems, or a file that is too long
            except IsADirectoryError:
                raise self._error(name, "is a folder") from None
            finally:
                os.close(file)
            if not data:
                raise self._error(name, "is empty")
            contents.append(data)
        return self._parse(names, contents)

    def _error(self, name: str, what: str, kind: str = "damaged", remedy: str = _AGAIN) -> UserError:
        return UserError(what, remedy, os.path.join(self._folder, name), kind)

    def _wrong_count(self, name: str, count: int) -> UserError:
        what = f"holds {count} scores, and the model has {self._classes} classes"
        remedy = f"If these are the scores, there are {count} classes; otherwise choose the output with --suffix."
        if count == self._classes + 1:
            remedy = f"If class 0 is the background, give --classes {count} --background-class."
        return self._error(name, what, remedy=remedy)

    def _binary(self, names: list[str], contents: list[bytes]) -> Floats:
        size = 4 * self._classes
        if set(map(len, contents)) != {size}:
            self._refuse_sizes(names, contents, size)
        block = b"".join(contents)
        # All bytes of a text are below 128; those of scores hardly ever are.
        plain = np.frombuffer(block, dtype=np.uint8).reshape(len(names), size).max(axis=1) < 128
        for row in np.flatnonzero(plain):
            if not contents[row].strip(b"0123456789.+-eE \r\n"):
                raise self._error(names[row], "holds text, not float32 numbers", remedy="Read it with --format txt.")
        scores = np.frombuffer(block, dtype="<f4").reshape(len(names), self._classes)
        self._check_integers(names, scores)
        return scores

    def _refuse_sizes(self, names: list[str], contents: list[bytes], size: int) -> NoReturn:
        name, data = next(pair for pair in zip(names, contents, strict=True) if len(pair[1]) != size)
        actual = os.stat(os.path.join(self._folder, name)).st_size
        if actual % 4 == 0 and actual != 2 * size:  # twice as much is what double numbers take
            raise self._wrong_count(name, actual // 4)
        remedy = "Run the inference again; if these are integers or double numbers, choose the output of scores."
        if actual == 2 * size:
            remedy = f"Choose the output of scores; if these are of float32, there are {actual // 4} classes."
        what = f"has {len(data) if actual < size else actual} bytes; {self._classes} scores of float32 have {size}"
        raise self._error(name, what, remedy=remedy)

    def _check_integers(self, names: list[str], scores: Floats) -> None:
        largest = np.maximum(scores.max(axis=1), -scores.min(axis=1))
        odd = np.flatnonzero((largest > 0) & (largest < _DENORMAL))
        if len(odd):
            remedy = "Choose the output of scores with --suffix: the tools write every output as if it were float32."
            raise self._error(names[int(odd[0])], "holds integers, not float32 scores", remedy=remedy)

    def _arrays(self, names: list[str], contents: list[bytes]) -> Floats:
        header: bytes = b""
        dtype: np.dtype[np.generic] = np.dtype("<f4")
        scores = np.empty((len(names), self._classes), dtype=np.float32)
        for row, (name, data) in enumerate(zip(names, contents, strict=True)):
            if not (header and data.startswith(header) and len(data) == len(header) + dtype.itemsize * self._classes):
                array = self._array(name, data)
                header, dtype = data[: len(data) - array.nbytes], array.dtype
            scores[row] = np.frombuffer(data, dtype, offset=len(header))
        return scores

    def _array(self, name: str, data: bytes) -> NDArray[np.generic]:
        stream = io.BytesIO(data)
        try:
            array: NDArray[np.generic] = np.load(stream, allow_pickle=False)
        except Exception:  # noqa: BLE001 - its header is parsed as Python: a flipped bit raises whatever a parser can
            raise self._error(name, "is not a whole .npy array of numbers") from None
        if stream.tell() != len(data):
            raise self._error(name, "has more data after its array")
        if array.dtype.kind != "f":
            remedy = "Choose the output that holds the scores with --suffix."
            raise self._error(name, f"holds {array.dtype}, not scores", remedy=remedy)
        if array.size != self._classes:
            raise self._wrong_count(name, array.size)
        if max(array.shape, default=1) != array.size:
            shape = " x ".join(map(str, array.shape))
            raise self._error(name, f"has the shape {shape}, and one row of scores is expected", remedy=_OTHER)
        return array

    def _text(self, names: list[str], contents: list[bytes]) -> Floats:
        scores = parse_fixed(contents, self._classes)
        if scores is not None:
            return scores
        scores = np.empty((len(names), self._classes), dtype=np.float32)
        for row, (name, data) in enumerate(zip(names, contents, strict=True)):
            if len(data) > self._limit:
                self._refuse_long(name)
            try:
                values = parse_text(data)
            except ValueError as error:
                raise self._error(name, str(error)) from None
            if len(values) != self._classes:
                raise self._wrong_count(name, len(values))
            rows = sum(1 for line in data.splitlines() if line.strip())
            if 1 < rows < len(values):
                what = f"holds {rows} rows of numbers, and one row of scores is expected"
                raise self._error(name, what, remedy=_OTHER)
            if not any(mark in data for mark in b".nN") and b"e" not in data.lower():
                remedy = "Choose the output that holds the scores with --suffix."
                raise self._error(name, "holds whole numbers, not scores", remedy=remedy)
            scores[row] = values
        return scores

    def _refuse_long(self, name: str) -> NoReturn:
        """Refuse a text of far more numbers than classes; says how many, unless counting takes too long."""
        with open(os.path.join(self._folder, name), "rb") as file:
            data = file.read(_COUNTED + 1)
        if len(data) <= _COUNTED:
            with contextlib.suppress(ValueError):
                raise self._wrong_count(name, len(parse_text(data)))
        raise self._error(name, f"is too long for {self._classes} numbers", remedy=_OTHER)


def parse_text(data: bytes) -> list[float]:
    """Numbers with white space between them, in any form that Python's float takes.

    Raises:
        ValueError: binary data, or something that is not a number; it says which.
    """
    if not data.isascii() or b"\0" in data:
        raise ValueError("holds binary data, not text")
    tokens = data.split()
    try:
        return _json_numbers(tokens)
    except ValueError:  # nan, inf, and what JSON does not allow: +1, .5, 1.
        pass
    try:
        return [float(token) for token in tokens]
    except ValueError:
        odd = next(token for token in tokens if not _is_number(token))
        raise ValueError(f"holds {odd[:40].decode()!r}, which is not a number") from None


def _json_numbers(tokens: list[bytes]) -> list[float]:
    import orjson  # four times as fast as float()

    values: list[float] = orjson.loads(b"[" + b",".join(tokens) + b"]")
    if not all(type(value) in {float, int} for value in values):
        raise ValueError
    return values


def _is_number(token: bytes) -> bool:
    try:
        float(token)
    except ValueError:
        return False
    return True


def parse_fixed(contents: list[bytes], count: int) -> Floats | None:
    """Numbers as C's ``%f`` prints them, one blank between: float32 (files, count); None if one is of another form.

    There are always six decimals, so the last eight characters of each number, ``d.dddddd``, are one 64-bit word, and
    a few operations turn all words into whole numbers of millionths. Below 2**53 the division by a million gives the
    nearest double, just as a parser would. Four times as fast as a JSON parser, which makes an object of each number.
    """
    lines = [data.rstrip() + b" " for data in contents]
    text = np.frombuffer(b"".join(lines), dtype=np.uint8)
    ends = np.flatnonzero(text == 32)  # the blank after each number
    borders = np.cumsum([len(line) for line in lines]) - 1
    if len(ends) != len(lines) * count or not np.array_equal(ends[count - 1 :: count], borders):
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 8:
        return None
    negative = text[ends - lengths] == 45
    lengths -= negative
    longest = int(lengths.max())
    if lengths.min() < 8 or longest > 15:
        return None
    tails = np.ndarray(len(text) - 7, dtype="V8", buffer=text, strides=(1,))  # eight bytes from each place on
    words = tails[ends - 8].view("<u8")
    if (millionths := _eight_digits(words)) is None:
        return None
    for place in range(9, longest + 1):  # the tens and above, which few numbers have
        digit = text[ends - place] - np.uint8(48)
        digit *= lengths >= place
        if digit.max() > 9:
            return None
        millionths += digit * np.int64(10 ** (place - 2))
    values: NDArray[np.float64] = np.copysign(millionths / 1e6, 0.5 - negative)  # np.where takes five times as long
    return values.astype(np.float32).reshape(len(lines), count)


def _eight_digits(words: NDArray[np.uint64]) -> NDArray[np.int64] | None:
    """Millionths of ``d.dddddd`` in each word, first character in its lowest byte; None if one is of another form.

    Pairs, fours and all eight digits are joined by multiplications, as in D. Lemire, "Quickly parsing eight digits".
    """
    digits = words ^ _U64(0x3030303030302E30)  # characters to values; the point to 0
    if ((digits | (digits + _U64(0x7676767676767F76))) & _U64(0x8080808080808080)).any():
        return None
    digits = (digits & _U64(0xFFFFFFFFFFFF0000)) | ((digits & _U64(0xFF)) << _U64(8))  # the first digit over the point
    pairs = digits * _U64(10) + (digits >> _U64(8))
    mask = _U64(0x000000FF000000FF)
    high, low = (pairs & mask) * _U64(0x000F424000000064), ((pairs >> _U64(16)) & mask) * _U64(0x0000271000000001)
    return ((high + low) >> _U64(32)).view(np.int64)


_U64 = np.uint64
