"""Names and shapes that nobody wrote: a chain, or one sentence; no traceback, no long wait."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lstm_export.chains import ReadingOptions, understand
from lstm_export.errors import LstmExportError
from lstm_export.model import Array
from lstm_export.reading import Contents, contents_of

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.user_modules import MODULES, make

Tensors = dict[str, Array]
NAMES = (
    "h0",
    "c0",
    "weight",
    "bias",
    "alpha",
    "in_proj_weight",
    "lstm.weight_ih_l1",
    "lstm.weight_ih_l0_reverse",
)
NAMES += (
    "lstm.weight_hr_l0",
    "",
    "..",
    ".weight",
    "a.weight_ih",
    "a.weight_hh",
    "bn.running_var",
    "bn.running_mean",
)
NAMES += (
    "head.0.weight",
    "head.99999.weight",
    "last.weight",
    "relu.weight",
    "@.weight",
    "lstm.weight_hh_l-1",
)
SHAPES = (
    (),
    (1,),
    (0,),
    (3,),
    (1, 1),
    (0, 3),
    (3, 0),
    (40, 10),
    (4, 4),
    (12, 4),
    (2, 1, 4),
    (2, 2, 2, 2),
)
CHAINS = (
    None,
    "lstm, last, fc",
    "lstm, hidden, relu, fc, skip(5)",
    ".",
    "lstm,,fc",
    "lstm, fc1, relu, fc2",
)


def mutations(
    chance: random.Random, others: list[tuple[str, Array]]
) -> list[Callable[[Tensors, str], Tensors]]:
    values = np.random.default_rng(chance.randrange(2**32))

    def drawn() -> Array:
        return values.normal(size=chance.choice(SHAPES)).astype(np.float32)

    def shuffled(tensors: Tensors, key: str) -> Tensors:
        items = list(tensors.items())
        chance.shuffle(items)
        return dict(items)

    return [
        lambda tensors, key: {name: array for name, array in tensors.items() if name != key},
        lambda tensors, key: {**tensors, **dict([chance.choice(others)])},
        lambda tensors, key: {**tensors, chance.choice(NAMES): drawn()},
        lambda tensors, key: {**tensors, key: drawn()},
        lambda tensors, key: {
            (f"{name}x" if name == key else name): array for name, array in tensors.items()
        },
        lambda tensors, key: {
            (f"decoder.{name}" if name == key else name): a for name, a in tensors.items()
        },
        shuffled,
    ]


def test_any_tensors_end_in_a_chain_or_in_words() -> None:
    chance = random.Random(3)  # noqa: S311 - not for secrets
    known: list[Tensors] = [dict(contents_of(make(name).state_dict()).arrays) for name in MODULES]
    changes = mutations(chance, [item for tensors in known for item in tensors.items()])
    ends: dict[str, Any] = {}
    for _ in range(2000):
        tensors = dict(chance.choice(known))
        for _ in range(chance.randint(1, 4)):
            tensors = chance.choice(changes)(tensors, chance.choice(list(tensors) or ["weight"]))
        try:
            ends["a chain"] = understand(
                Contents(tensors), ReadingOptions(forward=chance.choice(CHAINS))
            )
        except LstmExportError as error:
            ends[type(error).__name__] = error
            assert "\n" not in str(error) and len(str(error)) < 1500, error
    assert {"a chain", "CheckpointError", "UnsupportedModel", "InputError"} <= set(ends)
