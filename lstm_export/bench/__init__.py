"""How fast an engine answers, how soon it is ready, what it needs; its answers are checked."""

from .measure import Options, bench
from .plot import check_plot, plot
from .quantities import frequency_hz, seconds
from .report import BenchReport, Deadline, EngineResult, WorkResult

__all__ = [
    "BenchReport",
    "Deadline",
    "EngineResult",
    "Options",
    "WorkResult",
    "bench",
    "check_plot",
    "frequency_hz",
    "plot",
    "seconds",
]
