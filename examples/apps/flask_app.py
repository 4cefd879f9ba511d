"""A shop in Flask: `gunicorn flask_app:app`."""

import os

from flask import Flask, session

from transcoders.web.flask import Sessions

app = Flask(__name__)
app.session_interface = Sessions(os.environ.get("SESSION_STORE", "redis://localhost"), "msgpack")


@app.get("/")
def shop():
    """The session as JSON."""
    shown = {"user": session.get("user"), "cart": session.get("cart", [])}
    return {"framework": "flask", "process": os.getpid(), **shown}


@app.post("/login/<user>")
def login(user):
    """Log in; a real shop would ask for a password."""
    session["user"] = user
    session.login(f"user:{user}")
    return shop()


@app.post("/cart/<product>")
def add(product):
    """Put something into the cart."""
    session.setdefault("cart", []).append(product)
    return shop()


@app.post("/logout")
def logout():
    """Log out."""
    session.logout()
    return shop()
