"""The one door to redis-py: it connects, with TLS, user, password, protocol and database; we drive what it opened.

redis-py repeats commands by itself, also those whose reply was lost after they took effect; a compare-and-set then
conflicts with itself. So it gets no command of ours: once its handshake is done, the socket or the transport is
taken out of it. Its own messages may hold a password or a reply, so they go no further than here.
"""

import asyncio
import socket
import ssl
from typing import Any

from transcoders.errors import MissingExtra, StoreError
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import Lost


def arguments(target: Target, seconds: float) -> dict[str, Any]:
    """The keyword arguments of a redis-py Connection to the server."""
    given: dict[str, Any] = {
        "db": target.db,
        "username": target.username or None,
        "password": target.password or None,
        "protocol": target.number("protocol"),
        "socket_connect_timeout": seconds,
        "socket_timeout": seconds,
        "retry": _no_retry(),
    }
    if target.path:
        return given | {"path": target.path}
    given |= {"host": target.host, "port": target.port, "socket_keepalive": True}
    if target.secure:
        given |= {
            "ssl_ca_certs": target.text("ca"),
            "ssl_certfile": target.text("cert"),
            "ssl_keyfile": target.text("key"),
            "ssl_cert_reqs": "required" if target.settings["verify"] else "none",
            "ssl_check_hostname": bool(target.settings["verify"]),
        }
    return given


def _no_retry() -> object:
    try:
        from redis.backoff import NoBackoff  # noqa: PLC0415 - at use
        from redis.retry import Retry  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("a Redis or Valkey store", "redis") from None
    return Retry(NoBackoff(), 0)


def _kind(of_redis: Any, target: Target) -> Any:
    if target.path:
        return of_redis.UnixDomainSocketConnection
    return of_redis.SSLConnection if target.secure else of_redis.Connection


def blocking(target: Target, seconds: float) -> socket.socket:
    """A connected socket, ready for commands.

    Raises:
        Lost: there is no server, or it is not ready.
        StoreError: it does not let us in.
    """
    from redis import connection as of_redis  # noqa: PLC0415 - at use

    opened = _kind(of_redis, target)(**arguments(target, seconds))
    try:
        opened.connect()
    except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a secret
        failure = explained(error, target)
    else:
        taken: socket.socket = opened._sock  # noqa: SLF001 - the socket is ours now
        opened._sock = None  # noqa: SLF001
        return taken
    raise failure


async def asynchronous(target: Target, seconds: float) -> asyncio.StreamWriter:
    """A connected stream of the running loop, ready for commands; its transport is to get another protocol.

    Raises:
        Lost: there is no server, or it is not ready.
        StoreError: it does not let us in.
    """
    from redis.asyncio import connection as of_redis  # noqa: PLC0415 - at use

    opened = _kind(of_redis, target)(**arguments(target, seconds))
    try:
        await opened.connect()
    except Exception as error:  # noqa: BLE001 - whatever it is, it may hold a secret
        failure = explained(error, target)
    else:
        taken: asyncio.StreamWriter = opened._writer  # noqa: SLF001 - the transport is ours now
        opened._reader = opened._writer = None  # noqa: SLF001
        return taken
    raise failure


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
            return Lost("no connection in time", sent=False)
        if isinstance(error, OSError) and error.strerror:
            return Lost(error.strerror.lower(), sent=False)
        error = error.__cause__ or error.__context__
    return Lost("no connection", sent=False)
