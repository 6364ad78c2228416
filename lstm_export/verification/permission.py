"""Whether code in a file may run: the one place in this package that decides.

What may run follows from what the user asked for, never from what a file holds. Opening ONNX runs
nothing but graphs that the target writes, node for node; where the user named the model that a file
of another tool was made from, that file runs in a process of its own, if `device.onnx_guard` passes
it. Opening WebAssembly runs it in wasmtime without imports, with limited memory of its own, until
its fuel is used up: it reaches nothing and ends, so it needs no permission either. Opening C or
TorchScript runs whatever is in it; it runs if

- it is a folder, such as `model_c`, and the user named it; not if it is called as another
  target's folder is, such as `model_wasm`;
- it is a file, the user named the model that it was made from, and the file is called what it is;
- it is in a bundle, and the user named the model that the bundle was made from;
- the user said `--trust`.

An engine made from a bundle's weights needs no permission: only numbers of the bundle reach it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import targets
from ..files import is_folder

_ALLOW_BUNDLE = "name the model that the bundle was made from, or add --trust, if you trust it"


@dataclass(frozen=True)
class Permission:
    """What the user said that lets code in a file run.

    Attributes:
        trust: `--trust`: run whatever is in the files that are named.
        names_model: the model that the artifact was made from was named beside it.
    """

    trust: bool = False
    names_model: bool = False


NO_PERMISSION = Permission()


def refusal_of_artifact(path: Path, target: str, permission: Permission) -> str:
    """Why a lone artifact may not run; empty where it may."""
    module = targets.get(target)
    if not isinstance(module, targets.RunsCode) or permission.trust:
        return ""
    if is_folder(path):
        return _refusal_of_folder(path, target, module.runs_code)
    if not permission.names_model:
        return f"it holds {target}, and {module.runs_code}; if it is yours, add --trust"
    if path.name.endswith(module.suffix):
        return ""
    return (
        f"it holds {target}, and {module.runs_code}, but its name does not end in "
        f"{module.suffix}; if it is yours, rename it or add --trust"
    )


def _refusal_of_folder(path: Path, target: str, runs_code: str) -> str:
    """Naming a folder lets its code run, unless it is called as another target's folder is."""
    name = path.resolve().name  # of what a link or `.` leads to
    for other in targets.names():
        if other != target and name.endswith(targets.get(other).suffix):
            return (
                f"it holds {target}, and {runs_code}, but is called as a folder of {other} is; "
                "if it is yours, rename it or add --trust"
            )
    return ""


def refusal_in_bundle(target: str, permission: Permission) -> str:
    """Why an artifact in a bundle may not run; empty where it may."""
    module = targets.get(target)
    is_allowed = permission.trust or permission.names_model
    if is_allowed or not isinstance(module, targets.RunsCode):
        return ""
    return f"{module.runs_code}; {_ALLOW_BUNDLE}"
