"""The pickle machine, run on kinds instead of values: what a pickle would do is known before anything is loaded.

`check` follows every opcode with a stack and a memo of its own. So it knows of each name, call and BUILD what it is
applied to, of each key how many steps its hash takes, and how deep the whole is; the unpickler of the standard library,
which would ask about names alone, runs after it, on a pickle that is known to the end. The opcodes are those that a
pickler of protocol 5 writes. All others are refused wherever they stand: EXT, which reads a cache of the process before
it asks anybody, PERSID, INST, DUP, PUT at a place of choice.
"""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from transcoders.errors import Malformed, Refused, TooLarge, Truncated
from transcoders.kinds import (
    Class,
    Dict,
    Frozenset,
    Instance,
    List,
    Node,
    Set,
    Stack,
    Tuple,
    check_depth,
    container,
    fields,
    shown,
    taken,
    weight,
)
from transcoders.limits import Limits
from transcoders.numerals import Numerals
from transcoders.objects import Row

Find = Callable[[str], Row | None]

_FIXED: Final = {
    ord("N"): (0, "n"), 0x88: (0, "n"), 0x89: (0, "n"), ord("K"): (1, "i"), ord("M"): (2, "i"), ord("J"): (4, "i"),
    ord("G"): (8, "f"),
}  # fmt: skip
"""Opcodes that push what stands in so many bytes."""
_SIZED: Final = {
    ord("X"): (4, "S"), 0x8D: (8, "S"), ord("C"): (1, "b"), ord("B"): (4, "b"), 0x8E: (8, "b"), 0x96: (8, "a"),
    0x8A: (1, "I"), 0x8B: (4, "I"),
}  # fmt: skip
"""Opcodes that push what stands behind a length of so many bytes."""
_EMPTY: Final[dict[int, type[Node]]] = {ord("]"): List, ord("}"): Dict, ord(")"): Tuple, 0x8F: Set}
_TEXT: Final = {bytes}
_LONGEST: Final = 10_000
"""Bytes of text that is looked at: names, and the digits of a Decimal."""
_START: Final = b"\x80\x05"


class Machine:
    """What pickles may do. Free of state.

    Attributes:
        find: the row of a `module:qualname`, or None.
        limits: of depth (containers and instances inside each other, as deep as a pickler goes that writes them), items
            (what lies in containers, and the parts of keys as often as they are hashed), digits, exponents, collisions.
        numerals: the numbers within them.
    """

    __slots__ = ("find", "limits", "numerals")

    def __init__(self, find: Find, limits: Limits) -> None:
        self.find, self.limits, self.numerals = find, limits, Numerals(limits)

    def check(self, data: bytes, buffers: int = 0) -> None:
        """Return when the data is one pickle of protocol 5 that does nothing else, with so many buffers outside it.

        Raises:
            Refused: an opcode, a name or an application of it that is not allowed.
            TooLarge: beyond a limit.
            Truncated: it ends before its STOP.
            Malformed: another protocol, opcodes that do not fit together, or bytes after the end.
        """
        if data[:2] != _START:
            raise Malformed(f"expected a pickle of protocol 5, found bytes starting with {data[:2].hex(' ')}")
        run = _Run(self, buffers)
        try:
            root = run.follow(data)
        except IndexError:
            if run.position >= len(data):
                raise Truncated("expected a pickle's STOP, found the end of the data") from None
            raise Malformed(f"the opcode before byte {run.position} takes what is not there") from None
        if run.position != len(data):
            raise Malformed(f"expected nothing after the pickle's STOP, found {len(data) - run.position} bytes")
        if run.made > self.limits.depth:
            check_depth(root, self.limits.depth)


