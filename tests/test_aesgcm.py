"""The cipher `aesgcm`: what only a cipher does, beside what test_seals holds it to like every seal."""

import pickle
import sys

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handmade import derived, framed, lead
from transcoders import (
    EncodeError,
    Limits,
    MissingExtra,
    Refused,
    SpecError,
    Tampered,
    TooLarge,
    frame,
    peek,
    transcoder,
)
from transcoders.codecs import Context
from transcoders.filters import aesgcm
from transcoders.filters.aesgcm import AesgcmFilter

KEY = b"a secret of the cipher"
VALUE = {"user": 42, "note": "in clear text nowhere"}
HEADER, LEAD, NONCE = 6, 6, 12
quick = settings(deadline=None, max_examples=60)


def made(spec="json+aesgcm", **rest):
    """A transcoder with the key."""
    return transcoder(spec, keys=[KEY], **rest)


def additional(header, size, associated):
    """The additional authenticated data, worked out by hand from docs/format.md."""
    before = b"\0" + len(associated).to_bytes(4, "big") + associated if associated else b""
    return before + header + lead(KEY, "aesgcm", size, associated)


@quick
@given(value=st.text(), associated=st.binary(), nonce=st.binary(min_size=NONCE, max_size=NONCE))
def test_frames_are_as_the_format_has_them(value, associated, nonce):
    """A frame opens by hand with AES-256-GCM, and one that is made by hand is read."""
    t, cipher = made(), AESGCM(derived(KEY, "aesgcm"))
    content = transcoder("json").encode(value)[5:]
    data = t.encode(value, associated_data=associated)
    header, behind = data[:HEADER], data[HEADER + LEAD :]
    covered = additional(header, len(content), associated)
    assert data[HEADER : HEADER + LEAD] == covered[-LEAD:]
    assert cipher.decrypt(behind[:NONCE], behind[NONCE:], covered) == content
    by_hand = header + covered[-LEAD:] + nonce + cipher.encrypt(nonce, content, covered)
    assert t.decode(by_hand, associated_data=associated) == value


def test_every_message_has_a_nonce_of_its_own():
    """One value gives another frame each time, no nonce comes twice, and all of them open."""
    t = made()
    frames = [t.encode(VALUE) for _ in range(500)]
    start = HEADER + LEAD
    assert len({frame[start : start + NONCE] for frame in frames}) == len(frames)
    assert len({frame[start + NONCE :] for frame in frames}) == len(frames)
    assert all(t.decode(frame) == VALUE for frame in frames)


def test_nothing_is_in_clear_text():
    """No word of the value stands in the frame, and the traits promise neither legible nor repeated bytes."""
    t = made()
    data = t.encode(VALUE)
    assert not any(word in data for word in (b"user", b"note", b"clear text"))
    assert (t.traits.readable, t.traits.deterministic, t.traits.data_only) == (False, False, True)


@pytest.mark.parametrize(("codec", "form"), [(2, 0), (4, 1), (3, 1)])
def test_a_moved_header_does_not_open(codec, form):
    """A body does not open behind the header of another codec or form, although a reader takes both."""
    t = made(accept=["msgpack+aesgcm", "cbor+aesgcm"])
    data = t.encode(VALUE)
    header = data[:3] + bytes((codec, form | 0x10)) + data[5:HEADER]
    assert peek(header + data[HEADER:]).filters == ("aesgcm",)
    with pytest.raises(Tampered, match="they were changed"):
        t.decode(header + data[HEADER:])


def test_nonces_cannot_be_swapped():
    """A ciphertext does not open with the nonce of another message."""
    t = made()
    one, other = t.encode(VALUE), t.encode(VALUE)
    start = HEADER + LEAD + NONCE
    with pytest.raises(Tampered, match="they were changed"):
        t.decode(one[:start] + other[start:])


@pytest.mark.parametrize("spec", ["json+zlib+aesgcm", "msgpack+zstd+aesgcm+hmac", "pickle+aesgcm+blake2"])
def test_a_cipher_stands_between_compressor_and_seal(spec):
    """Compressed first and sealed last; associated data is bound in both places."""
    t = made(spec)
    value = VALUE | {"long": "the same words, " * 50}
    data = t.encode(value, associated_data=b"session 1")
    assert len(peek(data).filters) == spec.count("+")
    assert t.decode(data, associated_data=b"session 1") == value
    with pytest.raises(Tampered):
        t.decode(data, associated_data=b"session 2")


@pytest.mark.parametrize("spec", ["json+aesgcm+zlib", "json+hmac+aesgcm", "json+aesgcm+aesgcm"])
def test_a_cipher_stands_nowhere_else(spec):
    """What is encrypted does not shrink, and nothing is sealed before it is encrypted."""
    with pytest.raises(SpecError, match="cannot stand after"):
        made(spec)


def test_clear_text_is_not_taken_for_encrypted():
    """A reader of encrypted frames takes neither plain nor sealed ones."""
    for other in ("json", "json+hmac"):
        data = transcoder(other, keys=[KEY] if "+" in other else ()).encode(VALUE)
        with pytest.raises(Refused, match=r"this transcoder reads json\+aesgcm"):
            made().decode(data)


def test_a_cipher_counts_as_a_seal():
    """A pickle that the guard refuses without a seal is read under the cipher, whose tag was checked before."""
    content = pickle.dumps(["memoized"], 5)
    with pytest.raises(Refused):
        transcoder("pickle").decode(framed("pickle", frame.PLAIN, content))
    header = frame.header(1, frame.PLAIN, (AesgcmFilter.tag,))
    encrypted = AesgcmFilter({}, Context(Limits(), {}, (KEY,))).apply(content, header, b"")
    assert made("pickle+aesgcm").decode(header + encrypted) == ["memoized"]


def test_what_the_library_cannot_take_is_refused(monkeypatch):
    """Beyond what the library takes at once there is a typed error both ways, not its panic."""
    data = made().encode("x" * 100)
    fits = len(data) - HEADER - LEAD - NONCE - 16
    monkeypatch.setattr(aesgcm, "_MOST", fits)
    assert made().decode(made().encode("x" * 100)) == "x" * 100
    monkeypatch.setattr(aesgcm, "_MOST", fits - 1)
    with pytest.raises(EncodeError, match=f"aesgcm encrypts at most {fits - 1}"):
        made().encode("x" * 100)
    with pytest.raises(TooLarge, match=f"expected at most {fits - 1} encrypted bytes"):
        made(limits=Limits(size=1 << 30)).decode(data)


def test_the_package_that_it_needs(monkeypatch):
    """Without the cryptography package the error says what to install."""
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(MissingExtra, match=r'pip install "transcoders\[aesgcm\]"'):
        made()
