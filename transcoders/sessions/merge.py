"""Putting the changes of a request on top of a record that another request wrote in the meantime.

Three records meet: the base that this request loaded, its changes, and theirs. What they left as it was in the base is
mine to change; of what both changed a merge function makes one value, or it is a conflict and the policy decides.
What both deleted, or set alike without asking for it first, is no conflict. Who asked may have counted: two requests
that make 1 of 0 are no reason for it to stay 1. Stored bytes are compared first, and decoded only when they differ.
"""

from collections.abc import Collection, Mapping
from typing import Any

from transcoders.difference import difference
from transcoders.errors import Conflict, DecodeError
from transcoders.sessions.policy import Policy
from transcoders.sessions.record import ABSENT, Record, Stored


def counter(base: Any, mine: Any, theirs: Any) -> Any:
    """The sum of both changes of a number; one that was not there counts as 0."""
    return (theirs or 0) + (mine or 0) - (base or 0)


def union(base: Any, mine: Any, theirs: Any) -> Any:
    """The set with what either added, without what either removed; one that was not there counts as empty."""
    was = base or type(mine)()
    return (theirs | (mine - was)) - (was - mine)


MERGES = {"counter": counter, "union": union}
"""The merge functions that have a name."""
EXACT = frozenset((bytes, str, int, bool))
"""What is mostly compared: types in which `==` sees all."""


def rebase(
    base: Record, changes: Mapping[str, Stored], theirs: Record, policy: Policy, asked: Collection[str] = ()
) -> dict[str, Stored]:
    """The changes that are left to make to their record.

    Args:
        base: the record that the changes were made to.
        changes: what is to be stored of attributes; ABSENT removes one.
        theirs: the record that stands there now.
        policy: merge functions, and what to do with a conflict.
        asked: the attributes that this request asked for.

    Raises:
        Conflict: both changed the same attributes, and the policy is to raise, or a merge function fails; nothing is
            merged then.
        EncodeError: what a merge function makes cannot be stored.
    """
    kept: dict[str, Stored] = {}
    conflicts: list[str] = []
    for name, mine in changes.items():
        before, after = base.stored(name), theirs.stored(name)
        if _alike(theirs, name, before, after):
            kept[name] = mine
        elif mine is ABSENT and after is ABSENT:
            continue  # gone either way: two pages that show the same message once are no reason to refuse one
        elif (merge := policy.merge.get(name)) is not None and mine is not ABSENT and after is not ABSENT:
            kept[name] = _merged(merge, base, before, mine, theirs, name)
        elif name in asked or not _alike(theirs, name, mine, after):
            if policy.on_conflict == "mine":
                kept[name] = mine
            elif policy.on_conflict == "raise":
                conflicts.append(name)
    if conflicts:
        text = ", ".join(repr(name) for name in conflicts)
        raise Conflict(f"another request changed the same attributes in the meantime: {text}", conflicts)
    return kept


def rebase_header(base: Record, header: Mapping[str, Any], theirs: Record, policy: Policy) -> dict[str, Any]:
    """The changes of principal, idle and absolute that are left to make; raises Conflict as `rebase` does."""
    kept = dict(header)
    for name, mine in header.items():
        before, after = getattr(base, name), getattr(theirs, name)
        if after in {before, mine} or policy.on_conflict == "mine":
            continue
        if policy.on_conflict == "raise":
            raise Conflict(f"another request changed the {name} of the session in the meantime", (name,))
        del kept[name]
    return kept


def same(one: object, other: object) -> bool:
    """Whether two values are the same, by type and value: 1 is not True, NaN is NaN, the order of a dict is nothing."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    return one == other if type(one) in EXACT else difference(one, other) is None


def _alike(theirs: Record, name: str, one: Stored, other: Stored) -> bool:
    """Whether both stand for the same value; their bytes may differ: keys in another order, another codec or writer."""
    if same(one, other):
        return True
    if one is ABSENT or other is ABSENT or bytes not in {type(one), type(other)}:
        return False
    try:
        return same(theirs.decode(name, one), theirs.decode(name, other))
    except DecodeError:
        return False


def _merged(merge: Any, base: Record, before: Stored, mine: Stored, theirs: Record, name: str) -> Stored:  # noqa: PLR0913, PLR0917
    """What is to be stored of the one value that a merge function makes; it is a conflict when it makes none."""
    try:
        was = None if before is ABSENT else base.decode(name, before)
        value = merge(was, theirs.decode(name, mine), theirs.decode(name, theirs.stored(name)))
    except Exception as error:
        raise Conflict(f"{name!r} cannot be merged: {type(error).__name__}: {error}", [name]) from error
    return theirs.encode(name, value)
