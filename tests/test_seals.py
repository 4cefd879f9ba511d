"""Seals: bytes as docs/format.md has them, keys that come and go, and an error for each way a frame is not right.

What holds for the digests of `hmac` and `blake2` holds for the tag of `aesgcm`; `SEALED` has all three.
"""

import base64
import hashlib
import hmac
from itertools import combinations, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handmade import derived, sealed
from tests.values import NAIVE
from transcoders import (
    DecodeError,
    EncodeError,
    Limits,
    Replayed,
    RetiredKey,
    SpecError,
    Tampered,
    Truncated,
    UnknownKey,
    frame,
    peek,
    transcoder,
)
from transcoders.chain import Chain
from transcoders.codecs import Context
from transcoders.filters import blake2
from transcoders.filters import hmac as hmac_filter
from transcoders.keyring import LEAD, covered
from transcoders.spec import parse

NEW, OLD, OLDEST = b"the newest secret", b"the secret before that one", b"the oldest secret of all"
SESSION, OTHER = b"session 1", b"session 2"
VALUE = {"user": 42, "names": ["Žofie", None], "when": 1.5}
SEALED = ("hmac", "blake2", "aesgcm")
HEADER = 6
"""Bytes of the header of a codec and one filter."""
every_seal = pytest.mark.parametrize("seal", ["hmac", "blake2"])
every_sealed = pytest.mark.parametrize("seal", SEALED)
quick = settings(deadline=None, max_examples=60)


def made(seal, *keys, codec="json", **rest):
    """A transcoder under that seal."""
    return transcoder(f"{codec}+{seal}", keys=keys or [NEW], **rest)


def refusal(t, data, error=Tampered, **associated):
    """The message of the error, of exactly that class, that bytes and views of them end in."""
    messages = set()
    for kind in (bytes, bytearray, memoryview):
        with pytest.raises(error) as refused:
            t.decode(kind(data), **associated)
        assert refused.type is error
        messages.add(str(refused.value))
    (message,) = messages
    return message


def flipped(data, place, bit):
    """The data with one bit changed."""
    return data[:place] + bytes((data[place] ^ 1 << bit,)) + data[place + 1 :]


@pytest.fixture(scope="module", params=SEALED)
def twins(request):
    """The filter, and two secrets whose keys have the same id: the first such pair of `secret number N`."""
    seen = {}
    for number in count():
        secret = b"secret number %d" % number
        name = derived(secret, f"{request.param}/id")[:2]
        if name in seen:
            return request.param, seen[name], secret
        seen[name] = secret
    raise AssertionError


@every_seal
@quick
@given(value=st.text(), associated=st.binary(), codec=st.sampled_from(["json", "msgpack", "cbor", "pickle"]))
def test_frames_are_as_the_format_has_them(seal, value, associated, codec):
    """A frame is what the public format says, worked out by hand, and a frame that is made by hand is read."""
    content = transcoder(codec).encode(value)[5:]
    t = made(seal, codec=codec)
    data = t.encode(value, associated_data=associated)
    assert data == sealed(NEW, seal, data[:HEADER], content, associated)
    for kind in (bytes, memoryview):
        assert t.decode(kind(data), associated_data=associated) == value


@every_seal
@quick
@given(value=st.text(min_size=200).map(lambda text: text + "a" * 500), associated=st.binary())
def test_compressed_frames_are_as_the_format_has_them(seal, value, associated):
    """Behind a compressor the seal is the same: the general way and the quick one write one format."""
    t = transcoder(f"json+zlib+{seal}", keys=[NEW])
    data = t.encode(value, associated_data=associated)
    (compressor, _) = Chain(parse(f"json+zlib+{seal}"), (NEW,), Limits()).filters
    content = compressor.apply(transcoder("json").encode(value)[5:], b"", b"")
    assert data == sealed(NEW, seal, data[: HEADER + 1], content, associated)
    assert t.decode(data, associated_data=associated) == value


@quick
@given(key=st.binary(min_size=16, max_size=64), start=st.binary(), pieces=st.lists(st.binary(max_size=300), max_size=3))
def test_copied_states_are_the_digests_of_the_standard_library(key, start, pieces):
    """A state that is copied for each message gives what one call of hashlib or hmac gives, again and again."""
    by_hmac, by_blake2 = hmac_filter.keyed(key)(start), blake2.keyed(key)(start)
    for piece in pieces:
        whole = start + piece
        assert by_hmac(piece) == hmac.digest(key, whole, hashlib.sha256)
        assert (
            by_blake2(memoryview(piece))
            == hashlib.blake2b(whole, key=key, digest_size=16, person=b"transcoders/1").digest()
        )


