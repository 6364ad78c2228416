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
        record = json.loads(child.ask(data, START_S))
        return cls(child, record["producer"], tuple(record["x"]), record["operators"])

    def __call__(self, x: Array) -> list[Array]:
        answer = self.child.ask(packed({"x": x}), ANSWER_S)
        return list(unpacked(answer).values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user on how it was judged."""
        by_numbers = (
            f"judged by its numbers alone, as ONNX of {self.producer}: "
            "its structure was not compared"
        )
        if not self.operators:
            return (by_numbers,)
        counted = [f"{name} ({count})" for name, count in self.operators.items()]
        left_out = len(counted) - MOST_NAMED
        more = f" and {left_out} more" if left_out > 0 else ""
        others = (
            "it holds operators that lstm-export does not write and a device of it does not "
            f"run: {', '.join(counted[:MOST_NAMED])}{more}; it was run in a process of its own"
        )
        return by_numbers, others


def numbers_of(model: Model, golden: Sequence[GoldenSet], data: bytes) -> ParityReport:
    """Compare the answers of an ONNX file of another tool with the model's.

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
        asked = Asked(time_first, model.returns_every_step, _probe(seq))
        try:
            return reference("the ONNX file", rows, asked, sizes, (0,)), seq
        except LstmExportError as error:
            refused.append(error)
    raise refused[0]


def _probe(seq: int | None) -> tuple[int, int]:
    """Rows and steps of the first question; `seq` is the file's fixed number of steps, if any."""
    rows, steps = PROBE
    if seq == rows:
        rows += 1  # unlike the steps, so that the answer's axes can be told apart
    return rows, seq or steps


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
            # the last row is repeated where there are too few
            rows = np.minimum(np.arange(first, first + self.batch), count - 1)
            answers.append(self.call(x.take(rows, self.axis)))
        by_output = zip(*answers, strict=True)
        return [self._joined(groups, count) for groups in by_output]

    def _joined(self, groups: Sequence[Array], count: int) -> Array:
        axis = self.axis if groups[0].ndim > 2 else 0  # (batch, output_size) has its rows first
        every_row = np.concatenate(groups, axis)
        joined: Array = every_row.take(range(count), axis)  # without the repeated ones
        return joined


def _fitted(golden: Sequence[GoldenSet], model: Model, seq: int | None) -> Iterator[GoldenSet]:
    """The golden sets as the file takes them; those with lengths are left out."""
    for entry in golden:
        if entry.lengths is not None:
            continue
        if seq is None or entry.seq == seq:
            yield entry
            continue
        steps = np.arange(seq) % entry.seq  # (seq,): cut, or from the beginning again
        yield GoldenSet.of(entry.name, model, entry.x[:, steps])
