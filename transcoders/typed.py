"""A codec for one declared type: generated functions for what is right and plain, the interpreter for the rest.

A body in the plain form is what the type's notation says (`schema.notation`), the same bytes from every engine. One in
the tagged form is the same tree with some values in the codec's own tags. Frames of other versions of the type are read
through `schema.evolving`; sessions that were stored without a type through the names of their fields.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from transcoders import frame
from transcoders.codecs import Codec, Decode, Encode
from transcoders.errors import EncodeError, Malformed, SchemaMismatch
from transcoders.limits import Limits
from transcoders.schema.engines import Engine, quick
from transcoders.schema.evolving import Evolution
from transcoders.schema.functions import functions
from transcoders.schema.lifting import Lifting
from transcoders.schema.lowering import Lowering
from transcoders.schema.nodes import Node, every
from transcoders.schema.notation import VALUES, notation
from transcoders.schema.problems import Bounds, Pass, Problem
from transcoders.schema.reading import shape
from transcoders.schema.versions import adopt
from transcoders.tree import deeper

_NAMES = {1: "pickle", 2: "msgpack", 3: "cbor", 4: "json"}


class Typed:
    """A codec whose values are of one declared type.

    Attributes:
        dumps: value to form and body; raises EncodeError with every problem of the value.
        loads: form and body to value; raises DecodeError, SchemaMismatch with every problem.
        stamp: six bytes for the frame: version and fingerprint.
        compact: whether records are arrays.
    """

    __slots__ = (
        *("_bounds", "_codec", "_depth", "_evolution", "_exact", "_fast", "_node", "_notation", "_own"),
        *("compact", "dumps", "forms", "loads", "stamp", "tag", "traits"),
    )  # fmt: skip

    def __init__(self, codec: Codec, cls: Any, limits: Limits, *, options: Mapping[str, str], sealed: bool) -> None:
        self._codec, self._depth, self.compact = codec, limits.depth, options.get("layout") == "compact"
        limits = limits.behind(sealed=sealed)
        self._bounds = Bounds(limits)
        checks, self._exact = options.get("check") != "read", not limits.by_engine
        self.tag, self.forms, self.traits = codec.tag, codec.forms, codec.traits
        self._node: Node = shape(cls)
        self._evolution = Evolution(self._node)
        self.stamp = self._evolution.version.to_bytes(2, "big") + self._evolution.mark
        self._notation = notation(_NAMES.get(codec.tag, ""), compact=self.compact)
        self._own = Engine(*(getattr(codec, "direct", None) or _through(codec)))
        checked = Engine(*(getattr(codec, "checked", None) or self._own[:2]))
        engine = quick(_NAMES.get(codec.tag, ""), self._notation, checked, sealed=sealed)
        adopt(every(self._node))
        self._fast = functions(self._node, self._notation, engine, limits, checks=checks)
        dumps, loads = self._careful, self._explained
        self.dumps: Callable[[Any], tuple[int, bytes]] = self._fast.dumps(dumps) if self._fast else dumps
        self.loads: Callable[[int, bytes], Any] = self._fast.loads(loads) if self._fast else loads

    @property
    def quick(self) -> bool:
        """Whether functions were generated, so that `express` can be called."""
        return self._fast is not None

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """The express way; see `codecs.Express`."""
        assert self._fast is not None  # noqa: S101 - `quick` was asked
        return self._fast.encode(prefix, size, encode), self._fast.decode(prefix, size, decode)

    def bare(self) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
        """Value to body and back, of plain values; see `Transcoder.bare`."""
        ways = (self._body, partial(self._explained, frame.PLAIN))
        return self._fast.bare(*ways) if self._fast else ways

    def _body(self, value: object) -> bytes:
        return self._careful(value)[1]

    def _careful(self, value: object) -> tuple[int, bytes]:
        """Form and body by the interpreter."""
        lowering = Lowering(self._notation, self._bounds)
        tree = lowering.lower(self._node, value)
        if lowering.problems:
            raise EncodeError(words(lowering.problems), lowering.problems[0].path, lowering.problems)
        try:
            if not (self._exact and deeper(tree, self._depth)):  # unknown fields may be of any depth
                return frame.PLAIN, self._own.pack(tree)
        except (EncodeError, TypeError, ValueError, OverflowError, ArithmeticError):
            pass
        return self._codec.dumps(tree)

    def _explained(self, form: int, body: bytes) -> object:
        """The value by the interpreter; raises DecodeError, SchemaMismatch with every problem."""
        return self._lifted(self._tree(form, body))

    def _tree(self, form: int, body: bytes) -> Any:
        if form != frame.PLAIN:
            return self._codec.loads(form, body)
        tree = self._own.unpack(body)
        if self._exact and deeper(tree, self._depth):
            raise Malformed(f"nested deeper than {self._depth} containers")
        return tree

    def _lifted(self, tree: Any) -> object:
        lifting = Lifting(self._notation, self._bounds)
        return _whole(lifting.lift(self._node, tree), lifting)

    def loads_other(self, stamp: tuple[int, bytes], compact: bool, form: int, body: bytes, /) -> object:  # noqa: FBT001
        """The value of a body that another version of the type wrote, or the same in another layout."""
        lifting = Lifting(notation(_NAMES.get(self.tag, ""), compact=compact), self._bounds)
        return _whole(self._evolution.lift(self._tree(form, body), *stamp, lifting), lifting)

    def loads_untyped(self, form: int, body: bytes, /) -> object:
        """The value of a body that was written without a type."""
        return self.adopt(self._codec.loads(form, body))

    def adopt(self, value: object) -> object:
        """The typed value of a session that was stored without a type, as version 1 of the type."""
        lifting = Lifting(VALUES, self._bounds)
        return _whole(self._evolution.lift(value, 1, b"", lifting), lifting)


def _through(codec: Codec) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    """What a codec does with plain trees."""

    def pack(tree: Any) -> bytes:
        form, body = codec.dumps(tree)
        if form != frame.PLAIN:
            raise TypeError("the tree is not plain")
        return body

    return pack, lambda body: codec.loads(frame.PLAIN, body)


def words(problems: Sequence[Problem]) -> str:
    """The problems, of which there is one at least, in one message for the path of the first."""
    first, *others = problems
    more = "".join(f"; {one}" for one in others[:9])
    return f"{first.message}{more}" + (f"; and {len(others) - 9} more" if len(others) > 9 else "")


def _whole(value: object, found: Pass) -> object:
    if found.problems:
        raise SchemaMismatch(f"{found.problems[0].path}: {words(found.problems)}", found.problems)
    return value