@given(
    triples=st.lists(
        st.tuples(
            st.binary(max_size=3) | st.just(b"\0\0\0\1\xc1"),
            st.sampled_from([b"\xc1T\1\4\x10\x10", b"\xc1T\1\4\x20\1\x10"]),
            st.binary(min_size=LEAD, max_size=LEAD),
            st.binary(max_size=8),
        ),
        unique=True,
    )
)
def test_what_is_covered_is_covered_once(triples):
    """No two sets of associated data, header, lead and body give the same bytes to digest."""
    told = [covered(associated, header, lead) + body for associated, header, lead, body in triples]
    assert len(set(told)) == len(told)


@every_sealed
def test_associated_data_cannot_become_part_of_a_frame(seal):
    """What stood before the header in a digest is no frame, and the frame without it does not open."""
    t = made(seal)
    data = t.encode(VALUE, associated_data=SESSION)
    for moved in (data[:HEADER] + data[HEADER : HEADER + LEAD], b"\0" + len(SESSION).to_bytes(4, "big") + SESSION):
        with pytest.raises(DecodeError):
            t.decode(moved + data)
    unbound = data[: HEADER + 2] + b"\0\0" + data[HEADER + 4 :]
    assert "changed" in refusal(t, unbound)


@every_sealed
@pytest.mark.parametrize("codec", ["json", "msgpack", "cbor", "pickle", "json+zlib"])
@quick
@given(value=st.text() | st.lists(st.integers()), associated=st.binary())
def test_sealed_values_come_back(seal, codec, value, associated):
    """Whatever is sealed opens, with its associated data."""
    t = made(seal, codec=codec)
    assert t.decode(t.encode(value, associated_data=associated), associated_data=associated) == value


@every_sealed
@pytest.mark.parametrize("associated", [b"", SESSION])
def test_every_bit_is_sealed(seal, associated):
    """A flipped bit is an error; the one that its place tells, and never one that accuses another key."""
    t = made(seal, NEW, OLD)
    data = t.encode(VALUE, associated_data=associated)
    told = [UnknownKey, UnknownKey, Replayed, Replayed, Truncated, (Tampered, Truncated)]
    told += [Tampered] * (len(data) - HEADER - LEAD)
    for place, error in enumerate(told, HEADER):
        for bit in range(8):
            with pytest.raises(error) as refused:
                t.decode(flipped(data, place, bit), associated_data=associated)
            assert error is not Tampered or refused.type is Tampered


@every_sealed
@pytest.mark.parametrize("codec", ["json", "json+zlib"])
def test_a_cut_is_told_from_a_change(seal, codec):
    """A frame that was cut is Truncated wherever it was cut; one with bytes behind it was changed."""
    t = made(seal, codec=codec)
    data = t.encode(VALUE | {"long": "text" * 200}, associated_data=SESSION)
    for size in range(HEADER + 1, len(data)):
        with pytest.raises(Truncated):
            t.decode(data[:size], associated_data=SESSION)
    for behind in (b"\0", b"\n", b" " * 255, data[-1:]):
        assert "changed" in refusal(t, data + behind, associated_data=SESSION)


@every_sealed
def test_a_large_frame_that_was_cut(seal):
    """A column of 65,535 bytes that took the start of a larger session is told from tampering."""
    t = made(seal)
    data = t.encode("x" * 200_000)
    assert "it was cut" in refusal(t, data[:65_535], Truncated)


@every_sealed
def test_a_replay_is_told_from_a_change(seal):
    """A whole frame under other associated data was moved; the message names neither session."""
    t = made(seal, NEW, OLD)
    bound, free = t.encode(VALUE, associated_data=SESSION), t.encode(VALUE)
    for data, given_ in ((bound, OTHER), (bound, b""), (free, SESSION), (bound, SESSION + b"\0")):
        message = refusal(t, data, Replayed, associated_data=given_)
        assert "session 1" not in message
        assert "session 2" not in message
    assert "is bound to associated data, other associated data was given" in refusal(
        t, bound, Replayed, associated_data=OTHER
    )
    assert "is bound to no associated data" in refusal(t, free, Replayed, associated_data=SESSION)
    assert "no associated data was given" in refusal(t, bound, Replayed)


@every_sealed
def test_bindings_hide_what_they_bind(seal):
    """The same associated data is bound by other bytes under another key: nobody else can try what it was."""
    bindings = {made(seal, key).encode(VALUE, associated_data=SESSION)[HEADER + 2 : HEADER + 4] for key in (NEW, OLD)}
    assert len(bindings) == 2
    assert made(seal).encode(VALUE)[HEADER + 2 : HEADER + 4] == b"\0\0"


