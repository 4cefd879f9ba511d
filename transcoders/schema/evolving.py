"""What another version of a type wrote, read as this one.

Fields are found by their stored names: missing ones take their default, unknown ones are kept, and what is older goes
through the migrations first. What a newer version wrote is read only where that can be remembered, among the unknown
fields: else its own migrations would run again on what it wrote, when it gets it back. Layout compact has no names, so
it needs the class that described that version (`migrate(…, was=…)`), known by its fingerprint.
"""

from typing import Any, Final

from transcoders.errors import SpecError
from transcoders.schema.lifting import Lifting
from transcoders.schema.nodes import Field, Model, Node, Record, described, every
from transcoders.schema.problems import Missing, found, inside
from transcoders.schema.reading import shape
from transcoders.schema.versions import HIGHEST, VERSION, Fields, Step, fingerprint, steps, version

_ROOT: Final = "$"


class Evolution:
    """The versions of one payload type.

    Attributes:
        version: the present one.
        mark: the fingerprint of the present shape.
    """

    __slots__ = ("_node", "_older", "_steps", "mark", "version")

    def __init__(self, node: Node) -> None:
        """Raises SpecError on versions and migrations that do not fit the type."""
        cls = node.cls if isinstance(node, Record | Model) else object
        self._node, self._steps = node, steps(cls)
        self.version, self.mark = version(cls), fingerprint(node)
        older = [(step.since, _older(step)) for step in self._steps if step.was is not None]
        self._older = [(since, one, fingerprint(one)) for since, one in older]
        for one in every(node):
            if one is not node and isinstance(one, Record | Model) and steps(one.cls):
                raise SpecError(
                    f"{one.cls.__name__} has migrations, and only those of the payload itself run, {described(node)}: "
                    "it has one version for all that is in it"
                )
        if isinstance(node, Record) and any(field.stored == VERSION for field in node.fields):
            raise SpecError(f"{described(node)}: the name {VERSION} is taken")

    def lift(self, tree: Any, written: int, mark: bytes, into: Lifting) -> Any:
        """The typed value of a tree that version `written` or another shape wrote; problems are noted in `into`."""
        node = self._node
        if isinstance(node, Record) and type(tree) is node.cls:
            return into.lift(node, tree)  # of an untyped session, where the type is registered
        exact = self._exact(written, mark)
        if into.notation.compact and exact is None:
            return into.problem(_ROOT, self._unreadable(written, mark))
        if not isinstance(node, Record | Model):
            return into.lift(node, tree) if written <= self.version else into.problem(_ROOT, self._newer(written))
        members = self._members(exact, tree, into)
        if members is None:
            return Missing
        newest = self._newest(members, written, into)
        if newest > self.version:
            if isinstance(node, Record) and node.unknown is None:
                return into.problem(_ROOT, self._newer(newest))
            members[VERSION] = newest
            into.notation = into.notation._replace(widen=False)  # nobody writes an int where a float is declared
        elif newest < self.version:
            members = self._migrated(members, newest, exact, into)
        made: Any = Missing
        if not into.problems:
            made = into.record(node, members, _ROOT, 1) if isinstance(node, Record) else into.lift(node, members)
        if into.problems and not (exact and newest == self.version):
            into.problem(_ROOT, self._advice(newest, exact))
        return made

    def _exact(self, written: int, mark: bytes) -> Node | None:
        """The shape that wrote the bytes, where it is known; what is newer may mean other things by it."""
        if written > self.version:
            return None
        older = (one for since, one, known in self._older if since > written and known == mark)
        return next(older, self._node if mark == self.mark else None)

    def _members(self, exact: Node | None, tree: Any, into: Lifting) -> Fields | None:
        if isinstance(exact or self._node, Model):
            return dict(tree) if type(tree) is dict else into.wrong(self._node, tree, _ROOT) and None
        members = into.members(exact or self._node, tree, _ROOT)  # type: ignore[arg-type]
        return members if members is None else dict(members)

    def _newest(self, members: Fields, written: int, into: Lifting) -> int:
        """The newest version that the fields have been through, which is no longer among them then."""
        newest = members.pop(VERSION, written)
        if type(newest) is not int or not 1 <= newest <= HIGHEST:
            into.problem(inside(_ROOT, VERSION), f"expected a version, found {found(newest)}")
            return written
        return max(newest, written)

    def _migrated(self, members: Fields, written: int, exact: Node | None, into: Lifting) -> Fields:
        """The fields of the present version by their stored names, their values as themselves."""
        values = self._values(members, written, exact, into)
        for step in self._steps:
            if step.since > written and not into.problems:
                values = _run(step, values, into)
        into.notation = into.notation._replace(compact=False, flat=False, values=True)
        present = self._node.fields if isinstance(self._node, Record) else ()
        stored = {field.name: field.stored for field in present}
        fields = {stored.get(name, name): value for name, value in values.items()}
        if len(fields) != len(values):
            into.problem(_ROOT, f"the migrations gave a field of {described(self._node)} twice, under both its names")
        return fields

    def _values(self, members: Fields, written: int, exact: Node | None, into: Lifting) -> Fields:
        """The fields by their names in Python, as the first shape since then describes each, or as they stand."""
        known: dict[Any, Field] = {}
        for one in (exact, *(one for since, one, _ in self._older if since > written), self._node):
            if isinstance(one, Record):
                known = {field.stored: field for field in one.fields} | known
        values: Fields = {}
        for stored, wire in members.items():
            field = known.get(stored)
            name = field.name if field else stored
            if name in values:
                into.problem(inside(_ROOT, name), f"expected one field, found {stored!r} beside it")
            values[name] = into.lift(field.node, wire, inside(_ROOT, name), 1) if field else wire
        return values

    def _advice(self, written: int, exact: Node | None) -> str:
        """What to do about frames of that version."""
        if written > self.version:
            return (
                f"the fields are of version {written}, which is newer than {self.version}: newer code is to write what "
                "older code needs, until that is gone"
            )
        if written == self.version:
            return (
                f"another shape of version {written} wrote the fields: one that is added needs a default, one that "
                "changes its type another name"
            )
        known = exact or any(since > written for since, *_ in self._older)
        return f"the fields are of version {written}" + ("" if known else ", which migrate(…, was=…) would describe")

    def _unreadable(self, written: int, mark: bytes) -> str:
        return (
            f"expected layout compact of a shape that is known, found version {written} of shape {mark.hex()}: "
            "migrate(…, was=…) describes an older one, and layout map is read by older code too"
        )

    def _newer(self, written: int) -> str:
        return (
            f"version {written} is newer than version {self.version} of {described(self._node)}, which has no place to "
            "keep what it does not know: a field marked Unknown would be one"
        )


def _older(step: Step) -> Record:
    """The shape of fields before a migration; raises SpecError on one that has no fields."""
    if isinstance(old := shape(step.was), Record):
        return old
    raise SpecError(f"was= of the migration to version {step.since} takes a class with fields, not {step.was!r}")


def _run(step: Step, values: Fields, into: Lifting) -> Fields:
    try:
        made = step.run(values)
    except Exception as error:  # noqa: BLE001 - the user's function may raise anything
        into.problem(_ROOT, f"the migration to version {step.since} failed: {type(error).__name__}")
        return {}
    if type(made) is not dict:
        into.problem(_ROOT, f"the migration to version {step.since} gave {found(made)}, not a dict of fields")
        return {}
    return made
