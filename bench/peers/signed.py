"""itsdangerous: its Serializer, which signs with HMAC-SHA1 and says so in base64, over two ways to write the model."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import orjson
from itsdangerous import Serializer

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline

_KEY = bytes(range(32))


class _Between:
    """What itsdangerous takes for a serializer: an object with these two."""

    def __init__(self, dumps: Callable[[Any], bytes], loads: Callable[[bytes], Any]) -> None:
        self.dumps, self.loads = dumps, loads


def _signed(dumps: Callable[[Any], bytes], loads: Callable[[bytes], Any]) -> Pair:
    serializer: Any = Serializer(_KEY, serializer=_Between(dumps, loads))
    return serializer.dumps, serializer.loads


def _lowered(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else list(value)


def _orjson(model: Model) -> Pair:
    convert = msgspec.convert
    return _signed(lambda value: orjson.dumps(value, _lowered), lambda data: convert(orjson.loads(data), model))


def _msgspec(model: Model) -> Pair:
    return _signed(msgspec.json.Encoder().encode, msgspec.json.Decoder(model).decode)


PIPELINES = (
    Pipeline("itsdangerous + orjson + convert", "signed", ("dataclass", "slots"), _orjson),
    Pipeline("itsdangerous + msgspec json", "signed", ("dataclass", "slots", "struct"), _msgspec),
)
