"""What this machine can export, verify and run, and why not. Imports no framework."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from . import targets
from .device.onnx_support import OnnxSupport, support_from
from .errors import TELEMETRY_SWITCH
from .version import __version__

PACKAGES = (
    "numpy",
    "onnxruntime",
    "typer",
    "torch",
    "onnx",
    "pyarrow",
    "matplotlib",
    "cryptography",
)
ONNXRUNTIME = "onnxruntime"
FIRST_ENGINES = ("onnx", "numpy")  # of those that run here, the first that a bundle has
CHILD = "lstm_export.device.onnx_support"
CHILD_LIMIT_S = 60
_DISTRIBUTION = "lstm-export"
# A line such as `lstm-export[export]; extra == "train"` or `torch>=2.10; extra == "export"`.
_REQUIREMENT = re.compile(
    r"(?P<name>[\w.-]+)(\[(?P<extras>[\w,]+)\])?(>=(?P<lowest>[\d.]+))?(?P<rest>.*)"
)


@dataclass(frozen=True)
class TargetState:
    """What can be done with one target here; the reason is empty where it can be done."""

    name: str
    no_export: str
    no_run: str


@dataclass(frozen=True)
class MachineReport:
    """What was found on this machine."""

    version: str
    python: str
    system: str
    cpus: int
    packages: dict[str, str | None]
    onnxruntime: OnnxSupport
    targets: tuple[TargetState, ...]

    @property
    def engines(self) -> tuple[str, ...]:
        """What a bundle can be run with here, first choice first."""
        there = [target.name for target in self.targets if not target.no_run]
        first = [name for name in FIRST_ENGINES if name in there]
        return (*first, *(name for name in there if name not in FIRST_ENGINES))

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return {**asdict(self), "engines": self.engines}

    def text(self) -> str:
        """The findings as lines for people."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"lstm-export {self.version}, Python {self.python}, {self.system}, {self.cpus} CPUs"
        for name, version in self.packages.items():
            yield f"  {name:<12} {version or 'not installed'}"
        ort = self.onnxruntime
        if ort.reason:
            yield f"ONNX Runtime cannot be used: {ort.reason}"
        else:
            providers = ", ".join(ort.providers)
            loads = f"loads opset <= {ort.newest_opset}, IR <= {ort.newest_ir}"
            yield f"ONNX Runtime: {providers}; {loads}"
            yield f"  {TELEMETRY_SWITCH}={ort.telemetry_switch}: {_telemetry(ort)}"
        yield f"a bundle runs here with: {', '.join(self.engines)}"
        for target in self.targets:
            yield f"{target.name}:"
            yield f"  export  {'no: ' + target.no_export if target.no_export else 'yes'}"
            yield f"  run     {'no: ' + target.no_run if target.no_run else 'yes'}"


def _telemetry(ort: OnnxSupport) -> str:
    if ort.telemetry_switch == "1":
        return "it writes and sends nothing about this machine"
    return "from 1.30 on it may write and send events about this machine; 1 stops it"


def examine() -> MachineReport:
    """Look at this machine."""
    support = _onnx_support()
    return MachineReport(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
        packages={name: _installed(name) for name in PACKAGES},
        onnxruntime=support,
        targets=tuple(_target_state(name, support) for name in targets.names()),
    )


def _target_state(name: str, support: OnnxSupport) -> TargetState:
    target = targets.get(name)
    lacking = []
    for package, lowest in _requirements(target.extra):
        problem = _problem(package, lowest)
        if problem:
            lacking.append(problem)
    no_export = ""
    if lacking:
        no_export = f'{", ".join(lacking)}; pip install "{_DISTRIBUTION}[{target.extra}]"'
    elif isinstance(target, targets.MayNotExport):
        no_export = target.cannot_export()
    if target.needs and not _installed(target.needs):
        no_run = f"{target.needs} is not installed"
    elif target.needs == ONNXRUNTIME and support.reason:
        no_run = support.reason
    else:
        no_run = targets.unavailable(target)
    return TargetState(name, no_export, no_run)


def _requirements(extra: str) -> Iterator[tuple[str, str]]:
    """Package and lowest version of everything that an extra brings, by this package's own
    metadata."""
    for text in metadata.requires(_DISTRIBUTION) or ():
        found = _REQUIREMENT.match(text)
        if not found or f'extra == "{extra}"' not in found["rest"].replace("'", '"'):
            continue
        if found["name"] == _DISTRIBUTION:
            for inner in found["extras"].split(","):
                yield from _requirements(inner)
        else:
            yield found["name"], found["lowest"] or ""


def _problem(package: str, lowest: str) -> str:
    """Why a requirement is not met; empty where it is."""
    version = _installed(package)
    if version is None:
        return f"{package} is not installed"
    if _numbers(version) < _numbers(lowest):
        return f"{package} is {version}, expected {lowest} or newer"
    return ""


def _numbers(version: str) -> list[int]:
    """`2.13.0+cpu` as [2, 13, 0]."""
    return [int(number) for number in re.findall(r"\d+", version.partition("+")[0])[:3]]


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _onnx_support() -> OnnxSupport:
    """Found out in a process of its own, which a broken ONNX Runtime may end."""
    if _installed(ONNXRUNTIME) is None:
        return OnnxSupport(reason="it is not installed; pip install onnxruntime")
    command = [sys.executable, "-m", CHILD]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, this package
            command, capture_output=True, text=True, check=False, timeout=CHILD_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return OnnxSupport(reason=f"importing it took longer than {CHILD_LIMIT_S} s")
    if done.returncode < 0:
        return OnnxSupport(reason=f"importing it ended the process with signal {-done.returncode}")
    found = support_from(done.stdout)
    return found or OnnxSupport(reason=f"importing it ended with code {done.returncode}")
