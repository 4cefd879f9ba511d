"""Candidates: a transcoder under study, with what the verdict needs to know of it, and the name of its file.

Sealed and encrypted specs are measured with a throwaway key: what a key costs does not depend on which it is.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from transcoders import Transcoder, transcoder
from transcoders.errors import MissingExtra, SpecError
from transcoders.filters import Rank
from transcoders.registry import REGISTRY

_KEY = b"throwaway key, for measuring only"[:32]
_WRITTEN = re.compile(r"=([^,+]*)")
_FILED = re.compile(r"([:,][a-z][a-z0-9_]*)-([^,+]*)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is recorded of a transcoder.

    Attributes:
        spec: its canonical text.
        keyed: whether it cannot work without keys.
        data_only: decoding runs no code that the bytes name.
        readable: people can read the bytes, which compression and encryption end.
        deterministic: equal values give equal bytes.
        cross_language: other languages have libraries for the format.
    """

    spec: str
    keyed: bool
    data_only: bool
    readable: bool
    deterministic: bool
    cross_language: bool

    @property
    def interchange(self) -> bool:
        """Whether the bytes may come from anyone: they are data only, in a format that is not Python's own."""
        return self.data_only and self.cross_language


def candidate(spec: str) -> Candidate:
    """What a config string names.

    Raises:
        SpecError: no transcoder has this spec; MissingExtra when a package for it is not installed.
    """
    subject, keyed = _opened(spec)
    traits = subject.traits
    return Candidate(
        spec=str(subject.spec),
        keyed=keyed,
        data_only=traits.data_only,
        readable=traits.readable and all(_rank(stage.name) == Rank.SIGN for stage in subject.spec.filters),
        deterministic=traits.deterministic,
        cross_language=traits.cross_language,
    )


def _rank(name: str) -> Rank:
    rank: Rank = REGISTRY.find(("filter",), name)[1].rank
    return rank


def opened(spec: str) -> Transcoder[Any]:
    """The transcoder itself, with a throwaway key where it needs one; raises SpecError like `candidate`."""
    return _opened(spec)[0]


def _opened(spec: str) -> tuple[Transcoder[Any], bool]:
    try:
        return transcoder(spec), False
    except MissingExtra:
        raise
    except SpecError as refused:
        try:
            return transcoder(spec, keys=(_KEY,)), True
        except SpecError:
            raise refused from None


def file_name(spec: str) -> str:
    """The canonical spec as a file name without ending: `json+zlib:level=1` is `json+zlib@level-1`."""
    return _WRITTEN.sub(lambda match: "-" + quote(match[1], safe=""), spec).replace(":", "@")


def spec_name(name: str) -> str:
    """The spec that a file name stands for: the inverse of `file_name`."""
    return _FILED.sub(lambda match: f"{match[1]}={unquote(match[2])}", name.replace("@", ":"))
