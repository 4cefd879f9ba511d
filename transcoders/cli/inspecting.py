"""`transcoders inspect`: what a frame says about itself, and with `--decode` what it holds."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from transcoders.errors import DecodeError, SpecError
from transcoders.header import Header, peek
from transcoders.pipeline import transcoder
from transcoders.registry import REGISTRY

_SHOWN = 64


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found.

    Attributes:
        header: of the frame.
        seal: in words; None when the frame has none.
        value: as JSON text with tag objects for what JSON lacks; None when it was not decoded.
        problem: why it was not; None when it was, or was not asked for.
        hexdump: of the first 64 bytes.
    """

    header: Header
    seal: str | None
    value: str | None
    problem: str | None
    hexdump: str

    @property
    def ok(self) -> bool:
        """Whether the bytes are a frame, or a reader took them, and decoded when that was asked for."""
        return self.problem is None and (self.value is not None or not self.header.foreign)

    def rows(self) -> list[tuple[str, str]]:
        """The header as rows of a table."""
        header = self.header
        if header.foreign:
            return [("frame", "no"), ("size", f"{header.size} bytes")]
        form = "objects" if header.objects else "tagged" if header.tagged else "plain"
        shape = form + (", with buffers" if header.buffers else "")
        return [
            ("frame", f"version {header.version}"),
            ("spec", "+".join((header.codec, *header.filters))),
            ("form", shape),
            *self._schema(),
            ("size", f"{header.size} bytes, {header.body_size} of them body"),
            ("seal", self.seal or "none"),
        ]

    def _schema(self) -> list[tuple[str, str]]:
        header = self.header
        if not header.layout:
            return []
        stamp = f"version {header.schema_version}, fingerprint {header.fingerprint}"
        return [("schema", f"{stamp}, layout {header.layout}")]

    def record(self) -> dict[str, Any]:
        """The inspection as JSON holds it."""
        value = json.loads(self.value) if self.value is not None else None
        return asdict(self) | {"header": self.header._asdict(), "value": value}


def inspect(data: bytes, *, decode: bool, env: str | None, accept: tuple[str, ...]) -> Inspection:
    """The inspection of the data.

    Args:
        data: a frame, or with `accept` what one of its readers reads.
        decode: whether to decode it.
        env: the environment variable with the keys of its seal.
        accept: readers for data without a frame.
    """
    header = peek(data)
    seals = [name for name in header.filters if name in _seals()]
    value, problem = _decoded(data, header, seals, env, accept) if decode else (None, None)
    seal = None
    if seals:
        checked = decode and not header.layout
        seal = f"{seals[0]}, " + ("not checked" if not checked else "does not match" if problem else "matches")
    return Inspection(header, seal, value, problem, _hexdump(data[:_SHOWN]))


def _decoded(
    data: bytes, header: Header, seals: list[str], env: str | None, accept: tuple[str, ...]
) -> tuple[str | None, str | None]:
    if header.layout:
        return None, "the frame is of a declared type, and only that type decodes it"
    spec = "+".join((header.codec, *header.filters)) if not header.foreign else "json"
    if seals:
        if env is None:
            return None, f"the frame is sealed by {seals[0]}: --env NAME names the variable with its keys"
        spec = spec.replace(seals[0], f"{seals[0]}:env={env}")
    try:
        value = transcoder(spec, accept=accept).decode(data)
    except (DecodeError, SpecError) as error:
        return None, f"{type(error).__name__}: {error}"
    return transcoder("json").encode(value)[5:].decode(), None


def _seals() -> set[str]:
    return {name for kind, name, factory in REGISTRY.tagged() if kind == "filter" and factory.rank > 1}


def _hexdump(data: bytes) -> str:
    lines = []
    for start in range(0, len(data), 16):
        part = data[start : start + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{start:04x}  {part.hex(' '):<47}  {text}")
    return "\n".join(lines)
