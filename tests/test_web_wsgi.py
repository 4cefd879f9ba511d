"""Plain WSGI applications, by the contract of all faces, and what PEP 3333 alone has."""

from tests.web_contract import Face, FaceContract
from tests.web_pages import PAGES
from transcoders.web.wsgi import KEY, SessionMiddleware


class Wsgi(Face):
    """Applications without a framework."""

    name = "WSGI"

    def application(self, manager, cookie, pages):
        """See Face."""

        def app(environ, start_response):
            page, value = environ["PATH_INFO"][1:], environ["QUERY_STRING"]
            session = environ[KEY]
            if page == "stream":
                body = pages.stream(session, value)()
            elif page == "slow":
                body = [pages.slow(session, value).encode()]
            else:
                body = [(pages.show(page, session, value) if page in PAGES else "plain").encode()]
            start_response("200 OK", [("Content-Type", "application/json")])
            return body

        return SessionMiddleware(app, manager, cookie=cookie)


class TestWsgi(FaceContract):
    """The contract."""

    face = Wsgi()
