"""Judge what the ONNX targets write in ONNX Runtimes of other versions.

    python -m scripts.study.runtimes                       # 1.15.1, 1.19.2 and the newest
    python -m scripts.study.runtimes 1.17.3 1.22.1

Each version is installed by pip into a folder of its own, with a NumPy that goes with it. There a
process opens every chain of the tests, plain, with lengths and with state, as a device does, and
judges it by the rule; nothing of this package's environment is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.device import numpy_runner
from lstm_export.model import Model
from lstm_export.model.runner import is_stateful
from lstm_export.parity import golden_sets
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import machine, machine_text
from tests.kit.chains import CHAINS

ROOT = Path(__file__).resolve().parents[2]
NEWEST = "newest"
VERSIONS = ("1.15.1", "1.19.2", NEWEST)
FIRST_WITH_NUMPY_2 = (1, 19)

# Verifies bundles in a process that has another ONNX Runtime.
JUDGE = """
import json, sys
from pathlib import Path
import onnxruntime
import lstm_export
reports = [
    report for path in sorted(Path(sys.argv[1]).glob("*.bundle"))
    for report in lstm_export.verify(path)
]
shares = [entry.share for report in reports for entry in report.sets]
failed = [report.table() for report in reports if not report.ok]
print(json.dumps({"runtime": onnxruntime.__version__, "artifacts": len(reports),
                  "share": max(shares), "failed": failed}))
"""


def artifacts_of(model: Model) -> Iterator[Artifact]:
    """What the ONNX targets write of it."""
    yield Artifact("onnx", ".onnx", to_bytes(model, 17, lengths=True))
    if is_stateful(numpy_runner(model)):
        yield Artifact("onnx-stream", ".stream.onnx", to_bytes(model, 17, stateful=True))


def write_bundles(folder: Path, chains: Iterable[str] = CHAINS) -> None:
    """A bundle of every chain, and the plain graphs in one of their own."""
    for index, name in enumerate(chains):
        model = CHAINS[name]
        golden = golden_sets(model)
        plain = [Artifact("onnx", ".onnx", to_bytes(model, 17))]
        write_bundle(folder / f"{index}.bundle", make_bundle(model, golden, artifacts_of(model)))
        write_bundle(folder / f"{index}_plain.bundle", make_bundle(model, golden, plain))


def install(version: str, folder: Path) -> None:
    """ONNX Runtime of this version with its dependencies."""
    wanted = ["onnxruntime" if version == NEWEST else f"onnxruntime=={version}"]
    numbers = tuple(map(int, version.split(".")[:2])) if version != NEWEST else FIRST_WITH_NUMPY_2
    if numbers < FIRST_WITH_NUMPY_2:
        wanted.append("numpy<2")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder)]
    subprocess.run([*pip, *wanted], check=True, capture_output=True)


def judged(bundles: Path, packages: Path) -> dict[str, object]:
    """What a process with these packages finds."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])}
    command = [sys.executable, "-W", "ignore", "-c", JUDGE, str(bundles)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Every version that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("versions", nargs="*", default=VERSIONS, metavar="VERSION")
    versions = parser.parse_args().versions
    failed: list[object] = []
    with TemporaryDirectory() as bundles:
        write_bundles(Path(bundles))
        for version in versions:
            with TemporaryDirectory() as packages:
                install(version, Path(packages))
                found = judged(Path(bundles), Path(packages))
            failed += found["failed"]  # type: ignore[operator]
            print(
                f"ONNX Runtime {found['runtime']}: {found['artifacts']} artifacts, "
                f"{len(found['failed'])} failed, largest error {found['share']:.2f} of what is "
                "allowed",
                flush=True,
            )
    print(machine_text(machine("onnx")))
    print(*failed, sep="\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
