"""Tables, calendar features and windows: shared by training and device."""

from ..model.calendar_names import CALENDAR, calendar_columns
from .calendar import calendar_features
from .groups import group_columns, group_name, group_rows, keyed_rows
from .steps import gaps_in_time, infer_time_step, step_text
from .table import RowSource, Table, TableSource, read_table
from .table_blocks import LargeTable, is_large
from .times import compact_format, parse_times, recognised
from .windows import (
    Missing,
    Run,
    series_of,
    sliding_windows,
    time_step_of,
)

__all__ = [
    "CALENDAR",
    "LargeTable",
    "Missing",
    "RowSource",
    "Run",
    "Table",
    "TableSource",
    "calendar_columns",
    "calendar_features",
    "compact_format",
    "gaps_in_time",
    "group_columns",
    "group_name",
    "group_rows",
    "infer_time_step",
    "is_large",
    "keyed_rows",
    "parse_times",
    "read_table",
    "recognised",
    "series_of",
    "sliding_windows",
    "step_text",
    "time_step_of",
]
