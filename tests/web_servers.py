"""Real web servers for tests: gunicorn and uvicorn processes, Debian's nginx before them, Debian's PostgreSQL behind.

All listen on free ports of 127.0.0.1, and are killed with the test. nginx runs the configuration of the examples; only
addresses and paths of files are put in its place. `Client` keeps cookies and asks as a browser does.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import Any, Self

import pytest

from tests import servers
from tests.chromium import program
from tests.servers import free_port

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
CONF = EXAMPLES / "compose" / "nginx.conf"
PATIENCE = 60
"""Seconds that a server may take to start, or to answer."""
SERVERS = {
    "wsgi": ("gunicorn", "--worker-class", "gthread", "--threads", "4"),
    "asgi": ("uvicorn",),
    "aiohttp": ("gunicorn", "--worker-class", "aiohttp.GunicornWebWorker"),
}
"""How applications of each kind are served."""
SHOPS = {
    "wsgi_app:application": "wsgi",
    "flask_app:app": "wsgi",
    "django_app:application": "wsgi",
    "fastapi_app:app": "asgi",
    "starlette_app:app": "asgi",
    "aiohttp_app:app": "aiohttp",
}
"""The applications of the examples, one a framework, and their kinds."""


class Process:
    """A process that listens to a port.

    Args:
        command: the command.
        port: where it is to listen.
        folder: where it runs.
        user: who it runs as, where root may not run it.
        environment: variables beside those of this process.
    """

    def __init__(
        self, command: Sequence[str], port: int, folder: Path = ROOT, user: str | None = None, **environment: str
    ) -> None:
        self.port, self._log = port, TemporaryFile()  # noqa: SIM115 - closed in `stop`
        self.process = subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=folder, user=user, stdout=self._log, stderr=subprocess.STDOUT, env=os.environ | environment
        )

    def ready(self) -> Self:
        """Wait until it listens."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return self
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.log()
                self.stop()
                pytest.fail(f"{self.process.args} does not listen:\n{log}")
            time.sleep(0.01)

    def log(self) -> str:
        """The end of what it printed."""
        self._log.seek(0)
        return self._log.read()[-3000:].decode(errors="replace")

    def stop(self) -> None:
        """Kill it and its children; a second time does nothing."""
        children = _children(self.process.pid) if self.process.poll() is None else []
        self.process.kill()
        self.process.wait()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._log.close()


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def store() -> str:
    """The URL of the shared Valkey, with patience for a machine that is busy with other tests."""
    return servers.shared("valkey").url(timeout=PATIENCE * 1000, connect_timeout=PATIENCE * 1000)


def web(kind: str, application: str, folder: Path = ROOT, **environment: str) -> Process:
    """A server of the application, `module:name`, that begins to start."""
    name, *options = SERVERS[kind]
    port = free_port()
    where = ("--port", str(port)) if name == "uvicorn" else ("--bind", f"127.0.0.1:{port}", "--no-control-socket")
    return Process([sys.executable, "-m", name, *options, *where, application], port, folder, **environment)


class Nginx:
    """nginx with the configuration of the examples, as a context manager.

    Attributes:
        port: where it listens.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._folder, self.port = Path(mkdtemp(prefix="tc-nginx-")), free_port()
        self._folder.chmod(0o755)
        self._write(ports)
        settings = f"daemon off; pid {self._folder}/pid; error_log stderr;"
        self._command = [program("nginx", "nginx"), "-p", str(self._folder), "-c", "nginx.conf", "-e", "stderr"]
        self._command += ["-g", settings]
        self._process = Process(self._command, self.port).ready()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def serve(self, ports: Sequence[int]) -> None:
        """Have it go to these servers from now on, as `nginx -s reload` does; requests under way are answered."""
        before = set(_children(self._process.process.pid))
        self._write(ports)
        self._process.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while before & set(_children(self._process.process.pid)):
            assert time.monotonic() < deadline, self._process.log()
            time.sleep(0.01)

    def _write(self, ports: Sequence[int]) -> None:
        text = CONF.read_text("utf-8")
        servers = re.findall(r"^ *server (web_\d+:8000)( .*;)$", text, re.MULTILINE)
        assert len(servers) == 2, "the example has two web containers"
        ours = "\n".join(f"server 127.0.0.1:{port}{servers[0][1]}" for port in ports)
        text = text.replace(f"server {servers[0][0]}{servers[0][1]}", ours)
        text = text.replace(f"server {servers[1][0]}{servers[1][1]}", "")
        text = text.replace("listen 80;", f"listen 127.0.0.1:{self.port};").replace("auto;", "2;")
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = "".join(f"{kind}_temp_path {self._folder}/{kind};\n" for kind in kinds)
        (self._folder / "nginx.conf").write_text(text.replace("http {", f"http {{\naccess_log off;\n{paths}"))


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of one's own, and how to connect to it."""
    found = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
    if found is None:
        pytest.skip("there is no postgres here: apt-get install postgresql")
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    folder, port = Path(mkdtemp(prefix="tc-postgres-")), free_port()
    try:
        if user:
            shutil.chown(folder, user)
        made = [found, "--pgdata", str(folder / "data"), "--username", "shop", "--auth", "trust", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)  # noqa: S603 - our own command
        command = [str(Path(found).with_name("postgres")), "-D", str(folder / "data"), "-p", str(port), "-F"]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        process = Process(command, port, folder, user).ready()
        try:
            yield f"postgresql://shop@127.0.0.1:{port}/postgres"
        finally:
            process.process.send_signal(signal.SIGINT)
            process.process.wait(PATIENCE)
            process.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Client:
    """Asks a server at a port, and keeps its cookies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, dict[str, str], str]:
        """Status, headers in small letters, and text of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        headers |= {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body or None, headers if self.cookies or body else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        for told in answer.headers.get_all("Set-Cookie", []):
            name, _, value = told.partition(";")[0].partition("=")
            self.cookies[name] = value
            if "Max-Age=0" in told:
                del self.cookies[name]
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def json(self, method: str, path: str) -> Any:
        """What a page shows."""
        status, _, text = self.ask(method, path)
        assert status == 200, (status, text)
        return json.loads(text)
