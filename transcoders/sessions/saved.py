"""What saving a session came to."""

from enum import IntEnum


class Saved(IntEnum):
    """What saving a session came to."""

    SKIPPED = 0
    """Nothing changed, and nothing was written."""
    TOUCHED = 1
    """Nothing changed; the session's end was put off."""
    WRITTEN = 2
    """What changed is stored."""
