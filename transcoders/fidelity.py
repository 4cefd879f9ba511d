"""The session value set beyond what a format holds by itself: one table, lowered and raised the same for every codec.

`Lowering` walks a value and replaces what the codec's notation does not hold by `tag(kind, payload)`; `raising` turns
a kind and its payload, whose parts are raised already, back into the value. A codec supplies the notation: which
types it holds, how it writes a tag, a run of bytes, and an order for sets. Exact types only: a subclass is not its
base, so it is either registered or an EncodeError with its path, never a silent change.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import prod
from typing import Any, Final, Protocol
from uuid import UUID

from transcoders import arrays, records, timestamps, tree
from transcoders.collisions import crowd, prone
from transcoders.errors import EncodeError, Malformed, TooLarge
from transcoders.limits import Limits
from transcoders.numerals import Numerals
from transcoders.records import Types

TUPLE, SET, FROZENSET, PAIRS, BYTES, BYTEARRAY, INT, FLOAT = range(1, 9)
DATETIME, DATE, TIME, TIMEDELTA, DECIMAL, UUID_, ENUM, RECORD, ARRAY, NUMBER = range(9, 19)

NAMES: Final = dict(
    enumerate(
        [
            "tuple",
            "set",
            "frozenset",
            "dict",
            "bytes",
            "bytearray",
            "int",
            "float",
            "datetime",
            "date",
            "time",
            "timedelta",
            "decimal",
            "uuid",
            "enum",
            "record",
            "array",
            "number",
        ],
        start=1,
    )
)
"""The tag numbers of docs/format.md and their names in JSON. Numbers are never reused."""

Step = tuple[Any, ...]  # (parent step or None, key or index, depth): the path, written out only when it is needed
ROOT: Final[Step] = (None, "$", 0)
_LOW, _HIGH = -(1 << 63), 1 << 64


Plain = Callable[[object, int], bool]
"""Whether a list or dict, itself included no deeper than so many levels, stands for itself in the notation."""
_MISSES: Final = 3
"""How many lists and dicts in one container may turn out not to be plain before the rest are walked unasked."""


class Notation(Protocol):
    """What a codec's format offers to the table."""

    holds: frozenset[type]
    """Leaf types that stand for themselves; int and float only if every value of them does."""
    keys: frozenset[type]
    """Types of dict keys that stand for themselves."""

    def tag(self, kind: int, payload: object) -> object:
        """The codec's tagged value."""
        ...

    def run(self, data: bytes | bytearray | memoryview) -> object:
        """A run of bytes as the payload of a tag."""
        ...

    def order(self, lowered: object) -> bytes:
        """A sort key for the lowered members of a set."""
        ...


class Beyond(EncodeError):  # noqa: N818 - as the errors that name what was found
    """The value exceeds a limit."""


