"""Judge bundles on 64-bit Arm: the real wheels of NumPy and ONNX Runtime, in QEMU's user mode.

    python -m scripts.study.aarch64                # an hour on a busy machine
    python -m scripts.study.aarch64 --chains seed bidirectional

Python comes from Debian 12's packages for arm64, NumPy and ONNX Runtime from PyPI's wheels for
aarch64; all of it goes into a temporary folder, and nothing of this system is changed. There a
process verifies the same bundles as `scripts.study.runtimes`, by ONNX Runtime and by NumPy alone.
Needs apt-get, dpkg and qemu-aarch64-static (scripts/install_emulators.sh).

ONNX Runtime asks Linux which processor this is and would be told of the host's, which is no Arm:
files in the emulated root describe a Cortex-A72, as in a Raspberry Pi 4.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.bench.timing import machine, machine_text
from scripts.study.runtimes import ROOT, write_bundles
from tests.kit.chains import CHAINS

CPU = "cortex-a72"
DEBIAN = (
    "python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libc6", "libgcc-s1",
    "libstdc++6", "zlib1g", "libexpat1", "libssl3", "libffi8", "libbz2-1.0", "liblzma5",
    "libuuid1", "libcrypt1",
)  # fmt: skip
PACKAGES = ("numpy", "onnxruntime")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64", "any")

Result = dict[str, Any]

# What Linux says of a single Cortex-A72, by path.
PROCESSOR = {
    "proc/cpuinfo": """\
processor : 0
Features : fp asimd evtstrm crc32 cpuid
CPU implementer : 0x41
CPU architecture: 8
CPU variant : 0x0
CPU part : 0xd08
CPU revision : 3
""",
    "sys/devices/system/cpu/possible": "0\n",
    "sys/devices/system/cpu/present": "0\n",
    "sys/devices/system/cpu/online": "0\n",
}

# Prints a line of JSON a bundle: its artifacts and the engine numpy, judged.
JUDGE = """
import json, platform, sys
from pathlib import Path
import numpy, onnxruntime
import lstm_export
from lstm_export.bundle import open_bundle
from lstm_export.device import numpy_runner, self_test
versions = {"numpy": numpy.__version__, "onnxruntime": onnxruntime.__version__}
print(json.dumps({"machine": platform.machine(), **versions}))
for path in sorted(Path(sys.argv[1]).glob("*.bundle")):
    bundle = open_bundle(path)
    alone = self_test(bundle, numpy_runner(bundle.model), "numpy")
    for report in (*lstm_export.verify(path), alone):
        shares = [entry.share for entry in report.sets]
        record = {"engine": report.subject, "share": max(shares), "ok": report.ok}
        print(json.dumps(record))
"""


def folders_in(folder: Path) -> list[Path]:
    """For the emulated root, the wheels, the bundles, and what lies about meanwhile."""
    made = [folder / name for name in ("root", "site", "bundles", "work")]
    for path in made:
        path.mkdir()
    return made


def fetch_python(root: Path, work: Path) -> None:
    """Debian's Python for arm64, unpacked into `root`, by lists of packages of our own."""
    for folder in ("lists/partial", "cache/archives/partial", "debs"):
        (work / folder).mkdir(parents=True)
    apt = ["apt-get", "-oAPT::Architecture=arm64", "-oAPT::Architectures=arm64"]
    apt += [f"-oDir::State::Lists={work / 'lists'}", f"-oDir::Cache={work / 'cache'}"]
    apt += ["-oAPT::Sandbox::User=root", "-qq"]
    run([*apt, "update"], work)
    run([*apt, "download", *DEBIAN], work / "debs")
    for package in (work / "debs").iterdir():
        run(["dpkg", "-x", str(package), str(root)], work)


def fetch_wheels(site: Path) -> None:
    """NumPy and ONNX Runtime as a device with this Python gets them."""
    platforms = [option for name in PLATFORMS for option in ("--platform", name)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    run([*pip, *platforms, "--python-version", "3.11", "--target", str(site), *PACKAGES], site)


def run(command: Sequence[str], folder: Path) -> None:
    """A command that has to succeed; what it says where it does not."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}")


def judged(root: Path, site: Path, bundles: Path) -> list[Result]:
    """What a Python for aarch64 finds of the bundles; first what it is."""
    for name, text in PROCESSOR.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    variables = {"PYTHONHOME": f"{root}/usr", "PYTHONPATH": f"{site}:{ROOT}"}
    emulator = ["qemu-aarch64-static", "-cpu", CPU, "-L", str(root)]
    for name, value in variables.items():
        emulator += ["-E", f"{name}={value}"]
    python = [f"{root}/usr/bin/python3.11", "-W", "ignore", "-c", JUDGE, str(bundles)]
    done = subprocess.run([*emulator, *python], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"the emulated Python ended with {done.returncode}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def line_of(engine: str, results: Sequence[Result]) -> str:
    """How an engine did."""
    failed = sum(not result["ok"] for result in results)
    share = max(result["share"] for result in results)
    counts = f"{len(results)} runs, {failed} failed"
    return f"{engine}: {counts}, largest error {share:.2f} of what is allowed"


def main() -> None:
    """Fetch, judge, count by engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", nargs="+", default=list(CHAINS), choices=list(CHAINS))
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        root, site, bundles, work = folders_in(Path(folder))
        write_bundles(bundles, given.chains)
        fetch_python(root, work)
        fetch_wheels(site)
        there, *results = judged(root, site, bundles)
    print(", ".join(f"{name} {value}" for name, value in there.items()))
    for engine in dict.fromkeys(result["engine"] for result in results):
        print(line_of(engine, [result for result in results if result["engine"] == engine]))
    print(machine_text(machine("numpy", "onnx")))
    sys.exit(not all(result["ok"] for result in results))


if __name__ == "__main__":
    main()
