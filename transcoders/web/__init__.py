"""Faces for web frameworks: sessions, cookies and headers as each framework has them.

The faces never import each other; what they share stands here.
"""

from typing import Any, Generic, TypeVar

from transcoders.errors import SpecError
from transcoders.pipeline import Transcoder
from transcoders.sessions.managing import Managing
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.settings import Settings
from transcoders.sessions.shadow import Shadow
from transcoders.web.cookies import Cookie, Parameter, private, vary

__all__ = ["Cookie", "Parameter", "Site", "private", "vary"]

M = TypeVar("M", bound=Managing[Any])


class Site(Generic[M]):
    """What a face serves with: a manager, and the way that ids travel.

    Args:
        kind: the class of the manager.
        source: a manager of that kind; settings; or the store, a URL or an object.
        transcoder: see the manager; JSON when None.
        cookie: the cookie of the session; one with safe defaults when None.
        url_parameter: the name of the parameter that has the id instead, in URLs.
        settings: those of the manager, by keyword.

    Attributes:
        manager: the manager.
        way: how ids travel.

    Raises:
        SpecError: the configuration is wrong.
    """

    __slots__ = ("manager", "way")

    def __init__(  # noqa: PLR0913, PLR0917 - what the faces have in common
        self,
        kind: type[M],
        source: M | Settings | Store | Port | str,
        transcoder: str | Transcoder[Any] | Shadow | None,
        cookie: Cookie | None,
        url_parameter: str | None,
        settings: dict[str, Any],
    ) -> None:
        if cookie is not None and not isinstance(cookie, Cookie):
            raise SpecError(f"cookie= takes a Cookie, not {type(cookie).__name__}")
        if cookie is not None and url_parameter is not None:
            raise SpecError("an id travels by cookie or in URLs: give cookie= or url_parameter=, not both")
        self.way = (cookie or Cookie()) if url_parameter is None else Parameter(url_parameter)
        self.manager = _manager(kind, source, transcoder, settings)


def _manager(
    kind: type[M],
    source: M | Settings | Store | Port | str,
    transcoder: str | Transcoder[Any] | Shadow | None,
    settings: dict[str, Any],
) -> M:
    if isinstance(source, Settings):
        if transcoder is not None:
            raise SpecError("the transcoder stands in the settings: give it once")
        return kind.from_settings(source, **settings)
    if not isinstance(source, Managing):
        return kind(source, "json" if transcoder is None else transcoder, **settings)
    if not isinstance(source, kind):
        raise SpecError(f"this face takes a {kind.__name__}, not a {type(source).__name__}")
    if transcoder is not None or settings:
        raise SpecError("the manager has its settings already: give them to it")
    return source