class _Run:
    """One run: what the opcodes do to the stack, and how much is left of the limits.

    Attributes:
        made: containers and instances, and marks; there are no more of them inside one another.
    """

    __slots__ = ("buffers", "find", "leaves", "limits", "made", "numerals", "position", "prone", "room", "views")

    def __init__(self, machine: Machine, buffers: int) -> None:
        self.find, self.limits, self.numerals = machine.find, machine.limits, machine.numerals
        self.room, self.prone = self.limits.items, Counter[int]()
        self.leaves: dict[Any, Instance] = {}
        self.buffers, self.views, self.position, self.made = buffers, 0, 0, 0

    # One branch for each kind of opcode, those first that come most often: a call for each would take twice the time.
    def follow(self, data: bytes) -> Any:  # noqa: C901, PLR0912 - see above
        """What is left on the stack; `position` is then behind the last opcode that was read."""
        stack: Stack = []
        memo: Stack = []
        below: list[Stack] = []
        at, openings = 2, self.limits.openings
        try:
            while True:
                code = data[at]
                at += 1
                if code == 0x94:  # MEMOIZE
                    memo.append(stack[-1])
                elif code == 0x8C:  # SHORT_BINUNICODE
                    start = at + 1
                    at = start + data[at]
                    stack.append(data[start:at])
                elif code == 0x68:  # BINGET
                    stack.append(memo[data[at]])
                    at += 1
                elif code in _STEPS:
                    _STEPS[code](self, stack)
                elif code == 0x28 and openings:  # MARK
                    below.append(stack)
                    stack = []
                    openings -= 1
                elif code in _MARKED:
                    items, stack = stack, below.pop()
                    _MARKED[code](self, stack, items)
                elif code in _FIXED:
                    width, kind = _FIXED[code]
                    stack.append(kind)
                    at += width
                elif code in _EMPTY and openings:
                    stack.append(_EMPTY[code]())
                    openings -= 1
                elif code == 0x2E:  # STOP
                    break
                elif code == 0x30 and not stack:  # POP takes a mark where there is nothing above it
                    stack = below.pop()
                else:
                    at = self._rare(code, data, at, stack, memo)
        finally:
            self.position = at
            self.made += self.limits.openings - openings
        if len(stack) != 1 or below or self.buffers or self.views:
            raise Malformed("expected one value at the pickle's STOP, and each buffer in an array")
        return stack[0]

    def _rare(self, code: int, data: bytes, at: int, stack: Stack, memo: Stack) -> int:
        if code in _SIZED:
            return self._sized(code, data, at, stack)
        if code == 0x6A:  # LONG_BINGET
            stack.append(memo[int.from_bytes(data[at : at + 4], "little")])
            return at + 4
        if code == 0x95:  # FRAME
            return at + 8
        if code == 0x30:  # POP
            stack.pop()
            return at
        if code in _EMPTY or code == 0x28:
            raise TooLarge(f"expected at most {self.limits.openings} marks and containers, found more")
        raise Refused(f"opcode {code:#04x} at byte {at - 1} is not one that objects need")

    def _sized(self, code: int, data: bytes, at: int, stack: Stack) -> int:
        width, kind = _SIZED[code]
        start = at + width
        end = start + int.from_bytes(data[at:start], "little")
        if end > len(data):
            left = max(0, len(data) - start)
            raise Truncated(f"opcode {code:#04x} at byte {at - 1} declares {end - start} bytes, {left} are left")
        value: object = kind
        if kind == "S" and end - start <= _LONGEST:
            value = data[start:end]
        elif kind == "I" and -(1 << 63) <= self.numerals.within(_int(data[start:end])) < 1 << 64:
            value = "i"
        stack.append(value)
        return end

    # Opcodes that put together: the stack below the last mark, and what stands above it.

    def put(self, count: int) -> None:
        """Count entries of a container."""
        self.room -= count
        if self.room < 0:
            raise TooLarge(f"expected at most {self.limits.items} items, found more")

    def tuple(self, stack: Stack, items: Stack) -> None:
        """TUPLE."""
        self.put(len(items))
        self.made += 1
        stack.append(Tuple(items))

    def appends(self, stack: Stack, items: Stack) -> None:
        """APPENDS."""
        self.put(len(items))
        container(stack[-1], "l").extend(items)

    def setitems(self, stack: Stack, items: Stack) -> None:
        """SETITEMS."""
        if len(items) % 2:
            raise Malformed("expected keys and values in turns")
        inside = container(stack[-1], "d")
        self._hash(inside, items[::2])
        inside.extend(items)

    def additems(self, stack: Stack, items: Stack) -> None:
        """ADDITEMS."""
        inside = container(stack[-1], "m")
        self._hash(inside, items)
        inside.extend(items)

    def frozenset(self, stack: Stack, items: Stack) -> None:
        """FROZENSET."""
        stack.append(Frozenset(items))
        self._hash(stack[-1], items)

    def _hash(self, inside: Stack, keys: Stack) -> None:
        """Count the keys of a container, and what hashing them takes."""
        self.put(len(keys))
        if set(map(type, keys)) != _TEXT:
            weights = list(filter(None, map(weight, keys)))
            self.put(sum(weights))
            self.prone[id(inside)] += len(weights)
            if self.prone[id(inside)] > self.limits.collisions:
                raise TooLarge(f"expected at most {self.limits.collisions} keys whose hash can be chosen, found more")

    # Opcodes that name, make and fill.

    def stack_global(self, stack: Stack) -> None:
        """STACK_GLOBAL."""
        qualname, module = stack.pop(), stack.pop()
        if type(qualname) is not bytes or type(module) is not bytes:
            raise Refused("the pickle names what is no name")
        name = f"{module.decode(errors='replace')}:{qualname.decode(errors='replace')}"
        row = self.find(name)
        if row is None:
            raise Refused(f"the pickle names {name[:120]}, which is not registered")
        stack.append(Class(row))

    def reduce(self, stack: Stack) -> None:
        """REDUCE."""
        arguments, row = _call(stack)
        self.views -= taken(row, arguments, row.call).count("v")
        if row.target is Decimal:
            self._decimal(arguments[0])
        self.made += 1
        stack.append(self._leaf(row) if row.kind == "x" else Instance(row, arguments))

    def _leaf(self, row: Row) -> Instance:
        """One for all values of a class that nothing lies in."""
        leaf = self.leaves.get(row.target)
        if leaf is None:
            leaf = self.leaves[row.target] = Instance(row)
        return leaf

    def _decimal(self, text: bytes) -> None:
        try:
            self.numerals.raise_decimal(text.decode())
        except TooLarge:
            raise
        except (ValueError, ArithmeticError) as error:
            raise Malformed("expected the digits of a Decimal") from error

    def next_buffer(self, stack: Stack) -> None:
        """NEXT_BUFFER."""
        if not self.buffers:
            raise Refused("the pickle takes a buffer more than there are")
        self.buffers -= 1
        self.views += 1
        stack.append("v")


