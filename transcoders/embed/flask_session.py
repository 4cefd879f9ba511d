"""Flask-Session: the same `Session`, over a transcoder.

    from transcoders.embed.flask_session import Session

    app.config["TRANSCODERS"] = "msgpack+zstd"  # or a mapping; see `transcoders.embed`
    Session(app)

For the types redis, memcached, mongodb, dynamodb and sqlalchemy. What Flask-Session wrote stays readable in either of
its formats; its fallback, which runs pickles found in the store, is gone. What cannot be read is no session: a new id.
"""

from typing import Any

import flask_session
from flask_session.base import Serializer as Base

from transcoders.embed import MSGPACK, Embedded, Settings
from transcoders.errors import SpecError


class Serializer(Base):  # type: ignore[misc]
    """What stands as `serializer` in a session interface of Flask-Session."""

    def __init__(self, given: Settings) -> None:
        self._embedded = Embedded("flask_session", given, MSGPACK, plain=True)

    def encode(self, session: Any) -> bytes:
        """The frame of the session; raises EncodeError."""
        return self._embedded.encode(dict(session))

    def decode(self, serialized_data: bytes) -> dict[str, Any] | None:
        """The session, or None."""
        return self._embedded.session(serialized_data)


class Session(flask_session.Session):  # type: ignore[misc]
    """Flask-Session's extension, with the transcoder of `app.config["TRANSCODERS"]`."""

    def init_app(self, app: Any) -> None:
        """Set the app's session interface.

        Raises:
            SpecError: the configuration is wrong, or of a session type that stores without a serializer.
        """
        super().init_app(app)
        interface = app.session_interface
        if hasattr(interface, "cache"):
            raise SpecError(
                f"SESSION_TYPE {app.config.get('SESSION_TYPE')!r} keeps sessions in a cache of cachelib, which has a "
                "serializer of its own: transcoders.embed.cachelib.Serializer"
            )
        interface.serializer = Serializer(app.config.get("TRANSCODERS", {}))
