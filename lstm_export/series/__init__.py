"""Tables, calendar features and windows: shared by training and device."""

from .calendar import CALENDAR, calendar_columns, calendar_features
from .table import Table, TableSource, read_table
from .times import compact_format, infer_time_step, parse_times, recognised
from .windows import (
    Missing,
    Run,
    gaps_in_time,
    group_rows,
    series_of,
    sliding_windows,
    time_step_of,
)

__all__ = [
    "CALENDAR",
    "Missing",
    "Run",
    "Table",
    "TableSource",
    "calendar_columns",
    "calendar_features",
    "compact_format",
    "gaps_in_time",
    "group_rows",
    "infer_time_step",
    "parse_times",
    "read_table",
    "recognised",
    "series_of",
    "sliding_windows",
    "time_step_of",
]
