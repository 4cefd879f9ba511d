"""The transcoder: codec and filters behind one frame, and the readers of what stood there before.

Headers are worked out once, for each form and each set of filters a frame may carry, so that reading is one look into
a table: bytes that are not in it are an error or belong to `accept`. A frame may lack the compressor of its reader,
never the seal.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from transcoders import frame
from transcoders.chain import Chain
from transcoders.codecs import Context, Decode, Encode
from transcoders.errors import (
    DecodeError,
    EncodeError,
    Foreign,
    Malformed,
    Refused,
    SchemaMismatch,
    SpecError,
    TooLarge,
)
from transcoders.filters import Filter, Rank
from transcoders.frame import NONE
from transcoders.header import names
from transcoders.limits import Limits
from transcoders.options import Options
from transcoders.registry import REGISTRY
from transcoders.seal import Seal
from transcoders.spec import Spec, parse

if TYPE_CHECKING:
    from transcoders.typed import Typed

T = TypeVar("T")
Reader = Callable[[bytes], Any]
Loads = Callable[[int, bytes], object]
_RAW = "raw-"


class Transcoder(Generic[T]):
    """Values to framed bytes and back. Immutable; may be used by any number of threads at once.

    Attributes:
        spec: the canonical config string, parsed.
        traits: what the codec promises, and its filters leave of it.
        limits: what is refused.
        chains: codec and filters of the spec, then those of `accept`; sessions store their attributes by them.
    """

    __slots__ = (
        *("_apply", "_chain", "_dumps", "_headers", "_loads", "_others", "_readers", "_readings", "_size"),
        *("_starts", "chains", "limits", "spec", "traits"),
    )  # fmt: skip

    def __init__(
        self, chain: Chain, accepted: Iterable[Chain], readers: Iterable[tuple[str, Reader]], limits: Limits
    ) -> None:
        self.spec, self.limits, self._chain = chain.spec, limits, chain
        ranks, traits, codec = {item.rank for item in chain.filters}, chain.codec.traits, chain.typed or chain.codec
        self.traits = traits._replace(
            readable=traits.readable and ranks <= {Rank.SIGN},
            deterministic=traits.deterministic and Rank.ENCRYPT not in ranks,  # a cipher's nonce differs every time
        )
        self._dumps, self._loads, self._size, self._readers = codec.dumps, codec.loads, limits.size, tuple(readers)
        self._apply = tuple((item.apply, item.rank == Rank.COMPRESS, item.tag) for item in chain.filters)
        self._readings: dict[bytes, tuple[Chain, tuple[Filter, ...], Loads]] = {}
        self._others: dict[bytes, tuple[Chain, tuple[Filter, ...], Typed]] = {}
        self.chains = (chain, *accepted)
        for one in self.chains:
            self._learn(one, own=one is chain)
        frames = list(chain.frames(chain.typed))
        self._headers = {form: header for header, form, filters in frames if filters == chain.filters}
        # The frames that `encode` writes, by the length of their header: with the compressor, and without.
        self._starts = tuple(
            (
                len(frames[0][0]) - len(chain.filters) + len(used),
                {header: form for header, form, filters in frames if filters == used and form < frame.BUFFERS},
                tuple(item.undo for item in reversed(used)),
            )
            for used in dict.fromkeys(filters for _, _, filters in frames)
        )

    def _learn(self, chain: Chain, *, own: bool) -> None:
        """Note the headers that a chain reads; with a declared type, untyped frames only where `accept` names them."""
        typed = chain.typed
        for header, _, filters in chain.frames(typed):
            self._readings.setdefault(header, (chain, filters, (typed or chain.codec).loads))
        if typed is not None:
            for header, _, filters in chain.frames():
                self._others.setdefault(header, (chain, filters, typed))
                if not own:
                    self._readings.setdefault(header, (chain, filters, typed.loads_untyped))

    def bare(self) -> tuple[Callable[[T], bytes], Callable[[bytes], T]]:
        """The codec's part of a declared type alone, for measuring: value to body and back, no frame and no filters.

        Raises:
            SpecError: the transcoder has no schema.
        """
        if self._chain.typed is None:
            raise SpecError(f"{self.spec} has no declared type: transcoder(..., schema=YourClass)")
        return self._chain.typed.bare()

    def encode(self, value: T, /, associated_data: bytes = b"") -> bytes:
        """The frame of the value.

        Args:
            value: a session: any value of the session value set.
            associated_data: what a seal binds the frame to beside its bytes, such as the session id.

        Raises:
            EncodeError: the value is outside the session value set or the limits; with its path.
            SpecError: associated data without a seal in the spec.
        """
        try:
            form, body = self._dumps(value)
        except RecursionError as error:
            raise EncodeError("nested too deep for what is left of this thread's stack") from error
        if associated_data is not NONE:
            _check_associated(associated_data, self._chain)
        header, size = self._headers[form], len(body)
        for apply, compresses, tag in self._apply:
            filtered = apply(body, header, associated_data)
            if compresses and len(filtered) >= len(body):
                header = frame.without(header, tag)
            else:
                body = filtered
        data = header + body
        if len(data) > self._size or size > self._size:
            raise EncodeError(f"takes {max(len(data), size)} bytes, the limit is {self._size}")
        return data

    def decode(self, data: bytes | bytearray | memoryview, /, associated_data: bytes = b"") -> T:
        """The value in the frame.

        Args:
            data: one frame, or what a reader of `accept` reads.
            associated_data: what the frame was encoded with.

        Raises:
            DecodeError: one of its kinds; nothing is ever guessed, and nothing half decoded.
            SpecError: associated data without a seal in the spec.
        """
        if type(data) is bytes and len(data) <= self._size:
            for size, forms, undos in self._starts:
                header = data[:size]
                form = forms.get(header)
                if form is not None:
                    body = data[size:]
                    if associated_data is not NONE:
                        _check_associated(associated_data, self._chain)
                    for undo in undos:
                        body = undo(body, header, associated_data, self._size)  # type: ignore[assignment]
                    try:
                        return self._loads(form, body)  # type: ignore[return-value]
                    except RecursionError as error:
                        raise _stack(error) from error
        return self._read(data, associated_data)

    def _read(self, data: bytes | bytearray | memoryview, associated: bytes) -> T:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise Foreign(f"expected the bytes of a frame, found {type(data).__name__}")
        view = memoryview(data)
        if view.nbytes > self._size:
            raise TooLarge(f"expected a frame of at most {self._size} bytes, found {view.nbytes}")
        view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        if associated is not NONE:
            _check_associated(associated, self._chain)
        start = bytes(view[: frame.LONGEST])
        try:
            head = frame.parse(start)
        except Foreign as error:
            if associated:
                raise  # what has no frame has no seal to bind it
            return self._foreign(bytes(view), error)
        chain, filters, loads = self._reading(head, start[: head.size])
        if associated and not chain.sealed:
            raise Refused(f"the frame is {chain.spec}, without a seal to bind it to the associated data")
        body: bytes | memoryview = view[head.size :]
        for item in reversed(filters):
            body = item.undo(body, start[: head.size], associated, self._size)
        body = body if head.form & frame.BUFFERS else bytes(body)
        try:
            return loads(head.form, body)  # type: ignore[arg-type, return-value]
        except RecursionError as error:
            raise _stack(error) from error

    def _reading(self, head: frame.Head, header: bytes) -> tuple[Chain, tuple[Filter, ...], Loads]:
        if reading := self._readings.get(header):
            return reading
        other = self._others.get(frame.header(head.codec, head.form, head.filters))
        if head.schema is None or other is None:
            raise Refused(self._refusal(head))
        return *other[:2], partial(other[2].loads_other, head.schema, head.compact)

    def _foreign(self, data: bytes, error: Foreign) -> T:
        reasons: list[str] = []
        misfit: SchemaMismatch | None = None
        for name, reader in self._readers:
            try:
                value = reader(data)
                return self._chain.typed.adopt(value) if self._chain.typed else value  # type: ignore[return-value]
            except SchemaMismatch as reason:
                misfit = misfit or reason
            except Exception as reason:  # noqa: BLE001 - a reader may be anybody's
                text = str(reason) if isinstance(reason, DecodeError) else type(reason).__name__
                reasons.append(f"{name}: {text}")
        if misfit:
            raise misfit
        if not reasons:
            raise error
        raise Foreign(f"{error}; the readers of accept say: {'; '.join(reasons)}")

    def _refusal(self, head: frame.Head) -> str:
        known = sorted({str(chain.spec) for chain, *_ in self._readings.values()})
        codec, *filters = names(head)
        found = "+".join((f"{codec}:objects=yes" if head.form == frame.OBJECTS else codec, *filters))
        if head.schema and not self._chain.typed:
            return f"the frame is {found} of a declared type, in version {head.schema[0]}: schema= is what reads it"
        kind = " without a declared type" if self._chain.typed and not head.schema else ""
        return (
            f"the frame is {found}{kind} in form {head.form}; this transcoder reads {', '.join(known)}: "
            f"accept=[{found!r}]?"
        )

    def __repr__(self) -> str:
        """The spec; no keys."""
        return f"<Transcoder {self.spec}>"


class _Express(Transcoder[T]):
    """A transcoder that takes the express way of its codec, or of its only seal; its own methods do the rest."""

    __slots__ = ("decode", "encode")

    def __init__(
        self, chain: Chain, accepted: Iterable[Chain], readers: Iterable[tuple[str, Reader]], limits: Limits
    ) -> None:
        super().__init__(chain, accepted, readers, limits)
        ways: tuple[Encode, Decode] = super().encode, super().decode
        codec: Any = chain.typed or chain.codec
        if chain.filters:
            ways = chain.filters[0].express(codec, self._headers, limits.size, ways)  # type: ignore[attr-defined]
        else:
            ways = codec.express(self._headers[frame.PLAIN], limits.size, *ways)
        self.encode, self.decode = ways  # type: ignore[method-assign]


class TranscoderFactory(Protocol):
    """What stands behind a name of kind `transcoder`: builds a whole transcoder of its own."""

    def __call__(self, options: Options, context: Context, /) -> Transcoder[Any]:
        """The transcoder; raises SpecError on options it does not take."""
        ...


def transcoder(  # noqa: PLR0913 - all but the spec by keyword
    spec: str | Spec = "json",
    *,
    schema: Any = None,
    keys: Iterable[bytes] = (),
    retired: Iterable[bytes] = (),
    accept: Iterable[str] = (),
    limits: Limits | None = None,
) -> Transcoder[Any]:
    """The transcoder that a config string names.

    Args:
        spec: `codec+filter:key=value+…`, such as `msgpack+zstd:level=5+hmac:env=SESSION_KEYS`.
        schema: the type of the values: a dataclass, msgspec Struct, attrs class, NamedTuple, TypedDict, pydantic
            model, or a type made of these, such as `list[Item]`. Without it, any value of the session value set.
        keys: secrets for seals and ciphers, newest first; the first seals, all of them open.
        retired: secrets of old; what they sealed is refused as RetiredKey.
        accept: what else to read: other config strings, for frames written before a change of the spec, and
            readers of bytes without a frame: `raw-json`, `raw-msgpack`, `raw-cbor`, or a registered one.
        limits: what to refuse.

    Raises:
        SpecError: the text, a name, an option, an order or a key is wrong; MissingExtra when a package is missing.
    """
    limits, names = _limits(limits), _names(accept)
    secrets, gone = _secrets("keys", keys), _secrets("retired", retired)
    chain = Chain(spec if isinstance(spec, Spec) else parse(spec), secrets, limits, gone, schema)
    if isinstance(chain.codec, Transcoder):
        if chain.filters or secrets or gone or names:
            raise SpecError(f"{chain.spec.codec} is a whole transcoder: it takes no filters, keys or accept")
        return chain.codec
    readers = [(name, reader) for name in names if (reader := _reader(name, limits))]
    chains = [Chain(parse(name), secrets, limits, gone, schema) for name in names if not _reads(name)]
    for one in chains:
        if isinstance(one.codec, Transcoder):
            raise SpecError(f"accept takes codecs and readers, and {one.spec} is a whole transcoder")
    if (secrets or gone) and not any(one.sealed for one in (chain, *chains)):
        raise SpecError(f"keys were given, but {chain.spec} has no stage that uses them: add +hmac or +blake2")
    return (_Express if _expressible(chain, limits) else Transcoder)(chain, chains, readers, limits)


def _expressible(chain: Chain, limits: Limits) -> bool:
    if not chain.filters:
        return chain.typed.quick if chain.typed else hasattr(chain.codec, "express") and limits.by_engine
    return len(chain.filters) == 1 and isinstance(chain.filters[0], Seal)


def _limits(limits: Limits | None) -> Limits:
    if limits is not None and not isinstance(limits, Limits):
        raise SpecError(f"limits takes Limits(...), not {type(limits).__name__}")
    return limits or Limits()


def _names(accept: Iterable[str]) -> tuple[str, ...]:
    names = (accept,) if isinstance(accept, str) else tuple(accept)
    for name in names:
        if not isinstance(name, str):
            raise SpecError(f"accept takes config strings and names of readers, not {type(name).__name__}")
    return names


def _reads(name: str) -> bool:
    return name in REGISTRY.names(("reader",)) or name.startswith(_RAW)


def _secrets(argument: str, secrets: Iterable[bytes]) -> tuple[bytes, ...]:
    if isinstance(secrets, bytes | bytearray | str):
        raise SpecError(f"{argument} takes a list of secrets, newest first, not one secret")
    return tuple(secrets)


def _reader(name: str, limits: Limits) -> Reader | None:
    if not _reads(name):
        return None
    if name in REGISTRY.names(("reader",)):
        return REGISTRY.find(("reader",), name)[1]  # type: ignore[no-any-return]
    codec = Chain(parse(name.removeprefix(_RAW)), (), limits).codec
    if raw := getattr(codec, "raw", None):
        return raw  # type: ignore[no-any-return]
    raise SpecError(f"codec {name.removeprefix(_RAW)!r} has no reader for bytes without a frame")


def _check_associated(associated: bytes, chain: Chain) -> None:
    if type(associated) is not bytes:
        raise SpecError(f"associated data is bytes, not {type(associated).__name__}")
    if associated and not chain.sealed:
        raise SpecError(f"associated data needs a seal, and {chain.spec} has none: add +hmac or +blake2")


def _stack(_error: RecursionError) -> Malformed:
    return Malformed("nested too deep for what is left of this thread's stack")
