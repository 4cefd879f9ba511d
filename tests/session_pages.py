"""Writes the tables of docs/settings.md and docs/statistics.md from the code. Run: python -m tests.session_pages."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from transcoders.sessions.events import COUNTERS, DISTRIBUTIONS
from transcoders.sessions.msm import INSTEAD, OURS, camel
from transcoders.sessions.settings import NOTHING, table
from transcoders.sessions.stats import RATES

DOCS = Path(__file__).parent.parent / "docs"
PAGES = (DOCS / "settings.md", DOCS / "statistics.md")

FORMER = {
    "RequestsWithoutSession": "`requests_without_session`",
    "RequestsWithSession": "`requests_with_session`",
    "RequestsWithoutSessionAccess, RequestsWithoutAttributesAccess": "`requests_without_access`",
    "RequestsWithoutSessionModification": "`requests_without_change`",
    "RequestsWithBackupFailure": "`store_failures`, `unknown_outcomes`",
    "RequestsWithTomcatFailover, RequestsWithMemcachedFailover": "none: no session is bound to a process or a node",
    "NonStickySessionsPingFailed": "none: there are no second copies to look after",
    "NonStickySessionsReadOnlyRequest": "`loads` less `locks`: requests that read without a lock",
    "EFFECTIVE_BACKUP, BACKUP, MEMCACHED_UPDATE": "`save_seconds`: a request waits for all of it",
    "ATTRIBUTES_SERIALIZATION": "`encode_seconds`, `encoded_bytes`, rate `encoded`",
    "SESSION_DESERIALIZATION": "`decode_seconds`, `decoded_bytes`, rate `decoded`",
    "LOAD_FROM_MEMCACHED": "`load_seconds`",
    "DELETE_FROM_MEMCACHED": "`deletes`, `delete_seconds`",
    "CACHED_DATA_SIZE": "`loaded_bytes`, `saved_bytes`",
    "ACQUIRE_LOCK": "`locks`, `locks_waited`, `lock_seconds`",
    "ACQUIRE_LOCK_FAILURE": "`lock_timeouts`",
    "RELEASE_LOCK": "none: the write itself releases the lock",
    "NON_STICKY_…": "none: times are in the record, there is no second one to read or to write",
}
"""The numbers of memcached-session-manager, and what they are here."""


def tables(page: Path) -> dict[str, str]:
    """The tables of a page, by the name that their place has in it."""
    if page.name == "settings.md":
        rows = [(f"`{name}`", _code(default), takes, text) for name, default, takes, text in table()]
        ours = [(f"`{name}`", f"`{one}`") for name, one in OURS.items()]
        gone = [(f"`{camel(name)}`", words) for name, words in INSTEAD.items() if name != "near_cache"]
        return {
            "settings": _table(("setting", "default", "takes", "what it means"), rows),
            "former": _table(("memcached-session-manager", "here"), [*ours, *gone]),
        }
    return {
        "counters": _table(("counter", "what is counted"), _named(COUNTERS.items())),
        "distributions": _table(("distribution", "what is measured"), _named(DISTRIBUTIONS.items())),
        "rates": _table(("rate", "the share of"), _named((name, rate.text) for name, rate in RATES.items())),
        "former": _table(("`msmStat…`, probe", "here"), FORMER.items()),
    }


def written(page: Path) -> str:
    """The page with its tables as the code has them now."""
    text = page.read_text("utf-8")
    for name, made in tables(page).items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        head, _, rest = text.partition(begin)
        _, found, tail = rest.partition(end)
        assert found, f"{page} has no place for the table {name}"
        text = head + begin + made + end + tail
    return text


def _named(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in pairs]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(re.sub('[|]', '&#124;', cell) for cell in line)} |\n" for line in lines)


def _code(text: str) -> str:
    return text if text == NOTHING else f"`{text}`"


if __name__ == "__main__":
    for one in PAGES:
        one.write_text(written(one), "utf-8")
