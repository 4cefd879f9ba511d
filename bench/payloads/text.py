"""Text: long answers of a form, and scripts and characters that ASCII-only tests never meet."""

from bench.payloads.dice import Dice

_QUESTIONS = ("experience", "motivation", "project", "strengths", "references", "remarks")

_NAMES = ("王小明", "山田太郎", "김철수", "Ελένη Παπαδοπούλου", "Владимир Соколов", "नीना शर्मा")
_CITIES = ("東京都千代田区", "서울특별시", "København", "Αθήνα", "القاهرة", "ירושלים")
_GREETINGS = ("いらっしゃいませ", "환영합니다", "Grüß Gott", "Καλημέρα", "أهلا وسهلا", "ברוך הבא")
# Beyond the basic plane, joined by U+200D, with a variation selector, and two regional indicators.
_EMOJI = ("🎉", "👩\u200d💻", "❤\ufe0f", "🇯🇵", "🧑🏽\u200d🚀", "🏳\ufe0f\u200d🌈")
# What a JSON writer must escape, and what breaks JSON inside HTML or JavaScript.
_ESCAPES = ('say "hi"', "C:\\temp\\new", "one\ntwo\tthree", "\x00\x1f\x7f", "</script>", "\u2028\u2029\ufeff")


def wizard(dice: Dice) -> dict[str, object]:
    """A form of several steps whose answers wait in the session."""
    return {
        "form": "application",
        "step": dice.between(4, 6),
        "started": dice.moment().isoformat(),
        "answers": {question: dice.prose(1_300) for question in _QUESTIONS},
    }


def i18n(dice: Dice) -> dict[str, object]:
    """Text in nine scripts, emoji in sequences, and every kind of escape."""
    return {
        "名前": dice.pick(_NAMES),
        "город": dice.pick(_CITIES),
        "nickname": f"{dice.pick(_EMOJI)}{dice.code(4)}",
        "greeting": dice.pick(_GREETINGS),
        "reactions": ["".join([dice.pick(_EMOJI) for _ in range(6)]) for _ in range(4)],
        "notes": [f"{text} {dice.between(10, 99)}" for text in _ESCAPES],
        "addresses": [{"name": dice.pick(_NAMES), "city": dice.pick(_CITIES)} for _ in range(6)],
        "feed": ["、".join([dice.pick(_GREETINGS) for _ in range(8)]) for _ in range(4)],
    }
