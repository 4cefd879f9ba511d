"""The rig of whole requests: what it stores, what it counts, what it says of goals, and a run of it."""

import json
import os
from collections import Counter
from dataclasses import replace
from statistics import mean

import orjson
import pytest

from bench import records, servers
from bench.goals import Judged
from bench.race import take_turns
from bench.requests.__main__ import main
from bench.requests.contest import Contest, Lane
from bench.requests.counts import Counts, count
from bench.requests.lanes import CONTROL, GET, GET_SET, WIRE_GET, WIRE_GET_SET
from bench.requests.sessions import SIZES, size
from bench.requests.verdict import asked, goal, judge, trips
from transcoders import SpecError
from transcoders.measure.stats import Estimate

HERE = servers.binaries()


@pytest.fixture(scope="module")
def valkey():
    """A server of the rig's own."""
    if "valkey" not in HERE:
        pytest.skip("there is no valkey-server here")
    with servers.server("valkey") as started:
        yield started


@pytest.mark.parametrize(
    ("name", "kilobytes"), [("0.2k", 0.2), ("2k", 2), ("50k", 50), ("50k-40", 50), ("50k-part", 50)]
)
def test_sessions_have_their_size(name, kilobytes):
    """Within a tenth, as JSON; the same at each call, and no two are equal."""
    variants = size(name).variants()
    assert variants == size(name).variants()
    assert mean(len(orjson.dumps(one)) for one in variants) / 1000 == pytest.approx(kilobytes, rel=0.1)
    assert len({orjson.dumps(one) for one in variants}) == len(variants)


@pytest.mark.parametrize("one", SIZES, ids=lambda one: one.name)
def test_requests_want_what_is_there(one):
    """What is read exists, and a change changes one attribute."""
    session = one.variants(1)[0]
    before = {name: orjson.dumps(value) for name, value in session.items()}
    assert one.read(session) is not None
    one.change(session)
    assert [name for name, value in session.items() if orjson.dumps(value) != before[name]] in (["hits"], ["part_17"])


@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_a_server_answers_and_is_gone_afterwards(kind):
    """It tells its version, takes commands while the block lasts, and its process ends with it."""
    if kind not in HERE:
        pytest.skip(f"there is no {kind}-server here")
    with servers.server(kind, servers.cores()[0]) as started, started.client() as client:
        assert started.name.startswith(f"{kind} ")
        assert client.ping()
        assert started.memory > 1 << 20
    assert started.process.poll() is not None
    assert servers.resident(started.process.pid) == 0


def test_a_server_that_is_not_installed_is_named(monkeypatch):
    """The error says what to install."""
    monkeypatch.setattr(servers, "binaries", dict)
    with pytest.raises(SpecError, match="no valkey-server here: install"), servers.server("valkey"):
        pass


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_a_process_is_pinned_for_a_while():
    """To one core inside the block, to where it was outside."""
    before = os.sched_getaffinity(0)
    with servers.pinned(max(before)):
        assert os.sched_getaffinity(0) == {max(before)}
    assert os.sched_getaffinity(0) == before


def test_counts_tell_what_a_script_calls_from_what_was_sent(valkey):
    """A script is one command of the client, whatever it calls; what comes in one piece is one trip."""
    with valkey.client() as client:
        script = client.register_script("redis.call('SET', KEYS[1], 1) return redis.call('GET', KEYS[1])")

        def once():
            client.get("a")
            script(keys=["b"])
            with client.pipeline(transaction=False) as pipe:
                pipe.get("a").get("b").execute()

        once()
        found = count(valkey, once, 4)
    assert found == Counts({"evalsha": 1, "get": 3}, Counter({"get": 1, "set": 1}), 3)
    assert found.sent == 4
    assert str(found) == "1 evalsha, 3 get; inside: 1 get 1 set"
    assert str(count(valkey, lambda: None)) == "nothing"


@pytest.mark.parametrize(("median", "largest", "reached", "close", "shown"), [
    (0.5, 0.9, True, False, "<= 0.9 ok"),
    (0.89, 0.9, True, True, "<= 0.9 ok~"),
    (0.91, 0.9, False, True, "<= 0.9 NO~"),
    (1.2, 0.9, False, False, "<= 0.9 NO"),
    (1.2, None, None, False, ""),
])  # fmt: skip
def test_goals_are_judged_with_the_noise_in_mind(median, largest, reached, close, shown):
    """Reached or not, and whether the noise of the run could turn it."""
    found = Judged(Estimate(median, median, median), largest, 0.02)
    assert (found.reached, found.close, found.cells()[1]) == (reached, close, shown)


@pytest.mark.parametrize(("where", "expected"), [
    (("0.2k", "threads", "read"), 0.9),
    (("0.2k", "threads", "change"), 0.75),
    (("50k", "threads", "change"), 0.9),
    (("50k-40", "threads", "locked"), 0.85),
    (("2k", "threads", "read"), None),
    (("2k", "uvloop", "read"), 0.5),
    (("50k-part", "threads", "read"), None),
    (("50k-part", "asyncio", "change"), None),
    (("0.2k", "asyncio", "read"), 0.5),
    (("50k", "uvloop", "change"), 0.5),
    (("0.2k", "uvloop", "locked"), None),
    (("0.2k", "threads", "untouched"), None),
])  # fmt: skip
def test_goals_are_those_of_the_design(where, expected):
    """Each row of the design has its goal."""
    assert goal(*where) == expected


