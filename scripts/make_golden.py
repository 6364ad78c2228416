"""Write tests/golden/seed-vN.bundle: run once when the bundle's format version changes, then never touch the file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from lstm_export import pipeline  # noqa: E402
from lstm_export.bundle import FORMAT_VERSION  # noqa: E402
from lstm_export.chains import Checkpoint, write_checkpoint  # noqa: E402
from tests.conftest import CHAINS  # noqa: E402


def main() -> None:
    """Package the seed chain of the tests, unless the file is there already."""
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
