"""A clock that stands still until a test moves it."""


class VirtualClock:
    """Starts at 1,000,000,000 seconds since 1970, and 1,000 of its steady clock."""

    def __init__(self) -> None:
        self._passed = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return 1_000_000_000.0 + self._passed

    def tick(self) -> float:
        """Seconds of the clock that never goes back."""
        return 1_000.0 + self._passed

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._passed += seconds
