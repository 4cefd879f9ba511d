"""Adds the golden records that are missing; refuses to change one that is there. Run: python -m tests.vectors.records.

They are stored sessions, which every later release must read.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.golden import register_types
from tests.golden_records import CASES, KEY, SEALS, Case, make, wire
from tests.values import same
from tests.vectors.add import varies

HERE = Path(__file__).parent / "records"


class Vector(NamedTuple):
    name: str
    spec: str
    key: str
    data: str

    @property
    def case(self) -> Case:
        """What it was made from."""
        return CASES[self.name]

    @property
    def sealed(self) -> bool:
        """Whether a change of any byte has to be noticed."""
        return any(f"+{seal}" in self.spec for seal in SEALS)

    @property
    def varies(self) -> bool:
        """Whether another release of a library may write other bytes."""
        return varies(self.spec)


def reads(vector: Vector) -> bool:
    """Whether this release reads the record as it was meant."""
    record = wire(vector.case).read(bytes.fromhex(vector.data), vector.key)
    head = {name: getattr(record, name) for name in vector.case.head}
    values = {name: record.value(name) for name in record.names()}
    return head == vector.case.head and values.keys() == vector.case.values.keys() and all(
        same(values[name], value) for name, value in vector.case.values.items()
    )  # fmt: skip


def load(directory: Path = HERE) -> list[Vector]:
    """All golden records that there are."""
    return [Vector(**json.loads(path.read_text())) for path in sorted(directory.glob("*.json"))]


def add(directory: Path = HERE) -> Iterator[str]:
    """Write the missing ones, one line for each; raise ValueError where this release would write another record."""
    for name, case in CASES.items():
        path = directory / f"{name}.json"
        vector = Vector(name, case.spec, KEY, make(case).hex())
        if path.exists():
            there = Vector(**json.loads(path.read_text()))
            if there != vector and not (there.varies and reads(there)):
                raise ValueError(f"{path.name} is there and holds other bytes: a golden record is never changed")
            continue
        if not reads(vector):
            raise ValueError(f"{path.name}: this release does not read what it writes")
        path.write_text(json.dumps(vector._asdict(), indent=1) + "\n")
        yield f"{path.name}: {len(vector.data) // 2} bytes"


if __name__ == "__main__":
    register_types()
    try:
        for line in add():
            sys.stdout.write(line + "\n")
    except ValueError as error:
        sys.exit(str(error))
