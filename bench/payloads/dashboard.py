"""A dashboard that keeps its last figures in the session: floats, short and with all their digits."""

from bench.payloads.dice import Dice


def dashboard(dice: Dice) -> dict[str, object]:
    """Eight charts of twenty-four points; only sums and products, so that no platform rounds otherwise."""
    return {
        "range": [dice.moment().timestamp(), dice.moment().timestamp()],
        "zoom": dice.between(11, 49) / 10,
        "charts": [_chart(dice) for _ in range(8)],
    }


def _chart(dice: Dice) -> dict[str, object]:
    return {
        "metric": dice.words(1),
        "points": [round(dice.real() * 1_000, 2) for _ in range(16)] + [dice.real() for _ in range(8)],
        "mean": dice.real() * 1e3,
        "drift": (dice.real() - 0.5) * 1e-9,
        "total": dice.real() * 1e18,
    }