class Lowering:
    """Values to what the notation holds; one object per transcoder, free of state."""

    __slots__ = (
        *("_depth", "_holds", "_keys", "_limits", "_notation", "_numerals", "_plain", "_rows", "_tag", "_trees"),
        *("_types", "_walks", "_wary"),
    )  # fmt: skip

    def __init__(
        self, notation: Notation, types: Types, limits: Limits, plain: Plain | None = None, *, wary: bool = False
    ) -> None:
        """Lists and dicts that are plain, within so many levels, are taken as they are and not walked.

        A wary one looks into every str and int, to find the one that no encoder takes, or no decoder.
        """
        self._keys, self._plain, self._trees = notation.keys, plain or _never, _TREES if plain else _NONE
        self._notation, self._types, self._limits, self._wary = notation, types, limits, wary
        self._depth, self._numerals = limits.depth, Numerals(limits)
        self._holds, self._tag = notation.holds - {str, int} if wary else notation.holds, notation.tag
        self._rows: dict[type, Callable[[Any, Step], object]] = {
            list: self._list, dict: self._dict, tuple: self._tuple,
            set: self._set, frozenset: lambda value, at: self._set(value, at, FROZENSET),
            int: self._int, float: self._float, str: self._str,
            bytes: lambda value, _at: self._tag(BYTES, notation.run(value)),
            bytearray: lambda value, _at: self._tag(BYTEARRAY, notation.run(value)),
            datetime: self._moment, time: lambda value, at: self._moment(value, at, TIME),
            date: lambda value, _at: self._tag(DATE, value.isoformat()),
            timedelta: lambda value, _at: self._tag(TIMEDELTA, [value.days, value.seconds, value.microseconds]),
            Decimal: self._decimal,
            UUID: lambda value, _at: self._tag(UUID_, notation.run(value.bytes)),
        }  # fmt: skip
        self._walks = Lowering(notation, types, limits)._rows if plain else self._rows  # noqa: SLF001 - its own

    def __call__(self, value: object, at: Step = ROOT) -> object:
        """The lowered value.

        Raises:
            EncodeError: something in it is outside the session value set, or nested too deep; with its path.
        """
        if type(value) in self._holds:
            return value
        return (self._rows.get(type(value)) or self._other)(value, at)

    def check(self, value: object) -> None:
        """Raise EncodeError when a str holds half a surrogate pair, or anything else is outside the set or a limit."""
        Lowering(self._notation, self._types, self._limits, wary=True)(value)

    def kept(self, value: object, *, wary: bool = False) -> object:
        """The decoded value; raises TooLarge or Malformed when it is one that this would not encode."""
        try:
            self.check(value) if wary else self(value)
        except Beyond as error:
            raise TooLarge(f"{error}") from error
        except EncodeError as error:
            raise Malformed(f"expected a session value; {error}") from error
        return value

    def bounded(self, value: object, size: int, *, plain: bool = False) -> object:
        """The value, whose body takes so many bytes; raises Beyond when its containers hold more than the limit.

        An entry takes a byte or more, so that only long bodies are looked into; plain ones at the speed of C.
        """
        most = self._limits.items
        if size > most and (tree.crowded(value, most) if plain else tree.entries(value, most, self._parts) > most):
            raise Beyond(f"containers hold more than {most} entries")
        return value

    def held(self, value: object, size: int, *, plain: bool = False) -> object:
        """The decoded value; raises TooLarge where `bounded` raises Beyond."""
        try:
            return self.bounded(value, size, plain=plain)
        except Beyond as error:
            raise TooLarge(f"{error}") from error

    def explain(self, value: object, error: Exception) -> EncodeError:
        """The EncodeError that names what the codec's library could not encode."""
        try:
            self.check(value)
        except EncodeError as found:
            return found
        return EncodeError(f"the codec's library refused the value: {str(error)[:100]}")

    def _list(self, value: Iterable[object], at: Step) -> list[object]:
        # Loops, not comprehensions: a frame of Python less for each level, and depth 250 must fit into the stack.
        holds, rows, depth, trees, missed = self._holds, self._rows, self._inside(at), self._trees, 0
        lowered = list(value)
        for index, item in enumerate(lowered):
            kind = type(item)
            if kind in holds:
                continue
            if kind in trees:
                if self._plain(item, self._depth - depth):
                    continue
                missed += 1
                if missed == _MISSES:
                    rows, trees = self._walks, _NONE
            lowered[index] = rows.get(kind, self._other)(item, (at, index, depth))
        return lowered

    def _dict(self, value: dict[object, object], at: Step) -> object:
        holds, rows, depth, trees, missed = self._holds, self._rows, self._inside(at), self._trees, 0
        lowered: dict[object, object] = value.copy()
        for key, item in value.items():
            kind = type(item)
            if kind in holds:
                continue
            if kind in trees:
                if self._plain(item, self._depth - depth):
                    continue
                missed += 1
                if missed == _MISSES:
                    rows, trees = self._walks, _NONE
            lowered[key] = rows.get(kind, self._other)(item, (at, key, depth))
        if self._stand(lowered, at):
            return lowered
        self._spread(lowered, at)
        pairs = [part for key, item in lowered.items() for part in (self(key, (at, key, depth)), item)]
        return self._tag(PAIRS, pairs)

    def _stand(self, keys: dict[object, object], at: Step) -> bool:
        """Whether the keys stand for themselves in the notation."""
        if self._wary:
            for key in keys:
                self(key, (at, key, at[2] + 1))
        if len(keys) == 1 and looks_tagged(next(iter(keys))):
            return False
        kinds = set(map(type, keys))
        return kinds <= self._keys and (
            int not in kinds or all(type(key) is not int or _LOW <= key < _HIGH for key in keys)
        )

    def _spread(self, members: Collection[object], at: Step) -> None:
        """Raise EncodeError where too many keys or members could have one hash."""
        most = self._limits.collisions
        if len(members) > most and prone(members) > most:
            raise Beyond(f"{crowd(most)}: seal the transcoder, +hmac?", path(at))

    def _tuple(self, value: tuple[object, ...], at: Step) -> object:
        items = list(value)
        if len(items) > _FEW and self._plain(items, self._depth - at[2]):
            return self._tag(TUPLE, items)
        return self._tag(TUPLE, self._list(items, at))

    def _set(self, value: Collection[object], at: Step, kind: int = SET) -> object:
        self._spread(value, at)
        return self._tag(kind, sorted(self._list(value, at), key=self._notation.order))

    def _int(self, value: int, at: Step) -> object:
        if _LOW <= value < _HIGH:
            return value
        if told := self._numerals.excess(value):
            raise Beyond(told, path(at))
        return self._tag(INT, f"{value:x}")

    def _float(self, value: float, _at: Step) -> object:
        return value if math.isfinite(value) else self._tag(FLOAT, repr(value))

    def _str(self, value: str, at: Step) -> str:
        if not value.isascii() and _SURROGATE.search(value):
            raise EncodeError("str holds a lone surrogate, which is no Unicode text", path(at))
        return value

    def _decimal(self, value: Decimal, at: Step) -> object:
        text = str(value)
        if told := self._numerals.decimal_excess(value, text):
            raise Beyond(told, path(at))
        return self._tag(DECIMAL, text)

    def _moment(self, value: datetime | time, at: Step, kind: int = DATETIME) -> object:
        try:
            return self._tag(kind, timestamps.lower(value))
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error

    def _other(self, value: object, at: Step) -> object:
        if arrays.is_array(value):
            return self._array(value, at)
        try:
            enum, name, parts = records.lower(value, self._types)
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error
        if enum:
            return self._tag(ENUM, [name, self(parts, at)])
        depth = self._inside(at)
        return self._tag(RECORD, [name, {key: self(item, (at, key, depth)) for key, item in parts.items()}])

    def _array(self, value: Any, at: Step) -> object:
        try:
            head, buffer = arrays.lower(value)
        except ValueError as error:
            raise EncodeError(str(error), path(at)) from error
        if told := boundless(value, self._limits.items):
            raise Beyond(told, path(at))
        return self._tag(ARRAY, [head, self._notation.run(buffer)])

    def _inside(self, at: Step) -> int:
        depth: int = at[2] + 1
        if depth > self._depth:
            raise Beyond(f"nested deeper than {self._depth} containers (or in a cycle)", path(at))
        return depth

    def _parts(self, value: object) -> list[object]:
        """The fields of a record; nothing of any other value that is no container."""
        if type(value) in self._rows or type(value) in self._holds or arrays.is_array(value):
            return []
        enum, _, parts = records.lower(value, self._types)
        return [] if enum else [*parts.values()]


