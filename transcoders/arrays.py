"""NumPy arrays as `[dtype, order, shape, buffer]` and back, without a copy of the buffer where the codec allows.

Arrays of numbers, booleans, dates and fixed-width text; object and structured arrays are refused, because they hold
references or a layout that other languages cannot read. What comes back is read-only and may share the frame's
memory: `array.copy()` makes it the caller's own. This is the only file that imports numpy, and it does so only when
the value or the bytes hold an array.
"""

import re
import sys
from math import prod
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy import ndarray

_DTYPE = re.compile(r"[<>|][biufcSU]\d{1,6}|[<>][mM]8(?:\[(?:[1-9]\d{0,3})?[A-Za-z]{1,2}\])?")


def is_array(value: object) -> bool:
    """Whether the value is exactly a numpy.ndarray; never imports numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray


def lower(array: "ndarray[Any, Any]") -> tuple[list[object], memoryview]:
    """`[dtype, order, shape]` and the array's bytes; those are copied only when they do not lie in one piece.

    Raises:
        ValueError: the dtype is not one of numbers, booleans, dates or fixed-width text.
    """
    if not _DTYPE.fullmatch(array.dtype.str):
        raise ValueError(f"arrays hold numbers, booleans, dates or text, not dtype {array.dtype.str!r}")
    order: Literal["C", "F"] = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    flat = array.ravel(order=order).view("u1")
    return [array.dtype.str, order, list(array.shape)], flat.data


def raise_(head: object, buffer: bytes | memoryview) -> "ndarray[Any, Any]":
    """The read-only array over the buffer.

    Raises:
        ValueError: head and buffer do not describe one array, or numpy is not installed.
    """
    match head:
        case [str(dtype), ("C" | "F") as order, list(shape)] if _DTYPE.fullmatch(dtype):
            pass
        case _:
            raise ValueError("expected [dtype, order, shape] of an array")
    if len(shape) > 32 or not all(type(size) is int and 0 <= size < 1 << 48 for size in shape):
        raise ValueError("expected the shape of an array")
    try:
        import numpy  # noqa: PLC0415, ICN001
    except ImportError as error:
        raise ValueError('an array needs numpy: pip install "transcoders[numpy]"') from error
    kind = numpy.dtype(dtype)
    if prod(shape) * kind.itemsize != len(buffer):
        raise ValueError(f"expected {prod(shape) * kind.itemsize} bytes of array, found {len(buffer)}")
    array = numpy.frombuffer(buffer, dtype=kind) if len(buffer) else numpy.empty(0, kind)
    if kind.kind == "U" and len(buffer) and array.view(kind.byteorder + "u4").max() > sys.maxunicode:
        raise ValueError("expected text in the array, found what is no code point")
    array = array.reshape(shape, order=order)
    array.flags.writeable = False
    return array
