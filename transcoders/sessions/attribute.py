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
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

from transcoders import frame
from transcoders.chain import Chain
from transcoders.errors import DecodeError, EncodeError, Malformed, Refused
from transcoders.header import names
from transcoders.limits import Limits
from transcoders.packer import NotPlain
from transcoders.sessions.stored import ABSENT, START, Stored, scalar

if TYPE_CHECKING:
    from transcoders.codecs import Codec
    from transcoders.typed import Typed

IMMUTABLE: Final = frozenset((
    NoneType, bool, int, float, str, bytes, datetime, date, time, timedelta, Decimal, UUID,
))  # fmt: skip
"""Exact types whose values never change in place."""
_DEEP: Final = frozenset((tuple, frozenset))
_CBOR: Final = 3
_SHORT: Final = 100
"""Bytes of CBOR that are encoded again faster than pickled twice."""
Reading = tuple[Callable[[int, Any], object], int]


class Pickled(NamedTuple):
    """The pickle of a value, where that is faster to compare than what is stored of it. It is never loaded."""

    pickle: bytes
    stored: Stored


Baseline = Stored | Pickled
"""What a value that may change in place is compared with: what is stored of it, or its pickle."""


class Attribute:
    """An attribute of any type. Immutable; may be used by any number of threads at once.

    Attributes:
        hint: the declared type; None where there is none.
    """

    __slots__ = (
        *("_decode", "_dumps", "_encode", "_heads", "_own", "_pickles", "_plain", "_readings", "_size", "hint"),
    )  # fmt: skip

    def __init__(self, chains: Iterable[Chain], limits: Limits, hint: Any = None) -> None:
        self.hint, self._size = hint, limits.size
        self._readings: dict[bytes, Reading] = {}
        own, *others = chains
        codec = self._learn(own, limits)
        self._dumps, self._heads = codec.dumps, heads(codec)
        self._own, self._plain = frozenset(self._heads.values()), self._heads[min(self._heads)]
        self._pickles = own.codec.tag == _CBOR
        self._encode: Callable[..., bytes] = self._carefully
        self._decode: Callable[..., object] = self._explained
        if getattr(codec, "quick", limits.by_engine) and hasattr(codec, "express"):
            self._encode, self._decode = codec.express(self._plain, limits.size, self._encode, self._decode)
        for one in others:
            self._learn(one, limits)

    def _learn(self, chain: Chain, _limits: Limits) -> "Codec | Typed":
        """Note what a chain reads; what writes and reads its bodies."""
        self._read(heads(chain.codec), chain.codec.loads)
        return chain.codec

    def _read(self, heads: dict[int, bytes], loads: Callable[[int, Any], object]) -> None:
        for form, start in heads.items():
            self._readings.setdefault(start, (loads, form))

    def encode(self, value: object) -> Stored:
        """What is stored of the value; raises EncodeError with its path in the value."""
        return value if scalar(value) else self.segment(value)  # type: ignore[return-value]

    def segment(self, value: object) -> bytes:
        """What is stored of a value that is no scalar; raises EncodeError with its path in the value."""
        segment = self._encode(value)
        # The express way of a codec puts the whole header of a frame before what is not plain.
        return segment.removeprefix(START)

    def _carefully(self, value: object, _associated: bytes = b"", /) -> bytes:
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
        return self._decode(stored) if type(stored) is bytes else stored

    def _explained(self, segment: bytes, _associated: bytes = b"", /) -> object:
        size = _size(segment)
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
        raise self._refused(frame.parse(START + segment[: frame.LONGEST]))

    def _refused(self, found: frame.Head) -> DecodeError:
        if found.filters:
            return Malformed("expected a segment without filters in the index, or behind its reference")
        codec = names(found)[0]
        if found.schema:
            return Refused(f"the attribute is {codec} of a declared type, version {found.schema[0]}: schema= reads it")
        return Refused(f"the attribute is {codec} in form {found.form}, which is not read here: accept=[{codec!r}]?")

    def baseline(self, value: object, segment: bytes) -> Baseline:
        """What to compare the value with that was decoded from the segment, and that may change in place."""
        if self._pickles and len(segment) > _SHORT and (pickled := pickle_of(value)) is not None:
            return Pickled(pickled, segment)
        # What another codec wrote, or another version of the type, is not what would be stored of the same value now.
        own = self._own
        return segment if segment[:2] in own or segment[: _size(segment)] in own else self.encode(value)

    def changed(self, value: object, baseline: Baseline) -> Stored:
        """What is to be stored of the value now; ABSENT when nothing changed."""
        kind = type(value)
        if (kind is list or kind is dict) and type(baseline) is bytes:  # as below, for what nearly all of them are
            segment = self.segment(value)
            return ABSENT if segment == baseline else segment
        if type(baseline) is Pickled:
            if pickle_of(value) == baseline.pickle:
                return ABSENT
            baseline = baseline.stored
        stored = self.encode(value)
        return ABSENT if stored == baseline and type(stored) is type(baseline) else stored


def heads(codec: "Codec | Typed") -> dict[int, bytes]:
    """The head of a segment in each form."""
    stamp, compact = getattr(codec, "stamp", b""), getattr(codec, "compact", False)
    headers = {form: frame.header(codec.tag, form, (), stamp, compact=compact) for form in codec.forms}
    return {form: header[len(START) :] for form, header in headers.items()}


def _size(segment: bytes) -> int:
    """The bytes of a segment's head, if it has no filters."""
    return 2 + frame.STAMP if segment[1:2] and segment[1] & frame.SCHEMA else 2


def unchanging(value: object) -> bool:
    """Whether the value never changes in place."""
    kind = type(value)
    if kind is list or kind is dict:
        return False
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
