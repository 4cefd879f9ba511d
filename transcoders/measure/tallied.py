"""A port whose calls are counted. Every call of a store's verb that reads or writes is one; watching locks is none."""

from collections.abc import Callable
from typing import Any, Final

from transcoders.sessions.ports import Port

VERBS: Final = frozenset((
    "load", "create", "save", "touch", "delete", "move", "acquire", "release", "link", "unlink", "linked",
))  # fmt: skip
"""What goes to the store."""


class Tallied:
    """See Port, whose verbs these are.

    Attributes:
        plain: the port itself.
        calls: how often it was called through this one.
    """

    def __init__(self, port: Port) -> None:
        self.plain, self.calls = port, 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.plain, name)
        return self._counting(found) if name in VERBS else found

    def _counting(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self.calls += 1
            return verb(*arguments)

        return call
