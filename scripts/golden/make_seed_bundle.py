"""Write tests/golden/seed-vN.bundle, once for each format version; never touch it again."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lstm_export import pipeline
from lstm_export.bundle import FORMAT_VERSION
from lstm_export.chains import Checkpoint, write_checkpoint
from tests.kit.chains import CHAINS

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Package the seed chain of the tests, unless the file is there already."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    path = ROOT / "tests" / "golden" / f"seed-v{FORMAT_VERSION}.bundle"
    if path.exists():
        sys.exit(f"{path} exists; a released format is never rewritten")
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "model.pt"
        write_checkpoint(checkpoint, Checkpoint(CHAINS["seed"]))
        reports = pipeline.package(checkpoint, path)
    print("\n".join(report.summary() for report in reports), f"\nwrote {path}")


if __name__ == "__main__":
    main()
