"""The rig of sessions in frameworks: calls without HTTP, workers that store what they say, ranks, and a run of it."""

import asyncio
import json
from dataclasses import replace

import pytest

from bench import servers
from bench.requests.counts import Counts
from bench.requests.sessions import SIZES, size
from bench.web.__main__ import main, place
from bench.web.calls import asgi, protocol, wsgi
from bench.web.contest import Contest, Measured, hold, stables
from bench.web.report import report
from bench.web.roster import FRAMEWORKS, ROSTER, Entry, entries
from bench.web.run import Run, Wish
from bench.web.site import ACTS, ALL, BARE, CHANGE, FILL, READ, TELL, Site, total
from bench.web.verdict import judge, noises
from bench.web.worker import Worker, built, without_loop
from transcoders.errors import TranscoderError

HERE = servers.binaries()


@pytest.fixture(scope="module")
def valkey():
    """A server of the rig's own."""
    if "valkey" not in HERE:
        pytest.skip("there is no valkey-server here")
    with servers.server("valkey", None, "--databases", str(len(ROSTER))) as started:
        yield started


@pytest.mark.parametrize("one", SIZES, ids=lambda one: one.name)
def test_pages_do_with_a_session_what_they_say(one):
    """It is filled, read and changed once; every page ends as the rig expects."""
    site, session = Site(0, 0, "json", one, one.variants(1)[0]), {}
    assert site.page(FILL, session) == "filled.\n"
    before = total(session)
    assert [site.page(act, session) for act in (READ, CHANGE, BARE)] == ["read.\n", "changed.\n", "ok.\n"]
    assert site.page(ALL, session) == f"{len(session)}.\n"
    assert site.page(TELL, session) == f"{before + 1}.\n"


def test_a_page_without_its_session_fails():
    """A session that was lost is no fast one."""
    with pytest.raises(KeyError):
        Site(0, 0, "json", size("2k")).page(READ, {})


def test_a_wsgi_application_is_called_and_its_body_closed():
    """The call is what a server does; the answer has status, cookies and body."""
    closed = []

    class Body(list):
        def close(self):
            closed.append(True)

    def app(environ, start):
        start("201 Created", [("Set-Cookie", "a=1"), ("Vary", "Cookie"), ("Set-Cookie", "b=2")])
        return Body([environ["PATH_INFO"].encode(), environ["HTTP_COOKIE"].encode()])

    assert wsgi(app)("read", "c=3")() == (201, ["a=1", "b=2"], b"/readc=3")
    assert closed == [True]


