"""The rigs of several processes: what they tell of lost updates, hand-overs and kills, and small runs of them."""

import json
from collections import Counter

import pytest

from bench import stores
from bench.fleet import sail
from bench.handover import run as handover
from bench.handover.__main__ import main as hand_over
from bench.handover.findings import findings
from bench.servers import binaries
from bench.soak import run as soak
from bench.soak.__main__ import main as soaked
from bench.soak.ledger import ACKNOWLEDGED, BEGUN, DONE, FAILED, REFUSED, UNKNOWN, WRONG, Ledger, Notes
from bench.soak.report import report as soak_report
from bench.updates.__main__ import main as update
from bench.updates.matrix import MODES, Cell, Wish, measure
from bench.updates.report import record, report, wrong
from bench.updates.tally import tally
from bench.updates.worker import Task
from tests.proxy import Proxy
from transcoders import TranscoderError
from transcoders.errors import Conflict, StoreError


def double(job):
    """Work of a fleet: twice the number."""
    yield None
    yield job["number"] * 2


def broken(job):
    """Work of a fleet that fails."""
    yield None
    raise ValueError("no such luck")


@pytest.fixture(params=["valkey", "sqlite"])
def place(request):
    """A store that several processes share."""
    if request.param == "valkey" and "valkey" not in binaries():
        pytest.skip("there is no valkey-server here")
    with stores.store(request.param) as made:
        yield made


def test_a_fleet_answers_in_the_order_of_its_jobs():
    """Each worker gets its own job, all are started, and something may be done meanwhile."""
    seen = []
    assert sail("tests.test_bench_updates:double", [{"number": 2}, {"number": 5}], lambda: seen.append(1)) == [4, 10]
    assert seen == [1]


def test_a_worker_that_fails_says_why():
    """Its last words are in the error, and the others are ended."""
    with pytest.raises(TranscoderError, match="no such luck"):
        sail("tests.test_bench_updates:broken", [{}])


# Lost updates


def task(**given):
    """The record of a task."""
    usual = {"name": "t0", "acknowledged": 3, "applied": 0, "unknown": 0, "pending": 0, "number": 3, "errors": {},
             "latencies": [0.001, 0.003, 0.002]}  # fmt: skip
    return usual | given


@pytest.mark.parametrize(("tasks", "final", "lost", "doubled"), [
    ([task()], {"n": 3}, 0, 0),
    ([task()], {"n": 2}, 1, 0),
    ([task()], {"n": 5}, 0, 2),
    ([task(unknown=1, applied=1)], {"n": 4}, 0, 0),
    ([task(unknown=1, pending=4)], {"n": 4, "t0": 4}, 0, 0),
    ([task(unknown=1, pending=4)], {"n": 3, "t0": 3}, 0, 0),
    ([task(unknown=1, pending=4)], {"n": 3, "t0": 4}, 1, 0),
    ([task(), task(name="t1", acknowledged=1)], {"n": 4}, 0, 0),
])  # fmt: skip
def test_the_tally_is_exact(tasks, final, lost, doubled):
    """What was of unknown outcome is looked up where the task left its number, so that nothing is hidden behind it."""
    found = tally(tasks, final, 2.0)
    assert (found.lost, found.doubled) == (lost, doubled)


def test_the_tally_has_times_and_errors():
    """Acknowledged increments a second, quantiles over all tasks, errors by name."""
    found = tally([task(errors={"Conflict": 2}), task(name="t1", errors={"Conflict": 1})], {"n": 6}, 2.0)
    assert (found.throughput, found.errors) == (3.0, Counter(Conflict=3))
    assert (found.latency(0.5), found.latency(1.0)) == (0.002, 0.003)
    assert tally([], {"n": 0}, 1.0).latency(0.99) == 0


def test_a_task_tells_unknown_from_refused():
    """Only a save of unknown outcome is looked up at the next request; before the handler nothing can have changed."""
    one = Task("t0", number=4)
    one.failed(StoreError("lost", unknown=True), changed=True)
    assert (one.unknown, one.pending, one.errors) == (1, 4, {})
    assert one.look({"n": 7, "t0": 4}) == 7
    assert (one.applied, one.pending, one.number) == (1, 0, 5)
    one.failed(StoreError("lost", unknown=True), changed=False)
    one.failed(Conflict("both"), changed=True)
    assert (one.unknown, one.errors) == (1, {"StoreError": 1, "Conflict": 1})


