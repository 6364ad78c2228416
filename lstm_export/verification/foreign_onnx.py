"""An ONNX file of another tool, judged by its numbers alone, in a process of its own.

The process is `foreign_child`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..chains.reference import PROBE, Asked, Reference, reference
from ..child_process import ChildProcess, packed, unpacked
from ..errors import InputError, LstmExportError
from ..model import Array, Model
from ..parity import GoldenSet, ParityReport, check, diagnose

CHILD = "lstm_export.verification.foreign_child"
START_S = 120
ANSWER_S = 60
MOST_NAMED = 12  # operators in a note


@dataclass(frozen=True, eq=False)
class ForeignOnnx:
    """The file in a running child; calling it gives everything that it answers with for x.

    Attributes:
        child: the process.
        producer: what wrote it.
        x_shape: of its x; None for an axis of any length.
        operators: those outside of what this package writes, and how often they stand there.
    """

    child: ChildProcess
    producer: str
    x_shape: tuple[int | None, ...]
    operators: Mapping[str, int]

    @classmethod
    def open(cls, data: bytes) -> ForeignOnnx:
        """The file, opened.

        Raises:
            InputError: it cannot be opened, or takes something that is not known here.
        """
        child = ChildProcess(CHILD, (), "the process that ran the ONNX file")
        child.receive(START_S)
        said = json.loads(child.ask(data, START_S))
        return cls(child, said["producer"], tuple(said["x"]), said["operators"])

    def __call__(self, x: Array) -> list[Array]:
        return list(unpacked(self.child.ask(packed({"x": x}), ANSWER_S)).values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how it was judged."""
        said = [
            f"judged by its numbers alone, as ONNX of {self.producer}: "
            "its structure was not compared"
        ]
        if self.operators:
            counted = [f"{name} ({count})" for name, count in self.operators.items()]
            left_out = len(counted) - MOST_NAMED
            more = f" and {left_out} more" if left_out > 0 else ""
            said.append(
                "it holds operators that lstm-export does not write and a device of it does not "
                f"run: {', '.join(counted[:MOST_NAMED])}{more}; it was run in a process of its own"
            )
        return tuple(said)


def numbers_of(model: Model, golden: Sequence[GoldenSet], data: bytes) -> ParityReport:
    """What an ONNX file of another tool answers, compared with the model's answers.

    Raises:
        InputError: it cannot be opened, or takes something that is not known here.
        UnsupportedModel: its answers do not have the shape of the model's.
    """
    opened = ForeignOnnx.open(data)
    runner, fixed = _as_runner(opened, model)
    sets = tuple(_fitted(golden, model, fixed))
    notes = [*opened.notes, *runner.notes]
    if fixed is not None:
        notes.append(f"it takes {fixed} steps and no others: every set was cut or repeated to that")
    report = check(
        runner, sets, subject="onnx, by numbers alone", structure="not checked", notes=tuple(notes)
    )
    diagnosis = diagnose(runner, model, sets, report)
    if diagnosis and fixed is not None:  # beginnings of a set, which it refuses
        diagnosis = replace(diagnosis, step=None)
    return replace(report, diagnosis=diagnosis)


def _as_runner(opened: ForeignOnnx, model: Model) -> tuple[Reference, int | None]:
    """The file as a Runner in whichever layout it answers, and its number of steps if it is
    fixed."""
    sizes = (model.signature.input_size, model.signature.output_size)
    if opened.x_shape[2] not in (None, sizes[0]):
        raise InputError(
            f"the ONNX file takes {opened.x_shape[2]} features, the model {sizes[0]}: "
            "it is an artifact of another model; name the one that it was exported from"
        )
    refused: list[LstmExportError] = []
    for time_first in (False, True):
        axis = 1 if time_first else 0  # that of the rows in the file's x
        rows = _Rows(opened, opened.x_shape[axis], axis)
        seq = opened.x_shape[1 - axis]
        rows_asked, steps_asked = PROBE
        if seq == rows_asked:
            rows_asked += 1  # unlike the steps, so that the answer's axes can be told apart
        probe = (rows_asked, seq or steps_asked)
        try:
            asked = Asked(time_first, model.returns_every_step, probe)
            found = reference("the ONNX file", rows, asked, sizes, (0,))
        except LstmExportError as error:
            refused.append(error)
            continue
        return found, seq
    raise refused[0]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The file asked a few rows at a time, where it takes just so many.

    Attributes:
        call: the file.
        batch: how many it takes; None for any number.
        axis: that of the rows in x.
    """

    call: Callable[[Array], list[Array]]
    batch: int | None
    axis: int

    def __call__(self, x: Array) -> list[Array]:
        if self.batch is None:
            return self.call(x)
        count = x.shape[self.axis]
        answers = []  # a list of outputs for each group of rows
        for first in range(0, count, self.batch):
            answers.append(self.call(self._taken(x, first)))
        by_output = zip(*answers, strict=True)
        return [self._joined(parts, count) for parts in by_output]

    def _taken(self, x: Array, first: int) -> Array:
        """The rows from `first` on; the last is repeated where there are too few."""
        assert self.batch is not None  # noqa: S101 - else nothing is taken apart
        rows = np.minimum(np.arange(first, first + self.batch), x.shape[self.axis] - 1)
        taken: Array = x.take(rows, self.axis)
        return taken

    def _joined(self, parts: Sequence[Array], count: int) -> Array:
        axis = self.axis if parts[0].ndim > 2 else 0  # (batch, output_size) has its rows first
        every_row = np.concatenate(parts, axis)
        joined: Array = every_row.take(range(count), axis)  # without the repeated ones
        return joined


def _fitted(golden: Sequence[GoldenSet], model: Model, seq: int | None) -> Iterator[GoldenSet]:
    """The golden sets as the file takes them; those with lengths are left out."""
    for each in golden:
        if each.lengths is not None:
            continue
        if seq is None or each.seq == seq:
            yield each
            continue
        steps = np.arange(seq) % each.seq  # (seq,): cut, or from the beginning again
        yield GoldenSet.of(each.name, model, each.x[:, steps])
