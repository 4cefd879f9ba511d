"""The house stands: imports go downwards, third parties stay behind one door, and what is public is documented."""

import ast
import sys
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

import transcoders
from tests import child

PACKAGE = Path(transcoders.__file__).parent

FLOORS = {
    9: "cli cli.* __main__",
    8: "demo demo.* measure.report measure.report.* measure.figures measure.figures.*",
    7: "transcoders measure measure.* web web.aiohttp web.asgi web.django web.django.* web.flask web.flask.* web.wsgi "
    "embed embed.* sessions sessions.aio sessions.manager sessions.managing sessions.shadow",
    6: "sessions.clock sessions.forks sessions.renewal sessions.runtime sessions.stores sessions.stores.* "
    "sessions.stats sessions.otel sessions.prometheus sessions.settings sessions.sources web.exchange",
    5: "sessions.core sessions.holding sessions.opening sessions.principals sessions.saving web.visit",
    4: "sessions.attribute sessions.attributes sessions.building sessions.declared sessions.distribution "
    "sessions.driving sessions.events sessions.filtering sessions.ids sessions.index sessions.layout "
    "sessions.locking sessions.merge sessions.msm sessions.notation sessions.policy sessions.ports "
    "sessions.prefix sessions.record sessions.references sessions.saved sessions.session sessions.stored "
    "sessions.trial sessions.view sessions.wire sessions.world web.cookies",
    3: "registry chain header pipeline typed",
    2: "codecs codecs.* filters filters.*",
    1: "spec options frame limits tree packer timestamps arrays records fidelity buffers opcodes seal keyring "
    "dictionary collisions numerals kinds objects graphs machine outlines stack raising streams picklers subclasses "
    "difference schema schema.*",
    0: "errors",
}
"""Floor to modules, from the top; `transcoders` is the package's own `__init__`."""
INSIDE = {1, 3, 4, 5, 6, 7, 8, 9}
"""Floors whose modules may import each other."""
SIBLINGS = ("codecs", "filters", "sessions.stores", "web", "embed")
"""Packages whose modules never import each other; the `__init__` is the protocol that they share."""
COMMAND = 9
"""The floor that only its own command loads: there, use is the import of the module."""
FACES = ("web", "embed")
"""Packages whose modules and packages are each for one framework, which they import at once: one more door to it."""
PURE = range(6)
"""Floors without a clock, a socket, a thread, an event loop or chance."""
IMPURE = {"asyncio", "threading", "time", "socket", "random"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}


@dataclass(frozen=True)
class Import:
    """One imported module: its full name, the line, and whether the import waits for a call."""

    name: str
    line: int
    waits: bool


def names() -> dict[str, Path]:
    """Module names without the package's, and their files."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "transcoders"] = file
    return found


MODULES = names()


def on(module: str, floors: Container[int]) -> int | None:
    """The floor of a module, if it is one of these."""
    for number, patterns in FLOORS.items():
        if number in floors and any(fnmatchcase(module, pattern) for pattern in patterns.split()):
            return number
    return None


def floor(module: str) -> int:
    """The floor of a module; the test fails when it has none."""
    if (number := on(module, FLOORS)) is not None:
        return number
    pytest.fail(f"transcoders/{module.replace('.', '/')}: give it a floor, in the table of {Path(__file__).name}")


def imports(tree: ast.AST, *, waits: bool = False) -> Iterator[Import]:
    """Every import below the node; those in functions and under TYPE_CHECKING wait."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, waits) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                module = whole.removeprefix("transcoders.") in MODULES
                yield Import(whole if module else str(node.module), node.lineno, waits)
        else:
            later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            typing = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            yield from imports(node, waits=waits or later or typing)


def broken(module: str, source: str) -> list[str]:
    """The rules that a module of that source breaks, each with its line."""
    tree = ast.parse(source)
    rules = [(found.line, rule) for found in imports(tree) if (rule := _broken(module, found))]
    if module != "registry":
        rules += [(line, "the environment is read in registry alone") for line in _environment(tree)]
    return [f"transcoders/{module.replace('.', '/')}, line {line}: {rule}" for line, rule in rules]


def _broken(module: str, found: Import) -> str | None:
    top = found.name.partition(".")[0]
    if top == "transcoders":
        return _upwards(module, found.name.removeprefix("transcoders."))
    if top == "bench":
        return "nothing imports bench"
    used = floor(module) >= COMMAND or face(module)
    if top not in sys.stdlib_module_names and not found.waits and not used:
        return f"third-party {top} is imported at use, inside a function"
    if top in IMPURE and floor(module) in PURE:
        return f"floors 0 to 5 import no {top}"
    return None


def _upwards(module: str, target: str) -> str | None:
    own, other = floor(module), floor(target)
    if target.partition(".")[0] == "cli" and own < COMMAND:
        return "nothing imports cli"
    if other > own:
        return f"imports go downwards: {target} is on floor {other}, this is floor {own}"
    if other < own or target in SIBLINGS:
        return None
    for parent in SIBLINGS:
        ours, theirs = _child(module, parent), _child(target, parent)
        if ours and theirs and ours != theirs:
            return f"siblings in {parent}/ never import each other: {target}"
    return None if own in INSIDE else f"modules of floor {own} never import each other: {target}"


def face(module: str) -> str:
    """The face that a module is, or lies in, such as `web.django`; empty for others."""
    return next((f"{parent}.{child}" for parent in FACES if (child := _child(module, parent))), "")


def _child(module: str, parent: str) -> str:
    """Which module or package inside the parent it is, or belongs to; empty outside."""
    return module.removeprefix(f"{parent}.").partition(".")[0] if module.startswith(f"{parent}.") else ""


