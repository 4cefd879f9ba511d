"""Flask with our sessions, and with Flask-Session's."""

import flask
import flask_session
import redis

from bench.web.calls import Make, wsgi
from bench.web.site import CHANGE, Site
from transcoders.web.flask import Sessions


def bare(site: Site) -> Make:
    """No sessions."""
    return wsgi(_app(site, sessions=False))


def ours(site: Site) -> Make:
    """Our SessionInterface, all else as Flask has it."""
    app = _app(site, sessions=True)
    app.session_interface = Sessions(site.url, site.transcoder)
    return wsgi(app)


def peer(site: Site) -> Make:
    """Flask-Session as it comes: MessagePack, and every request writes."""
    return _peer(site, refresh=True)


def peer_unrefreshed(site: Site) -> Make:
    """Flask-Session without SESSION_REFRESH_EACH_REQUEST: a request that changes nothing writes nothing."""
    return _peer(site, refresh=False)


def _peer(site: Site, *, refresh: bool) -> Make:
    app = _app(site, sessions=True, marks=True)
    app.config.update(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis.Redis(port=site.port, db=site.database),
        SESSION_REFRESH_EACH_REQUEST=refresh,
    )
    flask_session.Session(app)
    return wsgi(app)


def _app(site: Site, *, sessions: bool, marks: bool = False) -> flask.Flask:
    """The site; with `marks` a change is announced, since the sessions do not look inside of values."""
    app = flask.Flask("bench")

    @app.get("/<act>")
    def page(act: str) -> str:
        text = site.page(act, flask.session if sessions else None)
        if marks and act == CHANGE:
            flask.session.modified = True
        return text

    return app
