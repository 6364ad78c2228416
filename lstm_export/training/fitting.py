"""One training run on a table: what is predicted is chosen, then learned; nothing is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from ..model import Model, Signature
from ..series import Table
from .assembly import assembly_of, with_ranges
from .choosing import choose
from .history import Progress, Trained
from .loop import train_loop
from .noticed import refuse_constant_targets
from .options import TrainingOptions
from .result import Choice
from .samples import Samples
from .windowing import build_samples, input_signature


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model, and what it was trained on.

    Attributes:
        options: as they were given.
        chosen: the same with what follows from the table: epochs, what is predicted.
        choice: what is predicted, and why.
        samples: of the table.
        model: the whole chain.
        trained: its history.
    """

    options: TrainingOptions
    chosen: TrainingOptions
    choice: Choice
    samples: Samples
    model: Model
    trained: Trained

    @property
    def is_interrupted(self) -> bool:
        """Whether training was stopped before it ended by itself."""
        return self.trained.unfinished is not None


def fit_table(
    table: Table,
    options: TrainingOptions,
    progress: Progress | None,
    unfinished: Mapping[str, Any] | None = None,
) -> Fitted:
    """Train on the training part; the validation part says when to stop.

    Args:
        table: as `read_for_training` gives it.
        options: what to predict from what, and how to train.
        progress: called after every epoch.
        unfinished: where an interrupted run of these options stood.

    Raises:
        InputError: the table cannot be used as the options say.
        KeyboardInterrupt: before the first epoch was over.
    """
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    refuse_constant_targets(samples, options)

    def brief(options: TrainingOptions) -> Model:
        model, trained = _trained(samples, signature, options, None, None)
        if trained.lost:
            raise InputError(f"{trained.lost}; start again")
        if trained.unfinished is not None:
            raise KeyboardInterrupt
        return model

    chosen = options.for_windows(len(samples.parts["train"]))
    choice = Choice(options.predict)
    if options.predict == "auto":
        choice = choose(samples, signature, chosen, brief)
    chosen = replace(chosen, predict=choice.predict)
    model, trained = _trained(samples, signature, chosen, progress, unfinished)
    return Fitted(options, chosen, choice, samples, model, trained)


def _trained(
    samples: Samples,
    signature: Signature,
    options: TrainingOptions,
    progress: Progress | None,
    unfinished: Mapping[str, Any] | None,
) -> tuple[Model, Trained]:
    assembly = assembly_of(samples, signature, options)
    parts = dict(assembly.windows(samples))
    trained = train_loop(parts["train"], parts.get("validation"), options, progress, unfinished)
    return assembly.model(trained, with_ranges(signature, samples)), trained
