"""A pipeline: one way to turn a model's values into bytes and back, ours or a peer's."""

from collections.abc import Callable
from dataclasses import dataclass

from bench.peers.kinds import Model
from bench.race import Decode, Encode

CODECS = ("json", "msgpack", "cbor", "pickle", "signed")
"""The tables; below a signature any format may stand."""

Pair = tuple[Encode, Decode]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One row of a table, for each kind of model that it takes.

    Attributes:
        name: as the tables have it.
        codec: the table, of `CODECS`.
        kinds: of models, of `kinds.KINDS`.
        make: the encoder and decoder of a model.
        claims: whether it is said to refuse what does not have the model's types.
        form: of ours `bare`, `framed` or `sealed`; empty for a peer.
        compact: of ours, whether fields go without their names.
        competes: whether it may be the best peer.
    """

    name: str
    codec: str
    kinds: tuple[str, ...]
    make: Callable[[Model], Pair]
    claims: bool = True
    form: str = ""
    compact: bool = False
    competes: bool = True
