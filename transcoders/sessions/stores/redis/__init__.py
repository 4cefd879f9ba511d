"""Redis and Valkey as a session store: compare-and-set in short scripts, locks that are handed over, one round trip."""

from transcoders.sessions.clock import Clock
from transcoders.sessions.ports import Port
from transcoders.sessions.stores.redis import url as _url
from transcoders.sessions.stores.redis.port import AsyncPort, BlockingPort


def connect(
    url: str, *, asynchronous: bool = False, clock: Clock | None = None, operation_timeout: float = 1.0
) -> Port:
    """The port to the server that a URL names; nothing is connected before the first verb.

    Args:
        url: see `url`; its options are `url.OPTIONS`.
        asynchronous: whether the port is for asyncio; else its coroutines never suspend.
        clock: the time that deadlines of sessions are counted with; the machine's own when there is none.
        operation_timeout: seconds for one operation, where the URL does not say it.

    Raises:
        SpecError: the URL names none.
        MissingExtra: redis-py or hiredis is not installed.
    """
    target = _url.parse(url, operation_timeout)
    return (AsyncPort if asynchronous else BlockingPort)(target, clock or Clock())
