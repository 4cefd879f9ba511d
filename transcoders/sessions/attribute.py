"""How the values of an attribute become what is stored, and back: the codec's own bytes behind a head of two.

The head is that of a frame without its first three bytes, so each segment says which codec wrote it: a live system
changes its codec, and what it does not touch stays as it is.
"""

import copyreg
import pickle
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from io import BytesIO
from types import NoneType
from typing import Any, Final, NamedTuple
from uuid import UUID

from transcoders import frame
from transcoders.chain import Chain
from transcoders.errors import DecodeError, EncodeError, Malformed, Refused
from transcoders.header import names
from transcoders.limits import Limits
from transcoders.packer import NotPlain
from transcoders.sessions.stored import ABSENT, START, Stored, scalar

IMMUTABLE: Final = frozenset((
    NoneType, bool, int, float, str, bytes, datetime, date, time, timedelta, Decimal, UUID,
))  # fmt: skip
"""Exact types whose values never change in place."""
_DEEP: Final = frozenset((tuple, frozenset))
_CBOR: Final = 3
_SHORT: Final = 100
"""Bytes of CBOR that are encoded again faster than pickled twice."""
Reading = tuple[Callable[[int, Any], object], int]


class Baseline(NamedTuple):
    """What a value that may change in place is compared with.

    Attributes:
        stored: what is stored of it; None when it is not what would be stored now.
        pickled: its pickle, where that is faster to compare; it is never loaded.
    """

    stored: Stored
    pickled: bytes | None = None


class Attribute:
    """An attribute of any type. Immutable; may be used by any number of threads at once.

    Attributes:
        hint: the declared type; None where there is none.
    """

    __slots__ = ("_dumps", "_heads", "_own", "_pickles", "_readings", "_size", "hint")

    def __init__(self, chains: Iterable[Chain], limits: Limits, hint: Any = None) -> None:
        self.hint, self._size = hint, limits.size
        self._readings: dict[bytes, Reading] = {}
        for index, chain in enumerate(chains):
            dumps, heads = self._learn(chain, limits)
            if not index:
                self._dumps, self._heads, self._pickles = dumps, heads, chain.codec.tag == _CBOR
        self._own = frozenset(self._heads.values())

    def _learn(self, chain: Chain, _limits: Limits) -> tuple[Callable[[Any], tuple[int, bytes]], dict[int, bytes]]:
        """Note what a chain reads; how it writes, and the head of each form."""
        codec = chain.codec
        heads = {form: head(codec.tag, form) for form in codec.forms}
        self._read(heads, codec.loads)
        return codec.dumps, heads

    def _read(self, heads: dict[int, bytes], loads: Callable[[int, Any], object]) -> None:
        for form, start in heads.items():
            self._readings.setdefault(start, (loads, form))

    def encode(self, value: object) -> Stored:
        """What is stored of the value; raises EncodeError with its path in the value."""
        return value if scalar(value) else self._segment(value)  # type: ignore[return-value]

    def _segment(self, value: object) -> bytes:
        try:
            form, body = self._dumps(value)
        except RecursionError as error:
            raise EncodeError("nested too deep for what is left of this thread's stack") from error
        segment = self._heads[form] + body
        if len(segment) > self._size:
            raise EncodeError(f"takes {len(segment)} bytes, the limit is {self._size}")
        return segment

    def decode(self, stored: Stored) -> object:
        """The value; of a segment a fresh one. Raises DecodeError."""
        return self._value(stored) if type(stored) is bytes else stored

    def _value(self, segment: bytes) -> object:
        size = 8 if len(segment) > 1 and segment[1] & frame.SCHEMA else 2
        reading = self._readings.get(segment[:size])
        if reading is None:
            return self._other(segment)
        loads, form = reading
        try:
            return loads(form, memoryview(segment)[size:] if form & frame.BUFFERS else segment[size:])
        except RecursionError as error:
            raise Malformed("nested too deep for what is left of this thread's stack") from error

    def _other(self, segment: bytes) -> object:
        """The value of a segment whose head is not known; raises DecodeError."""
        found = frame.parse(START + segment[: frame.LONGEST])
        raise self._refused(found)

    def _refused(self, found: frame.Head) -> DecodeError:
        if found.filters:
            return Malformed("expected a segment without filters in the index, or behind its reference")
        codec = names(found)[0]
        if found.schema:
            return Refused(f"the attribute is {codec} of a declared type, version {found.schema[0]}: schema= reads it")
        return Refused(f"the attribute is {codec} in form {found.form}, which is not read here: accept=[{codec!r}]?")

    def canonical(self, stored: Stored) -> bool:
        """Whether it is of the kind that this attribute would store now."""
        if type(stored) is not bytes:
            return True
        return stored[: 8 if len(stored) > 1 and stored[1] & frame.SCHEMA else 2] in self._own

    def baseline(self, value: object, stored: Stored) -> Baseline | None:
        """What to compare the value with that was decoded from this; None when it cannot change in place."""
        if unchanging(value):
            return None
        own = self.canonical(stored)
        if self._pickles and type(stored) is bytes and len(stored) > _SHORT:
            pickled = pickle_of(value)
            if pickled is not None:
                return Baseline(stored if own else None, pickled)
        return Baseline(stored if own else self.encode(value))

    def changed(self, value: object, baseline: Baseline) -> Stored:
        """What is to be stored of the value now; ABSENT when nothing changed."""
        if baseline.pickled is not None and pickle_of(value) == baseline.pickled:
            return ABSENT
        stored = self.encode(value)
        return ABSENT if stored == baseline.stored and type(stored) is type(baseline.stored) else stored


def head(codec: int, form: int, stamp: bytes = b"", *, compact: bool = False) -> bytes:
    """The head of a segment without filters."""
    return frame.header(codec, form, (), stamp, compact=compact)[len(START) :]


def unchanging(value: object) -> bool:
    """Whether the value never changes in place."""
    kind = type(value)
    if kind in IMMUTABLE:
        return True
    if kind in _DEEP:
        return IMMUTABLE.issuperset(map(type, value))  # type: ignore[call-overload]
    return isinstance(value, Enum)


class _Pickler(pickle.Pickler):
    """A pickler of builtins, and of objects whose pickle holds all that they are."""

    def reducer_override(self, value: object) -> Any:
        cls = type(value)
        whole = (
            cls.__reduce_ex__ is object.__reduce_ex__
            and cls.__reduce__ is object.__reduce__
            and cls.__getstate__ is object.__getstate__
            and cls not in copyreg.dispatch_table
        )
        if whole or cls in IMMUTABLE or isinstance(value, type | Enum | tzinfo):
            return NotImplemented
        raise NotPlain


def pickle_of(value: object) -> bytes | None:
    """A pickle that differs when the value does; None when it has none."""
    sink = BytesIO()
    try:
        _Pickler(sink, 5).dump(value)
    except Exception:  # noqa: BLE001 - whatever there is about a class; then the codec's bytes are compared
        return None
    return sink.getvalue()
