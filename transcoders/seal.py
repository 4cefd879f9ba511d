"""Seals: a lead before the body, a keyed digest behind it, and a quick way for frames that are sealed and no more.

A seal covers the associated data behind its length, then the frame as it stands, up to the digest.
"""

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any, ClassVar, NamedTuple

from transcoders.frame import BUFFERS, NONE, PLAIN, Bytes
from transcoders.keyring import BOUND, OPTIONS, Key, Keyring, covered, framed
from transcoders.options import Option

Copy = Callable[[], Any]
"""Gives a copy of a digest's state."""


class Digest(NamedTuple):
    """A keyed digest that has taken what stands first, which is copied for each message: that is cheaper than to begin.

    Attributes:
        ready: copies the state that takes the message.
        outer: copies the state that takes the digest of the first (HMAC has one).
    """

    ready: Copy
    outer: Copy | None = None

    def __call__(self, data: Bytes) -> bytes:
        """The digest of what it was begun with and the data."""
        state = self.ready()
        state.update(data)
        digest: bytes = state.digest()
        if self.outer is None:
            return digest
        state = self.outer()
        state.update(digest)
        return state.digest()  # type: ignore[no-any-return]


Begin = Callable[[bytes], Digest]
"""Begins digests under one key: what it gets is taken once, for all of them."""
Ways = tuple[Callable[..., bytes], Callable[..., Any]]
"""How a transcoder encodes and decodes."""


class Sealing(NamedTuple):
    """What a codec needs to seal and open frames of its plain form itself, without associated data.

    What lies in them between `head` and digest is four bytes and the body; the digest covers both.

    Attributes:
        head: header and key id.
        ready: copies the state that has taken the head.
        outer: see Digest.
        openings: the same two for each key, by its head.
        name: where the head is in a frame, as a slice.
        rest: where that lies which is covered and not in the head.
        inner: where the body is.
        tail: where the digest is.
        room: the most bytes of a body, and `limit` of a frame.
    """

    head: bytes
    ready: Copy
    outer: Copy | None
    openings: dict[bytes, Digest]
    name: slice
    rest: slice
    inner: slice
    tail: slice
    room: int
    limit: int


_REST = 4
"""Bytes of a lead behind the id."""


class Seal:
    """A keyed digest behind the body."""

    size: ClassVar[int]
    options: ClassVar[tuple[Option, ...]] = OPTIONS

    __slots__ = ("_ring",)

    def __init__(self, ring: Keyring[Begin]) -> None:
        self._ring = ring

    def apply(self, body: bytes, header: bytes, associated: bytes, /) -> bytes:
        """The body between lead and digest."""
        key = self._ring.active[0]
        lead = key.lead(associated, len(body))
        return b"".join((lead, body, key.tool(covered(associated, header, lead))(body)))

    def undo(self, body: Bytes, header: bytes, associated: bytes, _limit: int, /) -> Bytes:
        """The body, if one of the keys sealed it."""
        return self._ring.open(body, header, associated, self.size, self._opened)

    def _opened(self, begin: Begin, start: bytes, rest: Bytes) -> Bytes | None:
        body, seal = rest[: -self.size], rest[-self.size :]
        return body if compare_digest(begin(start)(body), seal) else None

    def express(self, codec: Any, headers: Mapping[int, bytes], limit: int, ways: Ways) -> Ways:
        """The express ways of frames that hold this seal and no other filter.

        Below 1 kB the calls between transcoder, filter and codec cost as much as the digest; here there is one, and
        none for a codec that has `express_sealed`.

        Args:
            codec: its `dumps` and `loads` are used; its `express_sealed` gets a Sealing,
                and ways for what it does not do.
            headers: the header of each form.
            limit: bytes of a frame.
            ways: for whatever is not done here, errors among it.
        """
        key, tail = self._ring.active[0], self.size
        heads = {form: (header, header + key.id, *key.tool(header + key.id)) for form, header in headers.items()}
        readings = {
            header + other.id: (form, *other.tool(header + other.id), other.tool(BOUND))
            for other in reversed(self._ring.active)  # of two with one id the newer is tried here
            for form, header in headers.items()
            if form < BUFFERS
        }
        named = len(next(iter(headers.values()))) + len(key.id)
        sealing = Sealing(
            *heads[PLAIN][1:],
            {head: Digest(*found[1:3]) for head, found in readings.items() if found[0] == PLAIN},
            # Slices are made once: making one takes as long as cutting with it.
            name=slice(named), rest=slice(named, -tail), inner=slice(named + _REST, -tail), tail=slice(-tail, None),
            room=limit - named - _REST - tail, limit=limit,
        )  # fmt: skip
        encode = _encoder(codec.dumps, heads, key, sealing, ways[0])
        decode = _decoder(codec.loads, readings, sealing, ways[1])
        if not hasattr(codec, "express_sealed"):
            return encode, decode
        found: Ways = codec.express_sealed(sealing, encode, decode)
        return found


def _encoder(
    dumps: Callable[[object], tuple[int, bytes]],
    heads: Mapping[int, tuple[bytes, bytes, Copy, Copy | None]],
    key: Key[Begin],
    sealing: Sealing,
    encode: Callable[..., bytes],
) -> Callable[..., bytes]:
    lead, bound, room, none, join = key.lead, key.tool(BOUND), sealing.room, NONE, b"".join

    def express_encode(value: object, /, associated_data: bytes = b"") -> bytes:
        """The frame of the value; see Transcoder.encode."""
        try:
            form, body = dumps(value)
            size = len(body)
            if size <= room:
                header, head, ready, outer = heads[form]
                if associated_data is none:
                    rest = (size & 0xFFFF).to_bytes(_REST, "big")  # it starts with UNBOUND
                    state = ready()
                    state.update(rest)
                    state.update(body)
                    if outer is None:
                        return join((head, rest, body, state.digest()))
                    last = outer()
                    last.update(state.digest())
                    return join((head, rest, body, last.digest()))
                data = header + lead(associated_data, size) + body
                return data + bound(framed(associated_data) + data)
        except (RecursionError, TypeError):
            pass
        return encode(value, associated_data)

    return express_encode


def _decoder(
    loads: Callable[[int, bytes], Any],
    readings: Mapping[bytes, tuple[int, Copy, Copy | None, Digest]],
    sealing: Sealing,
    decode: Callable[..., Any],
) -> Callable[..., Any]:
    name, rest, inner, tail, limit = sealing.name, sealing.rest, sealing.inner, sealing.tail, sealing.limit
    none, cover = NONE, slice(tail.start)

    def express_decode(data: bytes, /, associated_data: bytes = b"") -> Any:
        """The value in the frame; see Transcoder.decode."""
        try:
            if type(data) is bytes and len(data) <= limit:
                form, ready, outer, bound = readings[data[name]]
                if associated_data is none:
                    state = ready()
                    state.update(data[rest])
                    digest = state.digest()
                    if outer is not None:
                        last = outer()
                        last.update(digest)
                        digest = last.digest()
                else:
                    digest = bound(framed(associated_data) + data[cover])
                if compare_digest(digest, data[tail]):
                    return loads(form, data[inner])
        except (KeyError, RecursionError, TypeError):
            pass
        return decode(data, associated_data)

    return express_decode
