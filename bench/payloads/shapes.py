"""Shapes that strain a codec: deep, shared, and large."""

from bench.payloads.dice import Dice


def nested(dice: Dice, levels: int) -> dict[str, object]:
    """So many containers inside each other, dicts and lists in turn: a comment thread, a filter tree."""
    value: object = dice.code(8)
    for level in range(levels, 1, -1):
        value = [level, value] if level % 2 else {"id": dice.between(1_000, 9_999), "open": dice.flag(), "child": value}
    return {"tree": value}


def aliased(dice: Dice) -> dict[str, object]:
    """The same user, address and products under several keys; a codec may copy them or keep them shared."""
    address = {"street": dice.title(), "zip": str(dice.between(10_000, 99_999)), "city": dice.title(1)}
    user = {"id": dice.between(10_000, 99_999), "name": dice.title(), "address": address}
    products = [{"id": dice.between(10_000, 99_999), "name": dice.title(3), "tags": [dice.words(1)]} for _ in range(6)]
    return {
        "user": user,
        "billing": address,
        "shipping": address,
        "cart": [{"product": product, "qty": dice.between(1, 9)} for product in products],
        "viewed": products[:4],
        "reviews": [{"author": user, "product": products[0], "stars": dice.between(1, 5)} for _ in range(3)],
    }


def abuse(dice: Dice, results: int) -> dict[str, object]:
    """Search results kept in the session: nobody means to, everybody has."""
    return {
        "user_id": dice.between(10_000, 99_999),
        "query": dice.words(3),
        "results": [_result(dice) for _ in range(results)],
    }


def _result(dice: Dice) -> dict[str, object]:
    return {
        "id": dice.between(100_000, 999_999),
        "title": dice.title(6),
        "snippet": dice.prose(300),
        "score": round(dice.real(), 6),
        "tags": [dice.words(1), dice.words(1), dice.words(1)],
        "seen": dice.flag(),
        "parent": None,
    }
