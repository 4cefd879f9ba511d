"""Requests that are repeated until they are answered: the one answer to a lost reply.

A reply that does not come leaves three truths: the request was not carried out, it was, or it still will be, when a
server that was stopped reads what stands in its buffers. So nothing is concluded from silence. Every request here may
be repeated as it is, and is, over a new connection, until the operation's time is over; whoever reads the answer is
told that one was lost. An attempt gets at most half of that time, so that there is a second one.
"""

import random
import re
import time
from dataclasses import dataclass
from typing import Final

from transcoders.errors import StoreError
from transcoders.sessions.stores.redis import resp, scripts
from transcoders.sessions.stores.redis.resp import Command
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, Wire

PAUSES: Final = (0.005, 0.02, 0.08)
"""Seconds before the second, the third and any further attempt, give or take a half."""
PASSING: Final = {
    "BUSY": "it is busy with a script",
    "CLUSTERDOWN": "its cluster is down",
    "LOADING": "it is still loading its data",
    "MASTERDOWN": "it is a replica without its master",
    "READONLY": "it is a replica",
    "TRYAGAIN": "it is moving its data",
}
"""Refusals of a server that may answer in a moment, or whose place another takes; nothing was carried out."""
MOVED: Final = {"CLUSTERDOWN", "MASTERDOWN", "READONLY"}
"""Those after which another server may be found under the same name."""
FULL: Final = {
    "OOM": "is full: it has no memory left for writes (maxmemory)",
    "MISCONF": "takes no writes, because it cannot save its data to disk (MISCONF)",
    "NOREPLICAS": "takes no writes, because too few replicas are connected (NOREPLICAS)",
}
"""Refusals that last for a while."""
FINAL: Final = {
    "NOAUTH": "wants a password",
    "WRONGTYPE": "holds something of another program under one of our keys",
}
"""Refusals that last until somebody acts."""
_COMMAND = re.compile(r"'([a-z|]{1,32})' command")


@dataclass(slots=True)
class _Trouble:
    """A request that was not answered yet.

    Attributes:
        began: when the last attempt began.
        deadline: when to give up.
        attempt: how many there were before it.
        why: what failed.
        lost: whether a reply was lost.
    """

    began: float
    deadline: float
    attempt: int = 0
    why: str = ""
    lost: bool = False


class Asking:
    """Asks a server.

    Attributes:
        lua: the scripts, in the form that the server knows.
    """

    def __init__(self, target: Target, wire: Wire) -> None:
        self._target, self._wire = target, wire
        self._seconds = target.number("timeout") / 1000
        self._half = self._seconds / 2
        self._pack = resp.packer()
        self.lua = scripts.FLAGGED

    async def ask(self, *commands: Command, bulk: bool = False, request: bytes = b"") -> tuple[list[Reply], bool]:
        """The replies to the commands, none of them a refusal; and whether an earlier reply was lost.

        Args:
            commands: what to ask.
            bulk: whether the replies may be large.
            request: the commands, where they are packed already.

        Raises:
            StoreError: no answer came in time, or the server refuses.
        """
        began, trouble, seconds = time.monotonic(), None, self._half
        while True:
            try:
                request = request or self._pack(commands)
                answer = self._wire.call(request, len(commands), began + seconds, bulk=bulk)
                replies = answer if type(answer) is list else await answer  # type: ignore[misc]
            except Lost as lost:
                failure: Lost | Refusal = lost
            else:
                for reply in replies:
                    if type(reply) is Refusal:
                        reply.behind, failure = reply is not replies[0], reply
                        break
                else:
                    return replies, trouble is not None and trouble.lost
            if trouble is None:
                trouble = _Trouble(began, began + self._seconds)
            commands, request = await self._overcome(failure, commands, trouble), b""
            trouble.began = began = time.monotonic()
            seconds = min(self._half, trouble.deadline - began)

    async def _overcome(
        self, failure: Lost | Refusal, commands: tuple[Command, ...], trouble: _Trouble
    ) -> tuple[Command, ...]:
        """What to send now, after some rest perhaps; raises StoreError."""
        if isinstance(failure, Lost):
            trouble.lost |= failure.sent
            trouble.why = trouble.why if trouble.why and failure.late else failure.why
            await self._rest(trouble)
        elif (spelled := self._spelled_out(commands, failure)) != commands:
            commands = spelled
        elif failure.code in PASSING:
            trouble.why = PASSING[failure.code]
            if failure.code in MOVED:
                self._wire.renew(trouble.began)
            await self._rest(trouble)
        else:
            raise self._refused(failure, lost=trouble.lost)
        trouble.attempt += 1
        return commands

    def _spelled_out(self, commands: tuple[Command, ...], refusal: Refusal) -> tuple[Command, ...]:
        """The commands with their scripts in full, where that is what the server lacks. It ran none of them then."""
        if refusal.code != "NOSCRIPT":
            if "compil" not in str(refusal):
                return commands
            self.lua = scripts.PLAIN  # it does not know the flags
        return scripts.spelled_out(commands, self.lua)

    async def _rest(self, trouble: _Trouble) -> None:
        """Let the server recover, if there is time for that."""
        pause = PAUSES[min(trouble.attempt, len(PAUSES) - 1)] * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if time.monotonic() + pause >= trouble.deadline:
            text = f"the store at {self._target} did not answer within {self._seconds:g} s (timeout): {trouble.why}"
            raise StoreError(text, unknown=trouble.lost)
        await self._wire.pause(pause)

    def _refused(self, refusal: Refusal, *, lost: bool) -> StoreError:
        lost |= refusal.behind
        code = refusal.code if refusal.code.isalpha() and len(refusal.code) < 20 else "ERR"
        if why := FULL.get(code):
            return StoreError(f"the store at {self._target} {why}", unknown=lost)
        why = FINAL.get(code, f"refuses: {code}")
        if code == "NOPERM" or "can't run this command" in str(refusal):
            named = _COMMAND.search(str(refusal))
            why = "does not allow this user " + (f"the command {named[1]}" if named else "a command, key or channel")
            why += ": see its ACL"
        return StoreError(f"the store at {self._target} {why}", retryable=False, unknown=lost)
