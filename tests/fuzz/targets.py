"""The targets: what reads the bytes, its oracle, its seeds, and the format that its bodies are written in.

Codecs come from `tests.specs.CODECS`: one that is added there is fuzzed. Typed ones are registered where
`transcoders.schema` can be imported.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from tests import golden, values
from tests.fuzz import oracle, records
from tests.fuzz.bombs import bombs
from tests.fuzz.drawing import drawn
from tests.fuzz.formats import cbor, json, msgpack, pickle
from tests.fuzz.target import Target
from tests.handmade import FORMATS, TAGS
from tests.specs import CODECS, KEYS, MIXED, make
from tests.strategies import plain_values, session_values
from tests.trained import SESSIONS_DICT, bodies
from transcoders import DecodeError, Limits, frame
from transcoders.chain import Chain
from transcoders.spec import parse

WRITTEN = {"json": json, "msgpack": msgpack, "cbor": cbor, "pickle": pickle}
TIGHT = Limits(size=6000, depth=8)
SEALED = ("json+hmac", "pickle+blake2", "msgpack+zstd+hmac", "cbor+lz4+blake2", "json+aesgcm")
_SMALL = 1500


@cache
def _values() -> list[Any]:
    examples = [value for _, value in values.EXAMPLES]
    return [*golden.GOLDEN.values(), *examples, *drawn(plain_values(), 30), *drawn(session_values(), 60)]


def _frames(spec: str) -> list[bytes]:
    t = make(spec)
    return [data for value in _values() if len(data := t.encode(value)) <= _SMALL]


def _codec(spec: str) -> Target:
    name = spec.partition(":")[0]
    wide, tight = make(spec), make(spec, limits=TIGHT)

    def check(data: bytes) -> str:
        found = oracle.decodes(wide, data)
        oracle.decodes(tight, data)
        return found

    forms = Chain(parse(spec), (), Limits()).codec.forms
    headers = tuple(frame.header(TAGS[name], form, ()) for form in forms)
    return Target(_file(spec), check, lambda: _frames(spec), lambda: bombs(name), WRITTEN[name], headers)


def _raw(name: str) -> Target:
    wide, tight = make("json", f"raw-{name}"), make("json", f"raw-{name}", limits=TIGHT)

    def check(data: bytes) -> str:
        if data[:1] == frame.MAGIC[:1]:
            return "a frame"
        found = oracle.decodes(wide, data)
        oracle.decodes(tight, data)
        return found

    def seeds() -> list[bytes]:
        return [data[frame.FIXED :] for data in _frames(name)]

    return Target(f"raw-{name}", check, seeds, lambda: (bomb[frame.FIXED :] for bomb in bombs(name)), WRITTEN[name])


def _frame() -> Target:
    readers = [make(spec) for spec in MIXED]
    readers.append(make("json+zlib+hmac", *CODECS, "raw-json", "raw-msgpack", "raw-cbor"))

    def check(data: bytes) -> str:
        told = oracle.peeks(data)
        found = [oracle.decodes(t, data) for t in readers]
        return f"{found[-1].partition(':')[0]}: {told}"

    def seeds() -> list[bytes]:
        return [data for spec in MIXED for data in _frames(spec)[::9]]

    return Target("frame", check, seeds, headers=tuple(sorted({seed[:5] for seed in seeds()})))


def _filters() -> Target:
    specs = ("json+zlib", "json+zstd", f"json+zstd:dict={SESSIONS_DICT}", "json+lz4")
    readers = [make(spec, limits=TIGHT) for spec in specs]
    filters = [item for spec in specs for item in Chain(parse(spec), (), TIGHT).filters]

    def check(data: bytes) -> str:
        found = [oracle.decodes(t, data) for t in readers]
        undone = [_undone(item, data) for item in filters if data[frame.FIXED :].startswith(bytes((item.tag,)))]
        return (undone or found)[-1]

    def seeds() -> list[bytes]:
        texts = [b"[]", b"[1]", b"x" * 100, b"ab" * 400, b"abc" * 1900, bytes(range(256)) * 4, *bodies("json", 2)]
        heads = [(item, frame.header(4, 0, (item.tag,))) for item in filters]
        return [head + item.apply(text, head, b"") for item, head in heads for text in texts]

    headers = {frame.header(4, 0, (item.tag,)): None for item in filters}
    return Target("filters", check, seeds, headers=tuple(headers))


def _undone(item: Any, data: bytes) -> str:
    header, body = data[: frame.FIXED + 1], data[frame.FIXED + 1 :]
    try:
        plain = bytes(item.undo(memoryview(body), header, b"", TIGHT.size))
    except DecodeError as error:
        return oracle.outcome(error)
    assert len(plain) <= TIGHT.size, f"{len(plain)} bytes under a limit of {TIGHT.size}"
    again = item.apply(plain, header, b"")
    if len(again) < len(plain):  # else the pipeline leaves the filter out
        assert bytes(item.undo(again, header, b"", TIGHT.size)) == plain
    return "value: undone"


def _sealed() -> Target:
    readers = [make(spec) for spec in SEALED]
    issued = [{t.encode(value): value for value in golden.GOLDEN.values()} for t in readers]

    def check(data: bytes) -> str:
        found = [oracle.tampers(t, data, known) for t, known in zip(readers, issued, strict=True)]
        return found[0]

    def seeds() -> list[bytes]:
        return [data for known in issued for data in known if len(data) <= _SMALL]

    return Target("sealed", check, seeds, headers=tuple(sorted({seed[:5] for seed in seeds()})))


def _behind_seal() -> Target:
    """Pickles behind a valid seal: no guard stands before the unpickler, and still nothing is built but data."""
    chain = Chain(parse("pickle+blake2"), KEYS, Limits())
    reader, seal = make("pickle+blake2"), chain.filters[0]
    bare = tuple(frame.header(TAGS["pickle"], form, ()) for form in chain.codec.forms)

    def check(data: bytes) -> str:
        if data[: frame.FIXED] not in bare:
            return "another header"
        header = frame.header(data[3], data[4], (seal.tag,))
        try:
            value = reader.decode(header + seal.apply(data[frame.FIXED :], header, b""))
        except DecodeError as error:
            return oracle.outcome(error)
        return f"value: {type(value).__name__}"

    return Target("pickle-behind-seal", check, lambda: _frames("pickle"), written=pickle, headers=bare)


def _file(spec: str) -> str:
    return spec.replace(":", ".").replace("=", "-")


def _builders() -> Iterator[tuple[str, Callable[[], Target]]]:
    yield "frame", _frame
    for spec in (*CODECS, "pickle:views=64"):
        yield _file(spec), lambda spec=spec: _codec(spec)
    for name in FORMATS:
        yield f"raw-{name}", lambda name=name: _raw(name)
    yield "filters", _filters
    yield "sealed", _sealed
    yield "pickle-behind-seal", _behind_seal
    yield "record", records.target


TARGETS = dict(_builders())
"""Names and what builds each."""
LEFT_OUT = ""
"""Why there are no typed targets, if there are none."""
try:
    from tests.fuzz import schemas
except ImportError as error:
    LEFT_OUT = f"typed transcoders are left out: {error}"
else:
    TARGETS |= schemas.builders()


@cache
def target(name: str) -> Target:
    """The target of that name, with the types that its values need."""
    values.register_types()
    golden.register_types()
    return TARGETS[name]()
