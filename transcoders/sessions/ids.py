"""Session ids: 256 bits from the system's source, never adopted from a client, hashed before they reach a store.

An id is 43 characters of base64url (RFC 4648, section 5, without padding). Whatever else a client sends is no id, and
is told apart before a store is asked. A store sees the BLAKE2b-128 hash of an id (RFC 7693) behind the prefix of the
application, so that neither a dump of it nor its log holds anything that a browser could send.
"""

import os
import string
from base64 import urlsafe_b64encode
from binascii import b2a_base64
from hashlib import blake2b
from secrets import token_bytes
from typing import Final, TypeGuard

BYTES: Final = 32
"""Of entropy in an id."""
LENGTH: Final = 43
"""Characters of an id."""
_LETTERS: Final = (string.ascii_letters + string.digits + "-_").encode()
_STATE = blake2b(digest_size=16)
_URLSAFE = bytes.maketrans(b"+/", b"-_")


def make() -> str:
    """A new id of 43 characters."""
    return urlsafe_b64encode(token_bytes(BYTES)).rstrip(b"=").decode("ascii")


def valid(text: object) -> TypeGuard[str]:
    """Whether the text, from a cookie perhaps, can be an id at all; whatever it is, it never raises."""
    return type(text) is str and len(text) == LENGTH and text.isascii() and not text.encode().translate(None, _LETTERS)


def named(text: object, prefix: str = "") -> str | None:
    """The store's key for what a client sent as an id; None when it can be none. Whatever it is, it never raises."""
    if type(text) is not str or len(text) != LENGTH or not text.isascii():
        return None
    letters = text.encode()
    if letters.translate(None, _LETTERS):
        return None
    state = _STATE.copy()  # as in `key`, which is not called because nearly every request comes by here
    state.update(letters)
    return prefix + b2a_base64(state.digest(), newline=False)[:22].translate(_URLSAFE).decode()


def key(sid: str, prefix: str = "") -> str:
    """The store's key for an id or a principal: the prefix and 22 characters of a hash."""
    state = _STATE.copy()  # quicker than to begin anew
    state.update(sid.encode(errors="surrogatepass"))
    return prefix + b2a_base64(state.digest(), newline=False)[:22].translate(_URLSAFE).decode()


_TOKENS: list[str] = []
_MANY: Final = 64
if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_TOKENS.clear)  # or parent and child would own the same locks


def token() -> str:
    """A token for the owner of a lock: 16 hexadecimal digits. They are drawn many at a time, which is quicker."""
    try:
        return _TOKENS.pop()
    except IndexError:
        drawn = token_bytes(8 * _MANY).hex(" ", 8).split()
        mine = drawn.pop()
        _TOKENS.extend(drawn)
        return mine
