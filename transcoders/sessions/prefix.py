"""What stands before the keys of an application in a store that it shares: the grammar of `storage_key_prefix`.

Parts are separated by commas, spaces around them are nothing. Each stands for a text; those that are blank are left
out, the rest is joined by `:` and ended by `_`, so that `static:shop,context.hash` makes `shop:45e6345f_`:

    static:TEXT     the text itself
    host            the name of the machine; `host.hash` its hash
    context         the name of the application on that machine; `context.hash` its hash
    webappVersion   the version of the application: sessions of one are none of another

A hash is the first eight hexadecimal digits of SHA-256. What the names are is passed in: this file asks nobody.
"""

import re
from hashlib import sha256
from typing import Final

from transcoders.errors import SpecError
from transcoders.options import nearest

STATIC: Final = "static:"
PARTS: Final = ("host", "host.hash", "context", "context.hash", "webappVersion")
"""The parts that stand for a name."""
LONGEST: Final = 128
"""Characters of a prefix: keys are short in some stores."""
_HASH: Final = 8
_UNFIT = re.compile(r"[^!-~]|[{}]").search
"""What no store has in its keys: space, control and other characters beyond ASCII, and the braces of Redis Cluster."""


def parse(text: str) -> tuple[str, ...]:
    """The parts of a `storage_key_prefix`.

    Raises:
        SpecError: one of them is none, or its text cannot stand in a key.
    """
    if not text.strip():
        return ()
    parts = tuple(part.strip() for part in text.split(","))
    for part in parts:
        if part.startswith(STATIC):
            if ":" in part.removeprefix(STATIC):
                raise SpecError(f"storage_key_prefix: {part!r} holds a second ':', which separates the parts of a key")
            _check(part, part.removeprefix(STATIC))
        elif part not in PARTS:
            raise SpecError(f"storage_key_prefix has no part {part!r}{nearest(part, (*PARTS, f'{STATIC}TEXT'))}")
    return parts


def prefix(text: str, *, host: str = "", context: str = "", webapp_version: str = "") -> str:
    """What stands before keys; empty when all parts are blank.

    Args:
        text: as the setting has it.
        host: the name of the machine.
        context: the name of the application.
        webapp_version: its version.

    Raises:
        SpecError: the text is not of the grammar, a name cannot stand in a key, or the whole is too long.
    """
    names = {"host": host, "context": context, "webappVersion": webapp_version}
    values = [value for part in parse(text) if (value := _value(part, names))]
    made = ":".join(values) + "_" if values else ""
    if len(made) > LONGEST:
        raise SpecError(
            f"storage_key_prefix makes {len(made)} characters, {LONGEST} are the most: "
            "host.hash and context.hash are short"
        )
    return made


def digest(text: str) -> str:
    """The first eight hexadecimal digits of a text's SHA-256."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH]


def _value(part: str, names: dict[str, str]) -> str:
    if part.startswith(STATIC):
        return part.removeprefix(STATIC)
    name, dot, _ = part.partition(".")
    value = names[name].strip()
    if value and dot:
        return digest(value)
    _check(part, value)
    return value


def _check(part: str, value: str) -> None:
    if found := _UNFIT(value):
        hashed = f"; {part}.hash takes any" if f"{part}.hash" in PARTS else ""
        raise SpecError(
            f"storage_key_prefix: {part} is {value!r}, and {found.group()!r} cannot stand in a key: "
            f"letters, digits and punctuation of ASCII can, braces apart{hashed}"
        )
