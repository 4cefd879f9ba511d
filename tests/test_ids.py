"""Session ids: made of entropy, told from whatever else a client sends, hashed before a store sees them."""

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoders.sessions import ids

GOOD = "A" * 42 + "_"


def test_ids_are_random_and_valid():
    """Each is 43 characters of base64url, of 32 bytes, and none comes twice."""
    made = {ids.make() for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(ids.valid(one) and len(one) == ids.LENGTH for one in made)
    assert {len(set(column)) for column in zip(*made, strict=True)} >= {64}  # every place takes every character


@pytest.mark.parametrize(
    "text",
    [
        "", "A", "A" * 42, "A" * 44, "A" * 43 + "\n", "A" * 42 + "\n", "A" * 42 + " ", "A" * 42 + "=", "A" * 42 + "+",
        "A" * 42 + "/", "A" * 42 + ".", "A" * 42 + "\0", "A" * 42 + "ä", "A" * 42 + "\u0661", "A" * 42 + "\ud800",
        "a" * 100_000, "../" * 14 + "A", "A" * 20 + "\r\nSet-Cookie: a=b" + "A" * 5,
        None, 43, 1.5, b"A" * 43, GOOD.encode(), [GOOD], (GOOD,), True, object(),
    ],
)  # fmt: skip
def test_what_is_no_id(text):
    """Anything but 43 characters of the alphabet, of any type and length, is told apart without an error."""
    assert ids.valid(text) is False


class Text(str):
    """A text that may say anything about itself."""

    __slots__ = ()

    def __len__(self) -> int:
        return 43


def test_subclasses_of_text_are_no_ids():
    """A str whose methods are another's is none, whatever it holds."""
    assert not ids.valid(Text("A" * 43))
    assert not ids.valid(Text(""))


@given(st.text() | st.binary() | st.text("AZaz09_-", min_size=43, max_size=43) | st.none() | st.integers())
def test_valid_is_the_grammar(text):
    """It never raises, and is true for the grammar alone."""
    expected = isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_\-]{43}", text) is not None
    assert ids.valid(text) is expected


def test_keys_reveal_no_id():
    """A key is the prefix and 22 characters of a hash: always the same for an id, another for another."""
    sid = ids.make()
    key = ids.key(sid, "shop_")
    assert re.fullmatch(r"shop_[A-Za-z0-9_-]{22}", key)
    assert key == ids.key(sid, "shop_") != ids.key(ids.make(), "shop_")
    assert ids.key(sid) == key.removeprefix("shop_")
    assert sid not in key
    assert key.removeprefix("shop_") not in sid


def test_the_hash_is_blake2b():
    """Keys are what docs/format.md says, so that other programs find a session: BLAKE2b of 16 bytes, base64url."""
    assert ids.key("user:42") == "_dSBGNdwBP_stmwbHmncPA"  # printf user:42 | b2sum -l 128


@given(st.text(st.characters(), min_size=1))
def test_any_principal_has_a_key(principal):
    """Half surrogate pairs included, for a principal may be text of any source."""
    assert len(ids.key(principal, "p_")) == 24


def test_tokens_tell_owners_apart():
    """Tokens of locks are 16 hexadecimal digits, another each time."""
    made = {ids.token() for _ in range(1_000)}
    assert len(made) == 1_000
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_a_child_draws_tokens_of_its_own():
    """Tokens that a parent has drawn and not used yet are not used in its child."""
    ids.token()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:  # pragma: no cover - another process
        os.write(writer, ids.token().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 16).decode()
    os.close(reader)
    os.close(writer)
    assert theirs not in {ids.token() for _ in range(100)}
