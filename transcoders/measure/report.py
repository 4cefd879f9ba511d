"""The report of a run: one document, rendered as Markdown for a forge and as HTML for a browser. Imports jinja2 alone.

Everything is read from the run directory, so a report can be made again at any time, and an unchanged run gives the
same bytes. The HTML file needs no script and nothing from anywhere: style and figures stand inside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcoders.errors import MissingExtra
from transcoders.measure import appendix, directory, results, sections
from transcoders.measure.comparison import Comparison
from transcoders.measure.directory import RunDirectory
from transcoders.measure.document import Section
from transcoders.measure.figures import draw
from transcoders.measure.verdict import Verdict, verdict
from transcoders.measure.wholes import requests_section

TITLE = "Session transcoders, measured"
_CODE = re.compile(r"`([^`]+)`")
_ID = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True, slots=True)
class Report:
    """A rendered report.

    Attributes:
        verdict: what it says, as data.
        comparison: the estimates behind it.
        markdown, html: the two renderings.
        paths: the files that were written.
    """

    verdict: Verdict
    comparison: Comparison
    markdown: str
    html: str
    paths: tuple[Path, ...]


def render(path: Path) -> Report:
    """The report on the run in the directory, written beside its data.

    Raises:
        SpecError: the directory holds no finished run.
        MissingExtra: jinja2, matplotlib or pyperf is not installed.
    """
    files = RunDirectory(path)
    comparison = Comparison(results.load(path))
    found = verdict(comparison)
    figures = draw(comparison)
    view = {
        "title": TITLE,
        "summary": found.sentence,
        "sections": _sections(comparison, found),
        "figures": {name: _inline(name, svg) for name, svg in figures.items()},
    }
    markdown, html = (_rendered(template, view) for template in ("report.md", "report.html"))
    written = {files.markdown: markdown, files.html: html, **{files.figure(name): svg for name, svg in figures.items()}}
    for target, text in written.items():
        directory.write(target, text)
    return Report(found, comparison, markdown, html, tuple(written))


def _sections(comparison: Comparison, found: Verdict) -> list[Section]:
    return [
        sections.verdict_section(comparison, found),
        *([requests_section(comparison)] if comparison.results.via else []),
        sections.speed_section(comparison),
        sections.size_section(comparison),
        sections.trade_section(comparison),
        sections.check_section(comparison),
        sections.payload_section(comparison),
        appendix.control_section(comparison),
        appendix.numbers_section(comparison),
        appendix.order_section(comparison),
        appendix.commands_section(comparison),
    ]


def _rendered(template: str, view: Mapping[str, Any]) -> str:
    try:
        import jinja2  # noqa: PLC0415 - an extra
        from markupsafe import Markup, escape  # noqa: PLC0415 - comes with jinja2
    except ImportError as exc:
        raise MissingExtra("rendering a report", "bench") from exc
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("transcoders.measure"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["code"] = lambda text: Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped
    environment.filters["pipes"] = lambda text: text.replace("|", r"\|")
    return environment.get_template(template).render(view)


def _inline(name: str, svg: str) -> str:
    """The figure for the middle of a page: without prolog and fixed size, its ids told apart from other figures'."""
    body = svg[svg.index("<svg") :].strip()
    body = re.sub(r'<svg ([^>]*?)height="[^"]*" ([^>]*?)width="[^"]*"', r"<svg \1\2", body, count=1)
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    return _ID.sub(lambda match: match[1] + name + "-", body)
