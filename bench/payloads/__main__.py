"""`python -m bench.payloads` prints the profile of each bundled payload."""

from rich.console import Console
from rich.table import Table

from bench.payloads import families
from transcoders.measure.profile import profile


def main() -> None:
    """Print one table row a family."""
    rows = [profile(payload).row() | {"stands for": payload.note} for payload in families()]
    table = Table(*rows[0])
    for column in table.columns[1:-2]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row.values())
    Console().print(table)


if __name__ == "__main__":
    main()
