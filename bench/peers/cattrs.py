"""cattrs: its preconfigured converters, without detailed errors, which is their quicker setting.

UUID and Decimal have no hooks there: they go as text, and text must come back.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import cbor2
import msgpack
import orjson
from cattrs.converters import Converter
from cattrs.preconf.cbor2 import make_converter as make_cbor2
from cattrs.preconf.msgpack import make_converter as make_msgpack
from cattrs.preconf.msgspec import make_converter as make_msgspec
from cattrs.preconf.orjson import make_converter as make_orjson

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline
from bench.race import Decode, Encode

_TEXTS = (UUID, Decimal)


def _through(make_converter: Callable[..., Converter], dumps: Encode, loads: Decode) -> Callable[[Model], Pair]:
    def make(model: Model) -> Pair:
        converter = make_converter(detailed_validation=False)
        for text in _TEXTS:
            converter.register_unstructure_hook(text, str)
            converter.register_structure_hook(text, _read)
        unstructure: Callable[[Any], Any] = converter.get_unstructure_hook(model)
        structure: Callable[[Any, Any], Any] = converter.get_structure_hook(model)
        return lambda value: dumps(unstructure(value)), lambda data: structure(loads(data), model)

    return make


def _msgspec(model: Model) -> Pair:
    converter = make_msgspec(detailed_validation=False)
    for text in _TEXTS:
        converter.register_structure_hook(text, _read)
    return converter.get_dumps_hook(model), converter.get_loads_hook(model)


def _read(text: str, into: type[Any]) -> Any:
    return into(text)


_KINDS = ("dataclass", "attrs")
PIPELINES = (
    Pipeline("cattrs orjson", "json", _KINDS, _through(make_orjson, orjson.dumps, orjson.loads)),
    Pipeline("cattrs msgspec", "json", ("dataclass", "struct"), _msgspec),
    Pipeline("cattrs msgpack", "msgpack", _KINDS, _through(make_msgpack, msgpack.packb, msgpack.unpackb)),
    Pipeline("cattrs cbor2", "cbor", _KINDS, _through(make_cbor2, cbor2.dumps, cbor2.loads)),
)
