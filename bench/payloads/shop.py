"""A shopping cart: a list of small records with the same keys, the commonest shape of a growing session."""

from bench.payloads.dice import HEX, Dice


def cart(dice: Dice, items: int) -> dict[str, object]:
    """A cart of so many items, prices in cents."""
    return {
        "user_id": dice.between(10_000, 99_999),
        "csrf_token": dice.code(32),
        "currency": "EUR",
        "cart": [_item(dice) for _ in range(items)],
    }


def _item(dice: Dice) -> dict[str, object]:
    return {
        "sku": f"{dice.code(3, HEX.upper())}-{dice.between(10_000, 99_999)}",
        "name": dice.title(),
        "qty": dice.between(1, 9),
        "cents": dice.between(1_000, 99_999),
    }
