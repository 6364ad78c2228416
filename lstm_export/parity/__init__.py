"""Does a runner compute what the model defines? Golden sets, noise floor, the rule, the report.

The rule, for one golden set with float64 answers y: S is, per output, the size of the terms that the last operation
sums; F is how far eight runs jittered by float32's unit roundoff move the outputs, in units of S. A runner passes iff
every error is at most `(8 F + 8 eps) S`. A model that amplifies rounding gets a wider bound, an ordinary one a bound of
about ten roundings, so neither false alarms nor a fixed tolerance's blindness follow.
"""

from .diagnosis import diagnose
from .golden import GoldenSet, golden_sets
from .junit import to_junit
from .report import ParityReport, SetResult, all_ok, check
from .streaming import check_streaming

__all__ = [
    "GoldenSet",
    "ParityReport",
    "SetResult",
    "all_ok",
    "check",
    "check_streaming",
    "diagnose",
    "golden_sets",
    "to_junit",
]
