"""The four payloads as plain dataclasses: the one description from which `kinds` makes every other kind of model.

`small` and `medium` are sessions, `large` is a list of records, `media` is the MediaContent of jvm-serializers.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from uuid import UUID


@dataclass
class Small:
    """A logged-in visitor."""

    user_id: int
    csrf: str
    locale: str
    last_seen: datetime
    remember: bool
    mfa: bool
    beta: bool
    theme: str
    flags: list[str]


class Tier(Enum):
    """What a customer pays for."""

    FREE = "free"
    PLUS = "plus"
    TEAM = "team"


@dataclass
class User:
    """A customer."""

    id: int
    name: str
    email: str
    tier: Tier
    roles: set[str]


@dataclass
class Item:
    """A line of a basket."""

    sku: UUID
    name: str
    price: Decimal
    quantity: int
    added: datetime


@dataclass
class Medium:
    """The same visitor in the middle of shopping."""

    user: User
    csrf: str
    items: list[Item]
    created: datetime
    last_seen: datetime
    expires: datetime
    coupon: str | None
    preferences: dict[str, str]


@dataclass
class Point:
    """A place."""

    x: float
    y: float


@dataclass
class Record:
    """One of many."""

    id: int
    name: str
    score: float
    active: bool
    seen: datetime
    place: Point
    tags: list[str]


@dataclass
class Large:
    """Three hundred records."""

    records: list[Record]


class Player(Enum):
    """What plays a medium."""

    JAVA = "JAVA"
    FLASH = "FLASH"


class Size(Enum):
    """How large an image is."""

    SMALL = "SMALL"
    LARGE = "LARGE"


@dataclass
class Image:
    """A picture of a medium."""

    uri: str
    title: str | None
    width: int
    height: int
    size: Size


@dataclass
class Media:
    """A medium."""

    uri: str
    title: str | None
    width: int
    height: int
    format: str
    duration: int
    size: int
    bitrate: int | None
    persons: list[str]
    player: Player
    copyright: str | None


@dataclass
class MediaContent:
    """A medium and its pictures."""

    media: Media
    images: list[Image]