@pytest.mark.parametrize("kind", ["asyncio", "threads"])
@pytest.mark.parametrize("mode", [MODES[0], MODES[3]], ids=["none", "pattern"])
def test_nothing_is_lost_and_nothing_doubled(place, kind, mode):
    """Two processes count one counter up, with a merge function or with locks."""
    found = measure(Cell("store", mode, kind, 4, 0.0, cut=False), place.url, 0.2)
    assert found.acknowledged == found.stored > 0
    assert (found.lost, found.doubled, found.unknown) == (0, 0, 0)


def test_nothing_is_lost_when_replies_are_cut():
    """A reply that is lost doubles no increment, and what nobody knows is said to be unknown."""
    if "valkey" not in binaries():
        pytest.skip("there is no valkey-server here")
    with stores.store("valkey") as place, Proxy(place.server.port) as proxy:
        proxy.chance(0.08, "lose")
        found = measure(Cell("valkey", "none", "threads", 4, 0.0, cut=True), f"redis://127.0.0.1:{proxy.port}/0", 0.4)
    assert proxy.faults["lose"] > 0
    assert found.acknowledged > 0
    assert (found.lost, found.doubled) == (0, 0)


def test_the_matrix_has_every_cell():
    """Replies are cut where there is a server, and each cell says what it is."""
    cells = list(Wish(("valkey", "sqlite")).cells())
    assert len(cells) == len(set(map(str, cells))) == 3 * 32
    assert not any(cell.cut for cell in cells if cell.store == "sqlite")
    assert str(cells[-1]) == "sqlite, threads, 64 tasks, 2 ms, uriPattern:POST /increment"


def test_the_command_of_updates_keeps_what_it_found(tmp_path, capsys):
    """The report begins with what was lost, the record has every cell, and the exit code is 0 when nothing was."""
    arguments = ["--store", "sqlite", "--mode", "all", "--kind", "threads", "--tasks", "2", "--seconds", "0.1"]
    assert update([*arguments, "--output", str(tmp_path / "run")]) == 0
    text, kept = (tmp_path / "run/report.md").read_text(), json.loads((tmp_path / "run/results.json").read_text())
    assert "**0 lost and 0 doubled, of " in text
    assert [(cell["store"], cell["pause"]) for cell in kept["cells"]] == [("sqlite", 0.0), ("sqlite", 0.002)]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        update(["--tasks", "3"])
    assert "an even number" in capsys.readouterr().err


def test_a_lost_update_is_told_and_fails():
    """The sum of what was lost and doubled is what the exit code goes by."""

    class Occasion:
        command, made = "command", "now"

        def lines(self):
            return []

        def record(self):
            return {}

    found = [(Cell("sqlite", "all", "threads", 2, 0.0, cut=False), tally([task()], {"n": 2}, 1.0))]
    assert wrong(found) == 1
    assert "**1 lost and 0 doubled, of 3 acknowledged" in report(found, Occasion())
    assert record(found, Occasion())["cells"][0]["lost"] == 1


# Hand-overs


def test_hand_overs_are_of_those_who_waited():
    """From the end of the work to having the lock; who asked later waited for nobody."""
    sections = [(0.0, 0.0, 1.0), (0.5, 1.25, 2.25), (3.0, 3.0, 4.0), (3.5, 4.25, 5.25)]
    found = findings(("store", "threads", 2), sections, 2.0, 1.0)
    assert list(found.handovers) == [0.25, 0.25]
    assert list(found.waits) == [0.0, 0.0, 0.75, 0.75]
    assert (found.section, found.overlaps) == (1.25, 0)
    assert found.longest == pytest.approx(0.75 / 2.5)


def test_two_holders_at_a_time_are_found():
    """Whoever has the lock before another has ended its work is told, on any store."""
    found = findings(("sqlite", "threads", 2), [(0.0, 0.0, 1.0), (0.5, 0.75, 2.0)], 0.0, None)
    assert found.missed == ["1 requests had the lock together"]


def test_goals_of_hand_overs():
    """Each goal that is missed is told with its value."""
    sections = [(0.0, 0.0, 0.001), (0.0, 0.002, 0.003), (0.0, 0.008, 0.009)]
    assert [words.split(" > ")[0] for words in findings(("v", "asyncio", 2), sections, 4.0, 2.0).missed] == [
        "p50 in ms 3.00", "p99 in ms 4.96", "listening connections of a process 2.00",
    ]  # fmt: skip
    assert findings(("v", "asyncio", 2), [(0.0, 0.0, 0.001), (0.0, 0.0012, 0.0022)], 2.0, 1.0).missed == []