def test_an_asgi_application_is_awaited():
    """The same for ASGI."""

    async def app(scope, receive, send):
        assert (await receive())["type"] == "http.request"
        await send({"type": "http.response.start", "status": 201, "headers": [(b"set-cookie", b"a=1"), (b"x", b"y")]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    assert asyncio.run(asgi(app)("read", "c=3")()) == (201, ["a=1"], b"/read")


def test_a_protocol_is_given_bytes():
    """The answer is whole when the page has ended, in however many pieces."""

    class Serving(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            assert data.startswith(b"GET /read HTTP/1.1\r\n")
            self.transport.write(b"HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nX: y\r\n\r\n")
            self.transport.write(b"read.\n")

    async def asked():
        return await protocol(Serving())("read", "c=3")()

    assert asyncio.run(asked()) == (201, ["a=1"], b"read.\n")


def test_a_stack_for_threads_finds_itself_in_no_loop():
    """A coroutine is run to its end by hand; one that waits is refused."""

    async def plain():
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        return 5

    assert without_loop(plain()) == 5
    with pytest.raises(ValueError, match="has waited"):
        without_loop(asyncio.sleep(0))


def test_a_worker_refuses_an_answer_that_is_none():
    """A batch of errors is no batch."""

    def app(environ, start):
        start("500 Oops", [("Set-Cookie", "session=1; Path=/")])
        return [b""]

    worker = Worker(Site(0, 0, "json"), wsgi(app), without_loop)
    worker.fill("0.2k")
    with pytest.raises(ValueError, match="read was answered 500"):
        worker.batch("0.2k", READ, 1, 0)


def test_a_stack_that_is_not_installed_is_an_import_error():
    """Which the worker tells, so that the report can."""
    with pytest.raises(ImportError, match=r"bench\.web\.bottle"):
        built("bottle:ours", Site(0, 0, "json"))


def test_the_roster_has_peers_for_every_framework():
    """And a bare one, ours, and the floor of its kind; the floors come with the frameworks that need them."""
    for framework in FRAMEWORKS:
        group = [entry for entry in ROSTER if entry.framework == framework]
        assert sum(entry.bare for entry in group) == sum(entry.ours for entry in group) == 1
        assert any(not entry.bare and not entry.ours and not entry.control for entry in group)
        assert len({entry.awaited for entry in group}) == 1
        assert [entry.awaited for entry in entries((framework,)) if entry.floor] == [group[0].awaited]
    assert entries(FRAMEWORKS) == ROSTER


def test_every_stack_stores_its_changes_and_is_counted(valkey):
    """All of them, on a real server: no change is lost, and commands are those that the stack sends."""
    with stables(ROSTER, valkey, "msgpack") as workers:
        assert [one.absent for one in workers] == [None] * len(ROSTER)
        found, larger = hold(workers, ["0.2k", "2k"], 1, 2)
    counts = {str(one.entry): {act: one.counts[act].commands for act in ACTS} for one in found.stacks}
    for framework in FRAMEWORKS:
        ours = counts[f"{framework}, transcoders"]
        assert ours == {READ: {"get": 1}, CHANGE: {"get": 1, "evalsha": 1}, ALL: {"get": 1}}
    assert counts["redis-py, GET, GET+SET"] == {READ: {"get": 1}, CHANGE: {"get": 1, "set": 1}, ALL: {"get": 1}}
    assert counts["Django, django-redis, pickle"][CHANGE] == {"get": 2, "set": 1}
    assert counts["Starlette, starsessions"][READ] == {"get": 1, "set": 1}
    assert all(100 < one.bytes < 600 for one in found.stacks)
    assert all(1000 < one.bytes < 3000 for one in larger.stacks)
    assert all(one.overhead(act, "wall")[0] > 0 for one in found.stacks for act in ACTS)


def test_a_change_that_was_not_stored_is_found(valkey):
    """It is said which stack lost it."""
    chosen = [entry for entry in ROSTER if entry.build == "flask:ours"][:1]
    with stables(chosen, valkey, "msgpack") as (worker,):
        worker.fill("0.2k")
        worker.settle()
        worker.batch("0.2k", CHANGE, 2)
        worker.check()
        worker.ask("batch", "0.2k", CHANGE, 1, 0)
        with pytest.raises(TranscoderError, match="Flask, transcoders has stored 7 changes of 6"):
            worker.check()


def measured(entry, read, bare=10.0, change=100.0):
    """A stack of two turns, of which the second is twice as slow; microseconds."""
    taken = {READ: read, CHANGE: change, ALL: read + change}
    batches = {act: [(each * k * 1e-6,) * 2 for k in (1, 2)] for act, each in taken.items()}
    under = [(0.0 if entry.floor else bare * k * 1e-6,) * 2 for k in (1, 2)]
    return Measured(entry, batches, under, {act: Counts({"get": 1}, {}, 1.0) for act in ACTS}, 200.0)


FLASK = Entry("Flask", "transcoders", "flask:ours")
STACKS = (
    measured(Entry("redis-py", "GET, GET+SET", "redis:blocking"), 20.0),
    measured(FLASK, 50.0),
    measured(replace(FLASK, control=True), 52.0),
    measured(Entry("Flask", "slow", "flask:peer"), 90.0, change=150.0),
    measured(Entry("Flask", "quick", "flask:peer"), 49.0, change=200.0),
)


def test_stacks_are_ranked_by_what_they_take_beyond_the_framework():
    """Ours is held against the best peer and the floor, turn by turn; the control says what is close."""
    contest = Contest("0.2k", STACKS)
    columns = {(one.act, one.clock): one for one in judge(contest)}
    read, change = columns[READ, "wall"], columns[CHANGE, "cpu"]
    assert [place.entry.sessions for place in read.places] == ["quick", "transcoders", "slow"]
    assert (read.ours.rank, read.peer, read.judged.reached, read.judged.close) == (2, "quick", False, True)
    assert read.judged.ratio.median == pytest.approx(40 / 39)
    assert read.ours.floor.median == pytest.approx(40 / 20)
    assert read.ours.microseconds.median == pytest.approx(60)
    assert columns[ALL, "cpu"].judged.goal is None
    assert (change.ours.rank, change.judged.reached, change.judged.close) == (1, True, False)
    (noise,) = [ratio for _, ratio in noises(contest, READ, "wall")]
    assert noise.median == pytest.approx(42 / 40)


def test_the_report_says_who_is_not_first_and_who_is_not_here():
    """The verdict stands at its head."""
    wish = Wish(("Flask",), ("0.2k",), "json", 2, 3)
    text = report(Run(wish, "valkey 8", {"Flask, other": "No module named 'other'"}, (Contest("0.2k", STACKS),)), Now())
    assert "**By wall, first in 1 of 2 columns; 1 were closer than the noise.**" in text
    assert "which has no goal: first in 1 of 1." in text
    assert "- Flask, 0.2k, read, wall: 1.03 of quick" in text
    assert "- Flask, other: No module named 'other'" in text
    assert "| **60.0 ±20.0 #2** |" in text


class Now:
    """An occasion."""

    command, made = "python -m bench.web", "today"

    def lines(self):
        """Nothing to repeat it with."""
        return ["## This run"]


def test_the_command_keeps_what_it_found(valkey, tmp_path, capsys):
    """The report and the record, with the command that repeats them; the exit code says whether we are first."""
    arguments = ["--framework", "Starlette", "--size", "0.2k", "--turns", "2", "--calls", "2"]
    arguments += ["--output", str(tmp_path / "run")]
    code = main(arguments)
    text, record = (tmp_path / "run/report.md").read_text(), json.loads((tmp_path / "run/results.json").read_text())
    assert capsys.readouterr().out == text + "\n"
    assert record["command"] == " ".join(["python -m bench.web", *arguments])
    assert {one["sessions"] for one in record["stacks"]} >= {"transcoders", "starsessions", "asyncio GET, GET+SET"}
    assert [(one["act"], one["clock"]) for one in record["columns"]] == [
        (READ, "wall"), (CHANGE, "wall"), (ALL, "wall"), (READ, "cpu"), (CHANGE, "cpu"), (ALL, "cpu"),
    ]  # fmt: skip
    assert code == (0 if all(one["reached"] is not False for one in record["columns"]) else 1)
    assert "starsessions" in record["versions"]


def test_a_run_has_its_place(tmp_path):
    """By date and machine, below results/web; none takes that of another."""
    first = place(tmp_path)
    first.mkdir()
    second = place(tmp_path)
    assert second.name == f"{first.name}-2"
    assert first.name[:2] == "20"
    assert place().parts[:2] == ("results", "web")


@pytest.mark.parametrize("arguments", [["--turns", "0"], ["--size", "9k"], ["--framework", "Bottle"]])
def test_the_command_refuses_what_it_does_not_know(arguments, tmp_path, capsys):
    """A wrong argument ends with a usage error that names it."""
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--output", str(tmp_path / "run")])
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err
