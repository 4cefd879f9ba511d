"""The transcoder: codec and filters behind one frame, and the readers of what stood there before.

Headers are worked out once, for each form and each set of filters a frame may carry, so that reading is one look into
a table: bytes that are not in it are an error or belong to `accept`. A frame may lack the compressor of its reader,
never the seal.
"""

from collections.abc import Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar, final

from transcoders import frame
from transcoders.chain import Chain
from transcoders.codecs import Context
from transcoders.errors import DecodeError, EncodeError, Foreign, Malformed, Refused, SpecError, TooLarge
from transcoders.filters import Filter, Rank
from transcoders.header import names
from transcoders.limits import Limits
from transcoders.options import Options
from transcoders.registry import REGISTRY
from transcoders.spec import Spec, parse

T = TypeVar("T")
Reader = Callable[[bytes], Any]


@final
class Transcoder(Generic[T]):
    """Values to framed bytes and back. Immutable; may be used by any number of threads at once.

    Attributes:
        spec: the canonical config string, parsed.
        traits: what the codec promises.
        limits: what is refused.
    """

    __slots__ = (
        *("limits", "spec", "traits"),
        *(
            "_chain",
            "_dumps",
            "_filters",
            "_forms",
            "_head",
            "_headers",
            "_loads",
            "_readers",
            "_readings",
            "_size",
        ),
    )

    def __init__(self, chain: Chain, accepted: Iterable[Chain], readers: Iterable[Reader], limits: Limits) -> None:
        self.spec, self.traits, self.limits, self._chain = chain.spec, chain.codec.traits, limits, chain
        self._dumps, self._loads, self._filters = chain.codec.dumps, chain.codec.loads, chain.filters
        self._size, self._readers = limits.size, tuple(readers)
        tags = tuple(item.tag for item in chain.filters)
        self._headers = {form: frame.header(chain.codec.tag, form, tags) for form in chain.codec.forms}
        self._head = frame.FIXED + len(tags)
        self._forms = {header: form for form, header in self._headers.items()} if not tags else {}
        self._readings: dict[bytes, tuple[Chain, int, tuple[Filter, ...]]] = {}
        for one in (chain, *accepted):
            for header, form, filters in one.frames():
                self._readings.setdefault(header, (one, form, filters))

    def encode(self, value: T, /, *, associated_data: bytes = b"") -> bytes:
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
        if self._filters or associated_data:
            data = self._filtered(form, body, associated_data)
        else:
            data = self._headers[form] + body
        if len(data) > self._size or len(body) > self._size:
            raise EncodeError(f"takes {max(len(data), len(body))} bytes, the limit is {self._size}")
        return data

    def _filtered(self, form: int, body: bytes, associated: bytes) -> bytes:
        header = self._headers[form]
        _check_associated(associated, self._chain)
        for item in self._filters:
            filtered = item.apply(body, header, associated)
            if item.rank == Rank.COMPRESS and len(filtered) >= len(body):
                header = frame.without(header, item.tag)
            else:
                body = filtered
        return header + body

    def decode(self, data: bytes | bytearray | memoryview, /, *, associated_data: bytes = b"") -> T:
        """The value in the frame.

        Args:
            data: one frame, or what a reader of `accept` reads.
            associated_data: what the frame was encoded with.

        Raises:
            DecodeError: one of its kinds; nothing is ever guessed, and nothing half decoded.
            SpecError: associated data without a seal in the spec.
        """
        if type(data) is bytes and len(data) <= self._size and not associated_data:
            form = self._forms.get(data[: self._head])
            if form is not None and form < frame.BUFFERS:
                try:
                    return self._loads(form, data[self._head :])  # type: ignore[return-value]
                except RecursionError as error:
                    raise _stack(error) from error
        return self._read(data, associated_data)

    def _read(self, data: bytes | bytearray | memoryview, associated: bytes) -> T:
        if not isinstance(data, bytes | bytearray | memoryview):
            raise Foreign(f"expected the bytes of a frame, found {type(data).__name__}")
        if len(data) > self._size:
            raise TooLarge(f"expected a frame of at most {self._size} bytes, found {len(data)}")
        view = memoryview(data).cast("B")
        start = bytes(view[: frame.FIXED + 15])
        try:
            head = frame.parse(start)
        except Foreign as error:
            return self._foreign(bytes(view), error)
        reading = self._readings.get(start[: head.size])
        if reading is None:
            raise Refused(self._refusal(head))
        chain, form, filters = reading
        _check_associated(associated, chain)
        body: bytes | memoryview = view[head.size :]
        for item in reversed(filters):
            body = item.undo(body, start[: head.size], associated, self._size)
        body = body if form & frame.BUFFERS else bytes(body)
        try:
            return chain.codec.loads(form, body)  # type: ignore[arg-type, return-value]
        except RecursionError as error:
            raise _stack(error) from error

    def _foreign(self, data: bytes, error: Foreign) -> T:
        reasons = []
        for reader in self._readers:
            try:
                return reader(data)  # type: ignore[no-any-return]
            except DecodeError as reason:
                reasons.append(str(reason))
        if not reasons:
            raise error
        raise Foreign(f"{error}; the readers of accept say: {'; '.join(reasons)}")

    def _refusal(self, head: frame.Head) -> str:
        known = sorted({str(chain.spec) for chain, _, _ in self._readings.values()})
        found = "+".join(names(head))
        return (
            f"the frame is {found} in form {head.form}; this transcoder reads {', '.join(known)}: accept=[{found!r}]?"
        )

    def __repr__(self) -> str:
        """The spec; no keys."""
        return f"<Transcoder {self.spec}>"


