"""What becomes of refusals: sent again, spelled out, or told; against a wire that answers from a list."""

import asyncio

import pytest

from tests.redis_ports import run
from transcoders.errors import MissingExtra, SessionError, StoreError
from transcoders.sessions.driving import drive
from transcoders.sessions.stores.redis import forms, resp, scripts
from transcoders.sessions.stores.redis.asking import Asking
from transcoders.sessions.stores.redis.url import parse
from transcoders.sessions.stores.redis.wire import Lost, Refusal

SAVE = ("EVALSHA", scripts.FLAGGED.save.sha, 1, "tc:r:{k}", "base", "data", 5)
RELEASE = ("EVALSHA", scripts.FLAGGED.release.sha, 2, "tc:l:{k}", "tc:q:{k}", "token", 5)
UNKNOWN_SCRIPT = Refusal("NOSCRIPT No matching script. Please use EVAL.")
OLD_SERVER = Refusal("ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'")


class Wire:
    """Answers from a list, and notes what it was asked."""

    def __init__(self, *answers):
        self.answers, self.requests, self.renewed, self.paused = list(answers), [], 0, []

    async def call(self, request, replies, deadline, /, *, bulk=False):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Lost):
            raise answer
        return answer

    def renew(self, before, /):
        self.renewed += 1

    async def pause(self, seconds, /):
        self.paused.append(seconds)


def asked(wire, *commands, milliseconds=1000):
    """What is answered, and the one who asks."""
    asking = Asking(parse(f"redis://cache?timeout={milliseconds}"), wire)
    return run("blocking", asking.ask(*commands)), asking


def test_a_script_that_is_not_known_is_spelled_out():
    """The whole request is sent again, once, without a pause, with the source of each script."""
    wire = Wire([UNKNOWN_SCRIPT, 0], [1, 1])
    (answer, lost), _ = asked(wire, SAVE, RELEASE)
    assert (answer, lost, wire.paused) == ([1, 1], False, [])
    assert wire.requests[1].count(b"$4\r\nEVAL\r\n") == 2
    assert scripts.FLAGGED.save.source.encode() in wire.requests[1]
    assert b"#!lua flags=allow-oom\n" in wire.requests[1]


def test_a_script_is_spelled_out_behind_what_was_refused():
    """What a full store did not take is told when the script behind it has run: it frees the lock."""
    full = Refusal("OOM command not allowed when used memory > 'maxmemory'.")
    wire = Wire([full, UNKNOWN_SCRIPT], [full, -1])
    with pytest.raises(StoreError, match="is full"):
        asked(wire, ("SET", "tc:s:{k}:1", "data", "PX", 5), SAVE)
    assert scripts.FLAGGED.save.source.encode() in wire.requests[1]


def test_an_older_server_gets_scripts_without_flags():
    """A server that does not compile them is told so once; from then on it is asked for the plain ones."""
    wire = Wire([1, UNKNOWN_SCRIPT], [1, OLD_SERVER], [1, 1])
    (answer, _), asking = asked(wire, SAVE, RELEASE)
    assert answer == [1, 1]
    assert asking.lua is scripts.PLAIN
    assert b"#!lua" not in wire.requests[2]
    assert scripts.PLAIN.release.source.encode() in wire.requests[2]


def test_a_script_that_is_never_known_is_an_error():
    """NOSCRIPT for a source is told, not repeated for ever."""
    with pytest.raises(StoreError, match="refuses: NOSCRIPT"):
        asked(Wire([UNKNOWN_SCRIPT]), SAVE)


@pytest.mark.parametrize(
    ("code", "renewed"), [("READONLY", 2), ("MASTERDOWN", 2), ("LOADING", 0), ("BUSY", 0), ("TRYAGAIN", 0)]
)
def test_what_passes_is_waited_for(code, renewed):
    """Pauses grow, and connections are renewed where another server may have the place."""
    refusal = Refusal(f"{code} for a moment")
    wire = Wire([refusal], [refusal], [b"there"])
    assert asked(wire, ("GET", "k"))[0] == ([b"there"], False)
    assert wire.renewed == renewed
    first, second = wire.paused
    assert 0.00025 <= first <= 0.00075
    assert 0.01 <= second <= 0.03


def test_a_lost_answer_is_told_to_whoever_asks():
    """The second answer counts, with the note that one was lost; a request that was never sent is none."""
    assert asked(Wire(Lost("cut", sent=True), [1]), ("DEL", "k"))[0] == ([1], True)
    assert asked(Wire(Lost("refused", sent=False), [1]), ("DEL", "k"))[0] == ([1], False)


