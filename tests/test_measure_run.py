"""Real runs, as small as they can be: what is on disk afterwards, what stock pyperf makes of it, and the report."""

import re
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.measured import candidate, comparison
from transcoders import MissingExtra, SpecError
from transcoders.measure import figures, report, results, timings
from transcoders.measure.directory import RunDirectory, read, write
from transcoders.measure.plan import CONTROLS, Plan, Preset, plan
from transcoders.measure.report import render
from transcoders.measure.study import run
from transcoders.measure.timings import load
from transcoders.measure.verdict import verdict

TINY = Preset(rounds=2, values=2, seconds=0.0002)
SPECS = ("json", "msgpack+zstd:level=1")
LABELS = (*SPECS, *CONTROLS)
PAYLOADS = ("login", "typed")


def tiny(specs=SPECS, payloads=PAYLOADS, **options) -> Plan:
    """The smallest plan that is still a study."""
    return plan(specs, payloads, preset=TINY, **options)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A finished run with its report; tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(tiny(), folder)
    render(folder)
    return folder


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    """The finished run, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))


def texts(folder: Path) -> dict[str, str]:
    """Every file of the run by its name."""
    return {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*.*") if file.is_file()}


def test_a_run_leaves_the_documented_files(finished):
    """The plan, the checks, the sizes, a timing file for each transcoder and control, the report and its figures."""
    assert set(texts(finished)) == {
        "run.json", "checks.json", "sizes.json", "report.md", "report.html", "figures/cost.svg", "figures/trade.svg",
        "time/json.json", "time/msgpack+zstd@level-1.json", "time/control-a.json", "time/control-b.json",
    }  # fmt: skip


def test_all_files_hold_the_same_number_of_values(finished):
    """Otherwise the comparison of pyperf is void."""
    counts = {
        (name, tuple(map(len, runs)))
        for label in LABELS
        for name, runs in load(RunDirectory(finished).time(label)).items()
    }
    assert counts == {(f"{name}/{op}", (2, 2)) for name in PAYLOADS for op in ("decode", "encode", "recheck", "peek")}


def test_timing_files_carry_the_metadata_of_pyperf(finished):
    """The spec, the payload as tag, the variants as inner loops, and what pyperf knows of the machine."""
    import pyperf

    suite = pyperf.BenchmarkSuite.load(str(finished / "time" / "msgpack+zstd@level-1.json"))
    found = suite.get_benchmark("typed/decode").get_metadata()
    assert found["transcoder"] == "msgpack+zstd:level=1"
    assert found["tags"] == ["typed"]
    assert found["inner_loops"] == 16
    assert {"python_version", "platform", "cpu_count", "perf_version", "loops"} <= found.keys()


def test_loops_are_the_same_in_all_rounds(finished):
    """They are calibrated once, and the controls use those of the baseline."""
    import pyperf

    recorded = read(finished / "run.json")["loops"]
    for label, spec in zip(LABELS, (*SPECS, "json", "json"), strict=True):
        for benchmark in pyperf.BenchmarkSuite.load(str(RunDirectory(finished).time(label))):
            loops = {one.get_loops() for one in benchmark.get_runs()}
            assert loops == {recorded[spec][benchmark.get_name()]}


@pytest.mark.parametrize("command", [
    ["compare_to", "--table", "time/json.json", "time/msgpack+zstd@level-1.json"],
    *([verb, "time/json.json"] for verb in ("stats", "hist", "metadata", "check")),
])  # fmt: skip
def test_stock_pyperf_reads_the_files(finished, command):
    """The commands that the report names work as they are."""
    words = [sys.executable, "-m", "pyperf", *command]
    done = subprocess.run(words, cwd=finished, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    assert done.returncode == 0, done.stderr
    assert "typed" in done.stdout or "json" in done.stdout


def test_no_host_and_no_path_gets_into_a_file(finished):
    """A run may be published as it is."""
    private = [socket.gethostname(), str(Path.home()), sys.prefix, str(finished.parent), str(Path.cwd())]
    for name, text in texts(finished).items():
        for word in private:
            assert not re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text), f"{word} in {name}"


def test_the_run_says_what_was_done(finished):
    """Payloads with their digests, the order of each round, versions, machine and noise floor."""
    record = read(finished / "run.json")
    assert [payload["name"] for payload in record["plan"]["payloads"]] == [*PAYLOADS]
    assert [len(entry["workers"]) for entry in record["order"]] == [4, 4]
    assert record["order"][0]["workers"] != record["order"][1]["workers"]
    assert record["versions"]["pyperf"]
    assert set(record["noise_floor"]) == {"cell", "overall"}


def test_progress_counts_to_its_end(tmp_path):
    """Every step is told before it begins, and the last word is that all is done."""
    steps = []
    run(tiny(["json"], ["login"], ops=["encode"]), tmp_path / "run", steps.append)
    assert [step.done for step in steps] == [*range(steps[0].total + 1)]
    assert (steps[-1].what, steps[-1].done) == ("done", steps[-1].total)
    assert all(step.seconds_left >= 0 for step in steps)


def test_a_finished_run_is_not_overwritten(copied):
    """Neither by the same plan, nor by another one under `resume`."""
    with pytest.raises(SpecError, match="holds a run already"):
        run(tiny(), copied)
    with pytest.raises(SpecError, match="another plan"):
        run(tiny(rounds=3), copied, resume=True)


def test_resuming_a_finished_run_changes_no_number(copied):
    """Every round is there, so none is run."""
    before = texts(copied)
    run(tiny(), copied, resume=True)
    assert texts(copied) == before


def test_an_interrupted_run_goes_on(tmp_path):
    """What was measured stays, and the rounds in the end are as many as planned."""

    def interrupt(step):
        if step.what.startswith("round 2") and "encode" in step.what:
            raise KeyboardInterrupt

    planned = tiny(["json"], ["login"], ops=["encode"])
    with pytest.raises(KeyboardInterrupt):
        run(planned, tmp_path, interrupt)
    with pytest.raises(SpecError, match="resume it"):
        results.load(tmp_path)
    first = load(RunDirectory(tmp_path).time("json"))["login/encode"]
    run(planned, tmp_path, resume=True)
    both = load(RunDirectory(tmp_path).time("json"))["login/encode"]
    assert both[:1] == first
    assert len(both) == 2


def test_a_payload_that_fails_gets_no_number(tmp_path):
    """The report names the error, and the other payloads are measured."""
    planned = tiny(["json"], ["login", "plain-0.2k"], ops=["encode"])
    first, second = planned.subjects
    broken = replace(first, payload=replace(first.payload, variants=({"a": 1j},)))
    run(replace(planned, subjects=(broken, second)), tmp_path)
    assert read(tmp_path / "checks.json")["json"]["login"]["found"].startswith("EncodeError: $.a")
    found = render(tmp_path)
    assert found.verdict.mix == ("plain-0.2k",)
    assert "`json` on login, variant 0: EncodeError: $.a" in found.markdown


def test_a_baseline_that_carries_nothing_stops_the_run(tmp_path):
    """Before any round, because no ratio would come of it."""
    planned = tiny(["json"], ["login"])
    (subject,) = planned.subjects
    broken = replace(subject, payload=replace(subject.payload, variants=(1j,)))
    with pytest.raises(SpecError, match="carries none"):
        run(replace(planned, subjects=(broken,)), tmp_path)


def test_rendering_again_gives_the_same_bytes(copied):
    """The report is made of the run's data alone."""
    before = texts(copied)
    for name in ("report.md", "report.html", "figures"):
        target = copied / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    again = render(copied)
    assert texts(copied) == before
    assert again.markdown == before["report.md"]
    assert {path.relative_to(copied).as_posix() for path in again.paths} == {
        "report.md", "report.html", "figures/cost.svg", "figures/trade.svg",
    }  # fmt: skip


