"""msgspec-cbor: msgspec's models over cbor2, with CBOR's own tags for times, numbers and UUIDs."""

from functools import partial

import msgspec_cbor

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline


def _cbor(model: Model) -> Pair:
    return msgspec_cbor.encode, partial(msgspec_cbor.decode, type=model)


PIPELINES = (Pipeline("msgspec-cbor", "cbor", ("dataclass", "slots", "struct"), _cbor),)
