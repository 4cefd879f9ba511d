"""The opcode guard: refuses, before any unpickler starts, a pickle that holds more than data.

Our writer uses the pickler's fast mode: no memo, so nothing is shared and equal values give equal bytes. What is left
of the pickle virtual machine is nearly a regular language, so the guard is one expression that runs in C. It knows
no opcode that names, calls or builds anything (GLOBAL, REDUCE, BUILD, EXT, PERSID …), none that remembers or repeats
(MEMOIZE, PUT, GET, DUP), and no declared length beyond the data. Opcodes: CPython's Lib/pickletools.py, PEP 3154,
PEP 574.
"""

import re
from typing import Final

from transcoders.errors import Malformed, Refused, Truncated

_SIZED: Final = b"|".join(re.escape(bytes((size,))) + b".{%d}" % size for size in range(256))
"""A length byte and as many bytes. The 256 branches are told apart by their first byte, quicker than by lookahead."""
_SIMPLE: Final = b"".join(re.escape(bytes((code,))) for code in b"N\x88\x89()t\x85\x86\x87]ae}su\x97\x98")
_RUN: Final = re.compile(b"(?:[\x8cC\x8a](?:%b)|[%b]|K.|M..|J.{4}|G.{8}|\x95.{8})*+" % (_SIZED, _SIMPLE), re.DOTALL)
"""As many opcodes as stand in a row: marks, containers, None, bools, short str, bytes and int, int, float, frames,
and out-of-band buffers."""
_LONG: Final = {ord("X"): 4, ord("B"): 4, 0x8B: 4, 0x8D: 8, 0x8E: 8, 0x96: 8}
"""Opcodes with a length of so many bytes: BINUNICODE, BINBYTES, LONG4, BINUNICODE8, BINBYTES8, BYTEARRAY8."""
START: Final = b"\x80\x05"
"""Of a pickle of protocol 5."""
_STOP: Final = 0x2E


def check(data: bytes | memoryview) -> None:
    """Return when the data is one pickle of protocol 5 that holds data only.

    Raises:
        Refused: an opcode that data does not need.
        Truncated: a declared length runs past the end, or there is no end.
        Malformed: another protocol, or bytes after the end.
    """
    if bytes(data[:2]) != START:
        raise Malformed(f"expected a pickle of protocol 5, found bytes starting with {bytes(data[:2]).hex(' ')}")
    position = 2
    while True:
        run = _RUN.match(data, position)
        position = run.end() if run else position
        if position >= len(data):
            raise Truncated("expected a pickle's STOP, found the end of the data")
        code = data[position]
        if code == _STOP:
            break
        position = _skip(data, position, code)
    if position + 1 != len(data):
        raise Malformed(f"expected nothing after the pickle's STOP, found {len(data) - position - 1} bytes")


def _skip(data: bytes | memoryview, position: int, code: int) -> int:
    width = _LONG.get(code)
    if width is None:
        if code in b"\x8cC\x8aKMJG\x95":
            raise Truncated(f"opcode {code:#04x} at byte {position} runs past the end")
        raise Refused(f"opcode {code:#04x} at byte {position} is not one that data needs")
    start = position + 1 + width
    size = int.from_bytes(data[position + 1 : start], "little")
    if start + size > len(data):
        raise Truncated(
            f"opcode {code:#04x} at byte {position} declares {size} bytes, {max(0, len(data) - start)} are left"
        )
    return start + size
