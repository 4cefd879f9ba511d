"""The site that every stack serves: it fills a session, reads one attribute, changes one, reads all, or tells a sum.

A page is text that ends with END. What a page wants of a session is what `bench.requests` wants of it, so that the
columns here and there say the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.payloads import VARIANTS
from bench.requests.sessions import SIZES, Session, Size

FILL, READ, CHANGE, ALL, TELL, BARE = "fill", "read", "change", "all", "tell", "bare"
ACTS: Final = (READ, CHANGE, ALL)
"""The pages that are measured: one attribute is read, one is changed, all are read. BARE is one without a session."""
GOALS: Final = {READ, CHANGE}
"""Those in which we are to be first."""
END: Final = ".\n"
"""How every page ends: no head of a response does."""


@dataclass(slots=True)
class Site:
    """A site and its store.

    Attributes:
        port, database: of the server.
        transcoder: of our sessions.
        size: of the sessions now.
        pending: what the next session is filled with.
    """

    port: int
    database: int
    transcoder: str
    size: Size = SIZES[0]
    pending: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the store is."""
        return f"redis://127.0.0.1:{self.port}/{self.database}"

    def variants(self) -> Sequence[dict[str, Any]]:
        """The sessions of the size."""
        return self.size.variants(VARIANTS)

    def page(self, act: str, session: Any) -> str:
        """The page; a session that is not the one that was filled is a KeyError."""
        if act == BARE:
            return "ok" + END
        return f"{self._value(act, session)}{END}"

    def _value(self, act: str, session: Session) -> object:
        if act == FILL:
            session.update(self.pending)
            return "filled"
        if act == TELL:
            return total(session)
        if act == READ:
            self.size.read(session)
            return "read"
        if act == ALL:
            return len(dict(session.items()))
        self.size.change(session)
        return "changed"


def total(session: Session) -> int:
    """A sum that every change makes larger by one."""
    inside = session["part_17"][0]["qty"] if "part_17" in session else 0
    return int(session["hits"] + inside)