def _environment(tree: ast.AST) -> list[int]:
    reads = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ENVIRONMENT and ast.unparse(node.value) == "os"
    ]
    return reads + [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os" and ENVIRONMENT & {a.name for a in node.names}
    ]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_keeps_to_its_floor(module):
    """No module breaks a rule of the house."""
    assert floor(module) >= 0
    assert broken(module, MODULES[module].read_text("utf-8")) == []


def test_third_parties_have_one_door():
    """Each package of others is imported in one file, and in one of each kind of face, so that replacing it is easy."""
    doors = defaultdict(set)
    for module, file in MODULES.items():
        for found in imports(ast.parse(file.read_text("utf-8"))):
            top = found.name.partition(".")[0]
            if top not in sys.stdlib_module_names | {"transcoders", "bench"}:
                own = face(module)
                doors[top, own.partition(".")[0] or "the house"].add(own or module)
    assert {door: sorted(files) for door, files in doors.items() if len(files) > 1} == {}


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("errors", "from transcoders.spec import Spec", "imports go downwards: spec is on floor 1"),
        ("frame", "def f():\n    import transcoders.registry", "line 2: imports go downwards"),
        ("spec", "from transcoders import Transcoder", "imports go downwards: transcoders is on floor 7"),
        ("codecs.json", "from transcoders.codecs import cbor", "siblings in codecs/ never import each other"),
        ("codecs", "import transcoders.codecs.json", "modules of floor 2 never import each other"),
        ("filters.zlib", "from transcoders.codecs.json import JsonCodec", "modules of floor 2 never import each other"),
        (
            "sessions.stores.redis.url",
            "import transcoders.sessions.stores.sqlite",
            "siblings in sessions.stores/ never",
        ),
        ("web.flask", "from transcoders.web.django import Store", "siblings in web/ never import each other"),
        ("measure.plan", "from transcoders.measure import report", "measure.report is on floor 8"),
        ("measure.plan", "def f():\n    from transcoders import cli", "nothing imports cli"),
        ("measure.plan", "from bench.payloads import families", "nothing imports bench"),
        ("pipeline", "import time", "floors 0 to 5 import no time"),
        ("spec", "def f():\n    from asyncio import run", "floors 0 to 5 import no asyncio"),
        ("packer", "import ormsgpack", "third-party ormsgpack is imported at use"),
        ("packer", "class Packer:\n    import ormsgpack", "third-party ormsgpack is imported at use"),
        ("embed", "import django", "third-party django is imported at use"),
        ("seal", "import os\nKEY = os.environ['KEY']", "line 2: the environment is read in registry alone"),
        ("seal", "from os import getenv", "the environment is read in registry alone"),
    ],
)
def test_the_rules_bite(monkeypatch, module, source, rule):
    """Each rule names the module, the line and itself when it is broken."""
    later = dict.fromkeys(("cli", "measure.report", "web.django", "sessions.stores.sqlite"), PACKAGE)
    monkeypatch.setattr(sys.modules[__name__], "MODULES", MODULES | later)
    (told,) = broken(module, source)
    assert told.startswith(f"transcoders/{module.replace('.', '/')}, line ")
    assert rule in told


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("filters.hmac", "from transcoders.codecs import Context\nfrom transcoders.filters import Rank"),
        ("chain", "from transcoders.registry import REGISTRY\nfrom transcoders.codecs import Codec"),
        ("measure.plan", "import time\nfrom transcoders import transcoder\nfrom transcoders.measure import stats"),
        ("packer", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ormsgpack"),
        ("registry", "import os\nos.environ.get('KEYS')"),
        ("cli.app", "import click\nfrom transcoders.cli import console"),
        ("embed.django", "from django.conf import settings\nfrom transcoders.embed import Embedded"),
        ("timestamps", "from datetime import time"),
    ],
)
def test_the_rules_let_through(module, source):
    """What the rules allow passes."""
    assert broken(module, source) == []


def test_a_new_module_asks_for_its_floor():
    """A module that the table does not know fails, and the message says what to do."""
    with pytest.raises(pytest.fail.Exception, match=r"transcoders/helpers: give it a floor"):
        floor("helpers")


def test_import_loads_no_codec_library():
    """`import transcoders` pulls in nothing that a spec has not asked for."""
    absent = (
        "msgpack ormsgpack cbor2 orjson numpy zstandard lz4 msgspec click rich pyperf matplotlib asyncio hypothesis"
    )
    code = f"import sys, transcoders; print(sorted(set({absent.split()}) & set(sys.modules)))"
    assert child.run(code).strip() == "[]"


@pytest.mark.parametrize("name", transcoders.__all__)
def test_public_names_are_documented(name):
    """Every name that the package exports exists and says what it is."""
    assert getattr(transcoders, name).__doc__


def undocumented(node: ast.AST) -> Iterator[str]:
    """Public classes and functions, methods included, without a docstring."""
    for item in ast.iter_child_nodes(node):
        if isinstance(item, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_"):
            if not ast.get_docstring(item):
                yield f"{item.name}, line {item.lineno}"
            if isinstance(item, ast.ClassDef):
                yield from (f"{item.name}.{inner}" for inner in undocumented(item))


@pytest.mark.parametrize("module", [module for module in MODULES if on(module, range(4)) is not None])
def test_the_core_is_documented(module):
    """Every module, public function and public class of floors 0 to 3 has a docstring."""
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    assert ast.get_docstring(tree)
    assert list(undocumented(tree)) == []


def test_types_are_shipped():
    """The marker of PEP 561 stands in the package."""
    assert (PACKAGE / "py.typed").is_file()
