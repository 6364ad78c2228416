"""Measure what a device has to store: this package with what pip installs beside it.

Bytes of files as pip unpacks them, without compiled `.pyc`, by the newest versions that pip finds.

    python -m scripts.bench.device_install
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.bench.timing import machine, options, report

CHOICES = {"lstm-export": ".", "lstm-export[onnxruntime]": ".[onnxruntime]"}
SHOWN = 3  # packages, the largest
MB = 10**6


def installed(requirement: str, folder: Path) -> dict[str, int]:
    """Bytes by folder of what one `pip install` puts there."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), requirement], check=True, capture_output=True)
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            package = path.relative_to(folder).parts[0].partition(".")[0].partition("-")[0]
            sizes[package] = sizes.get(package, 0) + path.stat().st_size
    return sizes


def main() -> None:
    """Install every choice into a folder of its own and report."""
    given = options(__doc__).parse_args()
    lines = []
    record = {}
    for name, requirement in CHOICES.items():
        with TemporaryDirectory() as folder:
            sizes = installed(requirement, Path(folder))
        largest = sorted(sizes.items(), key=lambda item: -item[1])[:SHOWN]
        parts = ", ".join(f"{package} {size / MB:.1f}" for package, size in largest)
        total = sum(sizes.values())
        lines.append(f"{name:26} {total / MB:6.1f} MB: {parts}, ...")
        record[name] = {"bytes": total, "packages": sizes}
    report(lines, record, machine("numpy", "onnxruntime", "typer"), given)


if __name__ == "__main__":
    main()
