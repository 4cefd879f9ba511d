"""The demo: real processes behind its balancer, asked as a browser does; nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from tests import servers
from tests.servers import free_port
from tests.web_servers import store
from transcoders.cli.app import app
from transcoders.cli.demonstrating import Demo, Request, demonstrating
from transcoders.demo.crew import Crew

PATIENCE = 60
"""Seconds after which a test that waits has failed."""


class Browser:
    """Asks the demo, and keeps its cookie."""

    def __init__(self, address):
        self.place, self.cookie = urlsplit(address).netloc, ""

    def ask(self, path="/", method="GET", body="", **headers):
        """Status and text of the answer."""
        connection = HTTPConnection(self.place, timeout=PATIENCE)
        headers |= {"Cookie": self.cookie} if self.cookie else {}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for value in answer.headers.get_all("Set-Cookie", []):
            self.cookie = "" if "Max-Age=0" in value else value.partition(";")[0]
        connection.close()
        return answer.status, text

    def post(self, path, body=""):
        """The page behind a button."""
        status, text = self.ask(path, "POST", body)
        assert status in {200, 303}, text
        return text

    def state(self):
        """The session, and who answered."""
        status, text = self.ask("/state")
        assert status == 200, text
        return json.loads(text)


def request(replicas=2, store=None, *, without=False):
    """What was typed."""
    return Request(replicas=replicas, store=store, without=without, port=0)


def shown(page):
    """Who answered, who is logged in, and whether the session was unknown; as the page has it."""
    found = re.search(r'data-replica="(\d)" data-user="([^"]*)" data-lost="(\d)"', page)
    assert found, page
    return int(found[1]), found[2], found[3] == "1"


@pytest.fixture(scope="module")
def demo():
    """A demo of two replicas, for tests that leave it as it was."""
    with demonstrating(request()) as running:
        assert isinstance(running, Demo)
        yield running.address


def test_the_login_stays(demo):
    """Forty requests alternate between two replicas, and each of them knows who is there and what is in the cart."""
    browser = Browser(demo)
    assert shown(browser.ask()[1])[1:] == ("", False)
    assert shown(browser.post("/login", "name=Ada"))[1:] == ("Ada", False)
    browser.post("/cart", "add=tea")
    seen = [shown(browser.ask()[1]) for _ in range(40)]
    assert Counter(replica for replica, _, _ in seen) == {1: 20, 2: 20}
    assert all(one != other for (one, *_), (other, *_) in pairwise(seen))
    assert {(user, lost) for _, user, lost in seen} == {("Ada", False)}
    state = browser.state()
    assert (state["user"], state["cart"]) == ("Ada", {"tea": 1})
    assert sorted(state["answered"].values()) == [21, 22]


def test_a_logout_is_final_everywhere(demo):
    """Who logs out on one replica is out on the other, also with the cookie from before."""
    browser = Browser(demo)
    browser.post("/login", "name=Ada")
    stolen = browser.cookie
    assert "user" in browser.state()
    assert shown(browser.post("/logout"))[1] == ""
    assert "user" not in browser.state()
    assert "user" not in browser.state()
    browser.cookie = stolen
    assert shown(browser.ask()[1])[1:] == ("", True)


def test_requests_at_once_all_count(demo):
    """Pictures that count, six at a time as browsers ask for them, lose nothing and double nothing."""
    browser = Browser(demo)
    page = browser.post("/burst")
    pictures = re.findall(r'src="(/tick\.svg[^"]*)"', page)
    assert len(pictures) == len(set(pictures)) == 24

    def fetch(path):
        one = Browser(demo)
        one.cookie = browser.cookie
        return one.ask(path)[0]

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(fetch, pictures)) == {200}
    state = browser.state()
    assert state["count"] == 24
    assert sum(state["answered"].values()) == 25


def test_what_is_typed_is_escaped_and_what_is_not_there_is_said(demo):
    """A name is text and no markup; an unknown page and an unknown product are 404; pictures have no session."""
    browser = Browser(demo)
    page = browser.post("/login", "name=%3Cscript%3E%C3%A9")
    assert "<script>" not in page
    assert shown(page)[1] == "&lt;script&gt;é"
    assert browser.ask("/nowhere")[0] == 404
    assert browser.ask("/cart", "POST", "add=gold")[0] == 404
    browser.cookie = ""
    assert browser.ask("/static/a.svg?v=3")[1].startswith("<svg")
    assert browser.cookie == ""


def test_buttons_are_for_the_page_alone(demo):
    """What another site's page sends, what is no button and what is too large changes nothing, and says why."""
    browser = Browser(demo)
    assert browser.ask("/demo/stop/1", "POST", Origin="http://elsewhere.example")[0] == 403
    for path in ("/demo/stop/9", "/demo/start/0", "/demo/scale/99", "/demo/scale/x", "/demo/format/1"):
        assert browser.ask(path, "POST")[0] == 400
    assert browser.ask("/demo/stop/1")[0] == 404
    assert browser.ask("/login", "POST", "x" * 70000)[0] == 413
    assert [browser.state()["replica"] for _ in range(2)] in ([1, 2], [2, 1])