class TranscoderFactory(Protocol):
    """What stands behind a name of kind `transcoder`: builds a whole transcoder of its own."""

    def __call__(self, options: Options, context: Context, /) -> Transcoder[Any]:
        """The transcoder; raises SpecError on options it does not take."""
        ...


def transcoder(
    spec: str | Spec = "json",
    *,
    keys: Iterable[bytes] = (),
    accept: Iterable[str] = (),
    limits: Limits | None = None,
) -> Transcoder[Any]:
    """The transcoder that a config string names.

    Args:
        spec: `codec+filter:key=value+…`, such as `msgpack+zstd:level=5+hmac:env=SESSION_KEYS`.
        keys: secrets for seals, newest first; the first seals, all of them open.
        accept: what else to read: other config strings, for frames written before a change of the spec, and
            readers of bytes without a frame: `raw-json`, `raw-msgpack`, `raw-cbor`, or a registered one.
        limits: what to refuse.

    Raises:
        SpecError: the text, a name, an option, an order or a key is wrong; MissingExtra when a package is missing.
    """
    limits, secrets = limits or Limits(), _secrets(keys)
    chain = Chain(spec if isinstance(spec, Spec) else parse(spec), secrets, limits)
    if isinstance(chain.codec, Transcoder):
        return chain.codec
    chains, readers = [], []
    for name in (accept,) if isinstance(accept, str) else accept:
        if name.startswith("raw-") or name in REGISTRY.names(("reader",)):
            readers.append(_reader(name, limits))
        else:
            chains.append(Chain(parse(name), secrets, limits))
    if secrets and not any(one.sealed for one in (chain, *chains)):
        raise SpecError(f"keys were given, but {chain.spec} has no stage that uses them: add +hmac or +blake2")
    return Transcoder(chain, chains, readers, limits)


def _secrets(keys: Iterable[bytes]) -> tuple[bytes, ...]:
    if isinstance(keys, bytes | bytearray | str):
        raise SpecError("keys takes a list of secrets, newest first, not one secret")
    return tuple(keys)


def _reader(name: str, limits: Limits) -> Reader:
    if name.startswith("raw-"):
        codec = Chain(parse(name.removeprefix("raw-")), (), limits).codec
        if raw := getattr(codec, "raw", None):
            return raw  # type: ignore[no-any-return]
        raise SpecError(f"codec {name[4:]!r} has no reader for bytes without a frame")
    return REGISTRY.find(("reader",), name)[1]  # type: ignore[no-any-return]


def _check_associated(associated: bytes, chain: Chain) -> None:
    if associated and not chain.sealed:
        raise SpecError(f"associated data needs a seal, and {chain.spec} has none: add +hmac or +blake2")


def _stack(_error: RecursionError) -> Malformed:
    return Malformed("nested too deep for what is left of this thread's stack")
