"""The one door to redis-py: it connects, with TLS, user, password, protocol and database; we drive what it opened.

redis-py repeats commands by itself, also those whose reply was lost after they took effect; a compare-and-set then
conflicts with itself. So it gets no command of ours: once its handshake is done, the socket or the transport is
taken out of it. Its own messages may hold a password or a reply, so they go no further than here.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

from transcoders.errors import MissingExtra, StoreError
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import Lost, reason


def blocking(target: Target) -> Callable[[float], socket.socket]:
    """What opens a connection within so many seconds, and returns its socket, ready for commands.

    redis-py is loaded now, not within an operation's time. The function raises Lost when there is no server, or it is
    not ready; StoreError when it does not let us in. MissingExtra is raised at once.
    """
    kind, arguments = _prepared("redis.connection", target)

    def opened(seconds: float) -> socket.socket:
        connection = kind(**arguments, socket_connect_timeout=seconds, socket_timeout=seconds)
        try:
            connection.connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a secret
            failure = explained(error, target)
        else:
            taken: socket.socket = connection._sock  # noqa: SLF001 - the socket is ours now
            connection._sock = None  # noqa: SLF001
            return taken
        raise failure

    return opened


def asynchronous(target: Target) -> Callable[[float], Awaitable[asyncio.StreamWriter]]:
    """As `blocking`, for the running loop: a stream whose transport is to get another protocol."""
    kind, arguments = _prepared("redis.asyncio.connection", target)

    async def opened(seconds: float) -> asyncio.StreamWriter:
        connection = kind(**arguments, socket_connect_timeout=seconds, socket_timeout=seconds)
        try:
            await connection.connect()
        except asyncio.CancelledError:
            await connection.disconnect(nowait=True)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a secret
            failure = explained(error, target)
        else:
            taken: asyncio.StreamWriter = connection._writer  # noqa: SLF001 - the transport is ours now
            connection._reader = connection._writer = None  # noqa: SLF001
            return taken
        raise failure

    return opened


def _prepared(module: str, target: Target) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The class of redis-py that connects to the target, and what it is to be told."""
    try:
        connections = import_module(module)
        from redis.backoff import NoBackoff  # noqa: PLC0415 - at use
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("a Redis or Valkey store", "redis") from None
    given: dict[str, Any] = {
        "db": target.db,
        "username": target.username or None,
        "password": target.password or None,
        "protocol": target.number("protocol"),
        "retry": Retry(NoBackoff(), 0),
    }
    if target.path:
        return connections.UnixDomainSocketConnection, given | {"path": target.path}
    given |= {"host": target.host, "port": target.port, "socket_keepalive": True}
    if not target.secure:
        return connections.Connection, given
    checked = bool(target.settings["verify"])
    return connections.SSLConnection, given | {
        "ssl_ca_certs": target.text("ca"),
        "ssl_certfile": target.text("cert"),
        "ssl_keyfile": target.text("key"),
        "ssl_cert_reqs": "required" if checked else "none",
        "ssl_check_hostname": checked,
    }


def explained(error: Exception, target: Target) -> Exception:
    """What a failure to connect means, in words of our own."""
    from redis import exceptions  # noqa: PLC0415 - at use

    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError):
        return StoreError(f"the store at {target} does not accept this user and password", retryable=False)
    if isinstance(error, exceptions.NoPermissionError):
        return StoreError(f"the store at {target} lets this user not connect: see its ACL", retryable=False)
    if isinstance(error, exceptions.BusyLoadingError):
        return Lost("it is still loading its data", sent=False)
    if isinstance(error, exceptions.ResponseError):
        what = "is there no such database, or is a password missing?"
        return StoreError(f"the store at {target} refuses the handshake: {what}", retryable=False)
    return _unreachable(error, target)


def _unreachable(error: BaseException | None, target: Target) -> Exception:
    """The reason that the system gave, which stands somewhere behind what redis-py says."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
            return StoreError(f"the certificate of the store at {target} is not trusted: {why}", retryable=False)
        if isinstance(error, TimeoutError):
            return Lost("no connection in time", sent=False, late=True)
        if isinstance(error, OSError) and error.strerror:
            return Lost(reason(error), sent=False)
        error = error.__cause__ or error.__context__
    return Lost("no connection", sent=False)
