"""Workers: what they reply, what they save, and how their failures are told."""

import json
import pickle

import pytest

from transcoders import SpecError, TranscoderError
from transcoders.measure import crew, worker
from transcoders.measure.timings import load


def job(**changes) -> worker.Job:
    """A job for a worker."""
    fields = {"spec": "json", "payloads": {"a": [{"n": 1}]}, "ops": ("encode",), "seconds": 0.0002, "cpu": None,
              "loops": {}, "append": None}  # fmt: skip
    return worker.Job(**fields | changes)


def test_a_worker_surveys():
    """It replies with checks, sizes and loops, on one line."""
    replies = []
    worker.serve(job(), [], replies.append)
    found = json.loads(replies[0])
    assert found["checks"]["a"]["ok"]
    assert found["sizes"]["a"]["raw"] == 5 + len(b'{"n":1}')
    assert found["loops"]["a/encode"] >= 1


def test_a_worker_times_what_it_is_told(tmp_path):
    """Each line is half a value to warm up and a value, all appended in one run; unknown names are passed over."""
    replies, file = [], tmp_path / "time.json"
    lines = [b"a/encode\n", b"b/encode\n", b"a/encode\n"]
    worker.serve(job(loops={"a/encode": 5}, append=str(file)), lines, replies.append)
    assert replies[1:] == ["", "", ""]
    (values,) = load(file)["a/encode"]
    assert len(values) == 2
    (run_,) = json.loads(file.read_text())["benchmarks"][0]["runs"]
    assert [loops for loops, _ in run_["warmups"]] == [3, 3]


def test_a_payload_without_loops_is_not_timed(tmp_path):
    """It failed in the survey, under another hash seed."""
    worker.serve(job(append=str(tmp_path / "time.json")), [b"a/encode\n"], lambda _: None)
    assert not (tmp_path / "time.json").exists()


def test_a_payload_that_cannot_be_sent_is_an_error():
    """Workers are other processes: what they measure must get there."""
    with pytest.raises(SpecError, match="cannot be sent"):
        worker.send(job(payloads={"a": [lambda: None]}))


@pytest.mark.parametrize("broken", [{"spec": "jsonn"}, {"append": "no/such/folder", "loops": {"a/encode": 1}}])
def test_a_worker_that_fails_says_why(broken):
    """Its last words are in the error, whether it fails at once or at the end."""
    with (
        pytest.raises(TranscoderError, match=r"failed with status 1: .*(jsonn|directory)"),
        crew.crew({"json": job(**broken)}) as one,
    ):
        one.time("a/encode", ["json"])


def test_an_error_in_the_block_ends_the_workers(tmp_path):
    """Nothing is saved, and no process stays behind."""
    file = tmp_path / "time.json"
    with (
        pytest.raises(KeyError),
        crew.crew({"json": job(loops={"a/encode": 1}, append=str(file))}) as one,
    ):
        one.time("a/encode", ["nobody"])
    assert not file.exists()


def test_a_job_comes_through_as_it_was_sent():
    """`send` writes what `main` reads."""
    assert worker.Job(**pickle.loads(worker.send(job()))) == job()
