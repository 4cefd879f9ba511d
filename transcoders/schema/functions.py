"""The generated functions of one type: a value to body bytes and back, alone or with the frame around them.

Each is one call of Python: the checks, the engine and the header stand in one function, because below 1 kB a call
costs as much as the codec. Whatever is not right and plain goes to the function that explains or tags it.
"""

from collections.abc import Callable
from typing import Any

from transcoders.frame import NONE
from transcoders.limits import Limits
from transcoders.schema.engines import Engine
from transcoders.schema.nodes import Checked, Fixed, Leaf, Mapping, Node, Record, Sequence, Union
from transcoders.schema.notation import Notation
from transcoders.schema.raising import Raising
from transcoders.schema.source import Unsupported, compiled
from transcoders.schema.writing import Writing

_DUMPS = '''
def f(value, /):
    """The form and the body of the value."""
    given = value
    try:
        #body
        return 0, pack(RESULT)
    except Exception:
        pass
    return slow(given)
'''
_LOADS = '''
def f(form, data, /):
    """The value of the body."""
    try:
        if form == 0:
            wire = unpack(data)
            #body
            return RESULT
    except Exception:
        pass
    return slow(form, data)
'''
_ENCODE = '''
def f(value, /, associated_data=none):
    """The frame of the value; see Transcoder.encode."""
    given = value
    try:
        #body
        data = PREFIX + pack(RESULT)
        if len(data) <= SIZE and associated_data is none:
            return data
    except Exception:
        pass
    return slow(given, associated_data)
'''
_DECODE = '''
def f(data, /, associated_data=none):
    """The value in the frame; see Transcoder.decode."""
    try:
        wire = data.removeprefix(PREFIX)
        if len(wire) < len(data) <= SIZE and associated_data is none:
            wire = unpack(wire)
            #body
            return RESULT
    except Exception:
        pass
    return slow(data, associated_data)
'''
Function = Callable[..., Any]


class Functions:
    """What is generated for one type, notation and engine."""

    __slots__ = ("_lift", "_lower", "_name", "_pack", "_unpack")

    def __init__(self, node: Node, notation: Notation, engine: Engine, limits: Limits, *, checks: bool) -> None:
        """Raises Unsupported when the shape needs the interpreter."""
        if notation.text and not _closed(node):
            raise Unsupported
        writing, raising = Writing(notation, engine, limits, checks=checks), Raising(notation, engine, limits)
        if notation.text:
            raising.source.line("if data[-1] <= 32: raise Stop")  # an engine reads over white space
        lowered, (lifted, wire) = writing.write(node), raising.write(node)
        writing.source.flush()
        raising.source.flush()
        self._lower, self._lift = (writing.source, lowered), (raising.source, lifted)
        self._name = str(getattr(getattr(node, "cls", None), "__name__", "payload"))
        self._pack = engine.pack
        self._unpack = engine.typed(wire) if engine.typed else engine.unpack

    def dumps(self, slow: Function, template: str = _DUMPS) -> Function:
        """A function from value to form and body; what it cannot do it passes to `slow`."""
        source, result = self._lower
        return compiled(template, source.lines, result, {**source.names, "pack": self._pack, "slow": slow}, self._name)

    def loads(self, slow: Function, template: str = _LOADS) -> Function:
        """A function from form and body to value."""
        source, result = self._lift
        names = {**source.names, "unpack": self._unpack, "slow": slow}
        return compiled(template, source.lines, result, names, self._name)

    def bare(self, dumps: Function, loads: Function) -> tuple[Function, Function]:
        """The same two without the form, which is the plain one."""
        template = _LOADS.replace("form, ", "").replace("form == 0", "True")
        return self.dumps(dumps, _DUMPS.replace("0, ", "")), self.loads(loads, template)

    def encode(self, prefix: bytes, size: int, slow: Function) -> Function:
        """A function from value to a frame of the prefix and the body, of at most `size` bytes."""
        source, result = self._lower
        names = {**source.names, "pack": self._pack, "slow": slow, "none": NONE}
        return compiled(_framed(_ENCODE, prefix, size), source.lines, result, names, self._name)

    def decode(self, prefix: bytes, size: int, slow: Function) -> Function:
        """A function from such a frame to the value."""
        source, result = self._lift
        names = {**source.names, "unpack": self._unpack, "slow": slow, "none": NONE}
        return compiled(_framed(_DECODE, prefix, size), source.lines, result, names, self._name)


def _framed(template: str, prefix: bytes, size: int) -> str:
    """The template with its constants, which cost less than names."""
    return template.replace("PREFIX", repr(prefix)).replace("SIZE", str(size))


def _closed(node: Node) -> bool:
    """Whether JSON text of the shape shows where it ends; a number cut short is another number."""
    match node:
        case Checked(inner):
            return _closed(inner)
        case Union(options):
            return not node.bare or all(_closed(option) for _, option in options)
    return isinstance(node, Record | Sequence | Fixed | Mapping) or node in (Leaf("none"), Leaf("bool"))


def functions(
    node: Node, notation: Notation, engine: Engine, limits: Limits, *, checks: bool = True
) -> Functions | None:
    """The generated functions of a shape; None when the interpreter has to do it.

    Without `checks`, values that are encoded are taken to be of their declared types.
    """
    try:
        return Functions(node, notation, engine, limits, checks=checks)
    except Unsupported:
        return None
