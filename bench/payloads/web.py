"""What web frameworks themselves keep in a session: tokens, the login, one-time messages."""

from bench.payloads.dice import URL_SAFE, Dice

_LETTERS = URL_SAFE[:62]


def anonymous(dice: Dice) -> dict[str, object]:
    """A CSRF token, all that most sessions of a public site ever hold."""
    return {"csrf_token": dice.code(64)}


def login(dice: Dice) -> dict[str, object]:
    """Who is logged in, since when, from where."""
    return {
        "user_id": dice.between(10_000, 99_999),
        "name": dice.title(),
        "email": f"{dice.code(8)}@example.org",
        "roles": ["user", dice.pick(("editor", "author", "viewer"))],
        "tenant": f"team-{dice.code(6)}",
        "logged_in_at": dice.moment().isoformat(),
        "ip": ".".join([str(dice.between(100, 199)) for _ in range(4)]),
        "remember": dice.flag(),
        "csrf_token": dice.code(64),
    }


def django_auth(dice: Dice) -> dict[str, object]:
    """The keys of `django.contrib.auth` and of CSRF_USE_SESSIONS; the hash is a hexadecimal SHA-256."""
    return {
        "_auth_user_id": str(dice.between(10_000, 99_999)),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": dice.code(64),
        "_session_expiry": dice.pick((1_209_600, 2_592_000)),
        "_csrftoken": dice.code(32, _LETTERS),
    }


def flash(dice: Dice) -> dict[str, object]:
    """Flask's `flash()` beside Flask-Login: messages are (category, text) tuples."""
    return {
        "_user_id": str(dice.between(10_000, 99_999)),
        "_fresh": dice.flag(),
        "_id": dice.code(128),
        "csrf_token": dice.code(40),
        "_flashes": [
            ("success", f"{dice.title(3)} was saved."),
            ("info", f"{dice.title(5)} takes effect tomorrow."),
            ("warning", f"{dice.title(4)} expires in {dice.between(2, 9)} days."),
        ],
    }
