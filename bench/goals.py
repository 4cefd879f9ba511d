"""Goals: a measured ratio beside the largest one that is wanted, and whether the noise could turn the answer."""

from dataclasses import dataclass

from transcoders.measure.stats import Estimate, distance


@dataclass(frozen=True, slots=True)
class Judged:
    """A ratio and its goal.

    Attributes:
        goal: the largest ratio; None where none is set.
        noise: how far a control was from itself, as a share.
    """

    ratio: Estimate
    goal: float | None
    noise: float

    @property
    def reached(self) -> bool | None:
        """Whether the goal is; None where none is set."""
        return None if self.goal is None else self.ratio.median <= self.goal

    @property
    def close(self) -> bool:
        """Whether the noise could turn it."""
        return self.goal is not None and distance(self.ratio.median / self.goal) <= self.noise

    def cells(self) -> list[str]:
        """The ratio with half the width of its interval, and the goal with `ok` or `NO`; `~` when it is close."""
        shown = f"{self.ratio.median:.3g} ±{(self.ratio.high - self.ratio.low) / 2:.1g}"
        if self.goal is None:
            return [shown, ""]
        return [shown, f"<= {self.goal:.3g} {'ok' if self.reached else 'NO'}{'~' * self.close}"]
