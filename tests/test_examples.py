"""The examples: each application behind the nginx configuration, on real servers; the files for containers fit."""

import re
from contextlib import ExitStack

import pytest

from tests.web_servers import EXAMPLES, SHOPS, Client, Nginx, postgres, store, web


@pytest.mark.parametrize("application", SHOPS)
def test_each_framework_behind_nginx(application):
    """Two processes take turns; login, cart and logout of one are the other's at once; one may be killed."""
    url, folder = store(), EXAMPLES / "apps"
    with ExitStack() as stack:
        begun = [web(SHOPS[application], application, folder, SESSION_STORE=url) for _ in range(2)]
        for one in begun:
            stack.callback(one.stop)
        nginx = stack.enter_context(Nginx([one.ready().port for one in begun]))
        client = Client(nginx.port)
        assert client.json("GET", "/")["user"] is None
        assert client.cookies == {}
        assert client.json("POST", "/login/ada")["user"] == "ada"
        (before,) = client.cookies.values()
        for product in ("tea", "honey", "cup"):
            client.json("POST", f"/cart/{product}")
        seen = [client.json("GET", "/") for _ in range(10)]
        assert {(one["user"], *one["cart"]) for one in seen} == {("ada", "tea", "honey", "cup")}
        assert [one["process"] for one in seen[::2]] == [seen[0]["process"]] * 5
        assert len({one["process"] for one in seen}) == 2
        begun[0].stop()
        assert {client.json("GET", "/")["user"] for _ in range(4)} == {"ada"}
        client.json("POST", "/login/eve")
        (after,) = client.cookies.values()
        assert after != before
        client.json("POST", "/logout")
        for stale in (before, after):
            client.cookies = {"session": stale}
            assert client.json("GET", "/") | {"process": 0} == seen[0] | {"process": 0, "user": None, "cart": []}


@pytest.mark.parametrize("application", SHOPS)
def test_each_takes_two_lines(application):
    """An application names us once where it takes us from, and once where it says where sessions are."""
    text = (EXAMPLES / "apps" / f"{application.partition(':')[0]}.py").read_text("utf-8")
    assert len(re.findall(r"^from transcoders\.web|SESSION_ENGINE=", text, re.MULTILINE)) == 1
    assert text.count("SESSION_STORE") == 1


def test_the_shop_of_the_containers():
    """Orders are in PostgreSQL, the login and the cart in Valkey, and any of the processes shows all of it."""
    with postgres() as database, ExitStack() as stack:
        url = store()
        begun = [web("wsgi", "shop:create()", EXAMPLES / "compose", SESSION_STORE=url, DATABASE=database) for _ in "ab"]
        for one in begun:
            stack.callback(one.stop)
        nginx = stack.enter_context(Nginx([one.ready().port for one in begun]))
        client = Client(nginx.port)
        assert client.ask("POST", "/login", "user=Ada")[0] == 303
        assert client.ask("POST", "/cart", "product=Green+tea")[0] == 303
        assert client.ask("POST", "/cart", "product=Gold")[0] == 303
        for _ in range(3):
            assert '<span id="cart">Green tea</span>' in client.ask("GET", "/")[2]
        assert client.ask("POST", "/order")[0] == 303
        pages = [client.ask("GET", "/")[2] for _ in range(4)]
        assert all('<li value="1">Green tea</li>' in page and "Cart: " in page for page in pages)
        status, headers, _ = client.ask("GET", "/static/shop.css?v=1")
        assert (status, "set-cookie" in headers, "vary" in headers) == (200, False, False)
        assert client.ask("POST", "/logout")[0] == 303
        assert "Log in" in client.ask("GET", "/")[2]


def documents(path):
    """The documents of a YAML file, read strictly."""
    import yaml

    return [one for one in yaml.safe_load_all((EXAMPLES / path).read_text("utf-8")) if one]


def test_compose_fits_together():
    """Two equal web containers, a Redis and a PostgreSQL that they name, and an nginx whose servers they are."""
    (document,) = documents("compose/docker-compose.yml")
    services = document["services"]
    assert set(services) == {"web_0", "web_1", "nginx", "redis", "postgres"}
    assert services["web_0"] == services["web_1"]
    assert "://redis:" in services["web_0"]["environment"]["SESSION_STORE"]
    assert "@postgres/" in services["web_0"]["environment"]["DATABASE"]
    conf = (EXAMPLES / "compose" / "nginx.conf").read_text("utf-8")
    assert set(re.findall(r"server (\w+):8000", conf)) == {"web_0", "web_1"}
    for volume in services["nginx"]["volumes"]:
        assert (EXAMPLES / "compose" / volume.partition(":")[0]).is_file()
    dockerfile = (EXAMPLES.parent / services["web_0"]["build"]["dockerfile"]).read_text("utf-8")
    for source in re.findall(r"^COPY (.*) \S+$", dockerfile, re.MULTILINE):
        assert all((EXAMPLES.parent / one).exists() for one in source.split())
    for word in ("ip_hash", "sticky", "hash $"):
        assert word not in re.sub(r"#.*", "", conf)


def test_kubernetes_fits_together():
    """Selectors find their pods, the autoscaler its deployment, the ingress its service; nothing sticks to a pod."""
    found = {
        (one["kind"], one["metadata"]["name"]): one
        for path in ("web.yaml", "redis.yaml")
        for one in documents(f"kubernetes/{path}")
    }
    shop, scaler = found["Deployment", "shop"]["spec"], found["HorizontalPodAutoscaler", "shop"]["spec"]
    labels = shop["template"]["metadata"]["labels"]
    assert shop["selector"]["matchLabels"] == labels == found["Service", "shop"]["spec"]["selector"]
    assert labels == found["PodDisruptionBudget", "shop"]["spec"]["selector"]["matchLabels"]
    assert found["Service", "shop"]["spec"]["sessionAffinity"] == "None"
    assert (scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"]) == ("Deployment", "shop")
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    assert "replicas" not in shop
    (container,) = shop["template"]["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"]
    assert {port["name"] for port in container["ports"]} == {"http"}
    assert {one["name"]: one.get("value") for one in container["env"]}["SESSION_STORE"] == "redis://redis:6379/0"
    assert found["Service", "redis"]["spec"]["ports"][0]["port"] == 6379
    redis = found["StatefulSet", "redis"]["spec"]
    assert found["Service", "redis"]["spec"]["selector"] == redis["template"]["metadata"]["labels"]
    (rule,) = found["Ingress", "shop"]["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "shop", "port": {"name": "http"}}
    assert "affinity" not in str(found["Ingress", "shop"]).lower()