@pytest.mark.parametrize(("what", "commands"), [
    ((200, "threads", "untouched"), 0),
    ((200, "asyncio", "untouched"), 1),
    ((200, "threads", "read"), 1),
    ((200, "threads", "change"), 2),
    ((50_000, "threads", "change"), 3),
    ((200, "uvloop", "locked"), None),
])  # fmt: skip
def test_requests_may_send_so_many_commands(what, commands):
    """One to read, one to write, one to stage what is large; a locked one may take two round trips."""
    assert asked(*what) == commands
    assert trips(*what) == (2 if what[2] == "locked" else None if what[0] > 4096 else commands)


def lane(**microseconds):
    """A lane in which redis-py takes 10 and 20, the wire half of that, and each request what is given."""
    taken = {GET: 10, CONTROL: 10, WIRE_GET: 5, GET_SET: 20, WIRE_GET_SET: 10, **microseconds}
    sent = {"untouched": {}, "read": {"get": 1}, "change": {"get": 1, "evalsha": 1},
            "locked": {"get": 1, "set": 1, "evalsha": 2}}  # fmt: skip
    counts = {name: Counts(commands, {}, float(min(2, len(commands)))) for name, commands in sent.items()}
    return Lane("threads", {label: [each * 1e-6, each * 2e-6] for label, each in taken.items()}, counts)


def test_a_request_is_held_against_both_floors():
    """Turn by turn: a turn in which the machine was slow leaves the ratios as they are."""
    found = Contest("valkey", size("0.2k"), 200.0, (lane(untouched=1, read=8, change=16, locked=18),))
    verdicts = {one.request: one for one in judge(found)}
    assert verdicts["read"].judged.ratio.median == pytest.approx(0.8)
    assert verdicts["read"].wire.median == pytest.approx(1.6)
    assert verdicts["change"].judged.reached is False
    assert verdicts["locked"].judged.ratio.median == pytest.approx(0.9)
    assert all(one.counted for one in verdicts.values())


def test_a_command_too_many_is_told():
    """And so is a third round trip of a locked request."""
    one = lane(untouched=1, read=8, change=16, locked=18)
    one.counts["read"] = Counts({"get": 2}, {}, 1.0)
    one.counts["locked"] = replace(one.counts["locked"], trips=3.0)
    found = {verdict.request: verdict.counted for verdict in judge(Contest("v", size("0.2k"), 200.0, (one,)))}
    assert found == {"untouched": True, "read": False, "change": True, "locked": False}


def test_everybody_has_a_turn():
    """Each run is called once in every turn, in an order that changes; seconds are those of one loop."""
    order = []

    def run(label):
        def loops(count):
            order.append(label)
            return (count * 0.001,)

        return loops

    laps = take_turns({label: run(label) for label in "abc"}, 4)
    turns = ["".join(order[start : start + 3]) for start in range(len(order) - 12, len(order), 3)]
    assert all(sorted(turn) == list("abc") for turn in turns)
    assert len(set(turns)) > 1
    assert laps["a"] == [(pytest.approx(0.001),)] * 4


def test_records_and_requests_in_memory_are_measured():
    """Every row has a ratio, and its goal where the design has one."""
    rows = records.measure(1, ["json"], ["50k"])
    assert [row.judged.goal for row in rows] == [0.01, 0.12, None, 6 / 6.5, 10 / 6.5, None]
    assert all(row.judged.ratio.median > 0 for row in rows)
    assert len(records.lines(rows)) == 2 + len(rows)


@pytest.mark.parametrize("kind", ["valkey", "redis"])
def test_the_command_keeps_what_it_found(kind, tmp_path, capsys):
    """The report and the record are written, say the command that repeats them, and are never overwritten."""
    if kind not in HERE:
        pytest.skip(f"there is no {kind}-server here")
    arguments = ["--server", kind, "--size", "0.2k", "--turns", "2", "--output", str(tmp_path / "run")]
    main(arguments)
    text, record = (tmp_path / "run/report.md").read_text(), json.loads((tmp_path / "run/results.json").read_text())
    assert capsys.readouterr().out == text + "\n"
    assert record["command"] == " ".join(["python -m bench.requests", *arguments])
    assert f"`{record['command']}`" in text
    assert {one["lane"] for one in record["verdicts"]} == {"threads", "asyncio", "uvloop"}
    assert all(one["counted"] for one in record["verdicts"])
    with pytest.raises(SystemExit):
        main(arguments)
    assert "not overwritten" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--turns", "0"], ["--size", "9k"], ["--server", "memcached"]])
def test_the_command_refuses_what_it_does_not_know(arguments, capsys):
    """A wrong argument ends with a usage error that names it."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err
