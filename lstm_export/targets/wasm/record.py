"""What a module says of itself, in two custom sections: a record in JSON, and numbers beside it.

The record is ASCII, so that JavaScript reads it where there is no TextDecoder. The numbers are
float32, little-endian: golden vectors (x, y, bounds, vector by vector), then the arrays that
`stored` names, those that the module's data does not hold as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...errors import BundleError, UnsupportedModel
from ...model import Array, Model, Signature, StateTensor, state_layout
from ...version import __version__
from ..c.emit.interface import described
from ..c.emit.self_test import vectors
from .sections import custom_section, with_custom_section

RECORD = "lstm-export"
NUMBERS = "lstm-export.numbers"
# Raised when a reader of the record or a caller of the exports would go wrong with a newer module.
FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What a module says of itself.

    Attributes:
        simd: whether it uses vectors.
        every_step: whether a sequence has an answer a step.
        streams: whether there are reset and push.
        layout: the tensors of the state in order.
        chain, signature: of the model.
        shapes: of all arrays, by their full names.
        stored: the arrays whose values lie in the numbers.
    """

    simd: bool
    every_step: bool
    streams: bool
    layout: tuple[StateTensor, ...]
    chain: list[dict[str, Any]]
    signature: Signature
    shapes: Mapping[str, tuple[int, ...]]
    stored: Mapping[str, Array]

    @property
    def state_size(self) -> int:
        """Floats that are carried from step to step."""
        return sum(tensor.num_layers * tensor.size for tensor in self.layout)

    @property
    def weights(self) -> int:
        """Numbers in all arrays."""
        return sum(int(np.prod(shape)) for shape in self.shapes.values())

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
            raise BundleError(f"the WebAssembly module describes no model: {error}") from error

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
            if facts["format"] != FORMAT:
                found = f"this WebAssembly is of format {facts['format']!r}, known is {FORMAT}"
                raise BundleError(f"{found}; export it again")
            return cls._of_facts(facts, numbers)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BundleError("the WebAssembly module is damaged; export it again") from error

    @classmethod
    def _of_facts(cls, facts: Mapping[str, Any], numbers: bytes) -> Record:
        shapes = {str(name): _sizes(shape) for name, shape in facts["shapes"].items()}
        layout = []
        for name, num_layers, size in facts["layout"]:
            layout.append(StateTensor(str(name), *_sizes((num_layers, size))))
        return cls(
            facts["simd"] is True,
            facts["every_step"] is True,
            facts["streams"] is True,
            tuple(layout),
            facts["chain"],
            Signature.from_record(facts["signature"]),
            shapes,
            _stored(facts["stored"], shapes, np.frombuffer(numbers, "<f4")),
        )


def with_record(module: bytes, model: Model, simd: bool) -> bytes:
    """A compiled module with the record of its model."""
    golden = list(vectors(model))
    stored = [name for name in model.arrays if not _is_in_data(model, name)]
    facts = {
        "format": FORMAT,
        "tool": f"lstm-export {__version__}",
        "description": described(model),
        "sha256": model.weights_sha256,
        "simd": simd,
        "every_step": model.returns_every_step,
        "streams": not any(stage.bidirectional for stage in model.recurrent),
        "layout": [[tensor.name, tensor.num_layers, tensor.size] for tensor in state_layout(model)],
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
        "outputs": [asdict(column) for column in model.signature.outputs],
        "golden": [len(x) for x, _, _ in golden],
        "shapes": {name: list(array.shape) for name, array in model.arrays.items()},
        "stored": stored,
    }
    arrays = [array for vector in golden for array in vector]
    arrays += [model.arrays[name] for name in stored]
    numbers = b"".join(np.asarray(array, "<f4").tobytes() for array in arrays)
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False).encode("ascii")
    return with_custom_section(with_custom_section(module, RECORD, text), NUMBERS, numbers)


def _is_in_data(model: Model, name: str) -> bool:
    """Whether the C holds an array so that it can be read back bit for bit.

    It holds sums of biases, initial states one after the other, and gates with a sigmoid halved,
    which loses a bit of the smallest numbers there are.
    """
    stage_name, _, key = name.rpartition(".")
    if stage_name not in {stage.name for stage in model.recurrent}:
        return True
    array = model.arrays[name]
    is_halved_exactly = (array * np.float32(0.5) * np.float32(2) == array).all()
    return key.startswith("weight_") and bool(is_halved_exactly)


def _stored(
    names: list[str], shapes: Mapping[str, tuple[int, ...]], numbers: Array
) -> dict[str, Array]:
    """The arrays at the end of the numbers."""
    sizes = [int(np.prod(shapes[name])) for name in names]
    start = len(numbers) - sum(sizes)
    if start < 0:
        raise ValueError("too few numbers")
    arrays = {}
    for name, size in zip(names, sizes, strict=True):
        values = numbers[start : start + size].astype(np.float32)
        arrays[name] = values.reshape(shapes[name])
        start += size
    return arrays


def _sizes(shape: Any) -> tuple[int, ...]:
    """A shape out of a file.

    Raises:
        ValueError: a size is no count.
    """
    for size in shape:
        if type(size) is not int or not 0 < size < 2**24:
            raise ValueError(f"a size is {size!r}")
    return tuple(shape)
