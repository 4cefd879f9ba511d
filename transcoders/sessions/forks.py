"""Forks: what a child process must not share with its parent begins anew there.

Threads are not in the child, locks may have been copied while held, and two processes that read from one connection
take each other's answers. Whatever owns such things has itself watched here and is told in the child, before any
other code of it runs. An owner whose things must not even be copied, as SQLite's open files must not, is also told
before the fork, and in the parent after it.
"""

import os
import weakref
from typing import Protocol, runtime_checkable


class Owner(Protocol):
    """What owns threads, locks or connections."""

    def after_fork(self) -> None:
        """Begin anew, in the child; what belongs to the parent is left alone, not closed."""
        ...


@runtime_checkable
class Holder(Owner, Protocol):
    """What owns things that must not be copied."""

    def before_fork(self) -> None:
        """Let go of them, and take up no others until told that the fork is done."""
        ...

    def resume(self) -> None:
        """Go on, in the parent."""
        ...


_OWNERS: "weakref.WeakSet[Owner]" = weakref.WeakSet()
_held: list[Holder] = []
_asked: list[bool] = []


def watch(owner: Owner) -> None:
    """Tell the owner of every fork in which it is the child, or a Holder of every fork, for as long as it lives."""
    if not _asked:
        _asked.append(True)
        if hasattr(os, "register_at_fork"):  # Windows has no forks
            os.register_at_fork(before=_before, after_in_parent=_parent, after_in_child=_forked)
    _OWNERS.add(owner)


def _before() -> None:
    for owner in list(_OWNERS):
        if isinstance(owner, Holder):
            _held.append(owner)
            owner.before_fork()


def _parent() -> None:
    while _held:
        _held.pop().resume()


def _forked() -> None:
    _held.clear()
    for owner in list(_OWNERS):
        owner.after_fork()
