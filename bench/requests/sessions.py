"""The sessions of the rig: 0.2, 2 and 50 kB of JSON, in sixteen variants, each with a counter beside what it holds.

50 kB come in two shapes: one big attribute beside small ones, and forty of 1.2 kB. A request wants a small one; in
`50k-part` it wants one of the forty, which is decoded, may be changed in place, and is therefore compared at the end.
"""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.payloads import VARIANTS, plain, shop
from bench.payloads.dice import Dice

Session = MutableMapping[str, Any]
_PART = "part_17"


@dataclass(frozen=True, slots=True)
class Size:
    """Sessions of one size, and what a request does with them.

    Attributes:
        name: as in tables and on the command line.
        make: one of them.
        read: asks for one attribute.
        change: reads one attribute and changes it.
        what: which attributes these are.
    """

    name: str
    make: Callable[[Dice], dict[str, Any]]
    read: Callable[[Session], object]
    change: Callable[[Session], None]
    what: str

    def variants(self, count: int = VARIANTS) -> list[dict[str, Any]]:
        """So many sessions, the same at each call."""
        return [{"hits": 1000, **self.make(Dice(self.name, number))} for number in range(count)]


def _scalar(session: Session) -> object:
    return session["csrf"] if "csrf" in session else session["csrf_token"]


def _count(session: Session) -> None:
    session["hits"] += 1


def _part(session: Session) -> object:
    return session[_PART]


def _in_place(session: Session) -> None:
    session[_PART][0]["qty"] += 1


def _parts(dice: Dice, count: int, items: int) -> dict[str, Any]:
    """A session of so many carts."""
    return {"csrf": dice.code(32)} | {f"part_{number}": shop.cart(dice, items)["cart"] for number in range(count)}


_TOKEN = "reads a token, counts a counter up"  # noqa: S105 - what a request does
SIZES: tuple[Size, ...] = (
    Size("0.2k", plain.small, _scalar, _count, _TOKEN),
    Size("2k", plain.medium, _scalar, _count, _TOKEN),
    Size("50k", partial(shop.cart, items=770), _scalar, _count, _TOKEN),
    Size("50k-40", partial(_parts, count=40, items=19), _scalar, _count, _TOKEN),
    Size(
        "50k-part", partial(_parts, count=40, items=19), _part, _in_place, "reads one list of forty, changes it inside"
    ),
)


def size(name: str) -> Size:
    """The size of that name."""
    return next(one for one in SIZES if one.name == name)
