"""Every interleaving keeps what the manager promises, whatever goes wrong; and the explorer finds planted bugs."""

import pytest

from tests import acts, holds
from tests.interleave import explore, wander
from tests.model import Model
from tests.stepping import Budget, Violation
from tests.stories import COUNTED, LOCKED, STORIES, Story
from transcoders.errors import StoreError
from transcoders.sessions import ids, saving
from transcoders.sessions.ports import Outcome

MOST = 1_500
"""Schedules of one story that the tests explore; `python -m tests.interleave` goes further."""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_interleaving_keeps_the_promise(story):
    """No acknowledged update lost, none doubled, no session back from the dead, locks let go of: without any fault."""
    seen = explore(story, Budget(ticks=1), most=MOST)
    assert seen.schedules
    assert not seen.cut


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_every_interleaving_with_one_fault_keeps_the_promise(story):
    """The same when one thing goes wrong anywhere: a failure, a lost reply, a late effect, a crash, a cancellation."""
    seen = explore(story, Budget(faults=1, ticks=1), most=MOST)
    assert seen.schedules
    assert seen.faults


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_schedules_by_chance_keep_the_promise(story):
    """The same when three things go wrong, in schedules drawn by chance."""
    seen = wander(story, Budget(faults=3, ticks=4), seed=1, schedules=60)
    assert seen.faults


# ---------------------------------------------------------------------------------------------------- planted bugs


class AnybodyReleases(Model):
    """A store whose release does not look at the token."""

    def release(self, key, token, /):
        if token and self.holder(key):
            self.hand(key)


class NeverCompares(Model):
    """A store whose save sets the record whatever stands there."""

    def compare(self, key, data, base):
        return None if self.load(key) is not None else Outcome.GONE


class SetsWhatIsGone(Model):
    """A store whose save sets the record also where there is none."""

    def compare(self, key, data, base):
        there = super().compare(key, data, base)
        return None if there is Outcome.GONE else there


class TouchBringsBack(Model):
    """A store whose touch puts back what was there once."""

    def __init__(self, clock):
        super().__init__(clock)
        self.once = {}

    def move(self, old, *others):
        self.once[old] = self.load(old)
        return super().move(old, *others)

    def touch(self, key, ttl, token="", /):
        if self.once.get(key) is not None:
            self.records[key] = self.once[key], self.end(ttl)
        return super().touch(key, ttl, token)


class MovesByCopying(Model):
    """A store that leaves the record under its old key when it moves it."""

    def move(self, old, new, data, base, ttl, trail, grace, token="", /):  # noqa: PLR0917 - see Store.move
        before = self.records.get(old)
        outcome = super().move(old, new, data, base, ttl, trail, grace, token)
        if outcome is Outcome.SAVED and before is not None:
            self.records[old] = before
        return outcome


def releases_first(app):
    """Let go of the lock before the write, not with it."""
    core = app._core

    async def close(session, real=core._saving.close):
        await core._holding.let_go(session)
        return await real(session)

    core._saving.close = close


def never_lets_go(app):
    """Forget the lock of a request that fails."""

    async def abandon(session, error):
        """Nothing."""

    app._core._holding.abandon = abandon


def keeps_renewing(app):
    """Go on renewing a lock that was let go of."""
    app._port.forget = lambda token: None


def tries_again(app):
    """Save once more when nobody knows whether it was saved."""
    core = app._core

    async def close(session, real=core.close):
        try:
            return await real(session)
        except StoreError:
            return await real(session)

    core.close = close


def forgets_too_early(app):
    """Forget the old principal of a session when it gets a new one."""
    core = app._core

    async def save(session, changes, header, real=core._saving._rewrite):
        before = session.record.principal
        size = await real(session, changes, header)
        if "principal" in header:
            await core._principals.unlink(before, session.record.key)
        return size

    core._saving._rewrite = save


def adopts(app):
    """Store a new session under whatever the client sent."""

    async def close(session):
        await app._port.create(ids.key(acts.FORGED), session.record.build({}, 1), 1000)

    app._core._saving.close = close


def deletes(app):
    """End a session by deleting what stands under its key, whatever that is by now."""

    async def bury(key, record, token):
        return key, record and record.principal, await app._port.delete(key, token)

    app._core._bury = bury


