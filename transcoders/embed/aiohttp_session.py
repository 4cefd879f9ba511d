"""aiohttp-session: the encoder and the decoder of a storage, which stand between sessions and text.

    from transcoders.embed.aiohttp_session import coding

    storage = RedisStorage(redis, **coding("msgpack+zstd"))

A frame becomes text as base64url, so it fits into a cookie as well. What `json.dumps`, its default, wrote stays
readable. What cannot be read is an empty session.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final, TypedDict

from transcoders.embed import JSON, Embedded, Settings

_START: Final = "wVQ"
"""How the magic bytes of a frame begin in base64; no text of JSON does."""


class Coding(TypedDict):
    """Two keywords of a storage."""

    encoder: Callable[[object], str]
    decoder: Callable[[str], Any]


def coding(given: Settings = "json") -> Coding:
    """The keywords `encoder` and `decoder` of a storage.

    Raises:
        SpecError: a setting is wrong.
    """
    embedded = Embedded("aiohttp_session", given, JSON, plain=True)

    def encoder(session: object) -> str:
        return urlsafe_b64encode(embedded.encode(session)).decode("ascii").rstrip("=")

    def decoder(text: str) -> Any:
        data = embedded.session(_bytes(text))
        if data and isinstance(data.get("session"), dict) and type(data.get("created")) is int:
            return data
        return None

    return {"encoder": encoder, "decoder": decoder}


def _bytes(text: str) -> bytes:
    if text.startswith(_START):
        try:
            return urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            pass  # the transcoder says that it is none of its frames
    return text.encode("utf-8", "surrogatepass")
