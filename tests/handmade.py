"""Frames as nobody's encoder writes them: any body behind a header of ours, sealed by hand."""

import hashlib
import hmac
import io
import pickle

from transcoders import frame

TAGS = {"pickle": 1, "msgpack": 2, "cbor": 3, "json": 4}
FORMATS = tuple(TAGS)


def framed(codec: str, form: int, content: bytes) -> bytes:
    """The frame of a body in that format."""
    return frame.header(TAGS[codec], form, ()) + content


def derived(secret: bytes, purpose: str) -> bytes:
    """The key for that purpose, or what an id is cut from."""
    return hmac.digest(secret, b"transcoders/1/" + purpose.encode(), "sha256")


def lead(secret: bytes, seal: str, size: int, associated: bytes = b"") -> bytes:
    """Key id, binding and size."""
    bound = hashlib.blake2b(associated, key=derived(secret, f"{seal}/binding"), digest_size=2).digest()
    return derived(secret, f"{seal}/id")[:2] + (bound if associated else bytes(2)) + (size % 65536).to_bytes(2, "big")


def sealed(secret: bytes, seal: str, header: bytes, content: bytes, associated: bytes = b"") -> bytes:
    """The frame of a body under the seal, worked out by hand from docs/format.md."""
    frame = header + lead(secret, seal, len(content), associated) + content
    before = b"\0" + len(associated).to_bytes(4, "big") + associated if associated else b""
    key = derived(secret, seal)
    if seal == "hmac":
        return frame + hmac.digest(key, before + frame, "sha256")
    return frame + hashlib.blake2b(before + frame, key=key, digest_size=16, person=b"transcoders/1").digest()


def pickled(value: object) -> bytes:
    """The pickle of the value as our writer's would be: without a memo."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 5)
    pickler.fast = True
    pickler.dump(value)
    return file.getvalue()
