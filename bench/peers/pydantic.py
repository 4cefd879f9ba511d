"""pydantic: JSON in strict mode; MessagePack through builtins, which only its lax mode reads back."""

from functools import partial
from typing import Any

import msgpack
from pydantic import TypeAdapter

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline


def _json(model: Model) -> Pair:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    return adapter.dump_json, partial(adapter.validate_json, strict=True)


def _msgpack(model: Model) -> Pair:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    lower, lift = adapter.dump_python, adapter.validate_python
    return lambda value: msgpack.packb(lower(value, mode="json")), lambda data: lift(msgpack.unpackb(data))


_KINDS = ("dataclass", "pydantic")
PIPELINES = (
    Pipeline("pydantic strict", "json", _KINDS, _json),
    Pipeline("pydantic + msgpack", "msgpack", _KINDS, _msgpack, claims=False),
)
