"""A codec, a filter and a store of somebody else's package, found by dotted path or entry point."""

from typing import ClassVar

from transcoders import Malformed
from transcoders.codecs import Context, Traits
from transcoders.filters import Bytes, Rank
from transcoders.options import Option, Options
from transcoders.sessions.stores.memory import MemoryStore


class ReprCodec:
    """Values as the text that Python shows, and only text back."""

    tag = 200
    forms = (0,)
    traits = Traits(self_describing=False)
    options: ClassVar = (Option("upper", "flag", default=False, help="shout"),)
    summary = "what Python shows"

    def __init__(self, options: Options, context: Context) -> None:
        self.context, self._upper = context, options["upper"]

    def dumps(self, value: object, /) -> tuple[int, bytes]:
        text = repr(value)
        return 0, (text.upper() if self._upper else text).encode()

    def loads(self, _form: int, body: bytes, /) -> object:
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise Malformed("expected text") from error


class ReverseFilter:
    """Bytes backwards, where a cipher would stand."""

    tag = 201
    rank = Rank.ENCRYPT

    def __init__(self, _options: Options, _context: Context) -> None:
        pass

    def apply(self, body: bytes, _header: bytes, _associated: bytes, /) -> bytes:
        return body[::-1]

    def undo(self, body: Bytes, _header: bytes, _associated: bytes, _limit: int, /) -> bytes:
        return bytes(body)[::-1]


NOT_CALLABLE = "a constant"


class ReprStore(MemoryStore):
    """A store that remembers how it was asked for."""

    opened: ClassVar[list[tuple[str, dict]]] = []


def connect(url: str, **given: object) -> ReprStore:
    """What a name for it is bound to."""
    ReprStore.opened.append((url, given))
    return ReprStore(clock=given["clock"])
