"""Requests that are repeated until they are answered: the one answer to a lost reply.

A reply that does not come leaves three truths: the request was not carried out, it was, or it still will be, when a
server that was stopped reads what stands in its buffers. So nothing is concluded from silence. Every request here may
be repeated as it is, and is, over a new connection, until the operation's time is over; whoever reads the answer is
told that one was lost. An attempt gets at most half of that time, so that there is a second one.
"""

import random
import re
import time
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


class Asking:
    """Asks a server.

    Attributes:
        lua: the scripts, in the form that the server knows.
    """

    def __init__(self, target: Target, wire: Wire) -> None:
        self._target, self._wire = target, wire
        self._seconds = target.number("timeout") / 1000
        self._pack = resp.packer()
        self.lua = scripts.FLAGGED

    async def ask(self, *commands: Command, bulk: bool = False) -> tuple[list[Reply], bool]:
        """The replies to the commands, none of them a refusal; and whether an earlier reply was lost.

        Raises:
            StoreError: no answer came in time, or the server refuses.
        """
        begin = time.monotonic()
        answer = await self._once(commands, begin + self._seconds / 2, bulk=bulk)
        if not isinstance(answer, Exception):
            return answer, False
        return await self._repeat(commands, begin + self._seconds, answer, bulk=bulk)

    async def _once(self, commands: tuple[Command, ...], until: float, *, bulk: bool) -> list[Reply] | Lost | Refusal:
        try:
            answer = self._wire.call(self._pack(commands), len(commands), until, bulk=bulk)
            replies = answer if isinstance(answer, list) else await answer
        except Lost as lost:
            return lost
        for reply in replies:
            if type(reply) is Refusal:
                reply.behind = reply is not replies[0]
                return reply
        return replies

    async def _repeat(
        self, commands: tuple[Command, ...], deadline: float, failure: Lost | Refusal, *, bulk: bool
    ) -> tuple[list[Reply], bool]:
        lost, attempt, why, began = False, 0, "", deadline - self._seconds
        while True:
            if isinstance(failure, Lost):
                lost |= failure.sent
                why = why if why and failure.late else failure.why
                await self._rest(why, deadline, attempt, lost=lost)
            elif (spelled := self._spelled_out(commands, failure)) != commands:
                commands = spelled
            elif failure.code in PASSING:
                why = PASSING[failure.code]
                if failure.code in MOVED:
                    self._wire.renew(began)
                await self._rest(why, deadline, attempt, lost=lost)
            else:
                raise self._refused(failure, lost=lost)
            attempt += 1
            began = time.monotonic()
            answer = await self._once(commands, min(deadline, began + self._seconds / 2), bulk=bulk)
            if isinstance(answer, list):
                return answer, lost
            failure = answer

    def _spelled_out(self, commands: tuple[Command, ...], refusal: Refusal) -> tuple[Command, ...]:
        """The commands with their scripts in full, where that is what the server lacks. It ran none of them then."""
        if refusal.code != "NOSCRIPT":
            if "compil" not in str(refusal):
                return commands
            self.lua = scripts.PLAIN  # it does not know the flags
        return scripts.spelled_out(commands, self.lua)

    async def _rest(self, why: str, deadline: float, attempt: int, *, lost: bool) -> None:
        """Let the server recover, if there is time for that."""
        pause = PAUSES[min(attempt, len(PAUSES) - 1)] * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
        if time.monotonic() + pause >= deadline:
            seconds = f"{self._seconds:g} s (timeout)"
            raise StoreError(f"the store at {self._target} did not answer within {seconds}: {why}", unknown=lost)
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
