"""Frameworks side by side: what one wrote into a session, another reads and changes, in processes of their own."""

from contextlib import ExitStack

import pytest

from tests.web_servers import EXAMPLES, SHOPS, Client, store, web


@pytest.fixture(scope="module")
def ports():
    """Where each framework listens; all of them keep their sessions in one Valkey."""
    with ExitStack() as stack:
        url, folder = store(), EXAMPLES / "apps"
        begun = {name: web(kind, name, folder, SESSION_STORE=url) for name, kind in SHOPS.items()}
        for one in begun.values():
            stack.callback(one.stop)
        yield {name.partition("_")[0]: one.ready().port for name, one in begun.items()}


def asked(client, ports, framework, method, path):
    """What a framework shows: who is there, and the cart."""
    client.port = ports[framework]
    shown = client.json(method, path)
    assert shown["framework"] == framework
    return shown["user"], shown["cart"]


def test_a_session_goes_round(ports):
    """Flask logs in; every other framework knows who it is and puts something into the cart, and Flask shows it all."""
    client, cart = Client(0), []
    assert asked(client, ports, "flask", "POST", "/login/ada") == ("ada", [])
    first = dict(client.cookies)
    for framework in ports:
        cart.append(framework)
        assert asked(client, ports, framework, "POST", f"/cart/{framework}") == ("ada", cart)
    for framework in ports:
        assert asked(client, ports, framework, "GET", "/") == ("ada", cart)
    assert client.cookies == first


@pytest.mark.parametrize("framework", [name.partition("_")[0] for name in SHOPS])
def test_login_and_logout_of_one_count_for_all(framework, ports):
    """A login in any framework keeps the cart and ends the old id for all of them; a logout in it is one everywhere."""
    client = Client(0)
    asked(client, ports, "flask", "POST", "/cart/tea")
    anonymous = dict(client.cookies)
    assert asked(client, ports, framework, "POST", "/login/eve") == ("eve", ["tea"])
    inside = dict(client.cookies)
    assert inside != anonymous
    for other in ports:
        assert asked(client, ports, other, "GET", "/") == ("eve", ["tea"])
        client.cookies = dict(anonymous)
        assert asked(client, ports, other, "GET", "/") == (None, [])
        client.cookies = dict(inside)
    assert asked(client, ports, framework, "POST", "/logout") == (None, [])
    for other in ports:
        client.cookies = dict(inside)
        assert asked(client, ports, other, "GET", "/") == (None, [])