def lists_once(app):
    """Take the list of a principal for all there is, though a session may be given a new id meanwhile."""
    principals = app._core._principals

    async def sessions(principal):
        keys = await app._port.linked(ids.key(principal))
        records = [principals._record(await app._port.load(key), key) for key in keys]
        return [record for record in records if record is not None and record.principal == principal]

    principals.sessions = sessions


STALLED = Budget(faults=1, kinds=("stall",), ticks=0)
LOST = Budget(faults=1, kinds=("lose",))
FAILED = Budget(faults=1, kinds=("refuse", "cancel"), ticks=0)
QUIET = Budget()
PLANTED = {
    "anybody releases": (
        Story("", *[acts.increment_slowly] * 2, check=holds.counted, model=AnybodyReleases, **LOCKED), STALLED,
        "another's",
    ),
    "never compares": (
        Story("", *[acts.increment] * 2, check=holds.counted, model=NeverCompares, merge=COUNTED), QUIET,
        "counter is",
    ),
    "never compares, other attributes": (
        Story("", acts.write_a, acts.write_b, check=holds.both_written, model=NeverCompares), QUIET,
        "acknowledged",
    ),
    "sets what is gone": (
        Story("", acts.logout, acts.write_a, check=holds.ended_for_good, model=SetsWhatIsGone), QUIET, "again",
    ),
    "touch brings back": (
        Story("", acts.logout, acts.read, check=holds.ended_for_good, model=TouchBringsBack, age=1000.0), QUIET,
        "again",
    ),
    "moves by copying": (
        Story("", acts.login, acts.read, check=holds.rotated, model=MovesByCopying), QUIET, "old id is valid",
    ),
    "releases first": (
        Story("", *[acts.increment] * 2, check=holds.counted_without_conflict, plant=releases_first, merge=COUNTED,
              **LOCKED),
        Budget(ticks=0), "under the lock",
    ),
    "never lets go": (
        Story("", *[acts.increment] * 2, check=holds.counted, plant=never_lets_go, **LOCKED), FAILED,
        "locks are left",
    ),
    "keeps renewing": (
        Story("", *[acts.increment] * 2, check=holds.counted, plant=keeps_renewing, **LOCKED), QUIET, "lock",
    ),
    "tries again": (
        Story("", *[acts.increment] * 2, check=holds.counted, plant=tries_again, merge=COUNTED), LOST,
        "counter is",
    ),
    "forgets too early": (
        Story("", acts.become_v, acts.become_w, acts.become_v, check=holds.noted, always=holds.noted,
              plant=forgets_too_early, setup=acts.session_of_u, on_conflict="mine"),
        QUIET, "not in its list",
    ),
    "deletes": (
        Story("", acts.login, acts.logout_after_reading, check=holds.ended_for_good, plant=deletes), QUIET, "again",
    ),
    "adopts": (Story("", acts.begin_forged, check=holds.not_adopted, plant=adopts), QUIET, "adopted"),
    "lists once": (
        Story("", acts.end_all, acts.login, check=holds.all_ended, setup=acts.session_of_u,
              plant=lists_once),
        QUIET, "one is there",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("story", "budget", "found"), PLANTED.values(), ids=PLANTED)
def test_planted_bugs_are_found(story, budget, found):
    """Each bug breaks an invariant in some schedule, which the message shows."""
    with pytest.raises(Violation, match=found) as caught:
        explore(story, budget)
    assert "path:" in str(caught.value)


def test_a_merge_that_ignores_what_others_wrote_is_found(monkeypatch):
    """Changes that are put on top without a look at the newer record lose an increment."""
    monkeypatch.setattr(saving, "rebase", lambda _base, changes, *_others: dict(changes))
    with pytest.raises(Violation, match="counter is 1"):
        explore(Story("", *[acts.increment] * 2, check=holds.counted, merge=COUNTED), QUIET)


def test_a_found_schedule_can_be_replayed():
    """The path in the message leads to the same violation again."""
    story = PLANTED["sets what is gone"][0]
    with pytest.raises(Violation) as first:
        explore(story, QUIET)
    with pytest.raises(Violation) as second:
        explore(story, QUIET)
    assert str(first.value) == str(second.value)


def test_pruning_loses_no_state():
    """Cutting schedules short at known states sees every state that all schedules see."""
    story = next(one for one in STORIES if one.name == "three increments, merged")
    pruned = explore(story, QUIET)
    drawn = wander(story, QUIET, seed=2, schedules=400)
    assert drawn.states <= pruned.states
