"""Does a runner compute what the model defines? Golden sets, noise floor, the rule, the report.

The rule, for one golden set with float64 answers y: S is, for each output, the summed magnitude of
the last operation's terms; F is how far eight runs jittered by float32's unit roundoff move the
outputs, in units of S. A runner passes if and only if every error is at most `(8 F + 8 eps) S`. A
model that amplifies rounding gets a wider bound, an ordinary one a bound of about ten roundings, so
neither false alarms nor a fixed tolerance's blindness follow.
"""

from .catalogue import Mutation, by_place, catalogue
from .conditions import Condition, check_conditions
from .diagnosing import diagnose
from .diagnosis import Diagnosis
from .first_wrong import first_wrong_layer
from .golden import asked_of, golden_sets, unequal_lengths
from .golden_set import GoldenSet
from .junit import to_junit
from .parity_report import (
    GOOD_STRUCTURE,
    ParityReport,
    all_ok,
    check,
    could_not_be_opened,
)
from .set_result import SetResult
from .smallest import smallest_failing
from .streaming import check_streaming

__all__ = [
    "GOOD_STRUCTURE",
    "Condition",
    "Diagnosis",
    "GoldenSet",
    "Mutation",
    "ParityReport",
    "SetResult",
    "all_ok",
    "asked_of",
    "by_place",
    "catalogue",
    "check",
    "check_conditions",
    "check_streaming",
    "could_not_be_opened",
    "diagnose",
    "first_wrong_layer",
    "golden_sets",
    "smallest_failing",
    "to_junit",
    "unequal_lengths",
]
