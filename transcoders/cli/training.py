"""`transcoders train`: a zstd dictionary from one's own sessions, and what it saves on sessions it has not seen.

Every fourth session is held back from the training; what is said about the dictionary is measured on those, through
the stages of the config string that is printed.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import truediv
from pathlib import Path
from statistics import median
from typing import Any

from transcoders.chain import Chain
from transcoders.dictionary import SMALLEST, read, train
from transcoders.errors import EncodeError, SpecError
from transcoders.filters import Rank
from transcoders.filters.zstd import LEVEL
from transcoders.limits import Limits
from transcoders.measure.payload import MOST_VARIANTS, Payload, load
from transcoders.registry import REGISTRY
from transcoders.spec import Spec, Stage, parse

Progress = Callable[[int, int, str], object]
"""Told how many sessions are encoded, of how many, and what is being done."""
COLUMNS = [("body", False), ("bytes", True), ("of the codec's", True), ("of JSON", True)]
LEAST = 40
"""Sessions, whatever their size."""
TIMES = 4
"""Bytes of samples for each byte of dictionary: of fewer, zstd learns all by heart, and other sessions grow."""
_HELD = 4
"""One session of so many is held back."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was typed.

    Attributes:
        payloads: sources of sessions.
        spec: the config string that the dictionary is for, with zstd or without.
        size: bytes of the dictionary, at most.
        output: its file, which must not be there yet.
    """

    payloads: Sequence[str]
    spec: str
    size: int
    output: Path


@dataclass(frozen=True, slots=True)
class Row:
    """The bodies of the held-back sessions, written in one way.

    Attributes:
        name: the way, in words.
        bytes: median of their sizes.
        of_body: median ratio to what the codec writes.
        of_json: median ratio to what the json codec writes.
    """

    name: str
    bytes: float
    of_body: float
    of_json: float


@dataclass(frozen=True, slots=True)
class Training:
    """A dictionary that was written.

    Attributes:
        path: its file.
        id: what frames call it.
        bytes: its size.
        trained_on: how many sessions it was made from.
        held_back: how many others `rows` are about.
        spec: the config string that writes with it, and reads what was read before.
        rows: the codec's own bodies, zstd without the dictionary, and with it.
    """

    path: str
    id: int
    bytes: int
    trained_on: int
    held_back: int
    spec: str
    rows: list[Row]

    def sentence(self) -> str:
        """What was written, in words."""
        return f"{self.path}: zstd dictionary {self.id}, {self.bytes} bytes, trained on {self.trained_on} sessions"

    def cells(self) -> list[tuple[str, ...]]:
        """The rows as a table shows them."""
        return [(row.name, f"{row.bytes:g}", f"{row.of_body:.2f}", f"{row.of_json:.2f}") for row in self.rows]

    def record(self) -> dict[str, Any]:
        """The training as JSON holds it."""
        return asdict(self)


def training(request: Request, progress: Progress) -> Training:
    """The dictionary for these sessions, in its file, and what it saves.

    Raises:
        SpecError: something in the request is wrong, or there are too few sessions.
    """
    codec, stage, others = _stages(parse(request.spec))
    _chain(codec, stage)  # what is wrong with the spec is said before anything is written
    renewed = _renewed(stage, request.output)
    level = dict(stage.options).get("level", str(LEVEL))
    plain = _chain(codec, Stage.of("zstd", {"level": level, "min": "0"}))
    sizes = _bodies(request.payloads, plain, progress)
    learned, held = _parted(list(sizes), request.size)
    progress(len(sizes), len(sizes), "training")
    _write(request.output, train(learned, request.size, int(level)))
    made, json = read(str(request.output)), [sizes[body] for body in held]
    rows = [
        _row(str(codec), held, held, json),
        _row("with zstd", _compressed(plain, held), held, json),
        _row("with zstd and the dictionary", _compressed(_chain(codec, renewed), held), held, json),
    ]
    spec = str(Spec(codec, (renewed, *others)))
    return Training(made.path, made.id, len(made.content), len(learned), len(held), spec, rows)


def _stages(spec: Spec) -> tuple[Stage, Stage, list[Stage]]:
    """The codec, the zstd stage as it is or as it would be, and the stages behind it."""
    for stage in spec.filters:
        factory = REGISTRY.find(("filter",), stage.name)[1]
        if stage.name != "zstd" and getattr(factory, "rank", None) == Rank.COMPRESS:
            raise SpecError(f"dictionaries are for zstd: take {stage.name!r} out of --spec")
    found = [stage for stage in spec.filters if stage.name == "zstd"] or [Stage("zstd")]
    return spec.codec, found[0], [stage for stage in spec.filters if stage.name != "zstd"]


def _chain(codec: Stage, stage: Stage) -> Chain:
    return Chain(Spec(codec, (stage,)), (), Limits())


def _renewed(stage: Stage, path: Path) -> Stage:
    """The stage that writes with the dictionary at the path, and reads with those that it read with before."""
    options = dict(stage.options)
    old = [options[name] for name in ("dict", "read") if name in options]
    new = {"dict": str(path)} | ({"read": ";".join(old)} if old else {})
    renewed = Stage.of(stage.name, options | new)
    try:
        fits = ";" not in str(path) and parse(f"json+{renewed}").filters == (renewed,)
    except SpecError:
        fits = False
    if not fits:
        raise SpecError(f"-o {path}: a config string holds no path with spaces or any of + , = ; name another file")
    return renewed


def _bodies(sources: Sequence[str], chain: Chain, progress: Progress) -> dict[bytes, int]:
    """The different bodies that the codec writes, each with the size of its JSON."""
    dumps, json = chain.codec.dumps, Chain(parse("json"), (), Limits()).codec.dumps
    sessions = [session for source in sources for payload in load(source) for session in _sessions(payload)]
    found = {}
    for number, session in enumerate(sessions, start=1):
        try:
            found[dumps(session)[1]] = len(json(session)[1])
        except EncodeError as error:
            raise SpecError(f"session {number} cannot be encoded: {error}") from error
        progress(number, len(sessions), "encoding")
    return found


def _sessions(payload: Payload) -> Sequence[object]:
    """The variants; the items of a list that stands alone, because a session is no list."""
    first = payload.variants[0]
    return first if len(payload.variants) == 1 and isinstance(first, list | tuple) else payload.variants


def _parted(bodies: list[bytes], size: int) -> tuple[list[bytes], list[bytes]]:
    """The bodies to train on, and those that are held back."""
    share = TIMES * _HELD / (_HELD - 1)
    total, count = sum(map(len, bodies)), len(bodies)
    needed, largest = max(LEAST, math.ceil(share * size * count / total)), int(total / share)
    if count < needed:
        smaller = f", or --size {largest}" if count >= LEAST and largest >= SMALLEST else ""
        raise SpecError(
            f"expected {needed} different sessions or more for a dictionary of {size} bytes, found {count}: "
            f"give more (--payload may be repeated; of a .jsonl file {MOST_VARIANTS} are taken){smaller}"
        )
    return [body for index, body in enumerate(bodies, start=1) if index % _HELD], bodies[_HELD - 1 :: _HELD]


def _write(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise SpecError(f"-o {path}: there is a file, and frames may need it; name another") from error
    except OSError as error:
        raise SpecError(f"-o {path}: cannot be written: {error}") from error


def _compressed(chain: Chain, bodies: list[bytes]) -> list[bytes]:
    """The bodies as the chain's frames hold them: compressed where that is shorter."""
    apply = chain.filters[0].apply
    return [min(apply(body, b"", b""), body, key=len) for body in bodies]


def _row(name: str, written: list[bytes], bodies: list[bytes], json: list[int]) -> Row:
    sizes = list(map(len, written))
    of_body, of_json = (median(map(truediv, sizes, whole)) for whole in (map(len, bodies), json))
    return Row(name, median(sizes), of_body, of_json)
