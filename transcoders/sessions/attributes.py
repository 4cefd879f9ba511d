"""The attributes of a session in a request: a mapping that is read as far as it is asked, and knows what changed in it.

It is no dict, because C code reads a dict past its methods, and would find a lazily filled one empty. Values that were
read are kept, so that an attribute is one object throughout the request; whatever may change in place is compared at
the end with what it was, so that `session["cart"].append(item)` needs no flag.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Final, Self

from transcoders.errors import DecodeError, EncodeError, ReadOnly, SessionError, TranscoderError
from transcoders.sessions.attribute import Baseline, Pickled, unchanging
from transcoders.sessions.merge import EXACT, same
from transcoders.sessions.record import ABSENT, Record, Stored
from transcoders.sessions.stored import check_name, located, scalar

LOCKED: Final = "its lock could not be had"
ADRIFT: Final = "its store failed"
UNENTERED: Final = "it is for a with block, which has not begun"
IGNORED: Final = "request_uri_ignore_pattern matches the request"
"""Why a session takes no changes."""
_NONE: Final = object()


class Attributes(MutableMapping[str, Any]):
    """Names to values, over a record that is read when it is needed.

    Attributes:
        accessed: whether it was asked for anything, or told.
        decoded: bytes of the record that were decoded.
        encoded: values that were encoded, or compared with what they were; scalars are not.
        decoding, encoding: seconds that the one and the other took.
        loaded: whether its record was read.
        failure: the error that kept the request from reading or changing it; None when there was none.
        new: whether it was never stored.
        read_only: why it takes no changes; empty when it does.
        unsettled: bytes that were stored on top of its record; it goes on from them once it is used again, which it
            mostly is not.
        asked: the names that were asked for, there or not; what is set under one may be made of what was there.
    """

    __slots__ = (
        *("_assigned", "_encoded", "_live", "_loader", "_record", "_watched"),
        *("accessed", "asked", "decoded", "decoding", "encoded", "encoding", "failure", "loaded", "new", "read_only"),
        "unsettled",
    )  # fmt: skip

    # What `Session` sets when it is made, all at once: another call would take longer than all of it.
    accessed: bool
    asked: set[str]
    decoded: int
    decoding: float
    encoded: int
    encoding: float
    failure: TranscoderError | None
    loaded: bool
    new: bool
    read_only: str
    unsettled: bytes | None
    _assigned: dict[str, None]  # a set in the order in which names were first set
    _encoded: dict[str, Stored]
    _live: dict[str, Any]
    _loader: Callable[[Any], None] | None
    _record: Record | None
    _watched: dict[str, Baseline]

    # What it was read from

    @property
    def record(self) -> Record:
        """The record it goes out from, read now if that was not done.

        Raises:
            SessionError: it has to be read before it is used.
        """
        if self._record is None:
            if self._loader is None:
                raise SessionError("the session is not read yet: enter it or await manager.load(session) before use")
            self._loader(self)
        elif self.unsettled is not None:
            self._go_on()
        return self._record  # type: ignore[return-value]

    def load(self, record: Record) -> None:
        """Go out from this record."""
        self._record, self.new, self.failure, self.loaded = record, not record.data, None, True

    def _go_on(self) -> None:
        data, before, self.unsettled = self.unsettled, self._record, None
        if data is not None and before is not None:
            self.settle(before.wire.read(data, before.key))

    def settle(self, record: Record) -> None:
        """Go on from the record that was stored; values stay, unless others were stored in their place."""
        before, live, watched = self.record, self._live, self._watched
        if record.attributes is not before.attributes:
            record = record.declared(before.attributes)
        if record.head[1] != before.head[1] + 1:
            self._drop(before, record)
        for name, stored in self._encoded.items():
            value = live.get(name, ABSENT)
            if value is ABSENT:
                live.pop(name, None)
                watched.pop(name, None)
            elif unchanging(value):
                watched.pop(name, None)
            else:
                watched[name] = stored
        self._record, self._encoded = record, {}
        self._assigned.clear()
        self.asked.update(live)

    def _restart(self, record: Record) -> None:
        """Forget everything, and go on from this record."""
        self._live, self._watched, self._assigned, self._encoded = {}, {}, {}, {}
        self.asked, self.accessed, self.unsettled = set(), True, None
        self.load(record)

    def _drop(self, before: Record, record: Record) -> None:
        """Forget the values of attributes that others stored; they are read again when they are asked for."""
        for name in list(self._live):
            try:
                mine = self._encoded[name] if name in self._encoded else before.stored(name)
                keep = same(mine, record.stored(name))
            except DecodeError:
                keep = False
            if not keep:
                del self._live[name]
                self._watched.pop(name, None)
                self._encoded.pop(name, None)

    # Reading

    def __getitem__(self, name: str) -> Any:
        """The value; raises KeyError, and DecodeError where this one cannot be read."""
        value = self._live.get(name, _NONE)
        if value is _NONE:
            return self._fetch(name)
        if value is ABSENT:
            raise KeyError(name)
        return value

    def _fetch(self, name: str) -> Any:
        record = self._record or self.record
        self.accessed = True
        self.asked.add(name)
        value: Any = record.stored(name)
        if type(value) is bytes or record.attributes:
            value = self._decoded(record, name, value)
        if value is ABSENT:
            raise KeyError(name)
        self._live[name] = value
        return value

    def _decoded(self, record: Record, name: str, stored: Stored) -> Any:
        """The value, which is watched from now on if it may change in place."""
        if stored is ABSENT:
            return ABSENT
        attribute, tick = record.attribute(name), record.wire.tick
        begin = tick()
        try:
            value = attribute.decode(stored)
            if type(stored) is bytes:
                self.decoded += len(stored)
                self.decoding += tick() - begin
                if not unchanging(value):
                    self._watched[name] = attribute.baseline(value, stored)
        except (DecodeError, EncodeError) as error:
            located(error, name)
            raise
        return value

    def get(self, name: str, default: Any = None) -> Any:
        """The value, or the default where there is none."""
        value = self._live.get(name, _NONE)
        if value is _NONE:
            try:
                return self._fetch(name)
            except KeyError:
                return default
        return default if value is ABSENT else value

    def __contains__(self, name: object) -> bool:
        value = self._live.get(name, _NONE)  # type: ignore[call-overload]
        if value is _NONE:
            self.accessed = True
            self.asked.add(name)  # type: ignore[arg-type]
            return name in self.record.index
        return value is not ABSENT

    def _names(self) -> list[str]:
        self.accessed = True
        return self._listed()

    def _listed(self) -> list[str]:
        index, live = self.record.names(), self._live
        if not self._assigned and not self._watched:
            return list(index)
        names = [name for name in index if live.get(name) is not ABSENT]
        return names + [name for name, value in live.items() if value is not ABSENT and name not in index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def to_dict(self) -> dict[str, Any]:
        """All attributes in a dict; the values are those of the session, not copies."""
        names, record, live = self._names(), self.record, self._live
        self.asked.update(names)
        if not record.attributes:
            for name, stored in record.index.items():
                if type(stored) is not bytes:
                    live.setdefault(name, stored)
        return {name: self[name] for name in names}

    def live(self) -> dict[str, Any]:
        """What the request read or set until now."""
        return {name: value for name, value in self._live.items() if value is not ABSENT}

    # Changing

    def check_open(self) -> None:
        """Raise ReadOnly when it takes no changes; a response can tell that from an error of the application's."""
        if self.unsettled is not None:
            self._go_on()
        if self.read_only:
            self.failure = read_only(self.read_only)
            raise self.failure

    def __setitem__(self, name: str, value: Any) -> None:
        """Set an attribute, which is encoded when the session is saved.

        Raises:
            EncodeError: no attribute can have that name.
            ReadOnly: the session takes no changes.
        """
        if self.read_only or self.unsettled is not None:
            self.check_open()
        if name not in self._live:
            check_name(name)
        self.accessed = True
        self._live[name] = value
        self._assigned[name] = None

    def __delitem__(self, name: str) -> None:
        self.check_open()
        if name not in self:
            raise KeyError(name)
        self._live[name] = ABSENT
        self._assigned[name] = None

    def setdefault(self, name: str, default: Any = None) -> Any:
        """The value; where there is none, the default, which it is from now on."""
        try:
            return self[name]
        except KeyError:
            self[name] = default
            return default

    def popitem(self) -> tuple[str, Any]:
        """Remove the last attribute; its name and value."""
        names = self._names()
        if not names:
            raise KeyError("the session is empty")
        return names[-1], self.pop(names[-1])

    def __ior__(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]], /) -> Self:
        self.update(other)
        return self

    def clear(self) -> None:
        """Remove all attributes, those that cannot be decoded among them."""
        for name in self._names():
            del self[name]

    def offer(self, name: str, default: Any) -> Any:
        """The default of an attribute that is not there; it is stored when it has changed."""
        if not unchanging(default):
            self._watched[name] = self.record.encode(name, default)
            self._live[name] = default
        return default

    def changes(self, record: Record | None = None) -> dict[str, Stored]:
        """What is to be stored of the attributes that were set, deleted or changed in place; ABSENT for deleted ones.

        Args:
            record: its record, where the caller has just asked for that.

        Raises:
            EncodeError: the value of an attribute cannot be stored; with its path.
        """
        if not self._assigned and not self._watched:
            return {}
        record, live, encoded, found = record or self.record, self._live, self._encoded, {}
        for name in self._assigned:
            value = live[name]
            if value is ABSENT or (scalar(value) and not record.attributes):
                stored = value
            else:
                begin = record.wire.tick()
                stored = record.encode(name, value)
                self.encoded += 1
                self.encoding += record.wire.tick() - begin
            encoded[name] = stored
            if not self._holds(record, name, stored):
                found[name] = stored
        if self._watched:
            begin = record.wire.tick()
            for name in self._watched:
                if name not in self._assigned:
                    stored = self._moved(record, name)
                    if stored is not ABSENT:
                        found[name] = encoded[name] = stored
            self.encoded += len(self._watched)
            self.encoding += record.wire.tick() - begin
        return found

    def _moved(self, record: Record, name: str) -> Stored:
        """What is to be stored of an attribute that was read and may have changed; ABSENT when it has not."""
        attribute = record.attribute(name) if record.attributes else record.wire.untyped
        try:
            return attribute.changed(self._live[name], self._watched[name])
        except EncodeError as error:
            located(error, name)
            raise

    def _holds(self, record: Record, name: str, stored: Stored) -> bool:
        """Whether this is what is stored of an attribute already."""
        before = self._watched.get(name, ABSENT) if self._watched else ABSENT
        if before is ABSENT or type(before) is Pickled:
            try:
                before = record.stored(name)
            except DecodeError:
                return False
        kind = type(stored)
        return stored == before if kind is type(before) and kind in EXACT else same(stored, before)


def read_only(reason: str) -> ReadOnly:
    """What to say when a session that takes no changes is to change."""
    return ReadOnly(f"the session takes no changes: {reason}", retryable=reason in {LOCKED, ADRIFT})
