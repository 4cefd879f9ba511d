"""Builtins in between: msgspec lowers the model and lifts it again, another library writes what lies between.

These are compositions of published parts, not products: the best that a user can put together for CBOR and pickle.
The one over libipld, which writes maps in an order of its own and no NaN, is shown and does not compete: no CBOR
library for typed payloads is built on it.
"""

import io
import pickle
from collections.abc import Callable
from typing import Any, Never

import cbor2
import libipld
import msgspec

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline
from bench.race import Decode, Encode


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Never:
        raise pickle.UnpicklingError(f"no names: {module}.{name}")


def _dumps(value: Any) -> bytes:
    return pickle.dumps(value, protocol=5)


def _loads(data: bytes) -> Any:
    return _DataOnly(io.BytesIO(data)).load()


def _through(dumps: Encode, loads: Decode) -> Callable[[Model], Pair]:
    def make(model: Model) -> Pair:
        lower, lift = msgspec.to_builtins, msgspec.convert
        return lambda value: dumps(lower(value)), lambda data: lift(loads(data), model)

    return make


_KINDS = ("dataclass", "slots", "struct")
PIPELINES = (
    Pipeline("to_builtins + cbor2 + convert", "cbor", _KINDS, _through(cbor2.dumps, cbor2.loads)),
    Pipeline(
        "to_builtins + libipld + convert",
        "cbor",
        _KINDS,
        _through(libipld.encode_dag_cbor, libipld.decode_dag_cbor),
        competes=False,
    ),
    Pipeline("to_builtins + pickle, no names + convert", "pickle", _KINDS, _through(_dumps, _loads)),
)
