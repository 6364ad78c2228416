"""What an integer artifact has to compute, from the float model and the artifact's formats."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ....errors import BundleError, InputError
from ....model import Array, Model
from ..emit.interface import Interface, Record
from .cost import Cost, cost_of
from .facts import IntegerFacts
from .formats import fit
from .literals import arrays_in
from .rounding import whole_model
from .source import Written, write

STREAM_STEPS = 2_000
EXTREME_STEPS = 40


class IntegerDefinition:
    """An integer model, and the artifact's weights and tables beside it.

    Attributes:
        structure: `as defined`, or which array of the artifact differs.

    Raises:
        InputError: it is an artifact of another model.
        BundleError: the formats in its record do not fit the model.
    """

    def __init__(self, model: Model, record: Record, source: str) -> None:
        assert record.integer is not None  # noqa: S101 - the caller has seen to it
        _check_same_chain(model, record)
        self._model = model
        if not fit(model, record.integer.formats):
            raise BundleError("the formats in this C source do not fit the model; export it again")
        self._formats = record.integer.formats
        self._whole = whole_model(model, self._formats)
        interface = Interface.of(model, record.interface.name, record.interface.self_test)
        written = write(Written(model, self._whole, interface, record.integer))
        self.structure = difference(arrays_in(written.c), arrays_in(source)) or "as defined"

    def __call__(self, x: Array) -> Array:
        """A Runner: float64 y, every one a whole number times a power of two."""
        return self._whole(x)

    def counts(self, x: Array) -> Array:
        """`x (batch, seq, input_size)` in the model's units as int16."""
        return self._whole.counts(x)

    def answers(self, counts: Array) -> Array:
        """int16 `(batch, seq, input_size)` -> int32, as `NAME_run_q` answers."""
        return self._whole.answers(counts)

    def inputs(self) -> Mapping[str, Array]:
        """Inputs beside the golden sets: one long stream, and the extremes of every int16."""
        random = np.random.default_rng(0)
        width = self._model.signature.input_size
        stream = random.normal(scale=8_000, size=(1, STREAM_STEPS, width))
        ends = np.array([-32767, 32767, 0, 1, -1])
        extremes = random.choice(ends, size=(3, EXTREME_STEPS, width))
        return {
            "long stream": self._whole.meant(np.rint(np.clip(stream, -32767, 32767))),
            "extremes of int16": self._whole.meant(extremes),
        }

    def cost(self, x: Array, source: str) -> Cost:
        """What it costs against float64 on `x`, and why."""
        return cost_of(self._model, self._whole, x, source)

    def again(self) -> tuple[Record, str]:
        """C written anew: of the artifact nothing but its formats is in it."""
        model = self._model
        formats = self._formats
        interface = Interface.of(model, "model", self_test=False)
        facts = IntegerFacts.of(self._whole, formats, floats=False)
        weights = f"int{formats.weight_bits}"
        record = Record(interface, model.signature, weights, model.chain_record(), facts)
        return record, write(Written(model, self._whole, interface, facts)).c


def _check_same_chain(model: Model, record: Record) -> None:
    expected = (model.chain_record(), model.signature.input_size, model.signature.output_size)
    told = record.signature
    if (record.chain, told.input_size, told.output_size) != expected:
        raise InputError(
            f"this C takes {told.input_size} features, gives {told.output_size} outputs, and its "
            f"chain is {[stage['name'] for stage in record.chain]}; the model is "
            f"'{model.describe()}': it is an artifact of another model"
        )


def difference(
    expected: Mapping[str, tuple[str, tuple[int, ...]]],
    found: Mapping[str, tuple[str, tuple[int, ...]]],
) -> str:
    """Which array is not as it should be; empty where all are."""
    for name, (kind, values) in expected.items():
        if name not in found:
            return f"{name} is missing"
        if found[name][0] != kind or len(found[name][1]) != len(values):
            return f"{name} has another type or size"
        wrong = sum(a != b for a, b in zip(values, found[name][1], strict=True))
        if wrong:
            return f"{name} differs in {wrong} of {len(values)} values"
    extra = sorted(set(found) - set(expected))
    return f"{extra[0]} is there, but not in the model" if extra else ""
