"""The payloads' values: seeded variants of one shape each, as the plain dataclasses of `models`.

All times are in UTC with microseconds, and no text is shared inside a variant, save constants of a few letters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from bench.payloads.classic import mediacontent
from bench.payloads.dice import URL_SAFE, Dice
from bench.peers.models import (
    Image,
    Item,
    Large,
    Media,
    MediaContent,
    Medium,
    Player,
    Point,
    Record,
    Size,
    Small,
    Tier,
    User,
)

_ITEMS = 10
_RECORDS = 300


@dataclass(frozen=True, slots=True)
class Payload:
    """A seeded payload.

    Attributes:
        name: as the command line has it.
        model: the plain dataclass.
        size: of one variant as compact JSON, in bytes: what was published, to which the tests hold the variants.
    """

    name: str
    model: type[Any]
    size: int
    _make: Callable[[Dice], object]
    _count: int

    def variants(self) -> tuple[Any, ...]:
        """The values, built anew at each call."""
        return tuple(self._make(Dice(f"peers-{self.name}", variant)) for variant in range(self._count))


def _small(dice: Dice) -> Small:
    return Small(
        user_id=dice.between(10_000_000, 99_999_999),
        csrf=dice.code(40),
        locale=dice.pick(("de-DE", "en-GB", "fr-FR", "pt-BR")),
        last_seen=_moment(dice),
        remember=dice.flag(),
        mfa=dice.flag(),
        beta=dice.flag(),
        theme=dice.pick(("dark", "grey", "mint", "sand")),
        flags=[f"new-{dice.code(4)}", f"pay-{dice.code(4)}"],
    )


def _medium(dice: Dice) -> Medium:
    return Medium(
        user=User(
            id=dice.between(10_000_000, 99_999_999),
            name=dice.title(),
            email=f"{dice.code(8)}@example.org",
            tier=dice.pick(tuple(Tier)),
            roles={"customer", dice.pick(("reviewer", "reseller", "employee"))},
        ),
        csrf=dice.code(64, URL_SAFE),
        items=[_item(dice) for _ in range(_ITEMS)],
        created=_moment(dice),
        last_seen=_moment(dice),
        expires=_moment(dice),
        coupon=dice.pick((None, "SPRING")),
        preferences={
            "locale": dice.pick(("de-DE", "en-GB", "fr-FR", "pt-BR")),
            "theme": dice.pick(("dark", "grey", "mint", "sand")),
            "currency": dice.pick(("EUR", "GBP", "BRL")),
            "timezone": dice.pick(("Europe/Berlin", "Europe/London", "America/Bahia")),
        },
    )


def _item(dice: Dice) -> Item:
    return Item(
        sku=UUID(bytes=dice.raw(16), version=4),
        name=dice.title(3),
        price=Decimal(dice.between(1_000, 9_999)).scaleb(-2),
        quantity=dice.between(1, 9),
        added=_moment(dice),
    )


def _large(dice: Dice) -> Large:
    return Large(records=[_record(dice, 100_000 + index) for index in range(_RECORDS)])


def _record(dice: Dice, number: int) -> Record:
    return Record(
        id=number,
        name=dice.title(),
        score=dice.between(1_000, 9_999) / 100,
        active=dice.flag(),
        seen=_moment(dice),
        place=Point(x=dice.between(1_000, 9_999) / 1_000, y=dice.between(1_000, 9_999) / 1_000),
        tags=[f"tag-{dice.code(3)}", f"team-{dice.code(2)}"],
    )


def _media(dice: Dice) -> MediaContent:
    found: Any = mediacontent(dice)
    return MediaContent(
        media=Media(
            **{**found["media"], "bitrate": found["media"]["bitrate"], "player": Player(found["media"]["player"])}
        ),
        images=[Image(**{**image, "size": Size(image["size"])}) for image in found["images"]],
    )


def _moment(dice: Dice) -> datetime:
    return dice.moment().replace(microsecond=dice.between(1, 999_999))


PAYLOADS = (
    Payload("small", Small, 217, _small, 16),
    Payload("medium", Medium, 1_874, _medium, 16),
    Payload("large", Large, 48_185, _large, 3),
    Payload("media", MediaContent, 488, _media, 16),
)
