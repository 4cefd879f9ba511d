"""Requests that are repeated until they are answered: the one answer to a lost reply.

A reply that does not come leaves three truths: the request was not carried out, it was, or it still will be, when a
server that was stopped reads what stands in its buffers. So nothing is concluded from silence. Every request here may
be repeated as it is, and is, over a new connection, until the operation's time is over; whoever reads the answer is
told that one was lost. An attempt gets at most half of that time, so that there is a second one.
"""

import random
import re
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Final

from transcoders.errors import StoreError
from transcoders.sessions.stores.redis import resp, scripts
from transcoders.sessions.stores.redis.resp import Command
from transcoders.sessions.stores.redis.url import Target
from transcoders.sessions.stores.redis.wire import Lost, Refusal, Reply, Wire

PAUSES: Final = (0.0005, 0.02, 0.08)
"""Seconds before the second, the third and any further attempt, give or take a half. Mostly a connection is lost, and
the server is well: so the second follows at once."""
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
        half: seconds that an attempt may take.
        pack: packs commands into a request.
    """

    def __init__(self, target: Target, wire: Wire) -> None:
        self._target, self._wire = target, wire
        self._seconds = target.number("timeout") / 1000
        self.half = self._seconds / 2
        self.pack = resp.packer()
        self.lua = scripts.FLAGGED

    def ask(self, *commands: Command, bulk: bool = False) -> Coroutine[Any, Any, tuple[list[Reply], bool]]:
        """The replies to the commands, none of them a refusal; and whether an earlier reply was lost.

        Args:
            commands: what to ask.
            bulk: whether the replies may be large.

        Raises:
            StoreError: no answer came in time, or the server refuses.
        """
        return self.send(self.pack(commands), len(commands), bulk=bulk)

    async def send(self, request: bytes, count: int, *, bulk: bool = False) -> tuple[list[Reply], bool]:
        """As `ask`, for so many commands that are packed already."""
        began = time.monotonic()
        try:
            answer = self._wire.call(request, count, began + self.half, bulk=bulk)
            replies = answer if isinstance(answer, list) else await answer
        except Lost as failure:
            found: list[Reply] | Lost = failure
        else:
            if _refusal(replies) is None:
                return replies, False
            found = replies
        return await self.settle(found, request, count, began, bulk=bulk)

    async def settle(
        self, answer: list[Reply] | Lost, request: bytes, count: int, began: float, *, bulk: bool = False
    ) -> tuple[list[Reply], bool]:
        """As `ask`, for commands whose first attempt was made already.

        Args:
            answer: what that came to; refusals may be among the replies.
            request: the commands, packed.
            count: how many there are.
            began: when it began.
            bulk: whether the replies may be large.
        """
        trouble = _Trouble(began, began + self._seconds)
        while True:
            if isinstance(answer, Lost):
                failure: Lost | Refusal = answer
            elif (refusal := _refusal(answer)) is not None:
                failure = refusal
            else:
                return answer, trouble.lost
            request = await self._overcome(failure, request, trouble)
            trouble.began = began = time.monotonic()
            try:
                asked = self._wire.call(request, count, min(began + self.half, trouble.deadline), bulk=bulk)
                answer = asked if isinstance(asked, list) else await asked
            except Lost as lost:
                answer = lost

    async def _overcome(self, failure: Lost | Refusal, request: bytes, trouble: _Trouble) -> bytes:
        """What to send now, after some rest perhaps; raises StoreError."""
        if isinstance(failure, Lost):
            trouble.lost |= failure.sent
            trouble.why = trouble.why if trouble.why and failure.late else failure.why
            await self._rest(trouble)
        elif (spelled := self._spelled_out(request, failure)) != request:
            request = spelled
        elif failure.code in PASSING:
            trouble.why = PASSING[failure.code]
            if failure.code in MOVED:
                self._wire.renew(trouble.began)
            await self._rest(trouble)
        else:
            raise self.refused(failure, lost=trouble.lost)
        trouble.attempt += 1
        return request

    def _spelled_out(self, request: bytes, refusal: Refusal) -> bytes:
        """The commands with their scripts in full, where that is what the server lacks. It ran none of them then."""
        if refusal.code != "NOSCRIPT":
            if "compil" not in str(refusal):
                return request
            self.lua = scripts.PLAIN  # it does not know the flags
        return self.pack(scripts.spelled_out(resp.unpacked(request), self.lua))

    async def _rest(self, trouble: _Trouble) -> None:
        """Let the server recover, if there is time for that."""
        pause = PAUSES[min(trouble.attempt, len(PAUSES) - 1)] * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if time.monotonic() + pause >= trouble.deadline:
            text = f"the store at {self._target} did not answer within {self._seconds:g} s (timeout): {trouble.why}"
            raise StoreError(text, unknown=trouble.lost)
        await self._wire.pause(pause)

    def refused(self, refusal: Refusal, *, lost: bool) -> StoreError:
        """The error that a refusal is; `lost` where what was asked for may be done all the same."""
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


def _refusal(replies: list[Reply]) -> Refusal | None:
    """The refusal that counts: of a script that is not known, since that can be helped, or else the first."""
    found = None
    for reply in replies:
        if isinstance(reply, Refusal) and (found is None or reply.code == "NOSCRIPT"):
            found = reply
            found.behind = reply is not replies[0]
    return found