def test_a_hiccup_of_the_machine_is_no_wait_of_ours():
    """What fell upon a process that only slept is taken off the longest wait, and no more than that."""
    sections = [(0.0, 0.001 * at, 0.001 * at + 0.001) for at in range(9)] + [(0.008, 0.014, 0.015)]
    what = ("v", "threads", 2)
    kept = [findings(what, sections, 2.0, 1.0, hiccup) for hiccup in (0.0, 0.004, 0.006)]
    assert [one.longest for one in kept] == pytest.approx([4.0] * 3)
    assert [one.ours for one in kept] == pytest.approx([4.0, 2.0, 1.0])
    assert [any("longest" in words for words in one.missed) for one in kept] == [True, True, False]


@pytest.mark.parametrize("kind", ["threads", "asyncio"])
def test_a_lock_is_handed_from_process_to_process(place, kind):
    """Nobody ever has it together with another; on a server a process listens on one connection."""
    found = handover.measure(place, kind, 4, 0.4)
    assert found.overlaps == 0
    assert len(found.handovers) > 10
    assert found.listening == (1 if place.server else None)


def test_the_command_of_hand_overs_keeps_what_it_found(tmp_path):
    """A row for each number of waiters, in both forms."""
    arguments = ["--store", "sqlite", "--kind", "threads", "--waiters", "2", "--seconds", "0.3"]
    assert hand_over([*arguments, "--output", str(tmp_path / "run")]) == 0
    text, kept = (tmp_path / "run/report.md").read_text(), json.loads((tmp_path / "run/results.json").read_text())
    assert "never did two requests have the lock together" in text
    assert [(row["waiters"], row["overlaps"]) for row in kept["rows"]] == [(2, 0)]


# The soak


def test_the_ledger_keeps_the_books(tmp_path):
    """What was begun and neither acknowledged nor refused is open; a line that is not whole yet is read later."""
    notes, ledger = Notes(str(tmp_path / "1.notes")), Ledger()
    lines = [(BEGUN, 0), (ACKNOWLEDGED, 0), (BEGUN, 0), (REFUSED, 0), (BEGUN, 0), (UNKNOWN, ""), (BEGUN, 1)]
    for letter, about in [*lines, (DONE, "read"), (FAILED, "read: Conflict"), (WRONG, "it came back")]:
        notes.note(letter, about)
    with (tmp_path / "2.notes").open("w") as file:
        file.write("b 0\na ")
    ledger.read(tmp_path)
    assert (ledger.acknowledged[0], ledger.open(0), ledger.open(1), ledger.unknown) == (1, 2, 1, 1)
    assert (ledger.done, ledger.errors, ledger.wrong) == ({"read": 1}, {"read: Conflict": 1}, ["it came back"])
    with (tmp_path / "2.notes").open("a") as file:
        file.write("0\n")
    ledger.read(tmp_path)
    assert (ledger.acknowledged[0], ledger.open(0)) == (2, 1)
    assert [(ledger.lost(0, stored), ledger.surplus(0, stored)) for stored in (1, 2, 3, 4)] == [
        (1, 0), (0, 0), (0, 0), (0, 1),
    ]  # fmt: skip


def looks(*sizes):
    """Looks at a server of these sizes."""
    return [soak.Look(float(at), 0, 0, size, 100) for at, size in enumerate(sizes)]


def test_growth_leaves_the_beginning_out():
    """Memory is compared between the second quarter and the last; too few looks say nothing."""
    found = soak.Soak(soak.Wish("valkey", 1.0), "valkey")
    assert found.growth("server") == 0
    found.looks = looks(10, 50, 100, 100, 100, 110, 120, 120)
    assert found.growth("server") == pytest.approx(0.2)
    assert found.growth("oldest") == 0


def test_nothing_acknowledged_is_lost_when_workers_are_killed():
    """Three seconds of kills and cut replies: the books agree, and nothing ended comes back."""
    if "valkey" not in binaries():
        pytest.skip("there is no valkey-server here")
    told = []
    wish = soak.Wish("valkey", 3.0, workers=3, tasks=2, kill_every=0.6, look_every=0.5)
    found = soak.run(wish, told.append)
    assert found.sound, soak_report(found, None)
    assert found.killed > 0
    assert found.ledger.acknowledged.total() > 50
    assert len(told) == len(found.looks) > 0
    assert all(look.oldest > 1 << 20 for look in told)


def test_the_command_of_the_soak_refuses_nonsense(capsys):
    """No time, no workers: a usage error."""
    with pytest.raises(SystemExit):
        soaked(["--minutes", "0"])
    assert "above 0" in capsys.readouterr().err
