"""What a frame says about itself, without running a codec or a filter."""

from typing import NamedTuple

from transcoders import frame
from transcoders.errors import DecodeError
from transcoders.keyring import LEAD
from transcoders.registry import REGISTRY

_ZSTD = b"\x28\xb5\x2f\xfd"


class Header(NamedTuple):
    """What stands before the body.

    Attributes:
        foreign: whether there is no frame of ours; then nothing else is known but the size.
        problem: why the header cannot be read; None when it can.
        version: of the frame.
        codec: its name, or `codec-200` for a tag that is not known here.
        filters: their names in encode order.
        tagged: whether the body holds values beyond what its format holds by itself.
        buffers: whether out-of-band buffers stand in the body; not known of objects.
        size: bytes of the whole frame.
        body_size: bytes after the header, seal included.
        dictionary: the id of the zstd dictionary that the body needs; 0 for none.
        schema_version: of the declared type that wrote the body; 0 for a body of any session value.
        fingerprint: of that type's shape, in hexadecimal digits.
        layout: how its records stand in the body: `map` or `compact`.
        objects: whether the body is a pickle of objects.
    """

    foreign: bool
    size: int
    problem: str | None = None
    version: int = 0
    codec: str = ""
    filters: tuple[str, ...] = ()
    tagged: bool = False
    buffers: bool = False
    body_size: int = 0
    dictionary: int = 0
    schema_version: int = 0
    fingerprint: str = ""
    layout: str = ""
    objects: bool = False


def peek(data: bytes | bytearray | memoryview) -> Header:
    """The header of the frame; never raises on any bytes."""
    view = memoryview(data)
    view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    try:
        head = frame.parse(bytes(view[: frame.LONGEST]))
    except DecodeError as error:
        return Header(foreign=True, size=len(view), problem=str(error))
    codec, *filters = names(head)
    version, mark = head.schema or (0, b"")
    return Header(
        foreign=False, size=len(view), version=frame.VERSION, codec=codec, filters=tuple(filters),
        tagged=bool(head.form & frame.TAGGED), buffers=head.form == frame.TAGGED | frame.BUFFERS,
        body_size=len(view) - head.size, dictionary=_dictionary(bytes(view[head.size : head.size + LEAD + 10])),
        schema_version=version, fingerprint=mark.hex(),
        layout="" if head.schema is None else "compact" if head.compact else "map",
        objects=head.form == frame.OBJECTS,
    )  # fmt: skip


def _dictionary(start: bytes) -> int:
    """The dictionary id in the header of a zstd frame (RFC 8878, section 3.1.1.1); 0 where there is none."""
    if start[LEAD : LEAD + 4] == _ZSTD:  # behind a seal's lead
        start = start[LEAD:]
    if len(start) < 10 or start[:4] != _ZSTD:
        return 0
    first = 5 if start[4] & 0x20 else 6  # a single segment has no byte for its window
    return int.from_bytes(start[first : first + (0, 1, 2, 4)[start[4] & 3]], "little")


def names(head: frame.Head) -> list[str]:
    """The names behind a header's tags: codec, then filters in encode order."""
    tags = (("codec", head.codec), *(("filter", tag) for tag in head.filters))
    known = REGISTRY.tags()
    return [known.get(tag) or f"{tag[0]}-{tag[1]}" for tag in tags]
