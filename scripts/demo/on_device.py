"""The demo's part on the device: show that it has no torch, and cut out the test weeks."""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib.util
import sys
from pathlib import Path

# The last 15 % of the hours are the test part of `lstm-export train`; none of them was seen in
# training.
TEST_SHARE = 0.15


def main() -> None:
    """Look for both packages, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA.csv.gz")
    parser.add_argument("output", type=Path, metavar="TEST.csv")
    given = parser.parse_args()
    there = [name for name in ("torch", "onnx") if importlib.util.find_spec(name)]
    if there:
        sys.exit(f"this environment is meant to be a device, but has {', '.join(there)}")
    print("no torch, no onnx in this environment")
    with gzip.open(given.data, "rt", newline="") as file:
        header, *rows = csv.reader(file)
    test = rows[round(len(rows) * (1 - TEST_SHARE)) :]
    with given.output.open("w", newline="") as file:
        csv.writer(file).writerows([header, *test])
    print(f"{len(test):,} test hours from {test[0][0]} to {test[-1][0]} -> {given.output}")


if __name__ == "__main__":
    main()