@every_sealed
@pytest.mark.parametrize("value", [VALUE, {"seen": NAIVE}])
@pytest.mark.parametrize("associated", [b"", SESSION])
def test_rotation(seal, value, associated):
    """The newest key seals, all keys open, a retired one is refused as such, and one that is gone is unknown."""
    frames = {key: made(seal, key).encode(value, associated_data=associated) for key in (NEW, OLD, OLDEST)}
    both = made(seal, NEW, OLD, retired=[OLDEST])
    assert both.encode(value, associated_data=associated)[HEADER : HEADER + 2] == frames[NEW][HEADER : HEADER + 2]
    assert [both.decode(frames[key], associated_data=associated) for key in (NEW, OLD)] == [value, value]
    assert "is retired" in refusal(both, frames[OLDEST], RetiredKey, associated_data=associated)
    alone = made(seal, NEW)
    name = derived(OLD, f"{seal}/id")[:2].hex()
    assert f"it names key {name}" in refusal(alone, frames[OLD], UnknownKey, associated_data=associated)
    assert alone.decode(both.encode(value, associated_data=associated), associated_data=associated) == value


@every_sealed
def test_a_retired_key_vouches_for_nothing(seal):
    """A frame that names a retired key and was changed or moved is refused for that, not as retired."""
    t = made(seal, NEW, retired=[OLD])
    data = made(seal, OLD).encode(VALUE, associated_data=SESSION)
    assert "changed" in refusal(t, flipped(data, -1 % len(data), 0), associated_data=SESSION)
    assert "bound" in refusal(t, data, Replayed, associated_data=OTHER)
    assert "cut" in refusal(t, data[:-1], Truncated, associated_data=SESSION)


@every_sealed
def test_retired_keys_of_what_is_accepted(seal):
    """A spec that is only accepted has the same keys and the same retired ones."""
    t = transcoder("msgpack", keys=[NEW], retired=[OLD], accept=[f"json+{seal}"])
    assert t.decode(made(seal, NEW).encode(VALUE)) == VALUE
    assert "is retired" in refusal(t, made(seal, OLD).encode(VALUE), RetiredKey)


@every_sealed
def test_retired_keys_from_the_environment(monkeypatch, seal):
    """`retired=` names a variable, as `env=` does; the spec holds both names and no key."""
    monkeypatch.setenv("SESSION_KEYS", NEW.decode())
    monkeypatch.setenv("OLD_KEYS", f"{OLD.decode()}, {OLDEST.decode()}")
    t = transcoder(f"json+{seal}:env=SESSION_KEYS,retired=OLD_KEYS")
    assert str(t.spec) == f"json+{seal}:env=SESSION_KEYS,retired=OLD_KEYS"
    assert t.decode(made(seal, NEW).encode(VALUE)) == VALUE
    for key in (OLD, OLDEST):
        assert "is retired" in refusal(t, made(seal, key).encode(VALUE), RetiredKey)
    named = transcoder(f"json+{seal}:retired=OLD_KEYS", keys=[NEW])
    assert "is retired" in refusal(named, made(seal, OLD).encode(VALUE), RetiredKey)


@pytest.mark.parametrize(
    ("spec", "given_", "told"),
    [
        ("json+hmac", {"retired": [OLD[:15]]}, "retired[0] takes bytes, at least 16 of them, not 15 bytes"),
        ("json+aesgcm", {"retired": [OLD, "text"]}, "retired[1] takes bytes, at least 16 of them, not str"),
        ("json+blake2", {"retired": OLD}, "retired takes a list of secrets"),
        ("json+hmac", {"retired": [OLD, NEW]}, "retired[1] is one of the keys as well"),
        ("json+hmac:retired=GONE", {}, "takes its keys from the environment variable GONE, which is not set"),
        ("json+hmac:retired=GONE", {"retired": [OLD]}, "has keys twice: retired= and retired=GONE; give one of them"),
        ("json", {"keys": (), "retired": [OLD]}, "keys were given, but json has no stage that uses them"),
        ("json+aesgcm", {"keys": ()}, "aesgcm needs a key: transcoder(..., keys=[secret]) or aesgcm:env=NAME"),
    ],
)
def test_retired_keys_that_cannot_be(monkeypatch, spec, given_, told):
    """A wrong list of retired keys stops the start, and the message shows none of them."""
    monkeypatch.delenv("GONE", raising=False)
    with pytest.raises(SpecError) as refused:
        transcoder(spec, **{"keys": [NEW], **given_})
    assert told in str(refused.value)
    assert "secret before" not in str(refused.value)


