"""`transcoders list`: what can stand in a config string, as rows and as JSON."""

from collections.abc import Iterator
from typing import Any

from transcoders.registry import Offer

TRAITS = ("readable", "cross_language", "zero_copy")
"""What tells one codec from another; all of ours are data only and deterministic."""
COLUMNS = [(name, False) for name in ("", "name", "what it is", "options", "installed")]


def rows(offers: list[Offer]) -> Iterator[tuple[str, ...]]:
    """Kind, name, what it is, options and whether it can be used, of each offer."""
    kind = ""
    for offer in offers:
        traits = [name.replace("_", " ") for name in TRAITS if getattr(offer.traits, name, False)]
        options = "\n".join(option.usage for option in offer.options)
        missing = f'pip install "transcoders[{offer.extra or "all"}]"' if offer.missing else "yes"
        yield (
            offer.kind if offer.kind != kind else "",
            offer.name,
            "; ".join([offer.summary, *traits]),
            options,
            missing,
        )
        kind = offer.kind


def record(offers: list[Offer]) -> list[dict[str, Any]]:
    """The offers as JSON holds them."""
    return [
        offer._asdict()
        | {"options": [option._asdict() for option in offer.options]}
        | {"traits": offer.traits and offer.traits._asdict()}
        for offer in offers
    ]
