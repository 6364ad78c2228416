"""A TorchScript archive in a process of its own: opening one runs what is in it.

The child is `python -m lstm_export.chains.archive_child ARCHIVE`. It says what the archive is made
of, then answers inputs one by one.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import child_process
from ..child_process import ChildProcess, serve
from ..errors import InputError
from ..model import Array, Stage
from ..model.model import STAGES
from .following import Followed
from .parts import Part
from .program import Program, Step

NAME = "the archive's own code"
START_S = 120
ANSWER_S = 60


class ArchiveProcess:
    """The running archive; calling it gives everything that it answers with for x in its own
    layout.

    Attributes:
        batch_first: of its recurrent modules; None where that is not known.

    Raises:
        InputError: it cannot be opened, refuses x, ends, or does not answer in time.
    """

    def __init__(self, path: Path) -> None:
        self._child = ChildProcess(__name__, (str(path),), "the archive's process")
        self.batch_first: bool | None = json.loads(self._child.receive(START_S))["batch_first"]

    def __call__(self, x: Array) -> list[Array]:
        return self._answers(np.asarray(x, np.float32))

    def exact(self, x: Array) -> list[Array]:
        """The same in float64."""
        return self._answers(np.asarray(x, np.float64))

    def follow(self, layouts: Sequence[bool], width: int) -> Followed:
        """What the archive computes, given the layouts that it may take, and its features or 0.

        Raises:
            UnsupportedModel: it does something that has no translation.
        """
        question = {"layouts": np.array(layouts), "width": np.array(width)}
        said = self._child.ask(child_process.packed(question), ANSWER_S)
        return unpacked(child_process.unpacked(said))

    def _answers(self, x: Array) -> list[Array]:
        said = self._child.ask(child_process.packed({"x": x}), ANSWER_S)
        return list(child_process.unpacked(said).values())


def _open_up() -> tuple[bytes, Callable[[bytes], bytes]]:
    """The child: the archive, opened; what it says first, and its answers."""
    from .live import exact_call, reads_batch_first

    try:
        module = _opened(sys.argv[1])
    except Exception as error:  # the archive's own code may raise anything
        raise InputError(
            f"torch cannot open the archive: {type(error).__name__}; save it again with the torch "
            "that is installed here"
        ) from error
    exact = exact_call(module)

    def answer(question: bytes) -> bytes:
        return child_process.packed(_answered(module, exact, child_process.unpacked(question)))

    return json.dumps({"batch_first": reads_batch_first(module)}).encode(), answer


def _answered(
    module: Any, exact: Callable[[Array], list[Array]] | None, asked: Mapping[str, Array]
) -> dict[str, Array]:
    """The answer to a question: what the archive computes, or what it answers for x."""
    from .following import follow
    from .live import call
    from .script_graph import run_script

    if "layouts" in asked:
        layouts = [bool(layout) for layout in asked["layouts"]]
        width = int(asked["width"])
        return packed(follow(NAME, module, layouts, partial(run_script, module), width))
    x = asked["x"]
    if x.dtype == np.float64:
        if exact is None:
            raise InputError("the archive cannot be cast to float64")
        found_y = exact(x)
    else:
        found_y = call(module, x)
    return {f"{index:04d}": array for index, array in enumerate(found_y)}


def packed(found: Followed) -> dict[str, Array]:
    """What was followed, as arrays; `unpacked` is the inverse."""
    arrays: dict[str, Array] = {}
    steps: list[Any] = []
    for number, (item, takes) in enumerate(found.program.steps):
        if isinstance(item, str):
            steps.append({"token": item, "takes": takes})
            continue
        stages = [
            {"stage": stage.kind, "name": stage.name, **stage.options} for stage in item.stages
        ]
        named = {"prefix": item.prefix, "kind": item.kind, "stages": stages}
        steps.append({**named, "takes": takes})
        for place, stage in enumerate(item.stages):
            arrays |= {f"{number}/{place}/{key}": array for key, array in stage.arrays.items()}
    record = {
        "steps": steps,
        "width": found.program.width,
        "picks": found.picks,
        "time_first": found.time_first,
        "used": sorted(found.used),
        "left_out": found.left_out,
    }
    return {"record": np.array(json.dumps(record)), **arrays}


def unpacked(arrays: Mapping[str, Array]) -> Followed:
    """The inverse of `packed`."""
    record = json.loads(str(arrays["record"]))
    steps: list[Step] = []
    for number, step in enumerate(record["steps"]):
        item = step["token"] if "token" in step else _part(number, step, arrays)
        steps.append(Step(item, tuple(step["takes"])))
    program = Program(tuple(steps), record["width"])
    used = frozenset(record["used"])
    picks = tuple(record["picks"])
    return Followed(program, picks, record["time_first"], used, tuple(record["left_out"]))


def _part(number: int, record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Part:
    stages: list[Stage] = []
    for place, own in enumerate(record["stages"]):
        start = f"{number}/{place}/"
        weights = {
            key[len(start) :]: array for key, array in arrays.items() if key.startswith(start)
        }
        options = {key: value for key, value in own.items() if key not in ("stage", "name")}
        stages.append(STAGES[own["stage"]].build(own["name"], weights, options))
    return Part(record["prefix"], record["kind"], tuple(stages))


def _opened(path: str) -> Any:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that TorchScript is deprecated
        module: Any = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
        return module.float().eval()


if __name__ == "__main__":
    serve(_open_up)
