"""The explorer: requests stepped through every interleaving, on the core that ships, with faults at every verb.

A coroutine cannot be copied, so each schedule runs from the beginning. What a request does depends on nothing but the
answers it got and the time at which it got them; so two schedules that leave the same store and gave every request the
same answers go on alike, and the second is cut short.

`python -m tests.interleave` explores all stories of `tests.stories` further than the tests do, and prints what it saw.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import Any, Self

from tests.stepping import FAULTS, Budget, Choice, Run

LONGEST = 80
"""Steps after which a schedule is cut."""


@dataclass
class Numbers:
    """What was seen.

    Attributes:
        schedules: those that were run to their end.
        cut: those of them that were too long.
        pruned: those that were cut short at a state that was known.
        steps: in all of them.
        left: ways that were not gone, because there were too many.
        longest: the most steps of a schedule.
        states: hashes of the states.
        faults: how many of each kind.
        outcomes: how many requests ended how.
    """

    schedules: int = 0
    cut: int = 0
    pruned: int = 0
    steps: int = 0
    left: int = 0
    longest: int = 0
    states: set[int] = field(default_factory=set)
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: "Numbers") -> Self:
        for name in ("schedules", "cut", "pruned", "steps", "left"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest = max(self.longest, other.longest)
        self.states |= other.states
        self.faults += other.faults
        self.outcomes += other.outcomes
        return self


def explore(story: Any, budget: Budget, *, most: float = inf) -> Numbers:
    """Run a story through every schedule that the budget allows; at most so many, from all over, when there are more.

    Raises:
        Violation: an invariant does not hold.
    """
    numbers, chance = Numbers(), random.Random(0)  # noqa: S311 - which way to go first
    prefixes: list[tuple[Choice, ...]] = [()]
    while prefixes and numbers.schedules + numbers.pruned < most:
        run, at = Run(story, budget), chance.randrange(len(prefixes))
        prefixes[at], prefixes[-1] = prefixes[-1], prefixes[at]
        for choice in prefixes.pop():
            run.apply(choice)
        while (state := run.state()) not in numbers.states:
            numbers.states.add(state)
            choices = run.choices()
            if not choices or len(run.path) >= LONGEST:
                _ended(run, numbers, cut=bool(choices))
                break
            prefixes += [(*run.path, other) for other in choices[1:]]
            run.apply(choices[0])
            numbers.steps += 1
        else:
            numbers.pruned += 1
        run.drop()
    numbers.left = len(prefixes)
    return numbers


def wander(story: Any, budget: Budget, *, seed: int, schedules: int) -> Numbers:
    """Run a story through so many schedules drawn by chance, which go on from any state.

    Raises:
        Violation: an invariant does not hold.
    """
    numbers, chance = Numbers(), random.Random(seed)  # noqa: S311 - a seeded draw of schedules
    for _ in range(schedules):
        run = Run(story, budget)
        while (choices := run.choices()) and len(run.path) < LONGEST:
            numbers.states.add(run.state())
            usual = [choice for choice in choices if choice[0] not in FAULTS]
            run.apply(chance.choice(choices if chance.random() < 0.2 else usual or choices))
            numbers.steps += 1
        _ended(run, numbers, cut=bool(choices))
        run.drop()
    return numbers


def _ended(run: Run, numbers: Numbers, *, cut: bool) -> None:
    numbers.schedules += 1
    numbers.cut += cut
    numbers.longest = max(numbers.longest, len(run.path))
    numbers.faults.update(kind for kind, _ in run.path if kind in FAULTS)
    numbers.outcomes.update(task.outcome for task in run.tasks)
    if not cut:
        run.finish()


def main() -> None:
    """Explore every story with no fault, with one and with two, as far as the given number of schedules goes."""
    import sys
    import time

    from tests.stories import STORIES

    most = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    whole, begin = Numbers(), time.monotonic()
    print(f"{'story':42} faults schedules     cut short    states  longest      left  done/unknown/failed")  # noqa: T201
    for story in STORIES:
        for faults in range(3):
            seen = explore(story, Budget(faults=faults), most=most)
            seen += wander(story, Budget(faults=faults + 1, ticks=5), seed=faults, schedules=most // 50)
            ended = "/".join(str(seen.outcomes[name]) for name in ("done", "unknown", "failed"))
            numbers = f"{seen.schedules:9,} {seen.pruned:13,} {len(seen.states):9,} {seen.longest:8} {seen.left:9,}"
            print(f"{story.name:42} {faults:6} {numbers}  {ended}", flush=True)  # noqa: T201
            whole += seen
    faults = ", ".join(f"{kind} {count:,}" for kind, count in sorted(whole.faults.items()))
    print(  # noqa: T201
        f"{whole.schedules:,} schedules to their end, {whole.pruned:,} cut short at known states, {whole.left:,} ways "
        f"left, {whole.steps:,} steps, {len(whole.states):,} states; faults: {faults}; "
        f"{time.monotonic() - begin:.0f} s; nothing was broken"
    )


if __name__ == "__main__":
    main()