def test_the_report_stands_by_itself(finished):
    """No script, and nothing that has to be fetched."""
    html = (finished / "report.html").read_text()
    assert "<script" not in html
    assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*", re.sub(r'xmlns(:\w+)?="[^"]*"', "", html))
    assert not re.findall(r"url\((?!#)", html)
    assert html.count("<svg") == 2
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert all(
        target in ids for target in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html) for target in target if target
    )


def test_both_renderings_hold_the_same(finished):
    """The sections and the verdict stand in both."""
    markdown, html = ((finished / name).read_text() for name in ("report.md", "report.html"))
    sentence = render(finished).verdict.sentence
    titles = re.findall(r"^## (.+)$", markdown, re.MULTILINE)
    assert titles == re.findall(r"<h2>(.+)</h2>", html)
    assert titles[:4] == ["Verdict", "How fast", "How big", "The trade"]
    assert sentence in markdown
    assert sentence in html


def test_tables_of_the_markdown_are_whole(finished):
    """Each row has as many cells as the head."""
    for block in (finished / "report.md").read_text().split("\n\n"):
        rows = [re.sub(r"\\\|", "", line).count("|") for line in block.splitlines() if line.startswith("|")]
        assert len(set(rows)) <= 1


def test_payload_names_are_escaped():
    """A pipe does not break a table, and a tag is no tag."""
    found = comparison({"json": 10, "msgpack": 5}, payloads=("a|b", "<i>"))
    sections, none = report._sections(found, verdict(found)), dict.fromkeys(("cost", "trade"), "")
    view = {"title": "t", "summary": "s", "sections": sections, "figures": none}
    assert r"a\|b" in report._rendered("report.md", view)
    assert "&lt;i&gt;" in report._rendered("report.html", view)
    assert "<i>" not in report._rendered("report.html", view).replace("<i>tie", "")


