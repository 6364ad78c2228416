"""A model in whole numbers as a WebAssembly module, and what such a module has to compute.

The C of the C target's `--arithmetic integer` is compiled; around it values in the model's own
units become counts, and answers values again, as float32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ...model import Array, Model
from ...parity.golden import hard_inputs
from ..c.emit.interface import Interface
from ..c.emit.runtime import choices_of, kept_lines
from ..c.emit.self_test import LONGEST, SETS
from ..c.integer.cost import Cost
from ..c.integer.definition import IntegerDefinition, Numbers, formats_for
from ..c.integer.facts import IntegerFacts
from ..c.integer.literals import arrays_in
from ..c.integer.rounding import whole_model
from ..c.integer.source import Written, write
from ..c.integer.whole_model import WholeModel
from .compiler import compiled
from .module import PLACES, PREFIX, web_file
from .record import Record, Whole, with_whole_record
from .sandbox import Sandbox
from .sections import damaged

# What the JavaScript divides a difference by: none is allowed.
NO_ERROR = np.float32(2.0**-126)
KINDS = {"int8_t": "i1", "uint8_t": "u1", "int16_t": "<i2", "uint16_t": "<u2", "int32_t": "<i4"}


def whole_module_of(model: Model, whole: WholeModel, facts: IntegerFacts, simd: bool) -> bytes:
    """Write the C, compile it, and put the record beside it.

    Raises:
        MissingDependency: there is no compiler.
    """
    interface = Interface.of(model, PREFIX, self_test=False)
    source = write(Written(model, whole, interface, facts))
    addresses = ", ".join(arrays_in(source.c))
    places = f"const void *const {PLACES}[] = {{{addresses}}};\n"
    exports = "".join(kept_lines(web_file("exports_q.c"), choices_of(interface.choices())))
    text = f"{source.c}\n{_units(whole)}\n{exports}\n{web_file('library.c')}\n{places}"
    stack = 4 * (source.stack_floats + facts.wide_size + facts.narrow_size)
    built = compiled({f"{PREFIX}.c": text, f"{PREFIX}.h": source.h}, simd, stack, PLACES)
    golden = tuple(_vectors(model, whole))
    return with_whole_record(built, model, Whole(simd, facts, golden))


def _units(whole: WholeModel) -> str:
    """What a count of every input and of an answer is worth, as float64."""
    steps = ", ".join(repr(float(entry.step)) for entry in whole.inputs)
    zeros = ", ".join(repr(float(entry.zero)) for entry in whole.inputs)
    size = len(whole.inputs)
    return (
        f"static const double {PREFIX}_export_steps[{size}] = {{{steps}}};\n"
        f"static const double {PREFIX}_export_zeros[{size}] = {{{zeros}}};\n"
        f"#define {PREFIX.upper()}_EXPORT_UNIT {2.0**-whole.answer_bits!r}\n"
    )


def _vectors(model: Model, whole: WholeModel) -> Iterator[tuple[Array, Array, Array]]:
    """x `(seq, input_size)`, y and its bound `(answers, output_size)`, float32."""
    for name, x in hard_inputs(model).items():
        if name in SETS:
            row = x[:1, : max(LONGEST, model.least_steps)].astype(np.float32)
            answers = whole(row).reshape(-1, model.signature.output_size)
            y = answers.astype(np.float32)
            yield row[0], y, np.full(y.shape, NO_ERROR)


class WasmDefinition:
    """What a module in whole numbers has to compute: the definition's answers, as float32.

    Attributes:
        structure: `as defined`, or which constant in its memory differs.

    Raises:
        InputError: it is an artifact of another model.
        BundleError: its formats do not fit the model, or a constant is not in its memory.
    """

    def __init__(self, model: Model, record: Record, data: bytes) -> None:
        interface = Interface.of(model, PREFIX, self_test=False)
        self._whole = IntegerDefinition(model, record, interface, _constants(model, record, data))
        self.structure = self._whole.structure

    def __call__(self, x: Array) -> Array:
        """A Runner."""
        y = self._whole(x.astype(np.float32))
        return y.astype(np.float32).astype(np.float64)  # rounded as the module gives it

    def inputs(self) -> Mapping[str, Array]:
        """As of the definition."""
        return self._whole.inputs()

    def cost(self, x: Array, source: str) -> Cost:
        """As of the definition."""
        return self._whole.cost(x, source)


def _constants(model: Model, record: Record, data: bytes) -> dict[str, Numbers]:
    """The arrays in the memory of a module, where those of the C written anew must be."""
    formats = formats_for(model, record)
    whole = whole_model(model, formats)
    interface = Interface.of(model, PREFIX, self_test=False)
    facts = IntegerFacts.of(whole, formats, floats=False)
    expected = arrays_in(write(Written(model, whole, interface, facts)).c)
    sandbox = Sandbox(data)
    places = dict(zip(expected, sandbox.places(len(expected)), strict=True))
    constants = {}
    for name, (kind, values) in expected.items():
        dtype = np.dtype(KINDS[kind])
        size_bytes = len(values) * dtype.itemsize
        held = sandbox.held(places[name], size_bytes)
        if len(held) != size_bytes:
            raise damaged(f"{name} is not in its memory")
        constants[name] = (kind, tuple(np.frombuffer(held, dtype).tolist()))
    return constants
