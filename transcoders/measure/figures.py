"""Figures as SVG text, the same bytes for the same numbers. The only file that imports matplotlib.

Text stays text and names fonts that every system has; ids are salted by a constant and dates left out. A figure knows
nothing of the report around it.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from transcoders.errors import MissingExtra
from transcoders.measure import labels
from transcoders.measure.comparison import Comparison
from transcoders.measure.palette import LAYER_COLOURS, colours
from transcoders.measure.shares import shares

FONTS = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_Reach = tuple[Sequence[float], Sequence[float]]
_PANELS = 6
_SIZE = 9.0
_LABEL = 8.0
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "transcoders",
    "font.family": "DejaVu Sans",
    "font.size": _SIZE,
    "axes.titlesize": _SIZE,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8a8a",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
}


def draw(comparison: Comparison) -> dict[str, str]:
    """Every figure of a report by name, as SVG.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    drawn = {"cost": _svg(comparison, _cost), "trade": _svg(comparison, _trade)}
    return drawn | ({"requests": _svg(comparison, _requests)} if comparison.results.via else {})


def _svg(comparison: Comparison, draw_on: Callable[[Any, Comparison], None]) -> str:
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra
    except ImportError as exc:
        raise MissingExtra("drawing figures", "bench") from exc
    with mpl.rc_context(_STYLE), io.StringIO() as out:
        figure = Figure(layout="constrained")
        draw_on(figure, comparison)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        return out.getvalue().replace("'DejaVu Sans'", FONTS).replace("DejaVu Sans", "sans-serif")


# Figure 1: bars.


def _cost(figure: Any, comparison: Comparison) -> None:
    """One panel for the cost, one for each of its operations, one for bytes; the fastest on top."""
    specs = comparison.ranked[::-1]
    panels = [comparison.codec, *([(op,) for op in comparison.codec] if len(comparison.codec) > 1 else [])]
    figure.set_size_inches(2.6 * (len(panels) + 1), 1.1 + 0.34 * len(specs))
    tie = 1 + comparison.floor.overall_tie
    *timed, sized = figure.subplots(1, len(panels) + 1, sharey=True)
    for axes, ops in zip(timed, panels, strict=True):
        estimates = {spec: comparison.overall(spec, ops) for spec in specs}
        medians = {spec: found.median for spec, found in estimates.items()}
        below, above = zip(
            *((each.median - each.low, each.high - each.median) for each in estimates.values()), strict=True
        )
        _bars(axes, comparison, medians, (below, above))
        axes.set_title(" + ".join(ops))
        axes.set_xlabel(f"time, ratio to {comparison.results.baseline}")
        axes.axvspan(1 / tie, tie, color="#d9d9d9", zorder=0.5)
    _bars(sized, comparison, {spec: comparison.bytes(spec) for spec in specs}, None)
    sized.set_title("bytes")
    sized.set_xlabel(f"size, ratio to {comparison.results.baseline}")


def _bars(axes: Any, comparison: Comparison, medians: Mapping[str, float], reach: _Reach | None) -> None:
    """A bar for each spec, from the bottom up; `reach` is what the whiskers span below and above."""
    palette = colours(comparison.results.specs)
    whiskers = {"ecolor": "#222222", "elinewidth": 1.0, "capsize": 2.5}
    drawn = [palette[spec] for spec in medians]
    axes.barh([*medians], [*medians.values()], xerr=reach, color=drawn, height=0.62, error_kw=whiskers)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.axvline(1, color="#8a8a8a", linewidth=0.8)
    axes.set_xlim(0, 1.22 * max(1.1, *medians.values()))
    for row, median in enumerate(medians.values()):
        high = median + (reach[1][row] if reach else 0)
        _note(axes, f"{median:.2f}", (high, row), (4, 0), ha="left")


# Figure 2: whole requests, as stacked bars.


def _requests(figure: Any, comparison: Comparison) -> None:
    """One panel for each request whose parts are known, a bar for each transcoder; the fastest on top."""
    specs = comparison.ranked[::-1]
    figure.set_size_inches(9.2, 1.5 + 0.34 * len(specs))
    panels = figure.subplots(1, len(comparison.cost), sharey=True)
    for axes, request in zip(panels, comparison.cost, strict=True):
        found = [shares(comparison, spec, request) for spec in specs]
        left = [0.0] * len(specs)
        for layer, colour in LAYER_COLOURS.items():
            widths = [getattr(each, layer) * 1e6 for each in found]
            axes.barh([*specs], widths, left=left, color=colour, height=0.62, label=layer)
            left = [start + width for start, width in zip(left, widths, strict=True)]
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1.18 * max(left))
        axes.set_title(request)
        axes.set_xlabel("µs")
        for row, end in enumerate(left):
            _note(axes, f"{end:.1f}", (end, row), (4, 0), ha="left")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names), frameon=False, fontsize=_LABEL)


