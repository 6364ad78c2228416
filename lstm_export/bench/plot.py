"""The bar chart."""

from __future__ import annotations

from pathlib import Path

from ..errors import require
from ..files import check_output, replacing
from .quantities import time_text
from .report import BenchReport

_COLOURS = ("#30638e", "#d1495b", "#edae49", "#00798c", "#7a5195", "#9aa5b1")


def check_plot(path: Path, *inputs: Path) -> None:
    """Refuse a chart before anything is measured for it.

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    require("matplotlib", "plot", "drawing a chart")
    check_output(path, *inputs)


def plot(report: BenchReport, path: Path) -> None:
    """Draw the medians of every engine at every work, with a line up to the 99th percentile, as PNG.

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: the file cannot be written.
    """
    require("matplotlib", "plot", "drawing a chart")
    from matplotlib.figure import Figure

    works, names = report.by_work(), [engine.name for engine in report.engines]
    width = 0.8 / len(names)
    figure = Figure(figsize=(2.2 + 1.1 * len(works) * max(1.0, len(names) / 2), 4.2), dpi=130, layout="constrained")
    axes = figure.subplots()
    for k, name in enumerate(names):
        mine = [(at, one.timing) for at, every in enumerate(works.values()) for one in every if one.engine == name]
        places = [at + (k - (len(names) - 1) / 2) * width for at, _ in mine]
        medians = [timing.p50_s for _, timing in mine]
        tails = [[0.0] * len(mine), [timing.p99_s - timing.p50_s for _, timing in mine]]
        style = {"elinewidth": 1, "ecolor": "#444444"}
        bars = axes.bar(
            places, medians, width * 0.92, color=_COLOURS[k % len(_COLOURS)], label=name, yerr=tails, error_kw=style
        )
        axes.bar_label(bars, [time_text(value) for value in medians], label_type="edge", fontsize=7, padding=2)
    axes.set_xticks(range(len(works)), list(works))
    axes.set(yscale="log", ylabel="latency, s", title="Median latency; the line ends at the 99th percentile")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.text(0.01, 0.005, f"{report.machine['processor']}", fontsize=6, color="#666666")
    with replacing(path) as partial:
        figure.savefig(partial, format="png")
