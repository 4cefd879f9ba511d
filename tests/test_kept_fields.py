"""Fields that a class does not know: kept by every engine and every way of writing, or refused; never dropped."""

import copy
import dataclasses
import pickle
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec
import pytest

from transcoders import EncodeError, SchemaMismatch, SpecError, transcoder
from transcoders.schema import Name, Unknown, engines

CODECS = ("json", "msgpack", "cbor", "pickle")
KEYS = [bytes(32)]


@dataclass
class OldLine:
    sku: str


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass
class OldCart:
    owner: str
    lines: list[OldLine] = field(default_factory=list)
    named: dict[str, OldLine] = field(default_factory=dict)
    first: OldLine | None = None


@dataclass
class Cart:
    owner: str
    lines: list[Line] = field(default_factory=list)
    named: dict[str, Line] = field(default_factory=dict)
    first: Line | None = None
    note: str = ""


FULL = Cart("Ann", [Line("a", 2)], {"b": Line("b", 3)}, Line("c", 4), "gift")
PARTS = (
    Cart("Ann", note="gift"), Cart("Ann", [Line("a", 2)]), Cart("Ann", named={"b": Line("b", 3)}),
    Cart("Ann", first=Line("c", 4)), FULL,
)  # fmt: skip


def both(spec: str, old: Any, new: Any, **more: Any) -> tuple[Any, Any]:
    """Transcoders of the two classes."""
    keys = KEYS if "hmac" in spec or "blake2" in spec else ()
    return transcoder(spec, schema=old, keys=keys, **more), transcoder(spec, schema=new, keys=keys, **more)


SPECS = [
    f"{codec}{option}{filters}"
    for codec, option, filters in product(CODECS, ("", ":check=read"), ("", "+zlib", "+blake2", "+zlib+hmac"))
]


@pytest.mark.parametrize("bare", [False, True], ids=["with engines", "without"])
@pytest.mark.parametrize("spec", [*SPECS, "msgpack:engine=msgpack"])
def test_every_way_of_writing_keeps_them(monkeypatch, spec, bare):
    """The express way, those through filters and seals, with each engine and without: all write what was kept."""
    if bare:
        monkeypatch.setattr(engines, "find_spec", lambda _name: None)
    old, new = both(spec, OldCart, Cart)
    for cart in PARTS:
        value = old.decode(new.encode(cart))
        assert type(value) is OldCart
        for _ in range(2):  # what old code wrote itself, old code reads by its own fast way
            saved = old.encode(value)
            value = old.decode(saved)
            assert new.decode(saved) == cart


@dataclass(frozen=True)
class OldLeaf:
    name: str


@dataclass(frozen=True)
class Leaf:
    name: str
    size: int = 0


@dataclass
class OldTree:
    parts: list["OldTree"] = field(default_factory=list)
    pair: tuple[OldLeaf, str] | None = None
    many: tuple[OldLeaf, ...] = ()
    keyed: dict[int, OldLeaf] = field(default_factory=dict)
    group: frozenset[OldLeaf] = frozenset()
    one: OldLeaf | int = 0
    named: OldLeaf | dict[str, int] = field(default_factory=dict)


@dataclass
class Tree:
    parts: list["Tree"] = field(default_factory=list)
    pair: tuple[Leaf, str] | None = None
    many: tuple[Leaf, ...] = ()
    keyed: dict[int, Leaf] = field(default_factory=dict)
    group: frozenset[Leaf] = frozenset()
    one: Leaf | int = 0
    named: Leaf | dict[str, int] = field(default_factory=dict)
    size: int = 0


INSIDE = {
    "a record in itself": Tree([Tree([Tree(size=1)])]), "an item of a tuple": Tree(pair=(Leaf("a", 1), "x")),
    "a tuple of any length": Tree(many=(Leaf("a"), Leaf("b", 2))), "a dict by number": Tree(keyed={5: Leaf("a", 3)}),
    "a member of a set": Tree(group=frozenset((Leaf("a", 4), Leaf("b", 5)))), "an alternative": Tree(one=Leaf("a", 6)),
    "the last of all": Tree([Tree([], (Leaf("a", 7), "x"), (Leaf("b", 8),), {9: Leaf("c", 9)}, size=1)], size=2),
}  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("where", INSIDE)
def test_they_are_kept_wherever_a_record_may_stand(where, codec):
    """A record keeps them inside every kind of container, with the code that is generated for each."""
    old, new = both(codec, OldTree, Tree)
    value = old.decode(new.encode(INSIDE[where]))
    assert new.decode(old.encode(value)) == INSIDE[where]
    assert new.decode(old.encode(old.decode(old.encode(value)))) == INSIDE[where]


@pytest.mark.parametrize("codec", CODECS)
def test_members_that_only_they_tell_apart_are_refused(codec):
    """Two members of a set that are one to old code cannot both be kept, so the frame is refused."""
    old, new = both(codec, OldTree, Tree)
    with pytest.raises(SchemaMismatch, match=r"\$\.group: expected frozenset, found a member twice"):
        old.decode(new.encode(Tree(group=frozenset((Leaf("a", 1), Leaf("a", 2))))))


@pytest.mark.parametrize("codec", CODECS)
def test_a_change_by_old_code_is_saved_beside_them(codec):
    """Old code changes what it knows; new code gets that, and its own fields as they were."""
    old, new = both(codec, OldCart, Cart)
    value = old.decode(new.encode(FULL))
    value.owner = "Eve"
    value.lines.append(OldLine("z"))
    assert new.decode(old.encode(value)) == dataclasses.replace(FULL, owner="Eve", lines=[*FULL.lines, Line("z")])


