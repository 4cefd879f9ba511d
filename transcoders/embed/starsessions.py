"""starsessions: server-side sessions of Starlette and FastAPI.

    from transcoders.embed.starsessions import Serializer

    app.add_middleware(SessionMiddleware, store=store, serializer=Serializer("msgpack+zstd"))

What its JSON serializer wrote stays readable. What cannot be read is an empty session; starsessions then keeps the id.
"""

from typing import Any

from starsessions.serializers import Serializer as Base

from transcoders.embed import JSON, Embedded, Settings


class Serializer(Base):
    """What `SessionMiddleware` takes as `serializer`."""

    def __init__(self, given: Settings = "json") -> None:
        self._embedded = Embedded("starsessions", given, JSON, plain=True)

    def serialize(self, data: object) -> bytes:
        """The frame of the session; raises EncodeError."""
        return self._embedded.encode(data)

    def deserialize(self, data: bytes) -> dict[str, Any]:
        """The session; an empty one where the store has none, which it tells by empty bytes."""
        return (self._embedded.session(data) if data else None) or {}
