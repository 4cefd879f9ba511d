"""Writes docs/evolution.md, the table of what comes of each change. Run: python -m tests.evolution_table."""

from pathlib import Path

from tests.evolving_outcomes import EXPECTED, SAYS

PAGE = Path(__file__).parent.parent / "docs" / "evolution.md"
_HEAD = """# What comes of a change

Old and new code share a store; each reads what the other wrote. [Schemas](schemas.md) says how. Every cell is tested
with every codec, layout and family of classes; the codecs do not differ. `python -m tests.evolution_table` writes this
page.

- *keeps*: layout map, and a class that keeps what it does not know: dict-backed dataclasses and attrs classes,
  TypedDicts, and any class with a field marked `Unknown`;
- *closed*: layout map, and a class that does not: classes with slots, Structs, NamedTuples;
- *compact*: layout compact, and any class.

| change | new code, old bytes: keeps | closed | compact | old code, new bytes: keeps | closed | compact |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The page, from the data that the tests hold the code to."""
    rows = [f"| {change} | {' | '.join((*new, *old))} |" for change, (new, old) in EXPECTED.items()]
    says = [f"- **{name}**: {words}." for name, words in SAYS.items()]
    return _HEAD + "\n".join((*rows, "", "In the cells; what is refused raises `SchemaMismatch`:", "", *says)) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
