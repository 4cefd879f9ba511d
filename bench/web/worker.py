"""A worker: one stack in a process of its own, which answers each line of its input with one, both JSON.

`python -m bench.web.worker BUILD PORT DATABASE TRANSCODER`. Its first line says whether the stack could be built. A
batch warms up first, since another process had the core before it; then the clock and the time of the processor are
taken around each call, and the median call is the batch. Every answer is looked at, outside of the clock.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Coroutine
from importlib import import_module
from itertools import cycle, islice
from statistics import median
from time import perf_counter, process_time
from typing import Any

from bench.requests.sessions import size
from bench.web.calls import Answer, Call, Make
from bench.web.site import END, FILL, TELL, Site
from transcoders.sessions import ids

WARM = 4
"""Calls before those that count."""
Drive = Callable[[Coroutine[Any, Any, Any]], Any]


class Worker:
    """A stack, its sessions, and what drives it.

    Args:
        site: what it serves.
        make: calls of the stack.
        drive: runs a coroutine to its end: a loop, or none.
    """

    def __init__(self, site: Site, make: Make, drive: Drive) -> None:
        self._site, self._make, self._drive = site, make, drive
        self._cookies: dict[str, list[str]] = {}

    def fill(self, name: str) -> int:
        """Make the sessions of a size, by requests; how many."""
        self._site.size = size(name)
        self._cookies[name] = [self._filled(values) for values in self._site.variants()]
        return len(self._cookies[name])

    def stay_bare(self, name: str) -> None:
        """Have a cookie that means nothing, for a size."""
        self._cookies[name] = [f"session={ids.make()}"]

    def _filled(self, values: dict[str, Any]) -> str:
        self._site.pending = values
        answer: Answer = self._drive(_answered(self._make(FILL, "")))
        (cookie,) = answer.cookies
        return cookie.partition(";")[0]

    def settle(self) -> None:
        """Keep collections from looking at what is here now: in a batch they would count for somebody's session."""
        gc.collect()
        gc.freeze()

    def batch(self, name: str, act: str, calls: int, warm: int = WARM) -> tuple[float, float]:
        """Seconds of the clock, and of the processor, that the median call takes, with sessions of that size."""
        self._site.size = size(name)
        cookies = list(islice(cycle(self._cookies[name]), calls + warm))
        found: tuple[float, float] = self._drive(_batch(self._make, act, cookies, warm))
        return found

    def tell(self) -> int:
        """The sum of all sessions, which every change made larger by one."""
        cookies = [cookie for made in self._cookies.values() for cookie in made]
        answers = [self._drive(_answered(self._make(TELL, cookie))) for cookie in cookies]
        return sum(int(answer.body.decode().removesuffix(END)) for answer in answers)


async def _answered(call: Call) -> Answer:
    answer = call()
    return answer if isinstance(answer, Answer) else await answer


async def _batch(make: Make, act: str, cookies: list[str], warm: int) -> tuple[float, float]:
    clock, processor = [], []
    for cookie in cookies:
        call = make(act, cookie)
        before, start = process_time(), perf_counter()
        answer = call()
        if not isinstance(answer, Answer):
            answer = await answer
        end, after = perf_counter(), process_time()
        clock.append(end - start)
        processor.append(after - before)
        if answer.status != 200:
            raise ValueError(f"{act} was answered {answer.status}")
    return median(clock[warm:]), median(processor[warm:])


def without_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that waits for nothing returns: code for threads does not find itself in a loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise ValueError("a stack for threads has waited")


def built(build: str, site: Site) -> Make:
    """The stack of that name; raises ImportError where its packages are missing."""
    module, _, name = build.partition(":")
    make: Make = getattr(import_module(f"bench.web.{module}"), name)(site)
    return make


def main(arguments: list[str]) -> None:
    """Be a worker until the input ends."""
    build, port, database, transcoder, awaited = arguments
    site = Site(int(port), int(database), transcoder)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        worker = Worker(site, built(build, site), loop.run_until_complete if awaited == "awaited" else without_loop)
    except ImportError as missing:
        print(json.dumps(str(missing)), flush=True)
        return
    print(json.dumps(None), flush=True)
    for line in sys.stdin:
        what, *values = json.loads(line)
        print(json.dumps(getattr(worker, what)(*values)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
