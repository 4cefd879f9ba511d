"""The index of a record: one MessagePack map of names to scalars, segments and references, whatever the codec is.

It is read in one call and never changed: records, sessions and a near cache share it. What an ordinary reader of
MessagePack reads over is refused: a name that stands twice, bytes behind the map, and containers or extension types,
which are kept for later layouts.
"""

from gc import is_tracked
from types import NoneType
from typing import Any, Final

from transcoders import packer
from transcoders.errors import EncodeError, Malformed, Refused
from transcoders.packer import END, MARK, PAIR
from transcoders.sessions.stored import NAMES

Index = dict[str, Any]
"""Name to scalar, segment or reference; never changed once it is read."""
MAP: Final = 0x80
"""The first byte of a map of fewer than FEW entries, to which their number is added."""
FEW: Final = 0x10
_KINDS: Final = frozenset((NoneType, bool, int, float, str, bytes))


class Packing:
    """Packs and unpacks indexes.

    Attributes:
        dump, load: the functions of the engine, which check nothing; the first wants None and `strict` as well.
        strict: the option that lets no type but the plain ones through.
    """

    __slots__ = ("_keyed", "dump", "load", "strict")

    def __init__(self) -> None:
        strict = packer.load()
        self.dump, self.load, self.strict, self._keyed = strict.pack, strict.unpack, strict.strict, strict.keyed

    def pack(self, index: Index) -> bytes:
        """The bytes of an index."""
        return self.dump(index, None, self.strict)

    def unpack(self, data: bytes) -> Index:
        """The index in the bytes; raises Malformed, Refused."""
        try:
            index, found = self.load(PAIR + data + END)
        except ValueError as error:
            raise _malformed(error) from error
        size = _count(data)
        if found != MARK or size < 0:
            raise Malformed("expected one map of names in the index of the record, found something else")
        if len(index) != size:
            raise Malformed("expected each name once in the index of the record, found one of them twice")
        # A dict that the collector of garbage does not track holds no containers.
        if is_tracked(index) and not _KINDS.issuperset(map(type, index.values())):
            raise Refused("expected scalars and segments in the index, found a container: upgrade transcoders")
        if size > NAMES:
            raise Malformed(f"expected at most {NAMES} attributes in a record, found {size}")
        return index  # type: ignore[no-any-return]

    def pack_fields(self, fields: dict[int, Any]) -> bytes:
        """The bytes of more header fields; raises EncodeError."""
        try:
            return self.dump(fields, None, self.strict | self._keyed)
        except TypeError as error:
            raise EncodeError(f"fields of the record's header cannot be packed: {str(error)[:100]}") from error

    def unpack_fields(self, data: bytes) -> dict[int, Any]:
        """The header fields in the bytes; raises Malformed."""
        try:
            fields, found = self.load(PAIR + data + END, option=self._keyed)
        except (TypeError, ValueError) as error:
            raise _malformed(error) from error
        if type(found) is not int or found != MARK or type(fields) is not dict or len(fields) != _count(data):
            raise Malformed("expected one map of more fields in the header of the record, found something else")
        return fields


def _count(data: bytes) -> int:
    """How many entries the map has by its own word; -1 when it is none."""
    first = data[0]
    if first ^ MAP < FEW:
        return first ^ MAP
    size = {0xDE: 2, 0xDF: 4}.get(first)
    return -1 if size is None else int.from_bytes(data[1 : 1 + size], "big")


def many(data: bytes) -> int:
    """How many entries a map of FEW or more has by its own word; -1 when it is none, or has more than it may."""
    size = _count(data)
    return size if size <= NAMES else -1


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"expected MessagePack in the record: {str(error)[:100] or type(error).__name__}")
