"""Seals: a lead before the body, a keyed digest behind it, and a quick way for frames that are sealed and no more.

A seal covers the associated data behind its length, then the frame as it stands, up to the digest.
"""

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Any, ClassVar

from transcoders.frame import BUFFERS, NONE, Bytes
from transcoders.keyring import BOUND, OPTIONS, Keyring, covered, framed
from transcoders.options import Option

Digest = Callable[[Bytes], bytes]
"""The keyed digest of what it was begun with and the data."""
Begin = Callable[[bytes], Digest]
"""Begins digests under one key: what it gets is taken once, for all of them."""
Ways = tuple[Callable[..., bytes], Callable[..., Any]]
"""How a transcoder encodes and decodes."""
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

    def express(
        self,
        dumps: Callable[[object], tuple[int, bytes]],
        loads: Callable[[int, bytes], Any],
        headers: Mapping[int, bytes],
        limit: int,
        ways: Ways,
    ) -> Ways:
        """The express ways of frames that hold this seal and no other filter.

        Below 1 kB the calls between transcoder, filter and codec cost as much as the digest; here there are two.

        Args:
            dumps: of the codec.
            loads: of the codec.
            headers: the header of each form.
            limit: bytes of a frame.
            ways: for whatever is not done here, errors among it.
        """
        encode, decode = ways
        key, none = self._ring.active[0], NONE
        lead, bound = key.lead, key.tool(BOUND)
        heads = {form: (header, header + key.id, key.tool(header + key.id)) for form, header in headers.items()}
        readings = {
            header + other.id: (form, other.tool(header + other.id), other.tool(BOUND))
            for other in reversed(self._ring.active)  # of two with one id the newer is tried here
            for form, header in headers.items()
            if form < BUFFERS
        }
        named = len(next(iter(headers.values()))) + len(key.id)
        room = limit - named - _REST - self.size
        # Slices are made once: making one takes as long as cutting with it.
        name, rest, inner = slice(named), slice(named, -self.size), slice(named + _REST, -self.size)
        cover, seal = slice(-self.size), slice(-self.size, None)

        def express_encode(value: object, /, *, associated_data: bytes = b"") -> bytes:
            """The frame of the value; see Transcoder.encode."""
            try:
                form, body = dumps(value)
                size = len(body)
                if size <= room:
                    header, head, digest = heads[form]
                    if associated_data is none:
                        data = (size & 0xFFFF).to_bytes(_REST, "big") + body  # it starts with UNBOUND
                        return head + data + digest(data)
                    data = header + lead(associated_data, size) + body
                    return data + bound(framed(associated_data) + data)
            except (RecursionError, TypeError):
                pass
            return encode(value, associated_data=associated_data)

        def express_decode(data: bytes, /, *, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                if type(data) is bytes and len(data) <= limit:
                    form, digest, bound = readings[data[name]]
                    if associated_data is none:
                        expected = digest(data[rest])
                    else:
                        expected = bound(framed(associated_data) + data[cover])
                    if compare_digest(expected, data[seal]):
                        return loads(form, data[inner])
            except (KeyError, RecursionError, TypeError):
                pass
            return decode(data, associated_data=associated_data)

        return express_encode, express_decode
