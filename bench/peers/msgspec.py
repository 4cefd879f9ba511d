"""msgspec: its own encoders and decoders, and the model kinds that it is quick with."""

import msgspec

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline

_KINDS = ("dataclass", "slots", "attrs", "struct", "array")


def _json(model: Model) -> Pair:
    return msgspec.json.Encoder().encode, msgspec.json.Decoder(model).decode


def _msgpack(model: Model) -> Pair:
    return msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(model).decode


PIPELINES = (
    Pipeline("msgspec", "json", _KINDS, _json),
    Pipeline("msgspec", "msgpack", _KINDS, _msgpack),
)
