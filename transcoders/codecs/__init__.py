"""Codecs: values to body bytes and back. One file a format; siblings never import each other.

A codec's `dumps` says in which form it wrote the body (`frame.PLAIN`, `frame.TAGGED`, with `frame.BUFFERS`), and
`loads` gets that form back. It decides nothing about frames, filters or keys.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from transcoders.frame import NONE
from transcoders.limits import Limits
from transcoders.options import Option
from transcoders.records import Types

if TYPE_CHECKING:
    from transcoders.objects import Row


class Traits(NamedTuple):
    """What a codec promises; declared here, probed by the contract tests.

    Attributes:
        data_only: decoding builds data and nothing else: it calls no code that the bytes name.
        self_describing: the format can be read without this library.
        readable: a person can read the bytes.
        deterministic: equal values give equal bytes, in every process and under every hash seed.
        cross_language: other languages have libraries for the format.
        zero_copy: large buffers are decoded without a copy.
    """

    data_only: bool = True
    self_describing: bool = True
    readable: bool = False
    deterministic: bool = True
    cross_language: bool = True
    zero_copy: bool = False


class Context(NamedTuple):
    """What a factory is given beside its options.

    Attributes:
        limits: what to refuse.
        types: registered name to class, for Enum members and records.
        keys: secrets for filters that need them, newest first.
        sealed: whether a filter authenticates the bytes before the codec reads them.
        retired: secrets that are known and refused.
        objects: what pickles of objects may name.
    """

    limits: Limits
    types: Types
    keys: tuple[bytes, ...] = ()
    sealed: bool = False
    retired: tuple[bytes, ...] = ()
    objects: "Mapping[str, Row]" = MappingProxyType({})

    def __repr__(self) -> str:
        """No secrets."""
        return f"<Context {self.limits} with {len(self.keys)} keys>"


TYPED = (
    Option("layout", "choice", "map", "records of a schema by name, or by position", choices=("map", "compact")),
    Option("check", "choice", "both", "check declared types on both ways, or on reading", choices=("both", "read")),
)
"""The options that each codec takes for typed payloads; see `typed`."""

Encode = Callable[..., bytes]
"""`encode(value, /, associated_data=b"")`: not by keyword alone, which takes a call in CPython 0.03 us longer."""
Decode = Callable[..., Any]
"""`decode(data, /, associated_data=b"")`"""


class Codec(Protocol):
    """What the pipeline asks of a codec."""

    @property
    def tag(self) -> int:
        """The codec's byte in the frame; 128 to 255 for registered ones."""
        ...

    @property
    def forms(self) -> tuple[int, ...]:
        """The forms that `dumps` writes and `loads` reads."""
        ...

    @property
    def traits(self) -> Traits:
        """What the codec promises."""
        ...

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        """The form and the body.

        Raises:
            EncodeError: the value is outside the session value set or the limits.
        """
        ...

    def loads(self, form: int, body: bytes, /) -> object:
        """The value; `body` is a memoryview when the form has buffers.

        Raises:
            DecodeError: the body is not what `dumps` writes in that form.
        """
        ...


class Express(Protocol):
    """A codec that also offers the express way: plain values, no filters, one call of Python each way.

    Below 1 kB a call of Python costs as much as the codec; two fewer make a small JSON session a third faster.
    """

    def express(self, prefix: bytes, size: int, encode: Encode, decode: Decode, /) -> tuple[Encode, Decode]:
        """An encoder and a decoder that put and expect the prefix before a plain body of at most `size` bytes.

        Whatever is not plain, not whole or not their business they pass to `encode` and `decode`.
        """
        ...


def tagging(dumps: Callable[[object], bytes], prefix: bytes, size: int, encode: Encode) -> Encode:
    """An encoder of what the express way found to be not plain, so that the codec does not look for that again.

    Args:
        dumps: what makes the tagged body.
        prefix: what stands before it.
        size: the most bytes of both.
        encode: the encoder to pass to whatever is too large, too deep or not its business.
    """

    def encode_tagged(value: object, /, associated_data: bytes = b"") -> bytes:
        """The frame of the value; see Transcoder.encode."""
        try:
            if associated_data is NONE and len(data := prefix + dumps(value)) <= size:
                return data
        except RecursionError:
            pass  # the slow way words it
        return encode(value, associated_data)

    return encode_tagged


def nothing(_value: object, /, associated_data: bytes = b"") -> Any:  # noqa: ARG001 - an Encode
    """None: the encoder to pass to where only the express way is wanted."""
    return None
