"""Zstandard dictionaries (RFC 8878, section 5): what sessions have in common, so that frames need not hold it.

A dictionary lives in a file, and a frame names the one it needs by its id: a file in use is kept as long as frames
are. Nothing in the format guards a dictionary against damage, which would silently change what is read; so the ids
that `train` gives are made from the content, in a range of their own (32,768 to 65,535, two bytes in a frame, not
reserved by the RFC), and `read` checks them. This file is the one door to the zstandard package.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from transcoders.errors import SpecError

LARGEST: Final = 1 << 20
"""Bytes of a dictionary file; useful ones have some thousand."""
SMALLEST: Final = 256
"""Bytes of the smallest that zstd trains."""
_MAGIC: Final = b"\x37\xa4\x30\xec"
_OWN: Final = 1 << 15
_ONE: Final = b"\x28\xb5\x2f\xfd\x20\x01\x09\x00\x00a"
"""A zstd frame of one raw byte."""


class Dictionary(NamedTuple):
    """A dictionary as it stands in its file.

    Attributes:
        path: of the file, for messages.
        id: what frames call it.
        content: the whole file.
    """

    path: str
    id: int
    content: bytes

    def digested(self) -> Any:
        """The dictionary for zstandard's compressors and decompressors; digested once, for all of them.

        Raises:
            SpecError: zstd does not take it.
        """
        zstd = library()
        made = zstd.ZstdCompressionDict(self.content, dict_type=zstd.DICT_TYPE_FULLDICT)
        try:
            zstd.ZstdDecompressor(dict_data=made).decompress(_ONE)  # it is digested at its first use
        except zstd.ZstdError as error:
            raise SpecError(f"zstd dictionary {self.path}: expected a whole one, found damage: {error}") from error
        return made


def library() -> Any:
    """The zstandard package; raises ImportError where it is not installed."""
    import zstandard  # noqa: PLC0415

    return zstandard


def read(path: str) -> Dictionary:
    """The dictionary in the file.

    Raises:
        SpecError: there is no such file, or it holds no dictionary, or a damaged one.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:  # ValueError: no system has such a path
        raise SpecError(f"zstd dictionary {path}: expected a readable file, found: {error}; check the path") from error
    if len(content) > LARGEST:
        raise SpecError(f"zstd dictionary {path}: expected at most {LARGEST} bytes, found more")
    number = int.from_bytes(content[4:8], "little")
    if content[:4] != _MAGIC or not number:
        found = f"{len(content)} bytes starting with {content[:8].hex(' ')}" if content else "an empty file"
        raise SpecError(
            f"zstd dictionary {path}: expected 37 a4 30 ec and an id, found {found}; `transcoders train` makes one"
        )
    if _OWN <= number < 2 * _OWN and number != _number(content):
        raise SpecError(
            f"zstd dictionary {path}: its id is {number}, its content is that of {_number(content)}: the file is "
            "damaged; restore it (ids from 32768 to 65535 belong to `transcoders train`)"
        )
    return Dictionary(path, number, content)


def gather(paths: str) -> Iterator[Dictionary]:
    """The dictionaries in these files and folders, `;` between them; of a folder those named `*.dict`.

    Raises:
        SpecError: as `read` does, and for a folder without dictionaries.
    """
    for path in paths.split(";"):
        files = [path]
        if path and Path(path).is_dir():
            files = sorted(map(str, Path(path).glob("*.dict")))
            if not files:
                raise SpecError(f"zstd dictionaries in {path}: expected files named *.dict, found none")
        yield from map(read, files)


def by_id(dictionaries: Iterable[Dictionary]) -> dict[int, Dictionary]:
    """The dictionaries by their ids; the same one may be given twice.

    Raises:
        SpecError: two of one id differ, so that a frame would not say which it needs.
    """
    found: dict[int, Dictionary] = {}
    for one in dictionaries:
        first = found.setdefault(one.id, one)
        if first.content != one.content:
            raise SpecError(
                f"zstd dictionaries {first.path} and {one.path} differ, and both have the id {one.id}: keep the one "
                "that frames were written with, or train another"
            )
    return found


def train(samples: Sequence[bytes], size: int, level: int) -> bytes:
    """A dictionary of at most `size` bytes from the samples: the same bytes for the same samples.

    zstd's fast cover algorithm chooses the pieces; their statistics are those of compression at that level.

    Raises:
        SpecError: zstd finds nothing to learn in the samples.
    """
    zstd = library()
    try:
        content: bytes = zstd.train_dictionary(size, samples, level=level).as_bytes()
    except zstd.ZstdError as error:
        raise SpecError(f"zstd finds nothing to learn in these samples: {error}; give more, and varied ones") from error
    return content[:4] + _number(content).to_bytes(4, "little") + content[8:]


def _number(content: bytes) -> int:
    return _OWN | zlib.crc32(content[8:]) & _OWN - 1