def _newobj(run: _Run, stack: Stack) -> None:
    arguments, row = _call(stack)
    taken(row, arguments, row.make)
    run.made += 1
    stack.append(Instance(row, arguments))


def _newobj_ex(run: _Run, stack: Stack) -> None:
    keywords = stack.pop()
    arguments, row = _call(stack)
    if not row.keywords or type(keywords) is not Dict:
        raise Refused(f"the pickle makes a {shown(row)} from keywords, which its own pickles do not")
    run.made += 1
    stack.append(Instance(row, arguments, keywords))


def _build(_run: _Run, stack: Stack) -> None:
    state, target = stack.pop(), stack[-1]
    if type(target) is not Instance or target.built or target.row.state == "none":
        raise Refused("the pickle sets fields of what takes none")
    target.built = True
    target.extend([[state]] if target.row.state == "own" else fields(target.row, state))


def _readonly_buffer(_run: _Run, stack: Stack) -> None:
    if stack[-1] != "v":
        raise Refused("the pickle makes a view of what is no buffer")


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _call(stack: Stack) -> tuple[Stack, Row]:
    arguments, named = stack.pop(), stack.pop()
    if type(named) is not Class or type(arguments) is not Tuple:
        raise Refused("the pickle calls what is no class, or with what is no tuple")
    return arguments, named.row


def _top(size: int) -> Callable[[_Run, Stack], None]:
    """A tuple of so many from the top."""

    def step(run: _Run, stack: Stack) -> None:
        items = stack[-size:]
        if len(items) < size:
            raise IndexError
        del stack[-size:]
        run.tuple(stack, items)

    return step


_STEPS: Final[dict[int, Callable[[_Run, Stack], None]]] = {
    0x85: _top(1), 0x86: _top(2), 0x87: _top(3),
    ord("a"): lambda run, stack: run.appends(stack, [stack.pop()]),
    ord("s"): lambda run, stack: run.setitems(stack, [stack.pop(), stack.pop()][::-1]),
    0x93: _Run.stack_global, ord("R"): _Run.reduce, 0x81: _newobj, 0x92: _newobj_ex, ord("b"): _build,
    0x97: _Run.next_buffer, 0x98: _readonly_buffer,
}  # fmt: skip
"""Opcodes that take from the top of the stack."""
_MARKED: Final[dict[int, Callable[[_Run, Stack, Stack], None]]] = {
    ord("t"): _Run.tuple, ord("e"): _Run.appends, ord("u"): _Run.setitems, 0x90: _Run.additems,
    0x91: _Run.frozenset, ord("1"): lambda _run, _stack, _items: None,
}  # fmt: skip
"""Opcodes that take what stands above the last mark."""
