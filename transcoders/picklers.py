"""Picklers and unpicklers of plain data, kept for the next value: making one costs as much as pickling a small session.

Pickles are written in fast mode, protocol 5, without a memo, and read by what knows no global. One that raised is not
kept, for its state is unknown. Popping from a list and appending to it are atomic, so that none is ever in two hands.
"""

import copyreg
import pickle
from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from transcoders.errors import Refused
from transcoders.frame import NONE, PLAIN
from transcoders.packer import NotPlain, refuse
from transcoders.seal import Sealing, Ways
from transcoders.streams import Sink, Source

UNFIT: Final = (NotPlain, ValueError, RecursionError)
"""What a pickler raises: of a value that is not plain, of one in a cycle, of one that is too deep."""
EXTENSIONS: Final[dict[int, object]] = copyreg._extension_cache  # type: ignore[attr-defined]  # noqa: SLF001
"""Extension codes that somebody has loaded: these the unpickler builds without asking its find_class."""
Writer = tuple[Callable[[Any], None], list[bytes]]
"""What pickles a value, and where it puts the parts of its pickle: one, unless long runs of bytes lie in it."""
Reader = tuple[Source, Callable[[], Any]]
"""Where a pickle is put, and what loads it."""


class _DataPickler(pickle.Pickler):
    """A pickler of builtins: asks about everything else, and the answer is no."""

    def reducer_override(self, _value: object) -> Any:
        raise NotPlain


class _DataUnpickler(pickle.Unpickler):
    """An unpickler that knows no global at all."""

    __slots__ = ()

    def find_class(self, module: str, name: str) -> Any:
        raise Refused(f"the pickle names {module[:60]}.{name[:60]}; data-only pickles name nothing")


def writer(callback: Callable[[pickle.PickleBuffer], Any] | None = refuse) -> Writer:
    """A new one; `callback` gets the buffers that are to lie outside the stream, None lets them in."""
    parts: list[bytes] = []
    pickler = _DataPickler(Sink(parts), 5, buffer_callback=callback)
    pickler.fast = True
    return pickler.dump, parts


def reader(views: Iterable[memoryview] | None = None) -> Reader:
    """A new one; `views` are the buffers that lie outside the stream."""
    source = Source()
    return source, _DataUnpickler(source, buffers=views).load


def joined(parts: list[bytes]) -> bytes:
    """The whole pickle; the list is empty then."""
    data = b"".join(parts)
    parts.clear()
    return data


class Plain(NamedTuple):
    """What a codec does with plain pickles.

    Attributes:
        writers: those that are kept, and `readers`.
        least: bytes of a pickle in which there is nothing that a limit refuses.
        dense: the same where there is no large integer either.
        fit: whether a pickled value and its pickle are plain and within the limits; raises EncodeError.
        loads: form and pickle to value; raises DecodeError.
    """

    writers: list[Writer]
    readers: list[Reader]
    least: int
    dense: int
    fit: Callable[[object, bytes], bool]
    loads: Callable[[int, bytes], object]


def sealed(plain: Plain, seal: Sealing, encode: Callable[..., bytes], decode: Callable[..., Any]) -> Ways:
    """The express way of plain pickles under a seal without associated data: one call of Python each way.

    Whatever else there is they pass to `encode` and `decode`.
    """
    return _sealing(plain, seal, encode), _opening(plain, seal, decode)


def _sealing(plain: Plain, seal: Sealing, encode: Callable[..., bytes]) -> Callable[..., bytes]:
    take, keep, least, dense, fit = plain.writers.pop, plain.writers.append, plain.least, plain.dense, plain.fit
    head, ready, outer, room, none = seal.head, seal.ready, seal.outer, seal.room, NONE
    leads, join = [size.to_bytes(4, "big") for size in range(least + 1)], b"".join

    def encode_sealed(value: object, /, associated_data: bytes = b"") -> bytes:
        """The frame of the value; see Transcoder.encode."""
        try:
            try:
                dump, parts = kept = take()
            except IndexError:
                dump, parts = kept = writer()
            dump(value)
            body = parts.pop()
            size = len(body)
            if size <= room and not parts and associated_data is none:
                keep(kept)
                # Bytes that may be sets, half of a surrogate pair, a large integer; or others that look like them.
                doubtful = size > least and (size > dense or 0x8B in body)
                if not (doubtful or 0x8F in body or 0x91 in body or 0xED in body) or fit(value, body):
                    lead = leads[size] if size <= least else (size & 0xFFFF).to_bytes(4, "big")
                    state = ready()
                    state.update(lead)
                    state.update(body)
                    if outer is None:
                        return join((head, lead, body, state.digest()))
                    last = outer()
                    last.update(state.digest())
                    return join((head, lead, body, last.digest()))
        except UNFIT:
            pass
        return encode(value, associated_data)

    return encode_sealed


def _opening(plain: Plain, seal: Sealing, decode: Callable[..., Any]) -> Callable[..., Any]:
    take, keep, least, dense, loads = plain.readers.pop, plain.readers.append, plain.least, plain.dense, plain.loads
    openings, name, rest, inner, tail, limit = seal.openings, seal.name, seal.rest, seal.inner, seal.tail, seal.limit
    form, extensions, none = PLAIN, EXTENSIONS, NONE

    def decode_sealed(data: bytes, /, associated_data: bytes = b"") -> Any:
        """The value in the frame; see Transcoder.decode."""
        try:
            if type(data) is bytes and len(data) <= limit and associated_data is none:
                ready, outer = openings[data[name]]
                state = ready()
                state.update(data[rest])
                digest = state.digest()
                if outer is not None:
                    last = outer()
                    last.update(digest)
                    digest = last.digest()
                if compare_digest(digest, data[tail]):
                    body = data[inner]
                    size = len(body)
                    if (size > least and (size > dense or 0x8B in body)) or 0xED in body or extensions:
                        return loads(form, body)
                    try:
                        source, load = kept = take()
                    except IndexError:
                        source, load = kept = reader()
                    source.data = body
                    value = load()
                    if source.used == size:
                        keep(kept)
                        return value
        except Exception:  # noqa: BLE001, S110 - the unpickler raises nearly anything; the slow way words it
            pass
        return decode(data, associated_data)

    return decode_sealed