def test_figures_keep_text_as_text_and_carry_no_date():
    """Labels can be searched and read aloud, and the same numbers give the same bytes."""
    found = comparison(
        {"json": 10, "msgpack": 5, "pickle": 4}, candidate("pickle", cross_language=False), sizes={"json": 300}
    )
    drawn = figures.draw(found)
    assert drawn == figures.draw(found)
    for svg in drawn.values():
        assert ">msgpack</text>" in svg
        assert "<dc:date>" not in svg
        assert "DejaVu" not in svg


def test_figures_choose_few_payloads_from_small_to_large():
    """Six panels at most, the smallest and the largest among them."""
    names = tuple(f"p{number}" for number in range(19))
    chosen = figures._chosen(comparison({"json": 10}, payloads=names))
    assert len(chosen) == 6
    assert chosen[0] == "p0"
    assert chosen[-1] == "p18"


def test_the_frontier_is_what_nothing_beats():
    """A point that is worse in both is not on it."""
    points = {"a": (1.0, 9.0), "b": (2.0, 5.0), "c": (3.0, 6.0), "d": (4.0, 1.0)}
    assert figures.frontier(points) == [(1.0, 9.0), (2.0, 5.0), (4.0, 1.0)]


@pytest.mark.parametrize(("package", "use"), [
    ("pyperf", timings.metadata),
    ("matplotlib", lambda: figures.draw(comparison({"json": 1}))),
    ("jinja2", lambda: report._rendered("report.md", {})),
])  # fmt: skip
def test_a_missing_package_is_named_with_its_remedy(monkeypatch, package, use):
    """The error holds the line that installs it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r'pip install "transcoders\[bench\]"'):
        use()


def test_what_is_no_run_is_refused(tmp_path, copied):
    """An empty folder, a file that is no object, and a run of another format."""
    with pytest.raises(SpecError, match=r"run\.json"):
        results.load(tmp_path / "nothing")
    write(tmp_path / "run.json", "[]")
    with pytest.raises(SpecError, match="JSON object"):
        results.load(tmp_path)
    write(copied / "run.json", read(copied / "run.json") | {"format": 0})
    with pytest.raises(SpecError, match="format 1"):
        results.load(copied)
