"""serpyco-rs: serializers bound to one format, bytes to objects without builtins between.

It has no sets; it is taught sets of text by the means that it offers for that, with a check of each element.
"""

from typing import Any

from serpyco_rs import JSON, MSGPACK, CustomType, Serializer

from bench.peers.kinds import Model
from bench.peers.pipeline import Pair, Pipeline


class _Texts(CustomType[set[str], list[str]]):
    def serialize(self, value: set[str]) -> list[str]:
        return list(value)

    def deserialize(self, value: list[str]) -> set[str]:
        if type(value) is not list or any(type(text) is not str for text in value):
            raise TypeError("expected a list of str")
        return set(value)

    def get_json_schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}, "uniqueItems": True}


def _taught(hint: Any) -> _Texts | None:
    return _Texts() if hint == set[str] else None


def _json(model: Model) -> Pair:
    serializer: Any = Serializer(model, codec=JSON, custom_type_resolver=_taught)
    return serializer.dump, serializer.load


def _msgpack(model: Model) -> Pair:
    serializer: Any = Serializer(model, codec=MSGPACK, custom_type_resolver=_taught)
    return serializer.dump, serializer.load


_KINDS = ("dataclass", "slots", "attrs")
PIPELINES = (
    Pipeline("serpyco-rs", "json", _KINDS, _json),
    Pipeline("serpyco-rs", "msgpack", _KINDS, _msgpack),
)
