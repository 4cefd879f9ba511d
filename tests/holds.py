"""What must hold whatever the order of the steps and whatever goes wrong, in the explorer's stories."""

from tests.acts import FORGED, WIRE, is_new
from tests.stepping import Run, Task, Violation
from transcoders.sessions import ids
from transcoders.sessions.core import BURIED
from transcoders.sessions.record import Record


def broken(run: Run, what: str) -> None:
    """Raise a Violation that shows the schedule."""
    outcomes = ", ".join(f"{task.name} {task.outcome} ({task.error!r})" for task in run.tasks if task.over)
    raise Violation("\n  ".join([f"{run.story.name}: {what}", *run.trace, outcomes, f"path: {run.path}"]))


def stored(run: Run, sid: str) -> Record | None:
    """The record of the id, as it is in the store now."""
    data = run.model.load(key := ids.key(sid))
    return None if data is None else WIRE.read(data, key)


def requests(run: Run) -> list[Task]:
    """The tasks that are requests, not shielded work of one."""
    return [task for task in run.tasks if not task.shielded]


def counted(run: Run) -> None:
    """No acknowledged increment is lost, and none is there that was refused."""
    record = stored(run, run.story.sid)
    least, unknown = sum(app.acked for app in run.apps), sum(task.outcome == "unknown" for task in requests(run))
    if record is None:
        broken(run, "the session is gone")
    elif not least <= record.value("n") <= least + unknown:
        broken(run, f"{least} increments are acknowledged, {unknown} unknown, and the counter is {record.value('n')}")


def counted_without_conflict(run: Run) -> None:
    """Nothing is lost, and where nothing went wrong no write found a newer record: each held the lock until then."""
    counted(run)
    if not run.mishap and not any(kind in {"tick", "early"} for kind, _ in run.path):
        for app in run.apps:
            if app.probe.counts["conflicts"]:
                broken(run, "a write under the lock found a newer record")


def appended(run: Run) -> None:
    """Every acknowledged entry is in the list, once; no refused one is."""
    log = stored(run, run.story.sid).value("log")
    for task in requests(run):
        least, most = {"done": (1, 1), "failed": (0, 0), "unknown": (0, 1)}[task.outcome]
        if not least <= log.count(task.name) <= most:
            broken(run, f"{task.name} is {task.outcome}, and the list is {log}")


def last_word(run: Run) -> None:
    """The list is what one of the requests made of it."""
    log = stored(run, run.story.sid).value("log")
    if not log and any(task.outcome == "done" for task in requests(run)):
        broken(run, "no entry of an acknowledged request is there")
    if any(task.name == log[-1] and task.outcome == "failed" for task in requests(run) if log):
        broken(run, f"a refused entry is there: {log}")


def both_written(run: Run) -> None:
    """Changes of different attributes are both there."""
    record = stored(run, run.story.sid)
    for task, name in zip(requests(run), "ab", strict=False):
        if task.outcome == "done" and record.value(name) != name.upper():
            broken(run, f"{task.name} was acknowledged, and {name} is {record.value(name)!r}")
        if task.outcome == "failed" and record.value(name):
            broken(run, f"{task.name} was refused, and {name} is {record.value(name)!r}")


def ended_for_good(run: Run) -> None:
    """After an acknowledged logout there is no such session, whatever else was under way."""
    if any(task.outcome == "done" and task.result in {"ended", "left"} for task in requests(run)):
        run.clock.advance(BURIED / 1000)
        for key, (data, end) in run.model.records.items():
            record = WIRE.read(data, key)
            if end > run.clock.tick() and record.moved is None and "message" not in record:
                broken(run, "the session was ended, and is there again")


def rotated(run: Run) -> None:
    """After a login the old id is dead, and the new one has all that was acknowledged."""
    task = next(one for one in requests(run) if one.name == "A")
    if task.outcome != "done" or task.result == "anonymous":
        return
    run.clock.advance(max(run.story.policy.rotation_grace, run.story.policy.lock_expiration) + 0.001)
    if not run.through(is_new(run.apps[0], run.story.sid), "later"):
        broken(run, "the old id is valid after the login")
    record = stored(run, str(task.result))
    if record is None:
        broken(run, "the session is gone")
    for other, name, value in ((one, *want) for one in requests(run) if (want := WANT.get(str(one.result)))):
        if other.outcome == "done" and record.value(name) != value:
            broken(run, f"{other.name} was acknowledged, and {name} is {record.value(name)!r}")


WANT = {"counted": ("n", 1), "written": ("b", "B")}


def noted(run: Run) -> None:
    """Every live session of a principal is in its list."""
    now = run.clock.tick()
    for key, (data, end) in run.model.records.items():
        record = WIRE.read(data, key)
        principal = record.principal
        if end > now and principal is not None and key not in run.model.linked(ids.key(principal)):
            broken(run, f"a session of {principal} is not in its list")


def all_ended(run: Run) -> None:
    """After all sessions of u were ended, none is left that was there before; one may have begun since."""
    if next(task for task in requests(run) if task.name == "A").outcome != "done":
        return
    for key, (data, end) in run.model.records.items():
        record = WIRE.read(data, key)
        if end > run.clock.tick() and record.moved is None and record.principal == "u":
            broken(run, "all sessions of u were ended, and one is there")


def not_adopted(run: Run) -> None:
    """No record stands under an id that a client made up."""
    if ids.key(FORGED) in run.model.records:
        broken(run, "a forged id was adopted")
