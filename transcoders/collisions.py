"""Keys and members whose hash is chosen by whoever writes them: where there are many, a dict may take hours to build.

Python salts the hashes of text, bytes, dates and naive datetimes. Those of other numbers follow from their value, and
those of Decimals, UUIDs, tuples and whatever is made of them from the numbers in them: 10,000 UUIDs of one hash take
six seconds to put into a set. Integers of 64 bits and floats are not salted either, but at most 13 and 105 of them
have one hash, for hashes of numbers are remainders modulo 2**61 - 1 (`sys.hash_info`).

So where no seal vouches for the bytes, such members are counted before they are hashed.
"""

from collections.abc import Iterable
from datetime import date, datetime, time
from types import NoneType
from typing import Any, Final

_SALTED: Final = frozenset((NoneType, bool, float, str, bytes, date))
_MOMENTS: Final = frozenset((datetime, time))
_LOW: Final = -(1 << 63)
_HIGH: Final = 1 << 64


def prone(members: Iterable[Any]) -> int:
    """How many of the members have a hash that could be chosen."""
    return sum(1 for one in members if type(one) not in _SALTED and not _harmless(one))


def crowd(most: int) -> str:
    """What is wrong with more of them."""
    return f"more than {most} keys or members whose hash can be chosen, where no seal vouches for them"


def _harmless(member: Any) -> bool:
    kind = type(member)
    return (kind is int and _LOW <= member < _HIGH) or (kind in _MOMENTS and member.tzinfo is None)
