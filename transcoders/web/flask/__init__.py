"""Flask: `flask.session`, shared by every process of the site.

    app.session_interface = transcoders.web.flask.Sessions("redis://localhost", "msgpack")

or `Sessions(app)`, with `SESSION_TRANSCODERS = {"store": "redis://localhost", "transcoder": "msgpack"}` among the
configuration. Flask opens the session of every request; the store is asked when the session is. It is saved when the
response is ready, before a streamed body begins, and read only from then on. A response of 500 and above, or an error,
stores nothing. A session that is emptied is ended. A store that fails is a 503 that `app.errorhandler(503)` may dress.
"""

from typing import cast

import flask

from transcoders.web.flask.interface import Sessions
from transcoders.web.flask.refusing import Changed, Unavailable
from transcoders.web.flask.session import FlaskSession

__all__ = ["Changed", "FlaskSession", "Sessions", "Unavailable", "session"]

session: FlaskSession = cast("FlaskSession", flask.session)
"""`flask.session`, for type checkers: `from transcoders.web.flask import session`."""
