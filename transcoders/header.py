"""What a frame says about itself, without running a codec or a filter."""

from typing import NamedTuple

from transcoders import frame
from transcoders.errors import DecodeError
from transcoders.registry import REGISTRY


class Header(NamedTuple):
    """What stands before the body.

    Attributes:
        foreign: whether there is no frame of ours; then nothing else is known but the size.
        problem: why the header cannot be read; None when it can.
        version: of the frame.
        codec: its name, or `codec-200` for a tag that is not known here.
        filters: their names in encode order.
        tagged: whether the body holds values beyond what its format holds by itself.
        buffers: whether out-of-band buffers stand in the body.
        size: bytes of the whole frame.
        body_size: bytes after the header, seal included.
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


def peek(data: bytes | bytearray | memoryview) -> Header:
    """The header of the frame; never raises on any bytes."""
    view = memoryview(data)
    view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
    try:
        head = frame.parse(bytes(view[: frame.FIXED + 15]))
    except DecodeError as error:
        return Header(foreign=True, size=len(view), problem=str(error))
    codec, *filters = names(head)
    return Header(
        foreign=False, size=len(view), version=frame.VERSION, codec=codec, filters=tuple(filters),
        tagged=bool(head.form & frame.TAGGED), buffers=bool(head.form & frame.BUFFERS),
        body_size=len(view) - head.size,
    )  # fmt: skip


def names(head: frame.Head) -> list[str]:
    """The names behind a header's tags: codec, then filters in encode order."""
    tags = (("codec", head.codec), *(("filter", tag) for tag in head.filters))
    known = REGISTRY.tags()
    return [known.get(tag) or f"{tag[0]}-{tag[1]}" for tag in tags]
