"""What filters do to a record: the index goes through all of them, a segment in the tail through all but the seal.

The seal covers header and index, bound to the key of the store; in the index stands the digest of each segment in the
tail, so that what is read is authenticated, and nothing else is read. Segments are not bound to the key themselves, so
that a session that gets another key keeps them as they are; they are bound to being segments, for without their record
they must not pass for a frame.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from transcoders import frame
from transcoders.chain import Chain
from transcoders.errors import DecodeError, Refused
from transcoders.filters import Filter, Rank
from transcoders.frame import NONE
from transcoders.header import names
from transcoders.sessions.stored import START

SEGMENT: Final = b"transcoders/1/segment"
"""The associated data of a cipher in the tail."""


class Way(NamedTuple):
    """How bytes with some filter tags are read.

    Attributes:
        undo: what undoes the filters, the last one first.
        sealed: whether one of them authenticates.
        packed: whether one of them compresses.
        own: whether this is how records are written now.
    """

    undo: tuple[Callable[..., frame.Bytes], ...]
    sealed: bool
    packed: bool
    own: bool


Ways = dict[bytes, list[Way]]


class Filtering:
    """The filters of some chains, the first of which writes.

    Attributes:
        sealed: whether what is written is authenticated.
        tags: of the filters that are never left out.
        plain: whether there are none.
        bare: how a record without filters is read; None when it is not.
    """

    __slots__ = (
        *("_ciphers", "_compressors", "_id", "_index", "_seals", "_segments", "_size"),
        *("bare", "plain", "sealed", "tags"),
    )  # fmt: skip

    def __init__(self, chains: Sequence[Chain], size: int) -> None:
        filters, self._size = chains[0].filters, size
        self._compressors = tuple(one for one in filters if one.rank == Rank.COMPRESS)
        self._ciphers = tuple(one for one in filters if one.rank == Rank.ENCRYPT)
        self._seals = tuple(one for one in filters if one.rank > Rank.COMPRESS)
        self.sealed, self.tags = chains[0].sealed, _tags(self._seals)
        self._index: Ways = {}
        self._segments: Ways = {}
        for chain in chains:
            _learn(self._index, chain.filters, own=chain is chains[0])
            inner = tuple(one for one in chain.filters if one.rank < Rank.SIGN)
            _learn(self._segments, inner, own=chain is chains[0])
        self.plain = not filters
        self.bare = next(iter(self._index.get(b"", ())), None)
        self._id = self.seal(b"", b"", SEGMENT)[:2] if self._ciphers else b""  # of the key in the lead

    def compressed(self, index: bytes) -> tuple[bytes, bytes, bool]:
        """The index as small as it gets, the tags of all filters, and whether a compressor is among them."""
        for one in self._compressors:
            body = one.apply(index, b"", NONE)
            if len(body) < len(index):
                return body, _tags((one, *self._seals)), True
        return index, self.tags, False

    def seal(self, body: bytes, header: bytes, associated: bytes) -> bytes:
        """The index behind its header."""
        for one in self._seals:
            body = one.apply(body, header, associated)
        return body

    def open(self, tags: bytes, body: bytes, header: bytes, associated: bytes) -> tuple[bytes, Way]:
        """The index that stands behind its header, and how it was read; raises DecodeError.

        What an older key encrypted is read as what other filters wrote: with the next record all of it is encrypted
        under the newest key, so that keys which no record names any more can be dropped.
        """
        index, way = self._undone(self._index, tags, body, header, associated)
        return index, way._replace(own=False) if self._ciphers and way.own and body[:2] != self._id else way

    def stow(self, segment: bytes) -> bytes:
        """What stands in the tail of a segment."""
        if not self._compressors and not self._ciphers:
            return segment
        head = frame.parse(START + segment[: frame.LONGEST])
        body = segment[head.size - len(START) :]
        filters: list[Filter] = []
        for one in self._compressors:
            smaller = one.apply(body, b"", NONE)
            if len(smaller) < len(body):
                body = smaller
                filters.append(one)
        filters += self._ciphers
        start = _head(head, tuple(one.tag for one in filters))
        for one in self._ciphers:
            body = one.apply(body, start, SEGMENT)
        return start[len(START) :] + body

    def fetch(self, stowed: bytes) -> bytes:
        """The segment of which this stands in the tail; raises DecodeError."""
        if len(stowed) > 1 and not stowed[1] & 0xF0:
            return stowed
        head = frame.parse(START + stowed[: frame.LONGEST])
        size = head.size - len(START)
        body, _ = self._undone(self._segments, bytes(head.filters), stowed[size:], START + stowed[:size], SEGMENT)
        return _head(head, ())[len(START) :] + body

    def _undone(self, ways: Ways, tags: bytes, body: bytes, header: bytes, associated: bytes) -> tuple[bytes, Way]:
        refusal: DecodeError | None = None
        for way in ways.get(tags, ()):
            data: frame.Bytes = body
            try:
                for undo in way.undo:
                    data = undo(data, header, associated, self._size)
            except DecodeError as error:
                refusal = refusal or error
            else:
                return bytes(data), way
        raise refusal or _unknown(tags)


def _learn(ways: Ways, filters: tuple[Filter, ...], *, own: bool) -> None:
    """Note how bytes are read that went through the filters, and through them without the compressor."""
    bare = tuple(one for one in filters if one.rank != Rank.COMPRESS)
    for used in dict.fromkeys((filters, bare)):
        sealed, packed = any(one.rank > Rank.COMPRESS for one in used), len(used) > len(bare)
        way = Way(tuple(one.undo for one in reversed(used)), sealed, packed, own)
        ways.setdefault(_tags(used), []).append(way)


def _tags(filters: Sequence[Filter]) -> bytes:
    return bytes(one.tag for one in filters)


def _head(found: frame.Head, filters: tuple[int, ...]) -> bytes:
    """The header of the same frame with other filters."""
    version, mark = found.schema or (0, b"")
    stamp = version.to_bytes(2, "big") + mark if found.schema else b""
    return frame.header(found.codec, found.form, filters, stamp, compact=found.compact)


def _unknown(tags: bytes) -> Refused:
    _, *filters = names(frame.Head(0, 0, tuple(tags[:5]), 0))
    found = "+".join(filters) + "+…" * (len(tags) > 5) if filters else "without filters"
    return Refused(f"the session is stored {found}, which this transcoder does not read: name its spec in accept")
