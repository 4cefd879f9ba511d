"""The store that whole requests go through: that it is there, what it is called, and how far away it is."""

from dataclasses import dataclass, field
from time import perf_counter

from transcoders.errors import SpecError, StoreError
from transcoders.sessions.driving import drive
from transcoders.sessions.ports import Port
from transcoders.sessions.stores import open_store

_LOOKS = 3


@dataclass(frozen=True, slots=True)
class Via:
    """A store.

    Attributes:
        url: with whatever password is in it: it is neither shown nor recorded.
        name: such as `redis`.
        trip: seconds of one call, at the beginning.
    """

    url: str = field(repr=False)
    name: str
    trip: float

    @property
    def shown(self) -> str:
        """What may be published of the URL."""
        return f"{self.name}:" if self.name == "memory" else f"{self.name}:..."


def via(url: str) -> Via:
    """The store of that URL, asked for a session that is not there.

    Raises:
        SpecError: there is no such store, or it does not answer; MissingExtra when a package is missing.
    """
    try:
        port = open_store(url, asynchronous=False, operation_timeout=2.0)
        try:
            trip = min(_trip(port) for _ in range(_LOOKS))
        finally:
            drive(port.close())
    except StoreError as error:
        raise SpecError(f"--via: {error}") from error
    return Via(url, port.capabilities.name, trip)


def _trip(port: Port) -> float:
    started = perf_counter()
    drive(port.load("bench:nobody"))
    return perf_counter() - started
