"""Plans: what is measured, in which order, and what is refused."""

import json
import os

import pytest

from transcoders import SpecError
from transcoders.measure.plan import CONTROLS, DEFAULT, FAST, Plan, plan


@pytest.fixture
def small() -> Plan:
    """A plan of three transcoders on two payloads."""
    return plan(["msgpack", "json", "cbor"], ["bundled:login,flash"], rounds=2, affinity="none")


def test_each_label_has_one_turn_in_each_order(small):
    """Every transcoder and both controls run once in a turn, whichever turn it is."""
    labels = {*small.specs, *CONTROLS}
    for turn in range(20):
        order = small.order(turn)
        assert len(order) == len(labels)
        assert set(order) == labels


def test_the_order_rotates_and_neighbours_change(small):
    """Each label comes first in some turn, and who follows whom is not always the same."""
    orders = [small.order(turn) for turn in range(10)]
    assert {order[0] for order in orders} == {*small.specs, *CONTROLS}
    followers = {order[order.index("json") + 1] for order in orders if order[-1] != "json"}
    assert len(followers) > 1


def test_the_controls_are_the_baseline(small):
    """The baseline runs thrice: as itself, and as the two controls."""
    assert [small.slots[label] for label in CONTROLS] == ["json", "json"]
    assert small.slots["cbor"] == "cbor"


def test_the_baseline_is_the_first_spec_where_json_is_not_measured():
    """The default baseline gives way, a wanted one does not."""
    assert plan(["msgpack", "cbor"], ["login"]).baseline == "msgpack"
    assert plan(["msgpack", "cbor"], ["login"], baseline="cbor").baseline == "cbor"
    with pytest.raises(SpecError, match="not among the specs"):
        plan(["msgpack", "cbor"], ["login"], baseline="pickle")


def test_specs_are_canonical_and_stand_once():
    """An option at its default, and a spec written twice, change nothing."""
    assert plan(["json", "json+zstd:level=3", "json+zstd", "json"], ["login"]).specs == ("json", "json+zstd")


def test_operations_stand_in_a_fixed_order():
    """The order of the command line does not change the plan."""
    assert plan(["json"], ["login"], ["encode", "decode"]).ops == ("decode", "encode")


def test_large_payloads_get_fewer_variants():
    """One pass over the variants must not outlast a timed value; two are the least."""
    found = {
        each.payload.name: len(each.payload.variants) for each in plan(["json"], ["bundled:login,abuse-256k"]).subjects
    }
    assert found == {"login": 16, "abuse-256k": 2}


def test_the_default_plan_stays_under_two_minutes():
    """By its own estimate, which was within a tenth of the time that real runs took."""
    found = plan()
    assert (found.rounds, found.values) == (DEFAULT.rounds, DEFAULT.values)
    assert len(found.specs) == 6
    assert 40 < found.duration < 110
    assert plan(preset=FAST).duration < found.duration / 2


@pytest.mark.parametrize(("arguments", "message"), [
    ({"specs": []}, "a spec or more"),
    ({"specs": ["jsonn"]}, "jsonn"),
    ({"payloads": []}, "a payload or more"),
    ({"payloads": ["login", "bundled:login"]}, "login in several sources"),
    ({"ops": ["fly"]}, "operations are decode"),
    ({"ops": []}, "operations are decode"),
    ({"rounds": 0}, "at least 1"),
    ({"values": -1}, "at least 1"),
])  # fmt: skip
def test_what_cannot_be_measured_is_refused(arguments, message):
    """Before anything runs, with the remedy in the message."""
    with pytest.raises(SpecError, match=message):
        plan(**{"specs": ["json"], "payloads": ["login"]} | arguments)


def test_sources_are_shown_without_their_folders(tmp_path):
    """A path says nothing to a reader elsewhere, and may say too much."""
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"a": 1}))
    assert plan(["json"], [str(file), "login"]).sources == ("mine.json", "login")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_workers_are_pinned_to_a_usable_core():
    """To the last one by default, where there are several; to none on demand."""
    usable = os.sched_getaffinity(0)
    assert plan(["json"], ["login"]).cpu == (max(usable) if len(usable) > 1 else None)
    assert plan(["json"], ["login"], affinity="none").cpu is None
    assert plan(["json"], ["login"], affinity=min(usable)).cpu == min(usable)
    with pytest.raises(SpecError, match="not usable"):
        plan(["json"], ["login"], affinity=4096)
