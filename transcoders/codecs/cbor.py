"""CBOR (RFC 8949) over cbor2, with the session value set kept in tags.

A strict packer is asked whether the value is plain, because cbor2 by itself writes tuples as arrays and drops folds
and zones. UUIDs are written with their tag of the IANA registry, 37, other rich values with a block of our own;
integers of any size and NaN stand for themselves. Every other tag is refused. cbor2 reads over trailing bytes, so a
number that nobody else knows is put behind the body before it is read.
"""

import re
import secrets
import sys
from collections.abc import Callable
from types import NoneType
from typing import Any, ClassVar

from transcoders import fidelity, frame, outlines, packer, raising
from transcoders.codecs import TYPED, Context, Decode, Encode, Traits, nothing, tagging
from transcoders.errors import EncodeError, Malformed, TooLarge
from transcoders.options import Option, Options
from transcoders.streams import Sink
from transcoders.tree import deeper

_BLOCK = 0x54430000
"""Kind n of the fidelity table is tag `_BLOCK + n`, in the first-come range of RFC 8949 section 9.2."""
_STANDARD = {fidelity.UUID_: 37}
_TAGS = {kind: _STANDARD.get(kind, _BLOCK + kind) for kind in fidelity.NAMES}
_KINDS = {tag: kind for kind, tag in _TAGS.items()}
_BUILT_IN = (*(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),)
"""The tags that cbor2 decodes by itself."""
_BIGNUMS = _POSITIVE, _ = (2, 3)
_BIGNUM = re.compile(rb"[\xc2\xc3][\x40-\x5b]").search
"""The heads of a bignum, or other bytes that look like them."""
_LEAVES = frozenset((NoneType, bool, int, float, str, bytes))
_KEYS = frozenset((str, int))
_PAIR = b"\x82"
"""The head of an array of two: the body, and the mark behind it."""
_MARK = secrets.randbits(64) | 1 << 63
_END = b"\x1b" + _MARK.to_bytes(8, "big")
_DEEPEST = 1000


class _Notation:
    """CBOR's part of the fidelity table."""

    holds: frozenset[type] = frozenset((NoneType, bool, int, float, str, bytes))
    keys: frozenset[type] = frozenset((str, int))

    def __init__(self, cbor2: Any) -> None:
        self.order, self._tag = cbor2.dumps, cbor2.CBORTag

    def tag(self, kind: int, payload: object) -> object:
        return self._tag(_TAGS[kind], payload)

    @staticmethod
    def run(data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)


