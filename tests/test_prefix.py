"""The grammar of `storage_key_prefix`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoders import SpecError
from transcoders.sessions.prefix import LONGEST, PARTS, digest, parse, prefix

NAMES = {"host": "hst", "context": "ctxt", "webapp_version": "7"}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", ""),
        ("  ", ""),
        ("static:shop", "shop_"),
        ("static:", ""),
        ("host", "hst_"),
        ("host.hash", "e93c085e_"),
        ("context", "ctxt_"),
        ("context.hash", "45e6345f_"),
        ("webappVersion", "7_"),
        ("static:x,host,context,webappVersion", "x:hst:ctxt:7_"),
        ("static:x, host.hash ,context.hash", "x:e93c085e:45e6345f_"),
        ("context,host", "ctxt:hst_"),
        ("static:x,static:y,static:x", "x:y:x_"),
        ("static:a-b.c/~d", "a-b.c/~d_"),
    ],
)
def test_every_part_makes_its_text(text, made):
    """Parts stand for texts, joined by colons, with an underscore at the end; spaces around commas are nothing."""
    assert prefix(text, **NAMES) == made


@pytest.mark.parametrize("part", [*PARTS, "static:"])
def test_blank_names_are_left_out(part):
    """A name that is not known leaves no trace, not even that of its hash."""
    assert prefix(part) == prefix(part, host=" ", context=" ", webapp_version=" ") == ""
    assert prefix(f"static:x,{part},static:y") == "x:y_"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("hots", "no part 'hots'; did you mean 'host'"),
        ("contxt.hash", "did you mean 'context.hash'"),
        ("webappversion", "did you mean 'webappVersion'"),
        ("webapp_version", "did you mean 'webappVersion'"),
        ("shop", "static:TEXT"),
        ("host,", "no part ''"),
        (",host", "no part ''"),
        ("host,,context", "no part ''"),
        ("host context", "no part 'host context'"),
        ("static:a:b", "a second ':'"),
        ("static:a b", "' ' cannot stand in a key"),
        ("static:ä", "'ä' cannot stand in a key"),
        ("static:{a}", "'{' cannot stand in a key"),
    ],
)
def test_what_is_no_part_is_refused(text, told):
    """An unknown part gets a hint, a text that no key can hold is named; at parsing, before any name is known."""
    with pytest.raises(SpecError, match="storage_key_prefix") as error:
        parse(text)
    assert told in str(error.value)


def test_names_that_no_key_can_hold():
    """The error says what would help: the hash takes any name."""
    with pytest.raises(SpecError, match=r"context is 'mein laden', and ' ' .*; context\.hash takes any"):
        prefix("context", context="mein laden")
    assert prefix("context.hash", context="mein Laden {ä}") == f"{digest('mein Laden {ä}')}_"
    with pytest.raises(SpecError, match="webappVersion is '1 2'"):
        prefix("webappVersion", webapp_version="1 2")


def test_long_prefixes_are_refused():
    """Some stores have short keys; the message says what is shorter."""
    assert len(prefix("host", host="h" * (LONGEST - 1))) == LONGEST
    with pytest.raises(SpecError, match=r"makes 129 characters, 128 are the most: host\.hash"):
        prefix("host", host="h" * LONGEST)


@given(
    parts=st.lists(st.sampled_from(PARTS) | st.text("aZ09-./_~", max_size=9).map("static:{}".format), max_size=5),
    names=st.fixed_dictionaries({name: st.text(max_size=12) for name in NAMES}),
)
def test_prefixes_fit_into_keys(parts, names):
    """Whatever the parts and the names: a prefix of printable ASCII without braces, or one error."""
    text = " , ".join(parts)
    try:
        made = prefix(text, **names)
    except SpecError:
        return
    assert made.isascii()
    assert made.isprintable()
    assert not set(made) & set(" {}")
    assert not made or made.endswith("_")
    assert len(made) <= LONGEST
