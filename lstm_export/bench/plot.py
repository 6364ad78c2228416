"""The bar chart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import require
from ..files import check_output, replacing
from .quantities import time_text
from .report import BenchReport
from .timing import Timing

_COLOURS = ("#30638e", "#d1495b", "#a86a10", "#00798c", "#7a5195", "#5b6670")


def check_plot(path: Path, *inputs: Path) -> None:
    """Refuse a chart before anything is measured for it.

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    require("matplotlib", "plot", "drawing a chart")
    check_output(path, *inputs)


def plot(report: BenchReport, path: Path) -> None:
    """Draw the medians of every engine at every work, with a line up to the 99th percentile, as
    PNG.

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    require("matplotlib", "plot", "drawing a chart")
    from matplotlib.figure import Figure

    works = report.by_work()
    names = [engine.name for engine in report.engines]
    inches = 2.5 + 0.62 * len(works) * (len(names) + 0.5)
    figure = Figure(figsize=(inches, 4.2), dpi=130, layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(names)
    for index, name in enumerate(names):
        aside = (index - (len(names) - 1) / 2) * width
        bars = {}
        for place, row in enumerate(works.values()):
            for result in row:
                if result.engine == name:
                    bars[place + aside] = result.timing
        _draw(axes, bars, width * 0.94, name, _COLOURS[index % len(_COLOURS)])
    axes.set_xticks(range(len(works)), list(works))
    quickest = min(result.timing.p50_s for row in works.values() for result in row)
    axes.set(
        yscale="log",
        ylabel="seconds a call",
        title="Latency: medians, lines up to the 99th percentile",
        xlim=(-0.55, len(works) - 0.45),
        ylim=(quickest / 3, None),  # a log scale has no 0 for bars to stand on
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.08))
    where = f"{report.machine['processor']}, {report.machine['system']}"
    figure.text(0.01, 0.01, where, fontsize=6, color="#666666")
    with replacing(path) as partial:
        figure.savefig(partial, format="png")


def _draw(axes: Any, bars: Mapping[float, Timing], width: float, name: str, colour: str) -> None:
    """One engine's bars by place, the median written into each."""
    medians = {place: timing.p50_s for place, timing in bars.items()}
    tails = [[0.0] * len(bars), [timing.p99_s - timing.p50_s for timing in bars.values()]]
    style = {"elinewidth": 1, "ecolor": "#444444"}
    axes.bar(
        list(medians),
        list(medians.values()),
        width,
        color=colour,
        label=name,
        yerr=tails,
        error_kw=style,
    )
    inside = {"xytext": (0, -3), "textcoords": "offset points", "ha": "center", "va": "top"}
    for place, median in medians.items():
        axes.annotate(time_text(median), (place, median), fontsize=7, color="white", **inside)
