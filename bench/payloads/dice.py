"""Dice: seeded choices that fall the same way on every platform and every Python.

Only `Random.random()` is drawn from, because it alone is promised to keep its sequence ("Notes on
Reproducibility" in the `random` documentation); seeding names its version for the same reason. No family
may use another source of chance, the clock, or a hash.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

T = TypeVar("T")

HEX = "0123456789abcdef"
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

_EPOCH = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
_WORDS = (  # noqa: SIM905 - a list literal would take sixty-four lines
    "order street harbour window quiet paper river amber walnut signal copper garden letter morning bridge "
    "market winter silver meadow engine candle forest ribbon anchor museum lantern pepper valley saddle "
    "cotton marble orchard compass thunder basket velvet island kettle mirror pencil planet rocket shadow "
    "temple ticket tunnel violin wagon yellow zebra acorn bishop cactus dragon ember falcon glacier hazel "
    "indigo jasmine kernel lemon magnet nectar"
).split()


class Dice:
    """The choices of one variant of one family."""

    def __init__(self, family: str, variant: int) -> None:
        self.variant = variant
        source = random.Random()  # noqa: S311 - a study must repeat; these tokens open nothing
        source.seed(f"{family}/{variant}", version=2)
        self.real = source.random

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.real() * (high - low + 1))

    def flag(self) -> bool:
        """True or false."""
        return self.real() < 0.5

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self.real() * len(options))]

    def code(self, length: int, alphabet: str = HEX) -> str:
        """Random characters, as in tokens and identifiers."""
        return "".join([self.pick(alphabet) for _ in range(length)])

    def raw(self, length: int) -> bytes:
        """Random bytes."""
        return bytes([self.between(0, 255) for _ in range(length)])

    def words(self, count: int) -> str:
        """Lower-case words with spaces between."""
        return " ".join([self.pick(_WORDS) for _ in range(count)])

    def title(self, count: int = 2) -> str:
        """Words of which the first has a capital."""
        return self.words(count).capitalize()

    def prose(self, length: int) -> str:
        """Running text of exactly so many characters: sentences of eight words, cut at the end."""
        sentences = [self.title(8) for _ in range(1 + length // 40)]
        return ". ".join(sentences)[:length]

    def moment(self) -> datetime:
        """An aware time within ninety days, in whole seconds."""
        return _EPOCH + timedelta(seconds=self.between(0, 90 * 86_400))
