"""The shop of docker-compose.yml, in Flask: orders in PostgreSQL, who is logged in and the cart in the session.

Each container is as good as any other, since neither keeps anything to itself: `gunicorn "shop:create()"`.
"""

import os
import socket

import psycopg
from flask import Flask, redirect, render_template_string, request, session

from transcoders.web.flask import Sessions

PRODUCTS = ("Green tea", "Lime honey", "Blue cup")
TABLE = """
CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer text NOT NULL,
    products text[] NOT NULL,
    ordered timestamptz NOT NULL DEFAULT now()
)
"""
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Shop</title>
<link rel="stylesheet" href="/static/shop.css?v=1">
<h1>Shop</h1>
<p>Answered by <b>{{ host }}</b>.</p>
{% if user %}
<form method="post" action="/logout">Logged in as <b id="user">{{ user }}</b> <button>Log out</button></form>
<p>Cart: <span id="cart">{{ cart|join(", ") or "empty" }}</span></p>
<form method="post" action="/cart">
{% for product in products %}<button name="product" value="{{ product }}">{{ product }}</button> {% endfor %}</form>
<form method="post" action="/order"><button>Order</button></form>
<ol>{% for id, products in orders %}<li value="{{ id }}">{{ products|join(", ") }}</li>{% endfor %}</ol>
{% else %}
<form method="post" action="/login"><input name="user" value="Ada"><button>Log in</button></form>
{% endif %}
</html>"""
CSS = "body { font: 1.1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto } form { margin: 1rem 0 }"


def create() -> Flask:
    """The application."""
    app = Flask(__name__, static_folder=None)
    app.session_interface = Sessions(os.environ["SESSION_STORE"], "msgpack")
    database = os.environ["DATABASE"]
    with psycopg.connect(database) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(1)")  # all workers come here at the same time
        connection.execute(TABLE)

    @app.get("/")
    def shop() -> str:
        user, orders = session.get("user"), []
        if user:
            with psycopg.connect(database) as connection:
                found = connection.execute("SELECT id, products FROM orders WHERE customer = %s ORDER BY id", (user,))
                orders = found.fetchall()
        return render_template_string(
            PAGE, host=socket.gethostname(), user=user, cart=session.get("cart", []), products=PRODUCTS, orders=orders
        )

    @app.post("/login")
    def login():
        session["user"] = request.form["user"]  # a real shop asks for a password
        session.login(f"user:{session['user']}")
        return redirect("/", 303)

    @app.post("/logout")
    def logout():
        session.logout()
        return redirect("/", 303)

    @app.post("/cart")
    def add():
        if request.form["product"] in PRODUCTS:
            session.setdefault("cart", []).append(request.form["product"])
        return redirect("/", 303)

    @app.post("/order")
    def order():
        if session.get("user") and session.get("cart"):
            with psycopg.connect(database) as connection:
                bought = session.pop("cart")
                connection.execute("INSERT INTO orders (customer, products) VALUES (%s, %s)", (session["user"], bought))
        return redirect("/", 303)

    @app.get("/static/shop.css")
    def css():
        return CSS, {"Content-Type": "text/css", "Cache-Control": "public, max-age=3600"}

    return app
