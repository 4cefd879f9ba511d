"""Values drawn by hypothesis, outside of any test."""

from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings


def drawn(strategy: Any, count: int = 60) -> list[Any]:
    """The first values that hypothesis draws, the same each time."""
    found: list[Any] = []

    @hypothesis.seed(1)
    @settings(
        max_examples=count, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found
