"""What an integer artifact has to compute, from the float model and the artifact's formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from ....errors import BundleError, InputError, quoted
from ....model import Array, Model, Signature
from ..emit.interface import Interface, Record
from .cost import Cost, cost_of
from .facts import IntegerFacts
from .formats import Formats, fit
from .literals import arrays_in
from .rounding import whole_model
from .source import Written, write

Numbers = tuple[str, tuple[int, ...]]  # an array's type in C, and its values
STREAM_STEPS = 2_000
EXTREME_STEPS = 40


class ArtifactRecord(Protocol):
    """What the record of an artifact says of its model.

    Attributes:
        chain, signature: of the model.
        integer: the formats of its whole numbers.
    """

    @property
    def chain(self) -> list[dict[str, Any]]: ...

    @property
    def signature(self) -> Signature: ...

    @property
    def integer(self) -> IntegerFacts | None: ...


class IntegerDefinition:
    """An integer model, and the artifact's weights and tables beside it.

    Attributes:
        structure: `as defined`, or which array of the artifact differs.
        source: the C that this version writes.

    Raises:
        InputError: it is an artifact of another model.
        BundleError: the formats in its record do not fit the model.
    """

    def __init__(
        self,
        model: Model,
        record: ArtifactRecord,
        interface: Interface,
        found: Mapping[str, Numbers],
    ) -> None:
        """The definition of an artifact with these constants, whose C has this interface."""
        self._model = model
        self._formats = formats_for(model, record)
        self._whole = whole_model(model, self._formats)
        assert record.integer is not None  # noqa: S101 - formats_for has seen to it
        self._measured_errors = record.integer.measured_errors
        self.source = write(Written(model, self._whole, interface, record.integer)).c
        as_recorded = self.source
        if record.signature != model.signature:
            # the sequences of its self-test are as long as the windows that it was exported with
            other = Model(model.stages, record.signature)
            as_recorded = write(Written(other, self._whole, interface, record.integer)).c
        self.structure = difference(arrays_in(as_recorded), found) or "as defined"

    @classmethod
    def of_source(cls, model: Model, record: Record, source: str) -> IntegerDefinition:
        """That of NAME.c."""
        named = record.interface
        interface = Interface.of(model, named.name, named.self_test)
        return cls(model, record, interface, arrays_in(source))

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
        found = cost_of(self._model, self._whole, x, source)
        return replace(found, measured_errors=self._measured_errors)

    def again(self) -> tuple[Record, str]:
        """C written anew: of the artifact nothing but its formats is in it."""
        model = self._model
        formats = self._formats
        interface = Interface.of(model, "model", self_test=False)
        facts = IntegerFacts.of(self._whole, formats, floats=False)
        weights = f"int{formats.weight_bits}"
        record = Record(interface, model.signature, weights, model.chain_record(), facts)
        return record, write(Written(model, self._whole, interface, facts)).c


def formats_for(model: Model, record: ArtifactRecord) -> Formats:
    """The formats of an artifact.

    Raises:
        InputError: it is an artifact of another model.
        BundleError: they do not fit the model.
    """
    assert record.integer is not None  # noqa: S101 - the caller has seen to it
    _check_same_chain(model, record)
    if not fit(model, record.integer.formats):
        raise BundleError("the formats in this artifact do not fit the model; export it again")
    return record.integer.formats


def _check_same_chain(model: Model, record: ArtifactRecord) -> None:
    expected = (model.chain_record(), model.signature.input_size, model.signature.output_size)
    found = record.signature
    if (record.chain, found.input_size, found.output_size) != expected:
        raise InputError(
            f"it is an artifact of another model, whose chain is {_names(record.chain)}, of "
            f"{found.input_size} inputs and {found.output_size} outputs, and the model is "
            f"'{model.describe()}'; name the model that it was exported from"
        )


def _names(chain: object) -> str:
    """Of the stages in a stranger's record, whatever it is."""
    records = chain if isinstance(chain, list) else []
    names = [str(record.get("name")) for record in records if isinstance(record, dict)]
    return quoted(" -> ".join(names))


def difference(expected: Mapping[str, Numbers], found: Mapping[str, Numbers]) -> str:
    """Which array is not as it should be; empty where all are."""
    for name, (kind, values) in expected.items():
        if name not in found:
            return f"{name} is missing"
        got_kind, got = found[name]
        if got_kind != kind or len(got) != len(values):
            return f"{name} has another type or size"
        wrong = sum(a != b for a, b in zip(values, got, strict=True))
        if wrong:
            return f"{name} differs in {wrong} of {len(values)} values"
    extra = sorted(set(found) - set(expected))
    return f"{extra[0]} is there, but not in the model" if extra else ""
