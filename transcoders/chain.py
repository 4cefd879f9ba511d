"""One codec with its filters, built from a spec: checked, canonical, ready to run."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from transcoders import frame
from transcoders.codecs import TYPED, Codec, Context
from transcoders.errors import SpecError
from transcoders.filters import Filter, Rank
from transcoders.limits import Limits
from transcoders.registry import REGISTRY, build
from transcoders.spec import Spec

if TYPE_CHECKING:
    from transcoders.typed import Typed

OTHERS = 128
"""The first tag of codecs and filters that are not ours."""


class Chain:
    """The codec and filters of a spec.

    Attributes:
        spec: the canonical spec.
        sealed: whether a filter authenticates the bytes.
        typed: the codec of a declared type, where there is one.
        schema: that type.
    """

    __slots__ = ("codec", "filters", "schema", "sealed", "spec", "typed")

    def __init__(
        self,
        spec: Spec,
        keys: tuple[bytes, ...],
        limits: Limits,
        retired: tuple[bytes, ...] = (),
        schema: Any = None,
    ) -> None:
        context = Context(limits, REGISTRY.types, keys, retired=retired)
        stages = [build(("filter",), stage, context) for stage in spec.filters]
        self.filters: tuple[Filter, ...] = tuple(made for _, made in stages)
        _check_ranks(spec, self.filters)
        self.sealed = any(item.rank > Rank.COMPRESS for item in self.filters)
        codec, made = build(
            ("codec", "transcoder"),
            spec.codec,
            Context(limits, REGISTRY.types, sealed=self.sealed, objects=REGISTRY.objects),
        )
        self.codec: Codec = made
        _check_tags(spec, self.codec, *self.filters)
        self.spec = Spec(codec, tuple(stage for stage, _ in stages))
        self.schema, self.typed = schema, self.declared(schema, limits)

    def declared(self, schema: Any, limits: Limits) -> "Typed | None":
        """Its codec for a declared type; None for none. Raises SpecError on a type that it cannot have."""
        options = dict(self.spec.codec.options)
        if schema is not None and ("objects", "yes") in self.spec.codec.options:
            raise SpecError(f"{self.spec} stores objects as they are: take schema= or objects=yes, not both")
        if schema is not None:
            from transcoders.typed import Typed  # noqa: PLC0415 - only typed payloads pay for it

            return Typed(self.codec, schema, limits, options=options, sealed=self.sealed)
        if named := [option.name for option in TYPED if option.name in options]:
            raise SpecError(f"{named[0]!r} of {self.spec} is for declared types: transcoder(..., schema=YourClass)")
        return None

    def frames(self, typed: "Typed | None" = None) -> Iterator[tuple[bytes, int, tuple[Filter, ...]]]:
        """The headers it reads, each with its form and filters: with its compressor, and without."""
        stamp, compact = (typed.stamp, typed.compact) if typed else (b"", False)
        bare = tuple(item for item in self.filters if item.rank != Rank.COMPRESS)
        for filters in dict.fromkeys((self.filters, bare)):
            tags = tuple(item.tag for item in filters)
            for form in self.codec.forms:
                yield frame.header(self.codec.tag, form, tags, stamp, compact=compact), form, filters


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
