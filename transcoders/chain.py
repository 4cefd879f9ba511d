"""One codec with its filters, built from a spec: checked, canonical, ready to run."""

from collections.abc import Iterator

from transcoders import frame
from transcoders.codecs import Codec, Context
from transcoders.errors import SpecError
from transcoders.filters import Filter, Rank
from transcoders.limits import Limits
from transcoders.registry import REGISTRY, prepare
from transcoders.spec import Spec

OTHERS = 128
"""The first tag of codecs and filters that are not ours."""


class Chain:
    """The codec and filters of a spec.

    Attributes:
        spec: the canonical spec.
        sealed: whether a filter authenticates the bytes.
    """

    __slots__ = ("codec", "filters", "sealed", "spec")

    def __init__(self, spec: Spec, keys: tuple[bytes, ...], limits: Limits) -> None:
        stages = [prepare(("filter",), stage, keys) for stage in spec.filters]
        self.filters: tuple[Filter, ...] = tuple(
            build(Context(limits, REGISTRY.types, given)) for _, build, given in stages
        )
        _check_ranks(spec, self.filters)
        self.sealed = any(item.rank > Rank.COMPRESS for item in self.filters)
        codec, build, _ = prepare(("codec", "transcoder"), spec.codec, ())
        self.codec: Codec = build(Context(limits, REGISTRY.types, (), self.sealed))
        _check_tags(spec, self.codec, *self.filters)
        self.spec = Spec(codec, tuple(stage for stage, _, _ in stages))

    def frames(self) -> Iterator[tuple[bytes, int, tuple[Filter, ...]]]:
        """The headers it reads, each with its form and filters: with its compressor, and without."""
        bare = tuple(item for item in self.filters if item.rank != Rank.COMPRESS)
        for filters in dict.fromkeys((self.filters, bare)):
            for form in self.codec.forms:
                yield frame.header(self.codec.tag, form, tuple(item.tag for item in filters)), form, filters


def _check_tags(spec: Spec, codec: Codec, *filters: Filter) -> None:
    for stage, made in ((spec.codec, codec), *zip(spec.filters, filters, strict=True)):
        ours = type(made).__module__.startswith("transcoders.")
        tag = getattr(made, "tag", None)
        if not ours and not (type(tag) is int and OTHERS <= tag <= 0xFF):
            raise SpecError(f"{stage.name!r} needs a tag from {OTHERS} to 255 of its own, not {tag!r}")


def _check_ranks(spec: Spec, filters: tuple[Filter, ...]) -> None:
    for index in range(1, len(filters)):
        if filters[index].rank <= filters[index - 1].rank:
            before, after = spec.filters[index - 1].name, spec.filters[index].name
            raise SpecError(
                f"{after!r} cannot stand after {before!r} in {spec}: one compressor, then one cipher, then one seal, "
                "so that bytes are authenticated before anything expands them"
            )
