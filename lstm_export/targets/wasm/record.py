"""What a module says of itself, in two custom sections: a record in JSON, and numbers beside it.

The record is ASCII, so that JavaScript reads it where there is no TextDecoder. The numbers are
float32, little-endian: golden vectors (x, y, bounds, vector by vector), then the arrays that
`stored` names, those that the module's data does not hold as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np

from ...errors import BundleError, UnsupportedModel, printable, with_step
from ...model import Array, Model, Signature, StateTensor
from ...version import __version__
from ..c.emit.carried import carried
from ..c.emit.interface import described
from ..c.emit.layout import BITS, cell_arrays, cell_weights, rounded
from ..c.emit.plan import looks_ahead
from ..c.emit.self_test import vectors
from ..c.integer.facts import IntegerFacts
from .sections import custom_section, with_custom_section

RECORD = "lstm-export"
NUMBERS = "lstm-export.numbers"
# Raised when a reader of the record or a caller of the exports would go wrong with a newer module.
FORMAT = 1
INTEGER_FORMAT = 2  # a module in whole numbers, whose weights are not those of the model
MOST_NUMBERS = 16  # for each byte of a module; it holds far fewer: the smallest weight takes a byte


@dataclass(frozen=True)
class Record:
    """What a module says of itself.

    Attributes:
        simd: whether it uses vectors.
        weights: how recurrent weights are stored, a key of `layout.BITS`.
        every_step: whether a sequence has an answer a step.
        streams: whether there are reset and push.
        least_steps: of a sequence that has an answer.
        layout: the tensors of the state in order.
        chain, signature: of the model.
        shapes: of all arrays, by their full names.
        stored: the arrays whose values lie in the numbers.
        integer: the formats of a module in whole numbers.
    """

    simd: bool
    weights: str
    every_step: bool
    streams: bool
    least_steps: int
    layout: tuple[StateTensor, ...]
    chain: list[dict[str, Any]]
    signature: Signature
    shapes: Mapping[str, tuple[int, ...]]
    stored: Mapping[str, Array]
    integer: IntegerFacts | None = None

    @property
    def state_size(self) -> int:
        """Floats that are carried from step to step."""
        return sum(tensor.num_layers * tensor.size for tensor in self.layout)

    @property
    def bits(self) -> int:
        """Of a recurrent weight."""
        return BITS[self.weights]

    @property
    def weight_count(self) -> int:
        """Numbers in all arrays."""
        return sum(prod(shape) for shape in self.shapes.values())

    def blank(self) -> Model:
        """The model with ones for all weights.

        Raises:
            BundleError: the record describes no model.
        """
        ones = {name: np.ones(shape, np.float32) for name, shape in self.shapes.items()}
        return self.with_arrays(ones)

    def with_arrays(self, arrays: Mapping[str, Array]) -> Model:
        """The model with these weights.

        Raises:
            BundleError: the record describes no model.
        """
        try:
            return Model.from_record(self.chain, arrays, self.signature)
        except UnsupportedModel as error:
            reason = f"the WebAssembly module describes no model: {error}"
            raise BundleError(with_step(reason, "export it again")) from error

    @classmethod
    def of(cls, data: bytes) -> Record:
        """Read the record of a module.

        Raises:
            BundleError: there is none, or one of a newer format.
        """
        text = custom_section(data, RECORD)
        numbers = custom_section(data, NUMBERS)
        if text is None or numbers is None:
            raise BundleError("this WebAssembly was not written by lstm-export; export it again")
        try:
            facts = json.loads(text)
            if facts["format"] not in (FORMAT, INTEGER_FORMAT):
                got = printable(repr(facts["format"]))
                found = f"this WebAssembly is of format {got}, known is {FORMAT}"
                found += f" or {INTEGER_FORMAT}"
                raise BundleError(f"{found}; export it again")
            record = cls._of_facts(facts, numbers)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BundleError("the WebAssembly module is damaged; export it again") from error
        record.check_size(len(data))
        return record

    def check_size(self, size_bytes: int) -> None:
        """Refuse a record of more numbers than a module of this size can hold.

        Raises:
            BundleError: it is one; to make its arrays could take all memory.
        """
        if self.weight_count > MOST_NUMBERS * size_bytes:
            found = f"{self.weight_count:,} numbers, more than its {size_bytes:,} bytes can hold"
            raise BundleError(f"the WebAssembly module says that it has {found}; export it again")

    @classmethod
    def _of_facts(cls, facts: Mapping[str, Any], numbers: bytes) -> Record:
        shapes = {str(name): _sizes(shape) for name, shape in facts["shapes"].items()}
        layout = []
        for name, num_layers, size in facts["layout"]:
            layout.append(StateTensor(str(name), *_sizes((num_layers, size))))
        (least_steps,) = _sizes([facts.get("least_steps", 1)])
        integer = None
        if facts["format"] == INTEGER_FORMAT:
            integer = IntegerFacts.from_record(facts["integer"])
        return cls(
            facts["simd"] is True,
            _storage(facts["weights"]),
            facts["every_step"] is True,
            facts["streams"] is True,
            least_steps,
            tuple(layout),
            facts["chain"],
            Signature.from_record(facts["signature"]),
            shapes,
            _stored(facts["stored"], shapes, np.frombuffer(numbers, "<f4")),
            integer,
        )


Vector = tuple[Array, Array, Array]  # x, y and its bound, of a module's own test


@dataclass(frozen=True)
class Whole:
    """What a module in whole numbers says beside its model.

    Attributes:
        simd: whether it uses vectors.
        facts: its formats.
        golden: x, y and bounds of its own test.
    """

    simd: bool
    facts: IntegerFacts
    golden: tuple[Vector, ...]


def with_whole_record(module: bytes, model: Model, whole: Whole) -> bytes:
    """A compiled module in whole numbers with the record of its model."""
    weights = f"int{whole.facts.formats.weight_bits}"
    facts = _facts(model, whole.simd, weights, whole.facts.layout, whole.golden)
    facts |= {"format": INTEGER_FORMAT, "integer": whole.facts.to_record()}
    return _with_sections(module, facts, whole.golden, ())


def with_record(module: bytes, model: Model, simd: bool, weights: str = "float32") -> bytes:
    """A compiled module with the record of its model, whose weights are stored as `weights`."""
    sha256 = model.weights_sha256  # of the model's own weights
    held = _held_in_data(model, BITS[weights])
    model = rounded(model, BITS[weights])
    golden = tuple(vectors(model))
    stored = [name for name, array in model.arrays.items() if not _is_in_data(name, array, held)]
    facts = _facts(model, simd, weights, carried(model), golden)
    facts |= {"format": FORMAT, "sha256": sha256, "stored": stored}
    return _with_sections(module, facts, golden, [model.arrays[name] for name in stored])


def _facts(
    model: Model,
    simd: bool,
    weights: str,
    layout: tuple[StateTensor, ...],
    golden: tuple[Vector, ...],
) -> dict[str, Any]:
    """What every record holds."""
    facts = {
        "format": FORMAT,
        "tool": f"lstm-export {__version__}",
        "description": described(model),
        "sha256": model.weights_sha256,
        "simd": simd,
        "weights": weights,
        "every_step": model.returns_every_step,
        "streams": looks_ahead(model) is None,
        "layout": [[tensor.name, tensor.num_layers, tensor.size] for tensor in layout],
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
        "outputs": [asdict(column) for column in model.signature.outputs],
        "golden": [len(x) for x, _, _ in golden],
        "shapes": {name: list(array.shape) for name, array in model.arrays.items()},
        "stored": [],
    }
    if model.least_steps > 1:  # older readers know no such key
        facts["least_steps"] = model.least_steps
    return facts


def _with_sections(
    module: bytes, facts: Mapping[str, Any], golden: Sequence[Vector], stored: Sequence[Array]
) -> bytes:
    """The module with its record, and numbers beside it."""
    arrays = [*chain.from_iterable(golden), *stored]
    numbers = b"".join(np.asarray(array, "<f4").tobytes() for array in arrays)
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False)
    with_text = with_custom_section(module, RECORD, text.encode("ascii"))
    return with_custom_section(with_text, NUMBERS, numbers)


def _held_in_data(model: Model, bits: int) -> dict[str, Array | None]:
    """What can be read out of the C of each array of a recurrent stage; None for nothing.

    The C holds sums of biases, initial states one after the other, and gates with a sigmoid halved,
    which loses a bit of the smallest numbers there are.
    """
    held: dict[str, Array | None] = {}
    for stage in model.recurrent:
        held |= {f"{stage.name}.{key}": None for key in stage.arrays}
        for cell in stage.cells():
            in_c = cell_arrays(stage, cell, bits)
            weight_ih, weight_hh = cell_weights(stage, cell, in_c, bits)
            held[f"{stage.name}.weight_ih{cell.suffix}"] = weight_ih
            held[f"{stage.name}.weight_hh{cell.suffix}"] = weight_hh
            if cell.weight_hr is not None:
                held[f"{stage.name}.weight_hr{cell.suffix}"] = cell.weight_hr
    return held


def _is_in_data(name: str, array: Array, held: Mapping[str, Array | None]) -> bool:
    """Whether the C holds an array so that it can be read back bit for bit."""
    if name not in held:
        return True
    found = held[name]
    return found is not None and found.tobytes() == array.tobytes()


def _stored(
    names: list[str], shapes: Mapping[str, tuple[int, ...]], numbers: Array
) -> dict[str, Array]:
    """The arrays at the end of the numbers."""
    sizes = [prod(shapes[name]) for name in names]
    start = len(numbers) - sum(sizes)  # golden vectors lie before them
    if start < 0:
        raise ValueError("too few numbers")
    arrays = {}
    for name, size in zip(names, sizes, strict=True):
        values = numbers[start : start + size].astype(np.float32)
        arrays[name] = values.reshape(shapes[name])
        start += size
    return arrays


def _storage(weights: Any) -> str:
    """How weights are stored, out of a file.

    Raises:
        ValueError: in no way that is known.
    """
    if weights not in BITS:
        raise ValueError(f"weights are {weights!r}")
    return str(weights)


def _sizes(shape: Any) -> tuple[int, ...]:
    """A shape out of a file.

    Raises:
        ValueError: a size is no count.
    """
    for size in shape:
        if type(size) is not int or not 0 < size < 2**24:
            raise ValueError(f"a size is {size!r}")
    return tuple(shape)
