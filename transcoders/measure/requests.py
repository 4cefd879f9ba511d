"""Requests: what a session costs from its id to its save, on a store, each kind of request as a loop that can be timed.

Every attribute of a payload is wanted as often as every other, and the variants take turns. To see where the time
goes, parts of the same requests are loops of their own: all but the store (`still`), the record with its codec
(`record`), and the codec alone (`codec`). What one of them holds that the next does not is the share of the manager,
of the record, of the codec; what a request takes beyond `still` is that of the store.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle
from typing import Any, Final, NamedTuple

from transcoders import Transcoder
from transcoders.difference import difference
from transcoders.errors import EncodeError
from transcoders.measure.operations import Timed, calls
from transcoders.measure.still import Still
from transcoders.measure.tallied import Tallied
from transcoders.measure.variation import another
from transcoders.sessions.manager import SessionManager
from transcoders.sessions.record import Record
from transcoders.sessions.stored import check_name
from transcoders.sessions.stores import open_store
from transcoders.sessions.wire import Wire

REQUESTS: Final = {
    "untouched": "a session is opened by its id, asked nothing, and saved",
    "read": "a session is opened, one attribute is read, and it is saved",
    "change": "a session is opened, one attribute is read and set to another value, and it is saved",
}
PARTS: Final = ("codec", "record", "still")
"""Parts of `read` and `change`, each of which holds the one before."""
PARTED: Final = tuple(f"{request}:{part}" for request in ("read", "change") for part in PARTS)
"""The parts as they are named beside the requests."""
WHOLE: Final = "value"
"""The one attribute of a payload that is no mapping of names."""
_LIFE: Final = 3600
"""Seconds after which sessions end that a killed worker left behind."""
_MOST: Final = 64
"""Attributes that are wanted; of more, these are evenly spaced."""
_SETTINGS: Final[dict[str, Any]] = {"max_inactive_interval": _LIFE, "storage_key_prefix": "static:bench"}


class Want(NamedTuple):
    """What one request does.

    Attributes:
        sid: of its session.
        name: of the attribute that it reads.
        turns: values that it sets, each different from the one before.
    """

    sid: str
    name: str
    turns: Iterator[object]


class Place:
    """Managers of one transcoder: on the store under study, and on one that does nothing.

    Args:
        url: of the store.
        subject: the transcoder.

    Raises:
        SpecError: there is no such store.
        StoreError: it cannot be used.
    """

    def __init__(self, url: str, subject: Transcoder[Any]) -> None:
        self.subject = subject
        self.port = Tallied(open_store(url, asynchronous=False, operation_timeout=5.0))
        self.manager = SessionManager[Any](self.port.plain, subject, **_SETTINGS)
        self.counted = SessionManager[Any](self.port, subject, **_SETTINGS)
        self.still = SessionManager[Any](Still(), subject, **_SETTINGS)
        self._sids: list[str] = []

    def put(self, manager: SessionManager[Any], value: Mapping[str, object]) -> str:
        """Store a session; its id. Raises EncodeError, StoreError."""
        with manager.session() as session:
            session.update(value)
        sid = str(session.sid)
        if manager is self.manager:
            self._sids.append(sid)
        return sid

    def close(self) -> None:
        """End the sessions that were put, and let go of the store."""
        for sid in self._sids:
            self.manager.destroy(sid)
        self.manager.close()


class Requests:
    """The requests of one payload.

    Args:
        place: where its sessions are put.
        variants: the values.

    Raises:
        EncodeError: a variant cannot be stored as a session.
        StoreError: the store fails.
    """

    def __init__(self, place: Place, variants: Sequence[object]) -> None:
        self._place = place
        self._values = [attributes(value) for value in variants]
        self._sids = {manager: [place.put(manager, value) for value in self._values] for manager in self._managers}
        self._wants = {manager: self._wanted(sids) for manager, sids in self._sids.items()}

    @property
    def _managers(self) -> tuple[SessionManager[Any], SessionManager[Any]]:
        return self._place.manager, self._place.still

    @property
    def count(self) -> int:
        """Requests in one pass of a loop."""
        return len(self._wants[self._place.still])

    def differing(self) -> str | None:
        """Where a session differs from what was put into it; None when none does."""
        for sid, value in zip(self._sids[self._place.manager], self._values, strict=True):
            with self._place.manager.session(sid) as session:
                if found := difference(value, session.to_dict()):
                    return f"as a session: {found}"
        return None

    def loop(self, op: str) -> Timed:
        """The loop of a request, or of a part of one."""
        request, _, part = op.partition(":")
        if part in {"codec", "record"}:
            return calls(*self._inner(request, part))
        manager = self._place.still if part else self._place.manager
        return calls(_handler(manager, request), self._wants[manager])

    def calls(self) -> dict[str, float]:
        """How often each request calls the store, on average; every call is a round trip to a server."""
        place, wants = self._place, self._wants[self._place.manager]
        found = {}
        for request in REQUESTS:
            handle, before = _handler(place.counted, request), place.port.calls
            for want in wants:
                handle(want)
            found[request] = (place.port.calls - before) / len(wants)
        return found

    def _wanted(self, sids: Sequence[str]) -> list[Want]:
        """One request for each attribute and each variant at the least."""
        names = [_spaced(list(value)) for value in self._values]
        most = max(map(len, names))
        count = most * -(-len(sids) // most)
        turns: dict[tuple[int, str], Iterator[object]] = {}
        wants = []
        for number in range(count):
            at = number % len(sids)
            name = names[at][number % len(names[at])]
            value = self._values[at][name]
            wants.append(Want(sids[at], name, turns.setdefault((at, name), cycle((another(value), value)))))
        return wants

    def _inner(self, request: str, part: str) -> tuple[Callable[[Any], object], list[Any]]:
        """What a request does without its manager, and what it is given."""
        wire, now = Wire[Any](self._place.subject), int(time.time())
        blank = wire.blank("", now, _LIFE, 0)
        given = []
        for want in self._wants[self._place.still]:
            value = self._values[self._sids[self._place.still].index(want.sid)]
            data = blank.build({name: blank.encode(name, one) for name, one in value.items()}, now, key=want.name)
            given.append((data, want.name, another(value[want.name]), wire.read(data, want.name)))
        if part == "codec":
            return _decode if request == "read" else _recode, [(wire.untyped, *one[1:]) for one in given]

        def read(given: tuple[bytes, str, object, Record]) -> None:
            data, name, _, _ = given
            wire.opened(data, name).value(name)

        def change(given: tuple[bytes, str, object, Record]) -> None:
            data, name, value, _ = given
            record = wire.opened(data, name)
            record.value(name)
            record.build({name: record.encode(name, value)}, now)

        return read if request == "read" else change, given


def attributes(value: object) -> Mapping[str, object]:
    """The attributes of a session that holds the value: its own names, or one for all of it."""
    try:
        if type(value) is not dict or not value:
            return {WHOLE: value}
        for name in value:
            check_name(name)
    except EncodeError:
        return {WHOLE: value}
    return value


def _handler(manager: SessionManager[Any], request: str) -> Callable[[Want], None]:
    def untouched(want: Want) -> None:
        with manager.session(want[0]):
            pass

    def read(want: Want) -> None:
        with manager.session(want[0]) as session:
            session[want[1]]

    def change(want: Want) -> None:
        sid, name, turns = want
        with manager.session(sid) as session:
            session[name]
            session[name] = next(turns)

    return {"untouched": untouched, "read": read, "change": change}[request]


def _decode(given: tuple[Any, str, object, Record]) -> None:
    attribute, name, _, record = given
    attribute.decode(record.stored(name))


def _recode(given: tuple[Any, str, object, Record]) -> None:
    attribute, name, value, record = given
    attribute.decode(record.stored(name))
    attribute.encode(value)


def _spaced(names: list[str]) -> list[str]:
    if len(names) <= _MOST:
        return names
    return [names[number * (len(names) - 1) // (_MOST - 1)] for number in range(_MOST)]
