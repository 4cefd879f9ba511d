"""Flask, by the contract of all faces, and what `flask.session` alone has."""

import flask

from tests.web_contract import Face, FaceContract
from tests.web_pages import PAGES
from transcoders.web.flask import Sessions


class Flask(Face):
    """Flask, with `flask.session`."""

    name = "Flask"

    def application(self, manager, cookie, pages):
        """See Face."""
        app = flask.Flask("shop")
        app.session_interface = Sessions(manager, cookie=cookie)

        def value():
            return flask.request.query_string.decode()

        def page(name):
            return lambda: flask.Response(pages.show(name, flask.session, value()), mimetype="application/json")

        for name in PAGES:
            app.add_url_rule(f"/{name}", name, page(name))

        @app.get("/plain")
        def plain():
            return "plain"

        @app.get("/slow")
        def slow():
            return pages.slow(flask.session, value())

        @app.get("/stream")
        def stream():
            return flask.Response(flask.stream_with_context(pages.stream(flask.session, value())()))

        return app


class TestFlask(FaceContract):
    """The contract."""

    face = Flask()
