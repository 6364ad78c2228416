"""What this machine can export, verify and run, and why not. Imports no framework."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

from . import targets
from .device.runtime import CPU, onnxruntime, runtime_errors
from .errors import TELEMETRY_SWITCH, MissingDependency
from .version import __version__

PACKAGES = ("numpy", "onnxruntime", "typer", "torch", "onnx", "pyarrow", "matplotlib")
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
class OnnxSupport:
    """What the installed ONNX Runtime can do; `reason` says why it cannot be used, if so."""

    providers: tuple[str, ...] = ()
    newest_opset: int | None = None
    newest_ir: int | None = None
    reason: str = ""
    telemetry_switch: str = ""  # the value of ORT_DISABLE_TELEMETRY; 1 keeps it from any word


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

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self)

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
    return MachineReport(
        version=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
        packages={name: _installed(name) for name in PACKAGES},
        onnxruntime=_onnx_support(),
        targets=tuple(_target_state(name) for name in targets.names()),
    )


def _target_state(name: str) -> TargetState:
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
    try:
        ort = onnxruntime()
    except MissingDependency as error:
        return OnnxSupport(reason=str(error))
    return OnnxSupport(
        telemetry_switch=os.environ.get(TELEMETRY_SWITCH, ""),
        providers=tuple(ort.get_available_providers()),
        newest_opset=_newest(ort, lambda version: _identity(opset=version, ir=8)),
        newest_ir=_newest(ort, lambda version: _identity(opset=13, ir=version)),
    )


def _newest(ort: Any, model: Callable[[int], bytes]) -> int | None:
    """The newest version that loads, found by trying: ONNX Runtime does not say."""
    options = ort.SessionOptions()
    options.log_severity_level = 4  # failing is expected
    errors = runtime_errors(ort)
    newest = None
    for version in range(7, 64):
        try:
            ort.InferenceSession(model(version), options, providers=[CPU])
        except errors:
            if newest is not None:
                break
        else:
            newest = version
    return newest


def _identity(opset: int, ir: int) -> bytes:
    """The smallest ONNX model, `y = x`, in protobuf's wire format: field numbers of onnx.proto."""
    node = _message(1, b"x") + _message(2, b"y") + _message(4, b"Identity")
    # A tensor type: elem_type FLOAT, a shape without axes.
    scalar = _message(1, b"\x08\x01" + _message(2, b""))
    x = _message(1, b"x") + _message(2, scalar)
    y = _message(1, b"y") + _message(2, scalar)
    graph = _message(1, node) + _message(2, b"g") + _message(11, x) + _message(12, y)
    return bytes([0x08, ir]) + _message(7, graph) + _message(8, bytes([0x10, opset]))


def _message(number: int, content: bytes) -> bytes:
    """A field of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content
