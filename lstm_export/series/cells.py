"""What stands in one cell of a table: a number, a text, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..model import USUAL, TableFormat

MISSING_CELLS = ("", "nan", "na", "n/a", "null", "none")  # in any case, blanks around them ignored
TRUTHS = {"true": "1", "false": "0"}
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_DECIMAL_POINT = re.compile(r"[-+]?\d+\.\d+")
# Two of them, or one and another mark before the fraction: 1,234.5 and 1.234.567, but not 1,234.
_THOUSANDS = re.compile(r"[-+]?\d{1,3}((,\d{3})+\.\d+|(\.\d{3})+,\d+|(,\d{3}){2,}|(\.\d{3}){2,})")
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}\b.*")  # 31.12.2024 18:30, 12/31/24


def is_null(value: object) -> bool:
    """None, NaN, NaT, or pandas' NA: only they are None, or are not equal to themselves."""
    if value is None:
        return True
    try:
        return bool(value != value)  # noqa: PLR0124
    except TypeError:  # whether NA equals itself is NA too, which is neither true nor false
        return True


def is_given(cell: str, table_format: TableFormat = USUAL) -> bool:
    """Whether a cell of text holds something."""
    text = cell.strip()
    return text.lower() not in MISSING_CELLS and text not in table_format.missing_values


def fills(cells: Sequence[str], width: int) -> bool:
    """Whether a row has a cell for each of so many columns; what is more may be empty, as a
    separator at the end of rows leaves it."""
    return len(cells) >= width and not any(cell.strip() for cell in cells[width:])


def number_text(cell: str, table_format: TableFormat = USUAL) -> str:
    """A cell of text as `float` reads it: true is 1, false 0; empty where it is no number."""
    text = cell.strip()
    text = TRUTHS.get(text.lower(), text)
    if table_format.decimal == ".":
        return text
    return "" if "." in text else text.replace(table_format.decimal, ".")


def is_number(cell: str, table_format: TableFormat = USUAL) -> bool:
    """Whether a cell of text is a number, NaN and truth values included."""
    try:
        float(number_text(cell, table_format))
    except ValueError:
        return False
    return True


def advice(cell: str, table_format: TableFormat) -> str:
    """What to do about a cell that is no number."""
    text = cell.strip()
    if _THOUSANDS.fullmatch(text):
        return "write it without what stands between its thousands"
    if _DECIMAL_COMMA.fullmatch(text) and table_format.decimal == ".":
        return "train with --decimal , where a comma stands before a number's fraction"
    if _DECIMAL_POINT.fullmatch(text):
        return "with a comma before its fraction, as --decimal says; repair it"
    if _DATE.fullmatch(text):
        return (
            "leave the column out, or train with --time, and --time-format for how its times are "
            "written"
        )
    of_text = ", or with --categorical where the column holds text" if text.isalpha() else ""
    return (
        "repair it, leave the column out, or train with --missing-values where it stands for a "
        f"missing cell{of_text}"
    )