def test_scaling_and_killing_under_load():
    """While three browsers ask without a pause, two replicas become four, one is killed and started: no logout, no
    error; and when all are stopped the page says so, and what was there is there again.
    """  # noqa: D205 - one sentence
    with demonstrating(request()) as running:
        browsers = [Browser(running.address) for _ in range(3)]
        for number, browser in enumerate(browsers):
            browser.post("/login", f"name=u{number}")
        over, seen = threading.Event(), Counter()

        def click(browser, number):
            while not over.is_set():
                state = browser.state()
                assert state["user"] == f"u{number}"
                seen[state["replica"]] += 1

        with ThreadPoolExecutor(3) as threads:
            clicking = [threads.submit(click, browser, number) for number, browser in enumerate(browsers)]
            try:
                control = Browser(running.address)
                for path in ("scale/4", "stop/1", "start/1", "stop/2"):
                    control.post(f"/demo/{path}")
                    before = sum(seen.values())
                    while sum(seen.values()) < before + 12 and not any(one.done() for one in clicking):
                        control.state()
            finally:
                over.set()
            assert [one.result(PATIENCE) for one in clicking] == [None] * 3
        assert set(seen) == {1, 2, 3, 4}
        for number in (1, 3, 4):
            control.post(f"/demo/stop/{number}")
        status, page = browsers[0].ask()
        assert status == 503
        assert "/demo/start/3" in page
        control.post("/demo/start/3")
        assert browsers[0].state() == {"replica": 3, "user": "u0", "answered": browsers[0].state()["answered"]}
        control.post("/demo/scale/2")
        assert {browsers[0].state()["replica"] for _ in range(4)} == {1, 2}


@pytest.mark.parametrize(
    "answer", ["", "HTTP/1.0 200 OK\r\nX-Replica: 1\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
def test_an_answer_that_breaks_off_is_none(answer):
    """A replica that dies within its answer is passed over for a page, and no form is sent twice."""
    with demonstrating(request(replicas=1)) as running, socket.create_server(("127.0.0.1", 0)) as dying:
        browser = Browser(running.address)

        def die():
            for _ in range(2):
                opened, _ = dying.accept()
                with opened:
                    opened.recv(65536)
                    opened.sendall(answer.encode())

        with ThreadPoolExecutor(1) as threads:
            done = threads.submit(die)
            real = Crew.turn
            port = dying.getsockname()[1]
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Crew, "turn", lambda crew: [SimpleNamespace(port=port), *real(crew)])
                assert browser.state() == {"replica": 1}
                assert browser.ask("/count", "POST")[0] == 502
            done.result(PATIENCE)
        assert browser.state() == {"replica": 1}


def test_without_shared_sessions_the_login_vanishes():
    """Every click after a login finds a replica that has never heard of the session: twenty logins, twenty logouts."""
    with demonstrating(request(without=True)) as running:
        browser = Browser(running.address)
        out = 0
        for _ in range(20):
            assert shown(browser.post("/login", "name=Ada"))[1] == "Ada"
            out += shown(browser.ask()[1])[1:] == ("", True)
        assert out == 20


def test_a_store_of_ones_own():
    """With --store the sessions are in Valkey; one that is not there is told of before anything is served."""
    url = store()
    with demonstrating(request(store=url)) as running:
        browser = Browser(running.address)
        browser.post("/login", "name=Ada")
        assert [browser.state()["user"] for _ in range(4)] == ["Ada"] * 4
    for arguments, code, words in (
        (["--store", f"redis://:secret@127.0.0.1:{free_port()}/0"], 1, "error: "),
        (["--store", "nowhere:"], 2, "error: "),
        (["--store", "memory:"], 2, "cannot share memory"),
        (["--store", url, "--without"], 2, "leave out --store"),
    ):
        result = CliRunner().invoke(app, ["demo", "--port", "0", *arguments])
        assert result.exit_code == code, result.output
        assert words in result.output
        assert "secret" not in result.output


@contextmanager
def command(folder, *arguments):
    """The command as a shell runs it, with its temporary files in a folder."""
    environment = os.environ | {"TMPDIR": str(folder)}
    line = [sys.executable, "-m", "transcoders", "demo", "--json", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment}
    process = subprocess.Popen(line, start_new_session=True, **pipes)  # noqa: S603 - our own command
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def told(process):
    """What the command printed when it began to serve."""
    text = ""
    while not text.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr.read()
        text += line
    return json.loads(text)


def processes_of(folder):
    """The processes that have their temporary files there."""
    mark, found = f"TMPDIR={folder}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            found += [int(entry.name)] if alive and mark in (entry / "environ").read_bytes().split(b"\0") else []
        except OSError:
            continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_behind(number, tmp_path):
    """Ctrl-C and the end that `kill` asks for leave no process and no file, with exit code 0; and a kill no process."""
    with command(tmp_path, "--port", "0", "--replicas", "3") as process:
        record = told(process)
        assert record["replicas"] == 3
        assert len({Browser(record["address"]).state()["replica"] for _ in range(3)}) == 3
        assert len(processes_of(tmp_path)) == 4
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=PATIENCE)
        assert (out.strip(), err) == ("", "")
        assert process.returncode == (-number if number == signal.SIGKILL else 0)
        if number == signal.SIGKILL:
            threads = threading.Event()
            for _ in range(PATIENCE * 20):
                if not processes_of(tmp_path):
                    break
                threads.wait(0.05)
        else:
            assert list(tmp_path.iterdir()) == []
        assert processes_of(tmp_path) == []


def test_a_taken_port_is_said():
    """A port that something else listens on is an error with a way out."""
    port = servers.shared("valkey").port
    result = CliRunner().invoke(app, ["demo", "--port", str(port)])
    assert result.exit_code == 2
    assert f"--port {port + 1}" in result.output
