"""Errors of sessions as Flask has errors: raised in a page, or put in the place of a response that cannot be sent.

They are those of Werkzeug for 503 and 409, so that `app.errorhandler(503)` dresses both.
"""

from contextlib import suppress
from typing import NoReturn

import flask
from werkzeug.exceptions import Conflict, ServiceUnavailable

from transcoders.errors import SessionError
from transcoders.web.visit import CONFLICT, FAILED, RETRY_AFTER, refusal, status


class Unavailable(ServiceUnavailable):
    """The session is not to be had now: its store fails, its lock is taken, or too many are open; see `__cause__`."""


class Changed(Conflict):
    """Another request changed or ended the session in the meantime; see `__cause__`."""


def refuse(error: SessionError) -> NoReturn:
    """Raise what Flask makes a response of; the error itself where it is a mistake."""
    if status(error) == FAILED:
        raise error
    raise _http(error)


def _http(error: SessionError) -> Unavailable | Changed:
    told = refusal(error)
    text = told.body.decode().strip()
    made = Changed(text) if told.status == CONFLICT else Unavailable(text, retry_after=int(RETRY_AFTER))
    made.__cause__ = error
    return made


def substitute(app: flask.Flask, response: flask.Response, error: SessionError | ServiceUnavailable) -> None:
    """Make the response one that says what went wrong, as the application has it; raise what is a mistake."""
    if isinstance(error, SessionError) and status(error) == FAILED:
        raise error
    told = error if isinstance(error, ServiceUnavailable) else _http(error)
    made = app.make_response(app.handle_http_exception(told))
    with suppress(AttributeError):
        response.response.close()  # type: ignore[union-attr]
    response.status, response.headers, response.response = made.status, made.headers, made.response
    response.direct_passthrough = False
    response.vary.add("Cookie")
    response.cache_control.no_store = True
