"""Stage after stage out of the nodes of an ONNX graph, with the values that each takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...device.onnx_file import OnnxFile
from ...device.onnx_metadata import GATHERING, SEQUENCE_LENS
from ...device.onnx_state import CarriedTensor
from ...errors import UnsupportedModel
from ...model import (
    Add,
    Affine,
    Concat,
    Divide,
    Flatten,
    Join,
    LastSteps,
    Multiply,
    Recurrent,
    Stage,
    Subtract,
    skip,
)
from ...model.stage import X
from ...model.wiring import INPUT
from .activation_reader import is_gelu_tanh
from .carried_pool_reader import read_carried_pool
from .graph import LAST
from .recurrent_reader import KINDS, RecurrentReader
from .row_reader import ROW_OPERATORS, Place, read_final, read_row
from .shared_nodes import step_over_shared
from .stage_reader import (
    STAGE_READERS,
    is_rms_norm,
    read_last_steps,
    read_last_steps_of_rows,
    read_rms_norm,
    read_slice,
)
from .walk import CONSTANT, Walk, check_number

_SWAP_BATCH_AND_TIME = [1, 0, 2]
_RECURRENT = ("Expand", "Split", *KINDS)  # what a recurrent stage begins with
_JOINS: Mapping[str, type[Join]] = {
    "Add": Add,
    "Sum": Add,
    "Sub": Subtract,
    "Mul": Multiply,
    "Div": Divide,
    "Concat": Concat,
}


class GraphReader:
    """Reads the stages of one graph.

    Args:
        file: what the ONNX file holds.
        tensors: the state that the graph carries.
        takes_lengths: whether it has lengths as an input.
        input_size: of x.
    """

    def __init__(
        self,
        file: OnnxFile,
        tensors: tuple[CarriedTensor, ...],
        takes_lengths: bool,
        input_size: int,
    ) -> None:
        self._takes_lengths = takes_lengths
        self._walk = Walk(file)
        self._carried = iter(tensors) if tensors else None
        self._recurrent = RecurrentReader(self._walk, self._carried, takes_lengths)
        self._places = {X: Place(INPUT)}
        self._found: list[Stage] = []
        self.flattened: dict[str, list[int]] = {}  # by stage the shape that it is given
        self._is_cleared = False  # whether there are zeros after each row's end
        self._source = X  # what features are taken from in files of version 0.1
        self._input_size = input_size

    def stages(self) -> tuple[Stage, ...]:
        """Every stage, having checked that nothing of the graph is left over."""
        step_over_shared(self._walk)
        while self._walk.left:
            if not (self._turned() or self._at_every_step() or self._cleared()):
                self._read_stage()
            step_over_shared(self._walk)
        self._walk.check_end("y")
        self._check_answer()
        return tuple(self._found)

    @property
    def lengths_by(self) -> str:
        """How the lengths are obeyed, as the metadata says it."""
        return SEQUENCE_LENS if self._recurrent.reads_lengths else GATHERING

    def _check_answer(self) -> None:
        """The last value is that of the last stage, batch first and without padding."""
        place = self._place_of(self._walk.current)
        if place.is_time_first or place.stage != len(self._found) - 1:
            raise UnsupportedModel("y is not what the last stage gives, batch first")
        if place.is_sequence and self._takes_lengths and not self._is_cleared:
            raise UnsupportedModel("the answers after each row's end are not cleared")

    def _place_of(self, value: str) -> Place:
        if value not in self._places:
            raise UnsupportedModel(f"node {self._walk.name()!r} takes {value!r}, no stage's value")
        place = self._places[value]
        if place.layer < -1 and self._walk.op() != "GatherND":
            raise UnsupportedModel(f"{self._walk.name()!r} takes {value!r} of a lower layer")
        return place

    def _next_place(self) -> Place | None:
        """What the next node takes first; None where that is no stage's value."""
        values = self._walk.values()
        return self._places.get(values[0]) if values else None

    def _turned(self) -> bool:
        """Step over what exchanges batch and time of a sequence, if that comes next."""
        place = self._next_place()
        if self._walk.op() != "Transpose" or place is None or not place.is_sequence:
            return False
        other = place._replace(is_time_first=not place.is_time_first)
        self._step_over_same(other, "Transpose", perm=_SWAP_BATCH_AND_TIME)
        return True

    def _at_every_step(self) -> bool:
        """Step over what repeats a row for every step, if that comes next."""
        place = self._next_place()
        if self._walk.op() != "Expand" or place is None or place.is_sequence:
            return False
        repeated = place._replace(is_sequence=True, is_time_first=True)
        shape = self._walk.constant(1)
        if shape is None:
            self._step_over_same(repeated, "Expand", "x/for_every_step")
            return True
        kept, *ones = shape.tolist()  # (kept, 1, 1): batch and width are left as they are
        if ones != [1, 1]:
            raise UnsupportedModel(f"{self._walk.name()!r} repeats a row as {shape.tolist()}")
        self._step_over_same(repeated._replace(kept=kept), "Expand", CONSTANT)
        return True

    def _step_over_same(self, place: Place, op: str, *others: str, **attributes: Any) -> None:
        """Step over a node that gives a stage's value once more, in another form."""
        value = self._walk.values()[0]
        (output,) = self._walk.take(op, value, *others, **attributes).outputs
        self._places[output] = place
        # else it stands beside the main line, for one reader of several
        if value == self._walk.current:
            self._walk.current = output

    def _cleared(self) -> bool:
        """Step over the last node, if it puts zeros after each row's end, as `forward` has them."""
        if self._walk.op() != "Where" or self._walk.left > 1:
            return False
        place = self._place_of(self._walk.current)
        taken = self._walk.follow("Where", "lengths/counts", self._walk.current, CONSTANT)
        (zero,) = taken.arrays()
        check_number(zero, 0.0, self._walk.current)
        self._places[self._walk.current] = place
        self._is_cleared = not place.is_time_first
        return True

    def _read_stage(self) -> None:
        """One more stage, and where its value is."""
        op = self._walk.op()
        name = self._walk.name()
        values = self._walk.values()
        if op in _RECURRENT:
            self._read_recurrent()
        elif name.endswith("/features"):
            self._read_skip(name.removesuffix("/features"))
        elif op in _JOINS and len(values) > 1 and not self._is_within_a_stage():
            self._read_join(_JOINS[op], values)
        else:
            # Where takes its condition first, Concat what the state holds: the value comes last
            self._walk.current = values[-1] if op in ("Where", "Concat") else values[0]
            self._read_single(op, self._place_of(self._walk.current))
        if len(self._found) == 1 and isinstance(self._found[0], Affine):
            self._source = self._walk.current

    def _read_single(self, op: str, place: Place) -> None:
        """A stage of one value."""
        row = self._row(op, place)
        if row is not None:
            self._keep(row, (place.stage,), Place(INPUT, is_sequence=False))
            return
        stage = self._same_axes(op, place)
        kept = stage.count if isinstance(stage, LastSteps) else place.kept
        self._keep(stage, (place.stage,), place._replace(kept=kept))

    def _row(self, op: str, place: Place) -> Stage | None:
        """A stage that gives a row; None where the next nodes are none."""
        if place.final is not None:
            recurrent = self._found[place.stage]
            is_bidirectional = isinstance(recurrent, Recurrent) and recurrent.bidirectional
            return read_final(self._walk, place.final, is_bidirectional)
        if self._carried is not None and self._is_carried_pool(op):
            self._expect_time_first(place)
            return read_carried_pool(self._walk, self._carried)
        if op == "Reshape":
            return self._read_flatten(place)
        if op not in ROW_OPERATORS or self._picks_columns() or self._keeps_steps_of_rows():
            return None
        return read_row(self._walk, place, self._takes_lengths)

    def _same_axes(self, op: str, place: Place) -> Stage:
        """A stage that keeps the axes of what it takes."""
        if op == "Slice":
            self._expect_all_lengths()
            return read_last_steps(self._walk, place.time_axis)
        if self._keeps_steps_of_rows():
            return read_last_steps_of_rows(self._walk, place)
        if is_rms_norm(self._walk):
            return read_rms_norm(self._walk)
        if self._picks_columns():
            return read_slice(self._walk, axis=2 if place.is_sequence else 1)
        if op in STAGE_READERS:
            return STAGE_READERS[op](self._walk)
        fault = f"is {op}, which lstm-export does not write there"
        raise UnsupportedModel(f"node {self._walk.name()!r} {fault}")

    def _is_within_a_stage(self) -> bool:
        """Whether the next node, of two values, is the first of several that are one stage."""
        return is_gelu_tanh(self._walk) or is_rms_norm(self._walk)

    def _expect_all_lengths(self) -> None:
        if self._takes_lengths:
            raise UnsupportedModel(f"{self._walk.name()!r} takes rows however long they are")

    def _read_flatten(self, place: Place) -> Stage:
        """The kept steps of `(batch, count, size)` as one row; the model checks that they fit."""
        name = self._walk.name()
        (shape,) = self._walk.advance("Reshape", CONSTANT).arrays()
        self.flattened[name] = shape.tolist()
        if place.is_time_first or not place.is_sequence:
            raise UnsupportedModel(f"{name!r} takes no sequence that runs batch first")
        return Flatten(name)

    def _is_carried_pool(self, op: str) -> bool:
        is_first = op == "Gather" and self._walk.name().endswith("/first")
        return is_first or op in ("Cast", "ReduceMax")

    def _expect_time_first(self, place: Place) -> None:
        if not (place.is_sequence and place.is_time_first):
            raise UnsupportedModel(f"{self._walk.name()!r} takes no sequence that runs time first")

    def _picks_columns(self) -> bool:
        """Whether the next node is a Gather of a list of indices, and not of a single one."""
        indices = self._walk.constant(1)
        return self._walk.op() == "Gather" and indices is not None and indices.ndim == 1

    def _keeps_steps_of_rows(self) -> bool:
        return self._walk.input_name(1).startswith(f"{LAST}_")

    def _keep(self, stage: Stage, sources: tuple[int, ...], place: Place) -> None:
        """Keep a stage with the names of what it takes, and what the walk's value is."""
        index = len(self._found)
        names = tuple(X if source == INPUT else self._found[source].name for source in sources)
        is_usual = sources == (index - 1,)
        self._found.append(stage if is_usual else replace(stage, inputs=names))
        self._places[self._walk.current] = place._replace(stage=index)

    def _read_recurrent(self) -> None:
        self._walk.current = self._walk.taken_by(*KINDS)
        place = self._place_of(self._walk.current)
        self._expect_time_first(place)
        stage, finals, lower = self._recurrent.read()
        index = len(self._found)
        if not self._walk.current:  # there is a final state then
            self._walk.current = next(iter(finals.values()))
        self._keep(stage, (place.stage,), place)
        for final, value in finals.items():
            self._places[value] = Place(index, is_sequence=False, final=final)
        for k, value in enumerate(lower):
            layer = k - len(lower) - 1  # the last layer, -1, is not among them
            self._places[value] = Place(index, is_time_first=True, layer=layer)

    def _read_join(self, kind: type[Join], values: list[str]) -> None:
        """A stage of several values, which run time first where a row is among sequences."""
        name = self._walk.name()
        taken = [self._place_of(value) for value in values]
        sequences = [place for place in taken if place.is_sequence]
        first = sequences[0] if sequences else taken[0]
        has_row = len(sequences) < len(taken)
        axes = {(place.is_time_first, place.kept) for place in sequences}
        is_alike = len(axes) < 2
        if not is_alike or any(place.final for place in taken):
            raise UnsupportedModel(f"{name!r} takes {values}, whose axes differ")
        # Broadcasting lines up the last axes: only time first does a row (batch, size) meet a step.
        if sequences and has_row and (kind is Concat or not first.is_time_first):
            raise UnsupportedModel(f"{name!r} takes {values}, where a row meets no step")
        attributes = {"axis": 2 if sequences else 1} if kind is Concat else {}
        self._walk.follow(self._walk.op(), *values, **attributes)
        self._keep(kind(name), tuple(place.stage for place in taken), first)

    def _read_skip(self, name: str) -> None:
        """Features of the input, added to the current value, in files of version 0.1."""
        place = self._place_of(self._walk.current)
        taken = self._walk.take("Gather", self._source, CONSTANT, axis=2)
        (features,) = taken.arrays()
        added = self._at_the_same_step(name, taken.outputs[0], place)
        self._walk.advance("Add", added)
        self._keep_skip(name, tuple(map(int, features.reshape(-1))), place)

    def _keep_skip(self, name: str, features: tuple[int, ...], place: Place) -> None:
        """What files of version 0.1 have in one: columns of the input, at its step, and the sum."""
        record = {"name": name, "features": list(features)}
        *others, total = skip.of_record(record, self._found, self._input_size)
        self._found += others
        self._found.append(total)
        self._places[self._walk.current] = place._replace(stage=len(self._found) - 1)

    def _at_the_same_step(self, name: str, added: str, place: Place) -> str:
        """What is added, `(batch, seq, size)`, in the form of the current value."""
        if place.is_sequence and place.is_time_first:
            return self._walk.take("Transpose", added, perm=[1, 0, 2]).outputs[0]
        if place.is_sequence:
            return added
        if self._takes_lengths:
            step_over_shared(self._walk)
            return self._walk.take("GatherND", added, "lengths/last", batch_dims=1).outputs[0]
        taken = self._walk.take("Gather", added, CONSTANT, axis=1)
        (step,) = taken.arrays()
        if step.tolist() != -1:
            got = f"{name!r} adds step {step.tolist()} of the input"
            raise UnsupportedModel(f"{got}, expected the last")
        return taken.outputs[0]
