"""One chain of the study: drawn at random, with its golden sets and PyTorch's runs of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from lstm_export.model import Model, Runner, forward
from lstm_export.parity import GoldenSet
from lstm_export.parity.golden import hard_inputs
from lstm_export.parity.noise import is_large
from tests.kit.random_chains import LARGEST_HIDDEN, random_chain
from tests.kit.random_graphs import random_graph


@dataclass(frozen=True)
class Case:
    """A chain with its golden sets, and PyTorch's runs of it."""

    model: Model
    gain: float
    golden: tuple[GoldenSet, ...]
    pytorch: Runner

    @classmethod
    def draw(
        cls,
        seed: int,
        index: int,
        largest_hidden: int = LARGEST_HIDDEN,
        *,
        graphs: bool = False,
    ) -> Case:
        """The six sets alone: what the other shapes are for, axes that a graph has fixed, raises no
        alarm.
        """
        from lstm_export.model.torch_module import eager, to_module

        drawn = random_graph if graphs else random_chain
        model, gain = drawn(seed, index, largest_hidden=largest_hidden)
        inputs = {name: (x, None) for name, x in hard_inputs(model).items()}
        golden = GoldenSet.of_many(partial(forward, model), inputs, large=is_large(model))
        return cls(model, gain, golden, eager(to_module(model)))

    @property
    def nominal(self) -> GoldenSet:
        """The set that stands for the one example that other tools compare at."""
        return next(golden_set for golden_set in self.golden if golden_set.name == "nominal")