def test_the_reason_is_the_telling_one():
    """Too little time in the last attempt hides nothing of what had happened before."""
    answers = Lost("connection refused", sent=False), Lost("no connection in time", sent=False, late=True)
    with pytest.raises(StoreError, match=r"within 0\.01 s \(timeout\): connection refused"):
        asked(Wire(*answers), ("GET", "k"), milliseconds=10)


@pytest.mark.parametrize(
    ("refusal", "message", "retryable"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", "is full", True),
        ("MISCONF Redis is configured to save RDB snapshots, but", "cannot save its data", True),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas", True),
        ("NOAUTH Authentication required.", "wants a password", False),
        ("WRONGTYPE Operation against a key holding the wrong", "of another program", False),
        ("NOPERM No permissions to access a key", "a command, key or channel: see its ACL", False),
        ("ERR The user executing the script can't run this command", "see its ACL", False),
        ("NOPERM this user has no permissions to run the 'time' command", "the command time: see", False),
        ("ERR unknown command 'hush', with args beginning with: 'hush'", "refuses: ERR", False),
        ("hush-hush", "refuses: ERR", False),
    ],
)
def test_refusals_are_told_without_their_text(refusal, message, retryable):
    """A server may repeat what it was sent, so its words are not shown."""
    with pytest.raises(StoreError) as caught:
        asked(Wire([Refusal(refusal)]), ("GET", "k"))
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)
    assert (caught.value.retryable, caught.value.unknown) == (retryable, False)


def test_a_refusal_behind_something_done_is_an_unknown_outcome():
    """The save stands, its release was refused: nobody may take that for a save that failed."""
    with pytest.raises(StoreError) as caught:
        asked(Wire([1, Refusal("NOPERM no permissions to run the 'publish' command")]), SAVE, RELEASE)
    assert caught.value.unknown


RECORD, LOCK, WAITERS, STAGED = "tc:r:{clé}", "tc:l:{clé}", "tc:q:{clé}", "tc:s:{clé}:78787878"
TOKEN = ("tok", scripts.CLAIM)


@pytest.mark.parametrize("ttl", [0, 1_980_000])
@pytest.mark.parametrize("size", [12, 4096, 100_000])
def test_requests_packed_by_hand_are_as_hiredis_packs_them(size, ttl):
    """The bytes are the same, and unpacked they are the same commands."""
    data, base = b"x" * size, b"\r\n345678"
    save, commit = scripts.FLAGGED.save.sha, scripts.FLAGGED.commit.sha
    stage = ("SET", STAGED, data, "PX", ttl or 60_000)
    packed = {
        forms.load("clé"): [("GET", RECORD)],
        forms.acquire("clé", "tok", ttl): [
            ("SET", LOCK, "tok", "NX", "PX", ttl), ("GET", RECORD), ("EXISTS", WAITERS),
        ],
        forms.save("clé", data, base, ttl, ""): [("EVALSHA", save, 1, RECORD, base, data, ttl)],
        forms.save("clé", data, base, ttl, "tok"): [
            ("EVALSHA", save, 3, RECORD, LOCK, WAITERS, base, data, ttl, *TOKEN),
        ],
        forms.release(scripts.PLAIN.release, "clé", "tok"): [
            ("EVALSHA", scripts.PLAIN.release.sha, 2, LOCK, WAITERS, *TOKEN),
        ],
        forms.commit("clé", data, base, ttl, ""): [stage, ("EVALSHA", commit, 2, RECORD, STAGED, base, ttl)],
        forms.commit("clé", data, base, ttl, "tok"): [
            stage, ("EVALSHA", commit, 4, RECORD, STAGED, LOCK, WAITERS, base, ttl, *TOKEN),
        ],
    }  # fmt: skip
    pack = resp.packer()
    for request, commands in packed.items():
        assert request == pack(commands)
        assert pack(resp.unpacked(request)) == request
        assert len(resp.unpacked(request)) == len(commands)


@pytest.mark.parametrize("package", ["hiredis", "redis"])
def test_packages_that_are_missing(monkeypatch, package):
    """The error names the extra that brings them."""
    from transcoders.sessions.stores.redis import connect

    for name in ("hiredis", "redis.backoff", "redis.connection", "redis.asyncio.connection"):
        if name.startswith(package):
            monkeypatch.setitem(__import__("sys").modules, name, None)
    for asynchronous in (False, True):
        with pytest.raises(MissingExtra, match=r'pip install "transcoders\[redis\]"'):
            connect("redis://cache", asynchronous=asynchronous)


def test_a_blocking_port_never_suspends():
    """What drives its coroutines says so if one did."""
    with pytest.raises(SessionError, match="the store is one for asyncio"):
        drive(asyncio.sleep(0))
