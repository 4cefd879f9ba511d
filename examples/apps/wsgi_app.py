"""A shop for any WSGI server: `gunicorn wsgi_app:application`."""

import json
import os

from transcoders.web.wsgi import SessionMiddleware


def shop(environ, start_response):
    """Answer with the session as JSON."""
    session = environ["transcoders.session"]
    match environ["REQUEST_METHOD"], *environ["PATH_INFO"].strip("/").split("/"):
        case "POST", "login", user:
            session["user"] = user
            session.login(f"user:{user}")
        case "POST", "cart", product:
            session.setdefault("cart", []).append(product)
        case "POST", "logout":
            session.logout()
    shown = {"framework": "wsgi", "process": os.getpid(), "user": session.get("user"), "cart": session.get("cart", [])}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]


application = SessionMiddleware(shop, os.environ.get("SESSION_STORE", "redis://localhost"), "msgpack")
