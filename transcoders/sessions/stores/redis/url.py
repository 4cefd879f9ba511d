"""Where the store is and how to reach it: a URL, read here so that no message of others shows its password.

    redis://user:password@host:6379/0?timeout=1000      rediss:// with TLS, valkey:// and valkeys:// the same
    unix://user:password@/run/redis.sock?db=0           redis+unix:// and valkey+unix:// the same

User, password and path are percent-encoded where they hold one of `/ ? # @ : %`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from transcoders import options
from transcoders.errors import SpecError
from transcoders.options import Option

PLAIN: Final = {"redis", "valkey"}
SECURE: Final = {"rediss", "valkeys"}
LOCAL: Final = {"unix", "redis+unix", "valkey+unix"}
PORT: Final = 6379
OPTIONS: Final = (
    Option("db", "int", 0, "database number, where the path does not say it", 0, 1_000_000),
    Option("protocol", "choice", "2", "version of RESP", choices=("2", "3")),
    Option("timeout", "int", 1000, "milliseconds for one operation, repetitions included", 10, 600_000),
    Option("connect_timeout", "int", 500, "milliseconds for one connection", 10, 600_000),
    Option("max_connections", "int", 64, "connections of a process at most; without asyncio", 1, 10_000),
    Option("wait", "int", 0, "replicas that must have a write before it counts", 0, 9),
    Option("ca", "path", None, "certificates to trust, PEM; the system's without it"),
    Option("cert", "path", None, "certificate to show, PEM"),
    Option("key", "path", None, "private key of that certificate, PEM"),
    Option("verify", "flag", default=True, help="whether the server's certificate is checked"),
)
"""What may stand behind the `?`."""
_TLS = ("ca", "cert", "key", "verify")


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how it is talked to.

    Attributes:
        host: its name or address; empty for a socket of this machine.
        port: its port.
        path: the socket of this machine.
        db: the number of the database.
        username: for ACLs; empty for the default user.
        password: empty for none; never shown.
        secure: whether TLS is spoken.
        settings: the typed options.
    """

    host: str = ""
    port: int = PORT
    path: str = ""
    db: int = 0
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    secure: bool = False
    settings: Mapping[str, options.OptionValue] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        """Where it is, for messages: no user, no password."""
        return self.path or (f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}")

    def number(self, name: str) -> int:
        """An option that is a number."""
        return int(self.settings[name])

    def text(self, name: str) -> str | None:
        """An option that is a text; None when it is not set."""
        value = self.settings.get(name)
        return None if value is None else str(value)


def parse(url: str, seconds: float = 1.0) -> Target:
    """The server that a URL names.

    Args:
        url: as above.
        seconds: the timeout of an operation, where the URL does not say it.

    Raises:
        SpecError: it names none. The message holds neither user nor password.
    """
    scheme = url.partition(":")[0].lower()
    if scheme not in PLAIN | SECURE | LOCAL:
        raise SpecError(f"a store at {scheme!r} is none of these{options.nearest(scheme, PLAIN | SECURE | LOCAL)}")
    parts = _split(url, scheme)
    settings = options.read(OPTIONS, {"timeout": str(round(seconds * 1000))} | _query(parts.query), scheme)
    for name in _TLS:
        if scheme not in SECURE and settings.get(name, True) is not True:
            raise SpecError(f"option {name!r} is for TLS: write rediss:// or valkeys:// instead of {scheme}://")
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    if scheme in LOCAL:
        return Target("", 0, _socket(parts), int(settings["db"]), user, password, settings=settings)
    db = _database(parts.path, int(settings["db"]))
    host = unquote(parts.hostname or "localhost")
    return Target(host, parts.port or PORT, "", db, user, password, secure=scheme in SECURE, settings=settings)


def _split(url: str, scheme: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = None
    if parts is None or "@" in parts.path + parts.query + parts.fragment or parts.fragment:
        raise SpecError(
            f"expected {scheme}://user:password@host:port/database?option=value; found something else. A password "
            "with / ? # @ : or % in it is written percent-encoded, as urllib.parse.quote(password, safe='') does"
        ) from None
    return parts


def _query(text: str) -> dict[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    given = dict(pairs)
    if len(given) < len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise SpecError(f"option {twice!r} is given twice")
    return given


def _socket(parts: SplitResult) -> str:
    if parts.hostname or len(parts.path) < 2:
        raise SpecError(f"expected {parts.scheme}:///path/of/the/socket, with three slashes; found no path")
    return unquote(parts.path)


def _database(path: str, default: int) -> int:
    text = path.strip("/")
    if text and not (text.isascii() and text.isdigit() and len(text) < 8):
        raise SpecError("expected the number of a database behind the host, as in redis://host/0; found something else")
    return int(text) if text else default
