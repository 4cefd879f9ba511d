"""The bundled payloads: seeded families of sessions, each in sixteen distinct variants of one shape.

No container is shared inside a variant or between variants, except in `aliased`, whose point that is. A
test pins each family's profile: changing one makes every earlier result incomparable, so add a family
instead.
"""

from collections.abc import Callable
from functools import partial

from bench.payloads import classic, plain, shapes, shop, text, web
from bench.payloads.dashboard import dashboard
from bench.payloads.dice import Dice
from bench.payloads.tokens import tokens
from bench.payloads.typed import typed
from transcoders.errors import SpecError
from transcoders.measure.payload import Payload

__all__ = ["VARIANTS", "families"]

VARIANTS = 16

_FAMILIES: tuple[tuple[str, Callable[[Dice], object], str], ...] = (
    ("anonymous", web.anonymous, "a visitor before login: a CSRF token and nothing else"),
    ("login", web.login, "a logged-in user: identity, roles, time, address, CSRF token"),
    ("django-auth", web.django_auth, "what Django's own login leaves in a session"),
    ("flash", web.flash, "Flask-Login with three one-time messages, which are tuples"),
    ("cart-5", partial(shop.cart, items=5), "a cart of five items"),
    ("cart-50", partial(shop.cart, items=50), "a cart of fifty items: the same keys over and over"),
    ("wizard", text.wizard, "a long form between its steps: few keys, much text"),
    ("tokens", tokens, "OAuth and OpenID Connect: tokens, claims, PKCE verifier, binary nonce"),
    ("dashboard", dashboard, "figures of eight charts: floats, short and with all digits"),
    ("i18n", text.i18n, "nine scripts, emoji sequences, everything that needs an escape"),
    ("typed", typed, "each type beyond JSON: zoned times, Decimal, UUID, set, tuple, int keys, bytes"),
    ("nested-40", partial(shapes.nested, levels=40), "forty containers inside each other"),
    ("aliased", shapes.aliased, "one user, address and products under several keys, shared"),
    ("abuse-256k", partial(shapes.abuse, results=572), "256 kB of search results, which belong elsewhere"),
    ("plain-0.2k", plain.small, "an ordinary small session of plain values: our floor ratios"),
    ("plain-2k", plain.medium, "an ordinary session of plain values: our floor ratios"),
    ("mediacontent", classic.mediacontent, "the MediaContent object of jvm-serializers"),
    ("msm-persons", classic.persons, "memcached-session-manager's benchmark: twenty persons with friends"),
    ("msm-components", classic.components, "memcached-session-manager's benchmark: a component tree"),
)  # fmt: skip


def families(*names: str) -> list[Payload]:
    """The bundled payloads in their fixed order, all of them or those named, built anew at each call.

    Raises:
        SpecError: there is no family of that name.
    """
    known = [name for name, _, _ in _FAMILIES]
    for name in names:
        if name not in known:
            raise SpecError(f"no bundled payload {name!r}: there are {', '.join(known)}")
    return [
        Payload(name, tuple(make(Dice(name, variant)) for variant in range(VARIANTS)), note)
        for name, make, note in _FAMILIES
        if not names or name in names
    ]
