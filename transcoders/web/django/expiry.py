"""When sessions end: what Django says of it, and what their records and cookies hold.

A number is an idle time, a date is an age. A session that says nothing ends after SESSION_COOKIE_AGE without a change,
or without a request where SESSION_SAVE_EVERY_REQUEST is set.
"""

from datetime import datetime
from math import ceil
from typing import Any, Final

from transcoders.sessions.layout import HIGHEST
from transcoders.sessions.policy import Policy
from transcoders.sessions.session import Session

EXPIRY: Final = "_session_expiry"
"""Django's name for an attribute: a number of seconds, or a date as text."""


def set_times(store: Any, held: Session[Any], policy: Policy, now: float, *, anew: bool) -> bool:
    """Let a session end when it is to end; True where that is over already.

    Args:
        store: Django's session.
        held: the same as we have it, read.
        policy: the settings.
        now: seconds since 1970.
        anew: whether it may have had a date that is gone.
    """
    if held.read_only or held.ended or (held.new and not held):
        return False
    expiry = held.get(EXPIRY)
    if isinstance(expiry, str | datetime):
        end: float = store.get_expiry_date(expiry=expiry).timestamp()
        age = max(1, ceil(end - (held.record.created or int(now))))
        held.set_timeout(idle=0, absolute=min(age, policy.absolute_timeout or HIGHEST))
        return end <= now
    idle = int(store.get_session_cookie_age() if expiry is None else store.get_expiry_age(expiry=expiry))
    held.set_timeout(idle=min(max(1, idle), HIGHEST), absolute=policy.absolute_timeout if anew else None)
    return idle <= 0


def cookie_age(store: Any, held: Session[Any]) -> int | None:
    """Seconds that the browser keeps the cookie; None for until it is closed, or for what is left of the session."""
    expiry = held.get(EXPIRY)
    if isinstance(expiry, str | datetime) or store.get_expire_at_browser_close():
        return None
    return int(store.get_expiry_age(expiry=expiry))