def test_keys_of_one_id_both_open(twins):
    """Two keys whose ids collide both open what they sealed, whichever is newer, and neither opens a change."""
    seal, one, other = twins
    frames = {key: made(seal, key).encode(VALUE, associated_data=SESSION) for key in (one, other)}
    assert len({data[HEADER : HEADER + 2] for data in frames.values()}) == 1
    for keys in ((one, other), (other, one)):
        t = made(seal, *keys)
        for data in frames.values():
            assert t.decode(data, associated_data=SESSION) == VALUE
            assert "changed" in refusal(t, flipped(data, -1 % len(data), 0), associated_data=SESSION)
            assert "bound" in refusal(t, data, Replayed, associated_data=OTHER)


def test_a_retired_key_of_the_same_id(twins):
    """A retired key with the id of a key in use is refused, the one in use opens, and a stranger's is a change."""
    seal, one, other = twins
    t = made(seal, one, retired=[other])
    assert t.decode(made(seal, one).encode(VALUE)) == VALUE
    assert "is retired" in refusal(t, made(seal, other).encode(VALUE), RetiredKey)
    assert "changed" in refusal(made(seal, one), made(seal, other).encode(VALUE))


@every_sealed
def test_no_key_is_shown(seal):
    """No message and no repr holds a secret or what is derived from it, as text, hex or base64."""
    keys = (NEW, OLD, OLDEST)
    t = transcoder(f"json+{seal}", keys=[NEW, OLD], retired=[OLDEST])
    data = t.encode(VALUE, associated_data=SESSION)
    chain = Chain(parse(f"json+{seal}"), (NEW, OLD), Limits(), (OLDEST,))
    (stage,) = chain.filters
    ring = stage._ring
    context = Context(Limits(), {}, keys, retired=keys)
    shown = [repr(one) for one in (t, chain, stage, ring, context, *ring.active, *ring._retired)]
    shown += [repr(key.tool) for key in ring.active]
    for wrong in (data[:-1], data + b"\0", flipped(data, 6, 0), flipped(data, 20, 0), made(seal, OLDEST).encode(VALUE)):
        with pytest.raises(DecodeError) as refused:
            t.decode(wrong)
        shown.append(repr(refused.value))
    text = " ".join(shown)
    hidden = [*keys, *(derived(key, f"{seal}{what}") for key in keys for what in ("", "/binding"))]
    assert [key for key in hidden if any(one in text for one in (repr(key)[2:-1], key.hex()))] == []
    assert [key for key in hidden if base64.b64encode(key).decode() in text] == []


@every_sealed
def test_one_secret_is_another_key_in_each_filter(seal):
    """Ids and keys of one secret differ from filter to filter, so that one tells nothing about the other."""
    for what in ("", "/id", "/binding"):
        found = {derived(NEW, f"{one}{what}") for one in SEALED}
        assert len(found) == len(SEALED)
    for other in SEALED:
        if other != seal:
            data = made(seal).encode(VALUE)
            header = made(other).encode(VALUE)[:HEADER]
            assert "names key" in refusal(made(other), header + data[HEADER:], UnknownKey)


@every_sealed
@pytest.mark.parametrize("associated", [b"", SESSION])
def test_the_limit_holds_under_a_seal(seal, associated):
    """A frame of exactly the limit is written and read, one byte more is refused both ways."""
    whole = made(seal, codec="pickle").encode("x" * 100, associated_data=associated)
    fits = made(seal, codec="pickle", limits=Limits(size=len(whole)))
    small = made(seal, codec="pickle", limits=Limits(size=len(whole) - 1))
    assert fits.decode(fits.encode("x" * 100, associated_data=associated), associated_data=associated) == "x" * 100
    with pytest.raises(EncodeError, match=f"takes {len(whole)} bytes, the limit is {len(whole) - 1}"):
        small.encode("x" * 100, associated_data=associated)
    with pytest.raises(DecodeError, match="expected a frame of at most"):
        small.decode(whole, associated_data=associated)


def test_peek_sees_the_dictionary_behind_a_lead():
    """Which zstd dictionary a sealed frame needs is told without keys."""
    content = b"\x28\xb5\x2f\xfd\x22" + (40_000).to_bytes(2, "little") + bytes(10)
    for filters in ((2,), (2, 16)):
        header = frame.header(4, frame.PLAIN, filters)
        data = sealed(NEW, "hmac", header, content) if 16 in filters else header + content
        assert peek(data).dictionary == 40_000


def test_errors_of_seals_are_told_apart():
    """Each kind is caught by itself, and all that accuse somebody as Tampered; a cut accuses nobody."""
    for one, other in combinations((UnknownKey, RetiredKey, Replayed), 2):
        assert not issubclass(one, other)
        assert not issubclass(other, one)
    assert all(issubclass(kind, Tampered) for kind in (UnknownKey, RetiredKey, Replayed))
    assert not issubclass(Truncated, Tampered)
