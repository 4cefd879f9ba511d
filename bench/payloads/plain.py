"""Ordinary sessions of plain values only, at the two sizes for which our speed floors are stated.

Nothing here needs a tag in any format: str, int, bool, float, None, list, and dict with str keys.
"""

from bench.payloads.dice import HEX, URL_SAFE, Dice


def small(dice: Dice) -> dict[str, object]:
    """What a logged-in visitor's session holds: 0.2 kB."""
    return {
        "user_id": dice.between(10_000, 99_999),
        "csrf": dice.code(32),
        "locale": dice.pick(("de-DE", "en-GB", "fr-FR", "pt-BR")),
        "last_seen": dice.moment().isoformat(),
        "remember": dice.flag(),
        "mfa": dice.flag(),
        "beta": dice.flag(),
        "theme": dice.pick(("dark", "grey", "mint", "sand")),
        "flags": [f"new-{dice.code(4)}", f"pay-{dice.code(4)}"],
    }


def medium(dice: Dice) -> dict[str, object]:
    """The same visitor in the middle of shopping: 2 kB."""
    return {
        "user": {
            "id": dice.between(10_000, 99_999),
            "name": dice.title(),
            "email": f"{dice.code(8)}@example.org",
            "roles": ["customer", dice.pick(("reviewer", "reseller", "employee"))],
            "verified": dice.flag(),
            "last_login": dice.moment().isoformat(),
            "rating": dice.between(10, 49) / 10,
            "company": None,
            "address": {
                "street": f"{dice.title()} {dice.between(10, 99)}",
                "zip": str(dice.between(10_000, 99_999)),
                "city": dice.title(1),
            },
        },
        "csrf": dice.code(43, URL_SAFE),
        "items": [_item(dice) for _ in range(10)],
        "coupon": None,
        "created": dice.moment().isoformat(),
        "last_seen": dice.moment().isoformat(),
        "prefs": {
            "locale": dice.pick(("de-DE", "en-GB", "fr-FR", "pt-BR")),
            "theme": dice.pick(("dark", "grey", "mint", "sand")),
            "per_page": dice.pick((10, 20, 50)),
            "newsletter": dice.flag(),
            "scale": dice.pick((0.75, 1.25, 1.75)),
        },
        "viewed": [dice.between(100_000, 999_999) for _ in range(20)],
        "flash": {"level": "success", "text": f"{dice.title(3)} was added to your basket."},
    }


def _item(dice: Dice) -> dict[str, object]:
    return {
        "sku": f"{dice.code(3, HEX.upper())}-{dice.between(10_000, 99_999)}",
        "name": dice.title(5),
        "price": f"{dice.between(100, 999)}.{dice.between(10, 99)}",
        "qty": dice.between(1, 9),
        "added": dice.moment().isoformat(),
    }
