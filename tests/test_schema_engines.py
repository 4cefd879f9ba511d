"""The generated functions do what the interpreter does, and every engine writes and reads the same bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import make_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Literal
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.payload_shapes import SHAPES
from tests.payload_types import Access, Box, Cart, Cat, Colour, Dog, Folder, Level, Mixed, Point, Spot, Tree
from tests.payloads import EDGES, LEAVES, MOMENT, NAIVE, PAYLOADS, SEALED, SPECS, identical, laid, made
from transcoders import Transcoder, typed
from transcoders.errors import DecodeError, EncodeError, SpecError

every_spec = pytest.mark.parametrize("spec", SPECS)
quietly = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Watched(typed.Typed):
    """A typed codec that counts how often its generated functions gave up."""

    slow = 0

    def _careful(self, *arguments: Any) -> Any:
        Watched.slow += 1
        return super()._careful(*arguments)

    def _explained(self, *arguments: Any) -> Any:
        Watched.slow += 1
        return super()._explained(*arguments)


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    with patch.object(typed, "Typed", Watched):
        yield


@contextmanager
def without(*absent: str) -> Iterator[None]:
    """A machine on which these packages are not installed."""
    with patch("transcoders.schema.engines.find_spec", lambda name: None if name in absent else name):
        yield


def pair(spec: str, hint: Any) -> tuple[Transcoder[Any], Transcoder[Any]]:
    """The transcoder with all engines and the one without."""
    with without("msgspec", "libipld"):
        bare = made(spec, hint)
    return made(spec, hint), bare


def check(spec: str, hint: Any, values: list[Any]) -> None:
    """Hold the functions and engines of a type to the interpreter."""
    quick, bare = pair(spec, hint)
    codec: Watched = quick._chain.typed  # type: ignore[assignment]
    for value in values:
        frame = quick.encode(value)
        assert bare.encode(value) == frame, (spec, hint, value)
        for one in (quick, bare):
            assert identical(one.decode(frame), value), (spec, hint, value)
        form, data = codec.dumps(value)
        assert codec._careful(value) == (form, data), (spec, hint, value)
        assert identical(codec._explained(form, data), value), (spec, hint, value)


@every_spec
@pytest.mark.parametrize("name", PAYLOADS)
def test_payloads_agree(spec: str, name: str) -> None:
    """For every family: the same bytes and values from functions, interpreter and engines."""
    check(spec, *PAYLOADS[name])


@every_spec
@pytest.mark.parametrize("name", LEAVES)
def test_leaves_agree(spec: str, name: str) -> None:
    """For every leaf, alone and in a list: the same bytes and values from functions, interpreter and engines."""
    hint, values = LEAVES[name]
    check(spec, hint, values)
    check(spec, list[hint], [[value] for value in values])


@quietly
@given(st.data())
def test_random_types_agree(data: st.DataObject) -> None:
    """For random types and values: round trips, and the same bytes from functions, interpreter and engines."""
    shape = data.draw(SHAPES)
    values = data.draw(st.lists(shape.values, min_size=1, max_size=3))
    for spec in SPECS:
        try:
            check(spec, shape.hint, values)
        except SpecError:
            assume(False)  # noqa: FBT003 - an ambiguous union


def _outcome(one: Transcoder[Any], frame: bytes) -> Any:
    """The value laid out, moments to the second: engines round and cut what is finer than a microsecond."""
    try:
        return _coarse(laid(one.decode(frame)))
    except DecodeError as error:
        return error


def _coarse(value: Any) -> Any:
    if hasattr(value, "microsecond"):
        return type(value)
    if isinstance(value, tuple | list | set | frozenset):
        return [type(value), *sorted(map(repr, map(_coarse, value)))]
    return {repr(key): _coarse(item) for key, item in value.items()} if isinstance(value, dict) else repr(value)


@quietly
@given(st.data(), st.randoms(use_true_random=False))
def test_broken_frames_of_random_types(data: st.DataObject, random: Random) -> None:
    """A truncated or changed frame gives a DecodeError, or a value of the type that engines agree on; sealed, never."""
    shape = data.draw(SHAPES)
    value = data.draw(shape.values)
    for spec in (*SPECS, data.draw(st.sampled_from(SEALED))):
        try:
            quick, bare = pair(spec, shape.hint)
        except SpecError:
            assume(False)  # noqa: FBT003 - an ambiguous union
        frame = quick.encode(value)
        for behind in (b" ", b"\0"):
            assert isinstance(_outcome(quick, frame + behind), DecodeError)
            assert isinstance(_outcome(bare, frame + behind), DecodeError)
        broken = [frame[: random.randrange(len(frame))]]
        for _ in range(12):
            changed = bytearray(frame)
            changed[random.randrange(len(frame))] ^= 1 << random.randrange(8)
            broken.append(bytes(changed))
        for one in broken:
            found, again = _outcome(quick, one), _outcome(bare, one)
            if isinstance(found, DecodeError) or isinstance(again, DecodeError):
                continue
            assert found == again, (spec, shape, one)
            assert "+" not in spec
            quick.encode(quick.decode(one))  # it is a value of the type, constraints and all


@every_spec
def test_plain_values_take_the_generated_way(spec: str) -> None:
    """What is right and plain is written and read by the generated functions alone."""
    carts = [Cart(1), Cart(2, PAYLOADS["dataclass"][1][1].lines, MOMENT, {"a", "b"})]
    for hint, values in (
        (Cart, carts),
        (list[Cart], [carts]),
        (Tree, PAYLOADS["recursive dataclass"][1]),
        (Folder, PAYLOADS["mutually recursive dataclasses"][1]),
        (Box[Point], [Box(Point(1), [Point(2, 0.5)])]),
        (list[Cat | Dog | None], [[Cat("a"), Dog("b"), None]]),
        (dict[int, list[Spot]], [{1: [Spot(1)], -2: []}]),
        (
            dict[UUID, tuple[Colour, Level, Mixed, Access]],
            [{UUID(int=1): (Colour.RED, Level.LOW, Mixed.TWO, Access(3))}],
        ),
        (frozenset[Decimal], [frozenset({Decimal("1.10"), Decimal(-3)})]),
        (tuple[datetime, timedelta, bytes, Literal["a", 1]], [(NAIVE, timedelta(1), b"x", 1)]),
    ):
        typed = made(spec, hint)
        for value in values:
            before = Watched.slow
            assert identical(typed.decode(typed.encode(value)), value)
            assert Watched.slow == before, (spec, hint, value)


@pytest.mark.parametrize("spec", ["json", "json:layout=compact"])
def test_json_values_of_a_bare_number_are_marked(spec: str) -> None:
    """A number cut short is another number, so that one alone is written in the tagged form, whatever the engine."""
    for hint, value in ((int, 123), (float, 1.5), (timedelta, timedelta(1)), (Level, Level.HIGH), (int | None, 12)):
        quick, bare = pair(spec, hint)
        frame = quick.encode(value)
        assert bare.encode(value) == frame
        for size in range(len(frame)):
            with pytest.raises(DecodeError):
                quick.decode(frame[:size])


@pytest.mark.parametrize("value", [1e16, 1e-7, -1.5e300, 5e-324, 123456789012345678.0, 9007199254740993.0, 0.1])
def test_floats_have_one_text(value: float) -> None:
    """Floats have the same text from every engine, with an exponent as well."""
    check("json", list[float], [[value, 1.0]])
    check("json", Point, [Point(1, value)])
    check("json:layout=compact", Point, [Point(1, value)])


@pytest.mark.parametrize(
    ("hint", "right", "wrong"),
    [
        (list[Literal[True, 2]], [True, 2], [1]),
        (tuple[list[Literal[True]]], ([True],), ([False],)),
        (dict[str, Literal[2**63]], {"a": 2**63}, {"a": 2}),
    ],
)
def test_fields_that_only_need_a_check(hint: Any, right: Any, wrong: Any) -> None:
    """Fields that an engine leaves unchecked, and that need nothing else, are checked."""
    record = make_dataclass("Holder", [("first", hint), ("second", hint)])
    for spec in SPECS:
        check(spec, record, [record(right, right)])
        with pytest.raises(EncodeError):
            made(spec, record).encode(record(right, wrong))


@pytest.mark.parametrize("absent", ["msgspec", "libipld"])
def test_one_engine_is_missing(absent: str) -> None:
    """With either engine missing the bytes are the same, and each machine reads what the other wrote."""
    for spec in (*SPECS, "cbor:layout=compact+blake2"):
        for name in ("dataclass", "recursive dataclass", "unions", "TypedDict with NotRequired"):
            hint, values = PAYLOADS[name]
            here = made(spec, hint)
            with without(absent):
                there = made(spec, hint)
            for value in values:
                assert here.encode(value) == there.encode(value)
                assert identical(here.decode(there.encode(value)), value)
                assert identical(there.decode(here.encode(value)), value)


def test_the_sign_of_zero_survives_every_engine() -> None:
    """An engine that writes -0.0 as 0.0 does not write it."""
    for spec in ("cbor:layout=compact", "cbor:layout=compact+hmac"):
        check(spec, list[float], [[-0.0, 0.0, 1.5]])
        check(spec, Point, [Point(1, -0.0)])


@every_spec
def test_moments_at_the_edges(spec: str) -> None:
    """A moment before 1970, in the first and in the last second of the calendar is the same from every engine."""
    edges = [datetime(1969, 12, 31, 23, 59, 59, 1, UTC), *(edge.replace(tzinfo=UTC) for edge in EDGES)]
    check(spec, list[datetime], [[edge] for edge in edges])
