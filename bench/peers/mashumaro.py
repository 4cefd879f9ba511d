"""mashumaro: its codecs, which it compiles for the model. It converts rather than checks, as its manual says."""

from mashumaro.codecs.msgpack import MessagePackDecoder, MessagePackEncoder
from mashumaro.codecs.orjson import ORJSONDecoder, ORJSONEncoder

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline

_KINDS = ("dataclass", "slots")


def _json(model: Model) -> Pair:
    return ORJSONEncoder(model).encode, ORJSONDecoder(model).decode


def _msgpack(model: Model) -> Pair:
    return MessagePackEncoder(model).encode, MessagePackDecoder(model).decode


PIPELINES = (
    Pipeline("mashumaro orjson", "json", _KINDS, _json, claims=False),
    Pipeline("mashumaro msgpack", "msgpack", _KINDS, _msgpack, claims=False),
)
