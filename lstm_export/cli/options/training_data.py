"""What `train` takes from a table, and how it reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

# The table, and its columns
Table = Annotated[
    Path,
    typer.Argument(
        help="A table: .csv, .csv.gz, .parquet, or a folder of .csv or .parquet.",
        metavar="DATA",
    ),
]
Target = Annotated[
    str, typer.Option(help="Columns to predict, with commas between.", metavar="COL,..")
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Input columns; by default every numeric column except time and group, "
        "with --horizon 0 also except targets.",
        metavar="COL,..",
    ),
]
ExcludePast = Annotated[
    bool, typer.Option("--exclude-past", help="Leave the targets out of the default inputs.")
]
Categorical = Annotated[
    str,
    typer.Option(
        help="Columns of text, each level of which becomes an input of 0 and 1.",
        metavar="COL,..",
    ),
]
UnknownLevel = Annotated[
    choices.UnknownLevel,
    typer.Option(
        help="What a text that training did not see is later: an error, or other, with 0 in "
        "all these inputs."
    ),
]

# Windows
Window = Annotated[int, typer.Option(help="Rows in a window, which is what the model sees.")]
Horizon = Annotated[
    int, typer.Option(help="Rows ahead to predict; 0 predicts at the window's last row.")
]

# Times, and the calendar made of them
Time = Annotated[
    str | None,
    typer.Option(help="Time column: ISO 8601, or numbers that count up.", metavar="COL"),
]
Calendar = Annotated[
    str,
    typer.Option(
        help="Inputs derived from the time: hour, weekday, yearday as waves; hour_onehot, "
        "weekday_onehot, month_onehot, week_hour_onehot as a column a value; holiday.",
        metavar="NAME,..",
    ),
]
Country = Annotated[
    str | None,
    typer.Option(
        help="Whose public holidays --calendar holiday means: a code such as US or DE-BY.",
        metavar="CODE",
    ),
]

# Series, and their shares
Group = Annotated[
    str | None,
    typer.Option(help="Columns that tell one series from another.", metavar="COL,.."),
]
Pad = Annotated[bool, typer.Option("--pad", help="Learn from groups shorter than the window too.")]
Split = Annotated[
    str,
    typer.Option(
        help="Shares of train, validation and test.",
        metavar="A,B,C",
    ),
]
SplitBy = Annotated[
    choices.SplitBy | None,
    typer.Option(
        help="Split each group in order of time, or share out whole groups; "
        "by default in time, and by groups with --pad."
    ),
]
SplitSeed = Annotated[
    int | None,
    typer.Option(help="Seed of the draw of whole groups, by default --seed."),
]

# How the text of a table is written
MissingValues = Annotated[
    str,
    typer.Option(help="Words for an empty cell beside NA, NaN, null and none.", metavar="WORD,.."),
]
TimeFormat = Annotated[
    str | None,
    typer.Option(
        help="How times are written where not as ISO 8601, such as %d.%m.%Y %H:%M.",
        metavar="FORMAT",
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        help="Where times without an offset are, such as Europe/Berlin; calendars are in it.",
        metavar="ZONE",
    ),
]
Decimal = Annotated[
    str, typer.Option(help="Point or comma before a number's fraction.", metavar="CHAR")
]
Separator = Annotated[
    str | None,
    typer.Option(
        help="Between cells: a comma, ;, |, tab or space; by default the likeliest.",
        metavar="CHAR",
    ),
]
SkipRows = Annotated[int, typer.Option(help="Lines of a text file that stand before its header.")]

# Steps of time, units, scales
Step = Annotated[
    str | None,
    typer.Option(
        help="Time from row to row: 5s, 1min, 1h, 1d, business-day, month, quarter, year; by "
        "default what most rows show.",
        metavar="TIME",
    ),
]
Tolerance = Annotated[
    str | None,
    typer.Option(help="How far a step may be off and is no gap, such as 5s.", metavar="TIME"),
]
Units = Annotated[
    list[str] | None,
    typer.Option(help="Unit of a column; repeat for several.", metavar="COL=UNIT"),
]
Scaler = Annotated[
    choices.Scaler, typer.Option(help="How columns are scaled; the scaler is part of the model.")
]
