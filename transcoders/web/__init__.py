"""Faces for web frameworks: sessions, cookies and headers as each framework has them.

The faces never import each other; what they share stands here.
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from transcoders.errors import SpecError
from transcoders.pipeline import Transcoder
from transcoders.registry import imported
from transcoders.sessions.managing import Managing
from transcoders.sessions.ports import Port, Store
from transcoders.sessions.settings import Settings, settings
from transcoders.sessions.shadow import Shadow
from transcoders.web.cookies import Cookie, Parameter, private, vary

__all__ = ["Cookie", "Parameter", "Site", "configured", "private", "vary"]

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


def configured(kind: type[M], given: M | Settings | Mapping[str, Any] | str, where: str, **others: Any) -> M:
    """The manager that the configuration of a framework describes.

    Args:
        kind: the class of the manager.
        given: settings by name, of which store, transcoder, schema, limits and keys may be objects; the URL of the
            store alone; Settings; or a manager.
        where: what the framework calls it, for messages.
        others: arguments of the manager.

    Raises:
        SpecError: the configuration is wrong.
    """
    if isinstance(given, Managing | Settings):
        return _manager(kind, given, None, others)
    if not isinstance(given, Mapping | str):
        raise SpecError(f"{where} takes a mapping of settings, or the URL of a store, not {type(given).__name__}")
    named = {"store": given} if isinstance(given, str) else dict(given)
    objects = {name: named.pop(name) for name in ("schema", "limits", "keys") if name in named}
    objects |= {name: named.pop(name) for name in ("store", "transcoder") if not isinstance(named.get(name, ""), str)}
    if isinstance(objects.get("schema"), str):
        objects["schema"] = imported(objects["schema"], f"schema {objects['schema']!r}")
    made = settings(named)
    if "store" not in {*objects, *made.sources}:
        raise SpecError(f"sessions have no store: {where} = {{'store': 'redis://…'}}")
    return kind.from_settings(made, **(objects | others))
