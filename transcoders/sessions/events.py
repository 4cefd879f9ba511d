"""What happens to sessions, told to whoever listens. Events hold keys of the store, never session ids."""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

CREATED: Final = "created"
ROTATED: Final = "rotated"
DESTROYED: Final = "destroyed"
EXPIRED: Final = "expired"
CONFLICT: Final = "conflict"
UNDECODABLE: Final = "undecodable"
KINDS: Final = (CREATED, ROTATED, DESTROYED, EXPIRED, CONFLICT, UNDECODABLE)


class Event(NamedTuple):
    """Something that happened to a session.

    Attributes:
        kind: one of KINDS. A session that ends because it was idle is not told: its record is gone, and an id
            without a record may as well never have been one. `expired` is told of a session that reached its age.
        key: the session's key in the store.
        request: the request that it happened in, as it was given to `open`.
        principal: whose session it is, when that is known.
        detail: the new key of a rotation, the attributes of a conflict, the reason of an undecodable record.
    """

    kind: str
    key: str
    request: str = ""
    principal: str | None = None
    detail: str = ""


class Probe(Protocol):
    """Where the core counts and measures; see `stats.Statistics`."""

    @property
    def counts(self) -> dict[str, int]:
        """The counters by name; `counts["loads"] += 1` is half of a call, and there are several in a request."""
        ...

    def adder(self, name: str, /) -> Callable[[float], None]:
        """What adds to a distribution: seconds, or bytes where the name ends with `_bytes`."""
        ...

    def pair(self, times: str, sizes: str, /) -> Callable[[float, int], None]:
        """What adds seconds to one of DISTRIBUTIONS and bytes to another, which takes less than two calls."""
        ...


COUNTERS: Final = {
    "requests_without_session": "requests that brought no id",
    "requests_with_session": "requests that brought an id",
    "requests_without_access": "requests that never asked their session for anything",
    "requests_without_change": "requests that changed nothing in it",
    "requests_with_change": "requests that changed something",
    "ids_malformed": "ids that cannot be any",
    "ids_unknown": "ids without a record: ended, expired or forged",
    "loads": "records read",
    "saves": "records written",
    "touches": "ends put off without a write",
    "creates": "sessions begun",
    "rotations": "ids changed",
    "deletes": "sessions ended",
    "expired": "sessions that had reached their age",
    "conflicts": "writes that found a newer record",
    "merges": "writes put on top of a newer record",
    "conflicts_raised": "conflicts that reached the application",
    "gone": "writes refused because the session had been ended",
    "undecodable": "records that could not be read",
    "locks": "locks taken",
    "locks_waited": "locks taken after waiting",
    "lock_timeouts": "locks not had in time",
    "store_failures": "operations that the store failed",
    "unknown_outcomes": "writes of which nobody knows whether they took effect",
    "rejected": "requests refused because too many sessions were open",
    "decoded_bytes": "bytes of records that requests decoded",
    "encoded_bytes": "bytes of attributes that requests encoded to store them",
}
"""What is counted."""
DISTRIBUTIONS: Final = {
    "load_seconds": "reading a record from the store",
    "save_seconds": "writing a record to the store, other tries included",
    "delete_seconds": "ending a session in the store",
    "decode_seconds": "decoding attributes, of a request that read some that are no scalars",
    "encode_seconds": "encoding attributes, of a request that set or may have changed some that are no scalars",
    "lock_seconds": "waiting for a lock",
    "loaded_bytes": "size of records read",
    "saved_bytes": "size of records written",
}
"""What is measured."""
