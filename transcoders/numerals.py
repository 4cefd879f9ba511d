"""Integers and Decimals within the limits, as text and back.

A number is cheap to write down and dear to use: `1E+999999999` is eleven bytes, and `int()` of it takes the machine.
So digits are counted before they are read, and a number beyond the limits is neither written nor made.
"""

from decimal import Decimal
from typing import Final

from transcoders.errors import TooLarge
from transcoders.limits import Limits

_BESIDE: Final = 32
"""Characters of a Decimal's text beside its digits: sign, point, leading zeros, E and an exponent of 19 digits."""


class Numerals:
    """The numbers that some limits allow; free of state."""

    __slots__ = ("_bound", "_digits", "_exponent", "_longest")

    def __init__(self, limits: Limits) -> None:
        self._digits, self._exponent, self._bound = limits.digits, limits.exponent, 10**limits.digits
        self._longest = len(f"{-self._bound:x}")

    def excess(self, value: int) -> str | None:
        """What is too large about the integer, or None."""
        return None if -self._bound < value < self._bound else f"an integer has at most {self._digits} digits"

    def decimal_excess(self, value: Decimal, text: str) -> str | None:
        """What is too large about the Decimal of that text, or None."""
        if len(text) > self._digits and len(value.as_tuple().digits) > self._digits:
            return f"a Decimal has at most {self._digits} digits"
        if not -self._exponent <= value.adjusted() <= self._exponent:
            return f"a Decimal has an exponent from -{self._exponent} to {self._exponent}"
        return None

    def within(self, value: int) -> int:
        """The integer; raises TooLarge."""
        if told := self.excess(value):
            raise TooLarge(told)
        return value

    def raise_int(self, text: str) -> int:
        """The integer of lower-case hexadecimal text; raises TooLarge, and ValueError or TypeError on other text."""
        if len(text) > self._longest:
            raise TooLarge(f"an integer has at most {self._digits} digits")
        value = int(text, 16)
        if f"{value:x}" != text:
            raise ValueError("expected lower-case hexadecimal digits")
        return self.within(value)

    def raise_decimal(self, text: object) -> Decimal:
        """The Decimal of its own text; raises TooLarge, and ValueError or ArithmeticError on other text."""
        if type(text) is not str or not text.isascii() or "_" in text:
            raise ValueError("expected the digits of a Decimal")
        if len(text) > self._digits + _BESIDE:
            raise TooLarge(f"a Decimal has at most {self._digits} digits")
        value = Decimal(text)
        if told := self.decimal_excess(value, text):
            raise TooLarge(told)
        return value
