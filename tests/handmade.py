"""Frames as nobody's encoder writes them: any body behind a header of ours."""

import io
import pickle

from transcoders import frame

TAGS = {"pickle": 1, "msgpack": 2, "cbor": 3, "json": 4}
FORMATS = tuple(TAGS)


def framed(codec: str, form: int, content: bytes) -> bytes:
    """The frame of a body in that format."""
    return frame.header(TAGS[codec], form, ()) + content


def pickled(value: object) -> bytes:
    """The pickle of the value as our writer's would be: without a memo."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 5)
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()
