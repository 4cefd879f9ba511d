"""What saving a session came to."""

from enum import IntEnum
from typing import Final


class Saved(IntEnum):
    """What saving a session came to."""

    SKIPPED = 0
    """Nothing changed, and nothing was written."""
    TOUCHED = 1
    """Nothing changed; the session's end was put off."""
    WRITTEN = 2
    """What changed is stored."""


SKIPPED: Final = Saved.SKIPPED
WRITTEN: Final = Saved.WRITTEN
"""Those that nearly every request asks for: a class is slow to give its members."""
