"""What must hold for any bytes. A check returns what came of them; whatever exception leaves it is a bug.

Documented, and so no bugs: what is nested deeper than the engine writes (see `Limits.depth`), what grows beyond the
limit of size when it is written anew, memoryviews, which are read with `pickle:views` and not written, and fields
that a type does not know, which layout compact refuses to lose.
"""

import re
from typing import Any

from tests.values import same
from transcoders import DecodeError, EncodeError, Transcoder, frame, peek
from transcoders.limits import ENGINE_DEPTH

LONGEST_MESSAGE, LONGEST_PROBLEM = 500, 200
_DETAIL = re.compile(
    r"(?<=the frame is )\S+|'[^']*'|\"[^\"]*\"|0x\w+|\b[0-9a-f]{2}( [0-9a-f]{2})*\b|\d+|\$[\w.\[\]'$]*"
)
_DOCUMENTED = re.compile(
    r"takes \d+ bytes, the limit is|memoryview is not a session value|unknown fields .* have no place in layout compact"
)


def outcome(error: DecodeError) -> str:
    """The kind of the error and its message without what differs from input to input; checks the message."""
    _brief(error)
    told = str(error).rpartition("the readers of accept say: ")[2]
    return f"{type(error).__name__}: {_DETAIL.sub('#', told)[:60]}"


def _brief(error: DecodeError | EncodeError) -> None:
    """Of keys and payloads a message repeats short pieces only; one that lists problems may take a line for each."""
    message = str(error)
    message.encode()
    most = LONGEST_MESSAGE + LONGEST_PROBLEM * len(getattr(error, "problems", ()))
    assert len(message) <= most, f"a message too long of a {type(error).__name__}"


def decodes(t: Transcoder[Any], data: bytes) -> str:
    """Only a DecodeError leaves `decode`, whatever holds the bytes; a value is encoded again and comes back."""
    view = _decoded(t, memoryview(bytearray(data)))
    value = _decoded(t, data)
    if isinstance(value, DecodeError):
        assert type(view) is type(value), f"{type(value).__name__} from bytes, {type(view).__name__} from a view"
        return outcome(value)
    if t.limits.by_engine and nested(value):
        return "value: nested"
    assert same(bare(view), bare(value)), "another value from a view than from bytes"
    again = _encoded(t, value)
    return f"value: {type(value).__name__}" if again is None else _kept(t, value, again)


def _kept(t: Transcoder[Any], value: Any, again: bytes) -> str:
    back = plain(t.decode(again), t)
    assert same(bare(back), bare(plain(value, t))), "decoded, encoded and decoded, it is another value"
    assert not t.traits.deterministic or t.encode(back) == again, "equal values, other bytes"
    return f"value: {type(value).__name__}"


def _decoded(t: Transcoder[Any], data: bytes | memoryview, associated: bytes = b"") -> Any:
    try:
        return t.decode(data, associated_data=associated) if associated else t.decode(data)
    except DecodeError as error:
        return error


def _encoded(t: Transcoder[Any], value: Any) -> bytes | None:
    try:
        return t.encode(plain(value, t))
    except EncodeError as error:
        _brief(error)
        if _DOCUMENTED.search(str(error)):
            return None
        raise


def nested(value: Any) -> bool:
    """Whether there are containers inside each other deeper than engines write."""
    level = [value]
    for _ in range(ENGINE_DEPTH + 1):
        level = [
            item
            for one in level
            if type(one) in {list, dict, tuple, set, frozenset}
            for item in (one.values() if type(one) is dict else one)
        ]
    return bool(level)


def plain(value: Any, t: Transcoder[Any]) -> Any:
    """The value; what `views` decoded comes with bytes for memoryviews, and for bytearrays that would be such."""
    return _copied(value) if "views" in str(t.spec) else value


def _copied(value: Any) -> Any:
    if type(value) in {memoryview, bytearray}:
        return bytes(value)
    if type(value) in {list, tuple}:
        return type(value)(map(_copied, value))
    return {key: _copied(item) for key, item in value.items()} if type(value) is dict else value


def bare(value: Any) -> Any:
    """The value with typed records opened, so that `same` looks at the types of their parts, and at unknown fields."""
    if type(value) in {list, dict}:
        return value
    if hasattr(value, "__dataclass_fields__"):
        parts = {name: getattr(value, name) for name in value.__dataclass_fields__} | getattr(value, "__dict__", {})
    elif hasattr(value, "__struct_fields__"):
        parts = {name: getattr(value, name) for name in value.__struct_fields__}
    elif hasattr(value, "_fields"):
        parts = value._asdict()
    else:
        return value
    return [type(value).__name__, {name: bare(part) for name, part in parts.items()}]


def peeks(data: bytes) -> str:
    """`peek` never raises, and what it shows is what stands there."""
    head = peek(data)
    assert head == peek(memoryview(bytearray(data)))
    assert head.size == len(data)
    if head.foreign:
        assert head.problem
        return _DETAIL.sub("#", head.problem)[:40]
    parsed = frame.parse(data)
    number, mark = parsed.schema or (0, b"")
    stamp = number.to_bytes(2, "big") + mark if parsed.schema else b""
    assert frame.header(parsed.codec, parsed.form, parsed.filters, stamp, compact=parsed.compact) == data[: parsed.size]
    assert head.body_size == len(data) - parsed.size
    return f"{len(head.filters)} filters"


def tampers(t: Transcoder[Any], data: bytes, issued: dict[bytes, Any]) -> str:
    """Sealed bytes decode when they were issued, and then to what went in; associated data binds them."""
    found = _decoded(t, data)
    if isinstance(found, DecodeError):
        assert data not in issued, f"an issued frame is refused: {found}"
    else:
        assert data in issued, "a tampered frame decodes"
        assert same(found, issued[data])
    moved = _decoded(t, data, b"another session")
    assert isinstance(moved, DecodeError), "a frame decodes with other associated data"
    return outcome(moved) if data in issued else outcome(found)