# Figure 3: the trade.


def _trade(figure: Any, comparison: Comparison) -> None:
    names = _chosen(comparison)
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    figure.set_size_inches(4.6 * columns, 2.9 * rows)
    grid = figure.subplots(rows, columns, squeeze=False).flatten()
    panels = [(axes, _panel(axes, comparison, name)) for axes, name in zip(grid, names, strict=False)]
    for axes in grid[len(names) :]:
        axes.set_visible(False)
    for axes in grid[max(0, len(names) - columns) : len(names)]:
        axes.set_xlabel(f"{' + '.join(comparison.codec)}, µs")
    for axes in grid[: len(names) : columns]:
        axes.set_ylabel("bytes")
    figure.draw_without_rendering()  # the layout decides where the axes stand
    for axes, points in panels:
        _label(axes, points)


def _chosen(comparison: Comparison) -> list[str]:
    """Payloads from the smallest to the largest, evenly spaced in the order of their sizes."""
    results = comparison.results
    names = sorted(comparison.mix, key=lambda name: results.sizes[results.baseline, name].raw)
    if len(names) <= _PANELS:
        return names
    return [names[index * (len(names) - 1) // (_PANELS - 1)] for index in range(_PANELS)]


def _panel(axes: Any, comparison: Comparison, name: str) -> dict[str, tuple[float, float]]:
    """Draws the panel of a payload, but for its labels; returns its points."""
    specs = [spec for spec in comparison.results.specs if comparison.has(spec, name)]
    sizes = comparison.results.sizes
    points = {
        spec: (comparison.time(spec, name, comparison.codec).median * 1e6, sizes[spec, name].raw) for spec in specs
    }
    axes.set_title(name)
    _scale(axes.xaxis, [x for x, _ in points.values()])
    _scale(axes.yaxis, [y for _, y in points.values()])
    everyone = frontier(points)
    filled = {spec for spec in specs if comparison.results.candidate(spec).interchange}
    open_ones = frontier({spec: point for spec, point in points.items() if spec in filled})
    axes.plot(*_steps(everyone), color="#9a9a9a", linewidth=1.0, zorder=1)
    if open_ones and open_ones != everyone:
        axes.plot(*_steps(open_ones), color="#9a9a9a", linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    palette = colours(comparison.results.specs)
    for spec, (x, y) in points.items():
        face = palette[spec] if spec in filled else "white"
        axes.plot([x], [y], "o", markersize=7, color=palette[spec], markerfacecolor=face, markeredgewidth=1.8, zorder=3)
    return points


def frontier(points: Mapping[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other beats in both coordinates, from left to right."""
    best: list[tuple[float, float]] = []
    for point in sorted(points.values()):
        if not best or point[1] < best[-1][1]:
            best.append(point)
    return best


def _steps(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """A staircase through the points: what lies right of and above it is beaten."""
    corners = [points[0]]
    for (_, before), after in pairwise(points):
        corners += [(after[0], before), after]
    return [x for x, _ in corners], [y for _, y in corners]


def _scale(side: Any, values: Sequence[float]) -> None:
    """A logarithmic axis of at least a factor of four, with plain numbers at 1, 2 and 5."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator  # noqa: PLC0415 - an extra

    low, high = min(values), max(values)
    room = max(1.35, (4 / (high / low)) ** 0.5)
    side.axes.set(**{f"{side.axis_name}scale": "log", f"{side.axis_name}lim": (low / room, high * room)})
    side.set_major_locator(LogLocator(subs=(1, 2, 5)))
    side.set_minor_locator(NullLocator())
    side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _label(axes: Any, points: Mapping[str, tuple[float, float]]) -> None:
    """Each point's name beside it; sizes and places in points of the page."""
    to_page = axes.figure.dpi / 72
    placed = [tuple(axes.transData.transform(point) / to_page) for point in points.values()]
    frame = axes.get_window_extent()
    inside = labels.Box(frame.x0 / to_page, frame.y0 / to_page, frame.x1 / to_page, frame.y1 / to_page)
    sizes = [(0.62 * _LABEL * len(spec), 1.25 * _LABEL) for spec in points]
    boxes = labels.place(placed, sizes, inside, gap=6)
    for (spec, point), (x, y), box in zip(points.items(), placed, boxes, strict=True):
        side = "left" if box.left >= x else "right" if box.right <= x else "center"
        anchor = {"left": box.left, "right": box.right, "center": (box.left + box.right) / 2}[side]
        _note(axes, spec, point, (anchor - x, (box.bottom + box.top) / 2 - y), ha=side)


def _note(axes: Any, text: str, point: tuple[float, float], offset: tuple[float, float], ha: str) -> None:
    """Text at an offset from a point, on white, so that no line runs through it."""
    white = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
    axes.annotate(
        text, point, offset, textcoords="offset points", ha=ha, va="center", fontsize=_LABEL, bbox=white, zorder=2
    )
