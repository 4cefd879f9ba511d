"""Forks: what a child process must not share with its parent begins anew there.

Threads are not in the child, locks may have been copied while held, and two processes that read from one connection
take each other's answers. Whatever owns such things has itself watched here and is told in the child, before any
other code of it runs.
"""

import os
import weakref
from typing import Protocol


class Owner(Protocol):
    """What owns threads, locks or connections."""

    def after_fork(self) -> None:
        """Begin anew, in the child; what belongs to the parent is left alone, not closed."""
        ...


_OWNERS: "weakref.WeakSet[Owner]" = weakref.WeakSet()
_asked: list[bool] = []


def watch(owner: Owner) -> None:
    """Tell the owner of every fork in which it is the child, for as long as it lives."""
    if not _asked:
        _asked.append(True)
        os.register_at_fork(after_in_child=_forked)
    _OWNERS.add(owner)


def _forked() -> None:
    for owner in list(_OWNERS):
        owner.after_fork()