class CborCodec:
    """The codec named `cbor`."""

    tag = 3
    forms = (frame.PLAIN, frame.TAGGED)
    traits = Traits()
    options: ClassVar[tuple[Option, ...]] = TYPED
    summary = "RFC 8949 over cbor2, tags for what it lacks"

    __slots__ = (
        *("_depth", "_dumps", "_engine", "_error", "_exact", "_guarded", "_limits", "_loads", "_lower", "_packer"),
        *("_plain", "_raise", "_rich", "_tag", "_tags"),
    )  # fmt: skip

    def __init__(self, _options: Options, context: Context) -> None:
        import cbor2  # noqa: PLC0415

        self._packer = packer.load()
        self._dumps, self._loads, self._tag, self._error = cbor2.dumps, cbor2.loads, cbor2.CBORTag, cbor2.CBORError
        self._limits = limits = context.limits.behind(sealed=context.sealed)
        self._depth, self._exact, self._guarded = limits.depth, not limits.by_engine, not context.sealed
        self._lower = fidelity.Lowering(_Notation(cbor2), context.types, limits, self._packer.plain())
        self._raise = raising.Raising(context.types, _bytes, limits)
        self._engine = _engine(cbor2)
        self._plain: Callable[[object], bytes | None] = self._writer(b"", sys.maxsize, nothing, nothing)
        self._tags = dict.fromkeys(_BUILT_IN, _refuse)
        self._rich = self._tags | {tag: self._kept(tag) for tag in (*_BIGNUMS, *_STANDARD.values())}

    @property
    def checked(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        """How trees of declared types are packed and unpacked, whose every leaf is checked before and after."""
        tags = self._tags
        return self._dumps, lambda body: self._item(frame.PLAIN, body, tags)

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        loads, tags, end, mark, none = self._loads, self._tags, _END, _MARK, frame.NONE
        pack, strict = self._packer.pack, self._packer.strict
        caught = (AttributeError, TypeError, ValueError, self._error)
        least = min(size, self._limits.items)

        def express_decode(data: bytes, /, associated_data: bytes = b"") -> Any:
            """The value in the frame; see Transcoder.decode."""
            try:
                body = data.removeprefix(prefix)
                if len(body) < len(data) <= least and associated_data is none:
                    value, found = loads(
                        _PAIR + body + end, semantic_decoders=tags,
                        strict_hashable_types=True, allow_duplicate_keys=False,
                    )  # fmt: skip
                    pack(value, None, strict)
                    if found == mark:
                        return value
            except caught:
                pass
            return decode(data, associated_data)

        tagged = tagging(self._tagged, frame.header(self.tag, frame.TAGGED, ()), size, encode)
        return self._writer(prefix, size, encode, tagged), express_decode

    def _writer(self, prefix: bytes, size: int, encode: Encode, tagged: Encode) -> Encode:
        return self._packer.writer(prefix, size, self._limits.items, encode, tagged, *self._engine)

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the CBOR item."""
        body = self._plain(value)
        if body is None or (self._exact and deeper(value, self._depth)):
            return frame.TAGGED, self._tagged(value)
        return frame.PLAIN, body

    def _tagged(self, value: object) -> bytes:
        try:
            body: bytes = self._dumps(self._lower(value))
        except EncodeError:
            raise
        except (TypeError, ValueError, self._error) as error:
            raise self._lower.explain(value, error) from error
        if (0xC2 in body or 0xC3 in body) and _BIGNUM(body):
            self._lower.check(value)
        self._lower.bounded(value, len(body))
        return body

    def raw(self, data: bytes, /) -> object:
        """The value of CBOR without a frame; tags other than those of UUIDs and big integers are refused.

        Raises:
            Malformed: the data is not one CBOR item of session values.
        """
        return self._lifted(data)

    def loads(self, form: int, body: bytes, /) -> object:
        """The value of the CBOR item."""
        if form:
            return self._lifted(body)
        value = self._item(form, body, self._tags)
        try:
            # What a plain body holds passes where it passed on its way in: CBOR has values that are no session's.
            self._packer.pack(value, None, self._packer.strict)
        except TypeError:
            raise Malformed("expected plain values in CBOR of the plain form") from None
        if self._exact and deeper(value, self._depth):
            raise TooLarge(f"nested deeper than {self._depth} containers")
        return self._lower.held(value, len(body), plain=True) if len(body) > self._limits.items else value

    def _lifted(self, body: bytes) -> object:
        value = self._lift(self._item(frame.TAGGED, body, self._rich), 0)
        if self._exact:
            self._lower.kept(value)
        return self._lower.held(value, len(body)) if len(body) > self._limits.items else value

    def _item(self, form: int, body: bytes, tags: dict[int, Any]) -> object:
        if self._guarded and len(body) > self._limits.openings:
            most = self._limits.openings if form else self._limits.plain_openings
            if outlines.cbor_opens(body) > most:
                outlines.cbor(body, most)
        # Keys whose hash can be chosen are arrays, maps or tags: where these are few, keys may be of any kind.
        least = self._limits.collisions
        text = self._guarded and len(body) > least and outlines.cbor_opens(body) > least
        try:
            value, found = self._read(body, tags, text=text)
        except (TypeError, ValueError, self._error):
            value, found = self._reread(body, tags)
        if type(found) is not int or found != _MARK:
            raise Malformed("expected one CBOR item, found bytes after it")
        return value

    def _read(self, body: bytes, tags: dict[int, Any], *, text: bool = False) -> tuple[object, object]:
        """The item and what was put behind it; with `text` every key is text or bytes, whose hash is salted."""
        return self._loads(  # type: ignore[no-any-return]
            _PAIR + body + _END, semantic_decoders=tags, max_depth=_DEEPEST, allow_duplicate_keys=False,
            strict_hashable_types=text,
        )  # fmt: skip

    def _reread(self, body: bytes, tags: dict[int, Any]) -> tuple[object, object]:
        """The same with keys of any kind: with integers, or arrays, which are looked for where there are many."""
        if self._guarded and outlines.cbor_opens(body) > self._limits.collisions:
            outlines.cbor(body, self._limits.openings)
        try:
            return self._read(body, tags)
        except (TypeError, ValueError, self._error) as error:
            raise Malformed(f"expected CBOR: {str(error)[:100]}") from error

    def _lift(self, tree: Any, depth: int) -> Any:
        # cbor2 decodes arrays and maps inside a tag as immutable ones; user's tuples are tags, so these are lists.
        kind = type(tree)
        if kind in _LEAVES:
            return tree
        if depth > 2 * self._depth + 2:  # a record is two containers of CBOR
            raise TooLarge(f"nested deeper than {self._depth} containers")
        if kind is self._tag:
            return self._raised(tree.tag, self._lift(tree.value, depth))
        if kind is list or kind is tuple:
            tree = tree if kind is list else list(tree)
        elif kind is dict or kind.__name__ == "frozendict":
            tree = tree if kind is dict else dict(tree)
            if unfit := {*map(type, tree)} - _KEYS:
                raise Malformed(f"expected keys of str or int, found {unfit.pop().__name__}")
        else:
            raise Malformed(f"expected a session value, found {kind.__name__}")
        for key, item in tree.items() if type(tree) is dict else enumerate(tree):
            if type(item) not in _LEAVES:
                tree[key] = self._lift(item, depth + 1)
        return tree

    def _raised(self, tag: int, payload: object) -> object:
        if tag not in _BIGNUMS:
            return self._raise(_KINDS.get(tag, f"tag {tag}"), payload)
        if type(payload) is not bytes:
            raise Malformed("expected bytes in a bignum")
        number = int.from_bytes(payload, "big")
        return self._raise.numerals.within(number if tag == _POSITIVE else -1 - number)

    def _kept(self, tag: int) -> Callable[[object, bool], object]:
        """A decoder that leaves a tag to `_lift`: a key made of it would have a hash that its writer chose."""
        make = self._tag
        return lambda payload, _immutable: make(tag, payload)


def _engine(cbor2: Any) -> tuple[Callable[[object], bytes], tuple[type[Exception], ...]]:
    """What writes plain items, and what it raises: cborx where its compiled part is installed, else cbor2.

    Both write the same bytes.
    """
    try:
        import cborx._fast  # noqa: PLC0415
    except ImportError:
        return cbor2.dumps, (TypeError, cbor2.CBORError)
    make: Any = cborx.CBOREncoder
    idle: list[tuple[Callable[[object], None], list[bytes]]] = []

    def dumps(value: object) -> bytes:
        # Making an encoder takes longer than a small session. Popping from a list and appending to it are atomic, so
        # none is ever in two hands; one that raised is not kept, for its state is unknown.
        try:
            encode, parts = idle.pop()
        except IndexError:
            parts = []
            encode = make(Sink(parts), max_depth=_DEEPEST).encode
        encode(value)
        data = parts.pop()
        idle.append((encode, parts))
        return data

    return dumps, (TypeError, cborx.CBORError)


def _refuse(*_: object) -> object:
    raise ValueError("tags are refused here")


def _bytes(payload: object) -> bytes:
    if type(payload) is not bytes:
        raise TypeError("expected bytes")
    return payload
