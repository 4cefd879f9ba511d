"""What must come of each change of `tests.evolving_types`: the one place that says it.

`tests.test_evolution` holds every codec, layout and family to it, `tests.evolution_table` writes it down for readers.
"""

from typing import NamedTuple

VALUE, KEPT, BACK = "value", "kept", "one way"
TYPE, FIELD, NEWER, SHAPE = "refused: type", "refused: field", "refused: newer", "refused: shape"
SAYS = {
    VALUE: "the reader has the value",
    KEPT: "the reader has the value, and keeps what it does not know; the writer gets that back from what it saves",
    BACK: "the reader has the value, but the writer refuses what it saves: a field is there again that is gone",
    TYPE: "something is missing or of another type; the message has its path and what closes the gap",
    FIELD: "the class does not know a field; the message has its name, and that a field marked `Unknown` would keep it",
    NEWER: "the class has no place to remember that a newer version was there; a field marked `Unknown` would be one",
    SHAPE: "the shape is not known; `migrate(…, was=…)` describes an older one, and layout map is read by older code",
}
"""What comes of reading, in words; what is refused raises SchemaMismatch."""
MESSAGES = {
    SHAPE: "expected layout compact of a shape that is known",
    NEWER: "has no place to keep what it does not know",
    FIELD: "a field marked Unknown would keep it",
    TYPE: "expected ",
}
"""A part of the message of each refusal; the first that is there counts."""


class Outcome(NamedTuple):
    """What a reader makes of the other side's frames: of classes that keep unknown fields, of others, in compact."""

    keeping: str
    closed: str
    compact: str


EXPECTED: dict[str, tuple[Outcome, Outcome]] = {
    "field added, with a default": (Outcome(VALUE, VALUE, SHAPE), Outcome(KEPT, FIELD, SHAPE)),
    "field added, with a default_factory": (Outcome(VALUE, VALUE, SHAPE), Outcome(KEPT, FIELD, SHAPE)),
    "field added, without a default": (Outcome(TYPE, TYPE, SHAPE), Outcome(KEPT, FIELD, SHAPE)),
    "field with a default removed": (Outcome(KEPT, FIELD, SHAPE), Outcome(VALUE, BACK, SHAPE)),
    "attribute renamed, Name is the old one": (Outcome(VALUE, VALUE, VALUE), Outcome(VALUE, VALUE, VALUE)),
    "retyped under a new name, by a migration; the old one has a default": (
        Outcome(VALUE, VALUE, VALUE), Outcome(KEPT, NEWER, SHAPE),
    ),
    "retyped under a new name, by a migration; the old one is required": (
        Outcome(VALUE, VALUE, VALUE), Outcome(TYPE, NEWER, SHAPE),
    ),
    "retyped under the same name, by a migration": (Outcome(VALUE, VALUE, VALUE), Outcome(TYPE, NEWER, SHAPE)),
    "retyped under the same name, nothing else": (Outcome(TYPE, TYPE, SHAPE), Outcome(TYPE, TYPE, SHAPE)),
    "made Optional, there": (Outcome(VALUE, VALUE, SHAPE), Outcome(VALUE, VALUE, SHAPE)),
    "made Optional, None": (Outcome(VALUE, VALUE, SHAPE), Outcome(TYPE, TYPE, SHAPE)),
    "field with a default added to a nested record": (Outcome(VALUE, VALUE, SHAPE), Outcome(KEPT, FIELD, SHAPE)),
    "enum member added, a known one": (Outcome(VALUE, VALUE, VALUE), Outcome(VALUE, VALUE, VALUE)),
    "enum member added, the new one": (Outcome(VALUE, VALUE, VALUE), Outcome(TYPE, TYPE, TYPE)),
    "union option added, a known one": (Outcome(VALUE, VALUE, SHAPE), Outcome(VALUE, VALUE, SHAPE)),
    "union option added, the new one": (Outcome(VALUE, VALUE, SHAPE), Outcome(TYPE, TYPE, SHAPE)),
    "union option added that the bytes must name": (Outcome(TYPE, TYPE, SHAPE), Outcome(TYPE, TYPE, SHAPE)),
    "fields moved into a nested record, by a migration": (Outcome(VALUE, VALUE, VALUE), Outcome(TYPE, NEWER, SHAPE)),
    "two versions at once, 1 to 3": (Outcome(VALUE, VALUE, VALUE), Outcome(TYPE, NEWER, SHAPE)),
}  # fmt: skip
"""Change to what new code makes of old frames, and old code of new ones. The same in every codec."""
