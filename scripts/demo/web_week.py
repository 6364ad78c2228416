"""Write the inputs of a test week, with the two days before it, for the page of a wasm export.

    web_week.py MODEL.pt TEST.csv WEEK.csv

The page takes the columns that the model reads; those that come from the time are made here.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

from lstm_export.series import read_table, series_of
from lstm_export.verification.subject import read

HOURS = 7 * 24


def main() -> None:
    """Take the first whole week of the longest stretch without a gap."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, file in {"checkpoint": "MODEL.pt", "test": "TEST.csv", "week": "WEEK.csv"}.items():
        parser.add_argument(name, type=Path, metavar=file)
    given = parser.parse_args()
    signature = read(given.checkpoint).model.signature
    run = max(series_of(read_table(given.test), signature), key=len)
    hours = HOURS + (signature.window or 0)
    with given.week.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in signature.features)
        writer.writerows(run.x[:hours].tolist())
    print(f"{min(hours, len(run))} hours from {run.times[0]} -> {given.week}")


if __name__ == "__main__":
    main()
