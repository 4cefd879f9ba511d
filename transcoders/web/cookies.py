"""The cookie of a session: what browsers send is read, what they are told is written (RFC 6265bis, and CHIPS).

A Cookie header is split at semicolons and nowhere else, as browsers wrote it: quotes hide nothing, so that no value can
smuggle in a cookie. Whatever the header holds, reading never raises. Of several cookies of the name, which a sibling
domain or another path may have set, all that can be ids are given, in the browser's order: the first that the store
knows is the session's. An id that is none is no candidate, and never reaches a store.

What a browser would refuse or misread is refused here first: a cookie whose prefix or flags do not fit together is a
SpecError at start-up, not a login that silently never sticks.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from transcoders.errors import EncodeError, SpecError
from transcoders.sessions import ids

SIZE: Final = 4096
"""Bytes of name, value and attributes together that every browser stores (RFC 6265, section 6.1)."""
LONGEST: Final = 400 * 24 * 3600
"""Seconds that a cookie lives at most, whatever it says (RFC 6265bis, section 5.5)."""
CANDIDATES: Final = 8
"""Cookies of the name that are looked at: each may cost a look into the store."""
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", re.ASCII).fullmatch
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*", re.ASCII).fullmatch
_PATH = re.compile(r"/[ -:<-~]{0,1023}", re.ASCII).fullmatch
_PARAMETER = re.compile(r"[0-9A-Za-z._~-]{1,256}", re.ASCII).fullmatch
_LABEL: Final = r"[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?"
_DOMAIN = re.compile(rf"\.?{_LABEL}(?:\.{_LABEL})*", re.ASCII).fullmatch
_GONE: Final = "Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"

SameSite = Literal["Strict", "Lax", "None"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cookie:
    """How the cookie of a session is named, kept and sent.

    Attributes:
        name: `__Host-` before it makes browsers refuse the cookie unless this host set it, for all its paths, over TLS:
            no sibling domain can plant one. `__Secure-`, `__Http-` and `__Host-Http-` are held to their rules as well.
        path: the path that it is sent to, and all below it.
        domain: the domain that it is sent to, and all below it; None for this host alone.
        secure: whether it is sent over TLS alone. Browsers take localhost for that.
        http_only: whether scripts are kept from it.
        same_site: `Lax` is sent when a link leads here, `Strict` from our own pages only, `None` from everywhere; None
            leaves the attribute out, and the choice to the browser.
        partitioned: whether a page that embeds ours has a cookie of its own for us.
        max_age: seconds that the browser keeps it, up to 400 days; None for until it is closed.
        rolling: whether those seconds begin anew while the session is used.

    Raises:
        SpecError: a field is wrong, or browsers would refuse the cookie.
    """

    name: str = "session"
    path: str = "/"
    domain: str | None = None
    secure: bool = True
    http_only: bool = True
    same_site: SameSite | None = "Lax"
    partitioned: bool = False
    max_age: int | None = None
    rolling: bool = True
    _find: Callable[[str], list[str]] = field(init=False, repr=False, compare=False)
    _flags: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check(self)
        # A name stands at the start or behind a semicolon; so each byte of a header is looked at a few times at most.
        find = re.compile(rf"(?:^|;)[ \t]*{re.escape(self.name)}[ \t]*=([^;]*)").findall
        object.__setattr__(self, "_find", find)
        object.__setattr__(self, "_flags", _flags(self))

    def candidates(self, header: str | bytes) -> list[str]:
        """The ids in the values of a Cookie header, in its order, each once and eight at most; it never raises.

        Args:
            header: the value of the header; of several headers, joined with `; `.
        """
        text = header.decode("latin-1") if isinstance(header, bytes) else header
        if self.name not in text:
            return []
        values = dict.fromkeys(value.strip(" \t") for value in self._find(text))
        return [value for value in values if ids.valid(value)][:CANDIDATES]

    def set(self, value: str, max_age: float | None = None) -> str:
        """The value of a Set-Cookie header.

        Args:
            value: the session id.
            max_age: seconds until the session ends, where that is less than the setting; what is left of its age.

        Raises:
            EncodeError: the value is nothing that a cookie holds, or makes it longer than browsers store.
        """
        if type(value) is not str or not value or not _VALUE(value):
            raise EncodeError("the value of a cookie is text of ASCII without spaces, quotes, commas and semicolons")
        kept = [age for age in (self.max_age, max_age) if age is not None]
        age = f"; Max-Age={max(1, int(min(*kept, LONGEST)))}" if kept else ""
        header = f"{self.name}={value}{age}{self._flags}"
        if len(header) > SIZE:
            raise EncodeError(f"the cookie {self.name} takes {len(header)} bytes, and browsers store {SIZE}")
        return header

    @property
    def renews(self) -> bool:
        """Whether it is set again when the store was told that the session is in use, written or merely touched.

        The seconds of a rolling cookie begin anew then, and nothing of the session is written for it.
        """
        return self.rolling and self.max_age is not None

    def delete(self) -> str:
        """The value of a Set-Cookie header that makes the browser forget it; name, path and domain tell which."""
        return f"{self.name}=; {_GONE}{self._flags}"


def vary(header: str = "") -> str:
    """The value of a Vary header, with `Cookie` in it, so that no cache hands what a session shows to somebody else."""
    if not header:
        return "Cookie"
    names = [name.strip() for name in header.split(",")]
    if "*" in names or "cookie" in map(str.lower, names):
        return header
    return f"{header}, Cookie" if header.strip() else "Cookie"


def private(header: str = "") -> str:
    """The value of a Cache-Control header, with `private` in it, so that no shared cache keeps whose id it sets."""
    names = {name.strip().lower() for name in header.split(",")}
    if names & {"private", "no-store"}:
        return header
    return f"{header}, private" if header.strip() else "private"


class Parameter:
    """Ids in the query string of URLs, for clients without cookies; the application puts them into its links.

    Such an id is in logs, in histories and in what the browser tells other sites: a last resort. No cookie is read or
    set beside it.

    Args:
        name: of the parameter, such as `sid`.

    Raises:
        SpecError: no parameter has that name.
    """

    __slots__ = ("_find", "name")

    def __init__(self, name: str) -> None:
        if not _text(name, _PARAMETER):
            raise SpecError(f"a parameter's name is of letters, digits and '._~-', not {name!r:.80}")
        self.name = name
        self._find = re.compile(rf"(?:^|&){re.escape(name)}=([^&]*)").findall

    def candidates(self, query: str | bytes) -> list[str]:
        """The ids in a query string, in its order, each once and eight at most; it never raises."""
        text = query.decode("latin-1") if isinstance(query, bytes) else query
        return [value for value in dict.fromkeys(self._find(text)) if ids.valid(value)][:CANDIDATES]

    def __repr__(self) -> str:
        return f"Parameter({self.name!r})"


def _flags(cookie: Cookie) -> str:
    domain = f"; Domain={cookie.domain}" if cookie.domain else ""
    site = f"; SameSite={cookie.same_site}" if cookie.same_site else ""
    flags = (("; Secure", cookie.secure), ("; HttpOnly", cookie.http_only), ("; Partitioned", cookie.partitioned))
    return f"{domain}; Path={cookie.path}" + "".join(text for text, there in flags if there) + site


def _check(cookie: Cookie) -> None:
    _check_fields(cookie)
    if not cookie.secure and (cookie.partitioned or cookie.same_site == "None"):
        what = "partitioned" if cookie.partitioned else "same_site='None'"
        raise SpecError(f"browsers refuse a cookie with {what} that is not secure: set secure=True")
    needs = _prefix(cookie.name.lower())
    if needs and not cookie.secure:
        raise SpecError(f"browsers refuse {cookie.name!r} unless it is secure: set secure=True, or drop the prefix")
    if "host" in needs and (cookie.domain or cookie.path != "/"):
        raise SpecError(f"browsers refuse {cookie.name!r} unless path is '/' and domain is None, or drop the prefix")
    if "http" in needs and not cookie.http_only:
        raise SpecError(f"browsers refuse {cookie.name!r} unless it is http_only: set http_only=True")


def _prefix(name: str) -> tuple[str, ...]:
    """What the prefix of a name demands, in lower case, as browsers compare it."""
    prefixes = {"__host-http-": ("host", "http"), "__host-": ("host",), "__http-": ("http",), "__secure-": ("secure",)}
    return next((needs for prefix, needs in prefixes.items() if name.startswith(prefix)), ())


def _check_fields(cookie: Cookie) -> None:
    fits = {
        "name": (_text(cookie.name, _NAME), "a name of letters, digits and !#$%&'*+-.^_`|~"),
        "path": (_text(cookie.path, _PATH), "a path of ASCII that starts with '/' and holds no semicolon"),
        "domain": (
            cookie.domain is None or (_text(cookie.domain, _DOMAIN) and len(cookie.domain) <= 253),
            "None or a domain such as 'example.com' (of other scripts, its xn-- form)",
        ),
        "same_site": (cookie.same_site in {"Strict", "Lax", "None", None}, "'Strict', 'Lax', 'None' or None"),
        "max_age": (
            cookie.max_age is None or (type(cookie.max_age) is int and 0 < cookie.max_age <= LONGEST),
            f"None or a whole number of seconds up to {LONGEST}, which is 400 days",
        ),
    }
    for name in ("secure", "http_only", "partitioned", "rolling"):
        fits[name] = (type(getattr(cookie, name)) is bool, "True or False")
    for name, (good, takes) in fits.items():
        if not good:
            raise SpecError(f"{name} of a cookie takes {takes}, not {getattr(cookie, name)!r:.80}")


def _text(value: object, matches: Callable[[str], object]) -> bool:
    return type(value) is str and matches(value) is not None