def looks_tagged(key: object) -> bool:
    """Whether a dict with this single key could be taken for a tag object of JSON, so that it must be escaped."""
    return type(key) is str and key.startswith("$")


def path(at: Step) -> str:
    """The path of a step, as `$.cart[3].when`."""
    steps: list[str] = []
    while at[0] is not None:
        at, key, _ = at
        plain = type(key) is str and key.isidentifier()
        steps.append(f".{key[:40]}" if plain else f"[{_shown(key)}]")
    text = "$" + "".join(reversed(steps))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


_LONGEST: Final = 200
"""Characters of a path in a message: of a longer one, its beginning and its end."""


def _shown(key: object) -> str:
    try:
        return repr(key)[:40]
    except ValueError:  # an integer of more digits than Python writes (`sys.set_int_max_str_digits`)
        return type(key).__name__


def boundless(array: Any, rows: int) -> str | None:
    """What is wrong with an array without a byte whose shape no memory holds: whoever walks it walks that; or None."""
    if not array.size and prod(size or 1 for size in array.shape) > rows:
        return f"an empty array has a shape of at most {rows} rows"
    return None


def _never(_tree: object, _levels: int) -> bool:
    return False


_TREES: Final = frozenset((list, dict))
_NONE: Final = frozenset[type]()
_FEW: Final = 8
"""Items that are walked as fast as they are asked about."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