def test_bare_functions_keep_them():
    """The codec's part alone keeps them too."""
    (dumps, loads), (writes, reads) = (one.bare() for one in both("json", OldCart, Cart))
    assert reads(dumps(loads(writes(FULL)))) == FULL


def test_equality_and_repr_know_nothing_of_them():
    """An instance that keeps fields is equal to one that does not, and looks like it."""
    old, new = both("json", OldLine, Line)
    value = old.decode(new.encode(Line("a", 5)))
    assert value == OldLine("a")
    assert repr(value) == repr(OldLine("a"))
    assert value.__unknown_fields__ == {"count": 5}


def test_copies_keep_them_and_replace_does_not():
    """A copy, deep or pickled, has what is kept; dataclasses.replace makes another instance, which has not."""
    old, new = both("json", OldLine, Line)
    value = old.decode(new.encode(Line("a", 5)))
    for copied in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert new.decode(old.encode(copied)) == Line("a", 5)
    assert new.decode(old.encode(dataclasses.replace(value, sku="b"))) == Line("b", 1)


@dataclass(frozen=True, slots=True)
class Frozen:
    rest: Annotated[dict[str, Any], Unknown] = field(default_factory=dict, compare=False)
    sku: str = ""


class Struct(msgspec.Struct, frozen=True):
    rest: Annotated[dict[str, Any], Unknown] = msgspec.field(default_factory=dict)
    sku: str = ""


class Tuple(NamedTuple):
    rest: Annotated[dict[str, Any], Unknown] = {}  # noqa: RUF012
    sku: str = ""


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("cls", [Frozen, Struct, Tuple])
def test_a_field_marked_unknown_keeps_them_wherever_it_stands(cls, codec):
    """It is not given by position, so it may stand first; a class that cannot be changed is made with it."""
    old, new = both(codec, cls, Line)
    assert old.decode(new.encode(Line("a", 5))) == cls(sku="a", rest={"count": 5})
    assert new.decode(old.encode(cls(sku="a", rest={"count": 5}))) == Line("a", 5)
    assert old.decode(old.encode(cls(sku="a"))) == cls(sku="a")
    compact = transcoder(f"{codec}:layout=compact", schema=cls)
    assert compact.decode(compact.encode(cls(sku="a"))) == cls(sku="a")


def test_replace_carries_a_field_marked_unknown():
    """A field of the class is replaced with the others: the way for frozen classes."""
    old, new = both("json", Frozen, Line)
    value = dataclasses.replace(old.decode(new.encode(Line("a", 5))), sku="b")
    assert new.decode(old.encode(value)) == Line("b", 5)


def test_a_field_marked_unknown_needs_a_default():
    """Without one it would have to be in the bytes."""

    @dataclass
    class Bare:
        rest: Annotated[dict[str, Any], Unknown]

    with pytest.raises(SpecError, match="needs a default"):
        transcoder("json", schema=Bare)


@pytest.mark.parametrize(
    ("rest", "says"), [({"sku": "b"}, "are fields of Frozen"), ([1], "expected a dict of unknown fields")]
)
def test_what_cannot_be_kept_is_an_encode_error(rest, says):
    """Unknown fields are a dict, and none of them is one of the class."""
    with pytest.raises(EncodeError, match=says):
        transcoder("json", schema=Frozen).encode(Frozen(sku="a", rest=rest))


@pytest.mark.parametrize("codec", CODECS)
def test_layout_compact_has_no_place_for_them(codec):
    """A value that keeps fields is not written by position: the error names them, and the layout that has a place."""
    old, new = both(codec, OldLine, Line)
    value = old.decode(new.encode(Line("a", 5)))
    with pytest.raises(EncodeError, match="unknown fields 'count' have no place in layout compact: layout=map"):
        transcoder(f"{codec}:layout=compact", schema=OldLine).encode(value)


HOSTILE = ("__class__", "__dict__", "__init__", "__unknown_fields__", "self", "", "\x00", "a b")


@pytest.mark.parametrize("codec", CODECS)
def test_names_from_the_bytes_are_never_attributes(codec):
    """Whatever an unknown field is called, it is a key in a dict."""
    fields = {"sku": "a", **dict.fromkeys(HOSTILE, 1)}
    untyped = transcoder(codec).encode(fields)
    value = transcoder(codec, schema=OldLine, accept=[codec]).decode(untyped)
    assert type(value) is OldLine
    assert vars(value) == {"sku": "a", "__unknown_fields__": dict.fromkeys(HOSTILE, 1)}
    typed = transcoder(codec, schema=OldLine)
    assert vars(typed.decode(typed.encode(value))) == vars(value)


class Titled(TypedDict):
    label: Annotated[str, Name("title")]


@pytest.mark.parametrize("codec", CODECS)
def test_an_unknown_field_never_takes_the_place_of_a_known_one(codec):
    """In a dict, where both would have one key, the frame is refused; elsewhere each has its own place."""
    fields = {"title": "tea", "label": 5}
    reader = transcoder(codec, schema=Titled, accept=[codec])
    with pytest.raises(SchemaMismatch, match="has other fields named 'label'"):
        reader.decode(transcoder(codec).encode(fields))

    @dataclass
    class Labelled:
        label: Annotated[str, Name("title")]

    reader = transcoder(codec, schema=Labelled, accept=[codec])
    value = reader.decode(transcoder(codec).encode(fields))
    assert (value.label, value.__unknown_fields__) == ("tea", {"label": 5})
    assert reader.decode(reader.encode(value)).__unknown_fields__ == {"label": 5}
