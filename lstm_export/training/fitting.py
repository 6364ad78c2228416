"""One training run on a table: what is predicted is chosen, then learned; nothing is judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import InputError
from ..model import Model
from ..series import RowSource
from .assembly import Assembly, assembly_of
from .causes import prospects
from .choosing import choose, corrected
from .data_report import DataReport, data_report
from .history import Notice, Progress, Trained, lowest_loss
from .kept_data import with_ranges
from .loop import train_loop
from .noticed import refuse_constant_targets, table_warnings
from .options import TrainingOptions
from .result import Choice
from .roles import input_signature
from .samples import Samples
from .shrinking import shrunk
from .windowing import build_samples

CHOICE = "choice"  # its key in the state of an interrupted run


@dataclass(frozen=True, eq=False)
class Member:
    """A trained network, alone or of an ensemble.

    Attributes:
        seed: that it was trained with.
        model: the whole chain with this network alone.
        trained: its weights and its history.
    """

    seed: int
    model: Model
    trained: Trained


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained model, and what it was trained on.

    Attributes:
        options: as they were given.
        chosen: the same with what follows from the table: epochs, what is predicted.
        choice: what is predicted, and why.
        samples: of the table.
        model: the whole chain; of an ensemble, all of its networks.
        members: the networks, one or more.
        is_interrupted: whether training was stopped before it ended by itself.
        data: what became of the table's rows.
        warnings: what the table may do to the model.
    """

    options: TrainingOptions
    chosen: TrainingOptions
    choice: Choice
    samples: Samples
    model: Model
    members: tuple[Member, ...]
    is_interrupted: bool
    data: DataReport
    warnings: tuple[str, ...]

    @property
    def best(self) -> Trained:
        """The history to show: of an ensemble that with the lowest validation loss."""
        trained = [member.trained for member in self.members]
        return min(trained, key=lambda own: lowest_loss(own.history) or 0.0)

    @property
    def unfinished(self) -> dict[str, Any] | None:
        """Where an interrupted run stood; None for an ensemble, which is more than one run."""
        state = self.members[0].trained.unfinished
        if state is None or self.options.ensemble:
            return None
        return {**state, CHOICE: asdict(self.choice)}


def fit_table(
    table: RowSource,
    options: TrainingOptions,
    progress: Progress | None,
    unfinished: Mapping[str, Any] | None = None,
    notice: Notice | None = None,
) -> Fitted:
    """Train on the training part; the validation part says when to stop.

    Args:
        table: as `read_for_training` gives it.
        options: what to predict from what, and how to train.
        progress: called after every epoch.
        unfinished: where an interrupted run of these options stood.
        notice: told before training what the table may do to the model.

    Raises:
        InputError: the table cannot be used as the options say.
        KeyboardInterrupt: before the first epoch was over.
    """
    task = _Task(table, options)
    if notice:
        for text in (*task.warnings, *prospects(task.samples, task.signature, options)):
            notice(text)
    choice = task.choice(options, unfinished)
    fitted = task.fitted(options, choice, progress, unfinished)
    if options.predict != "auto" or choice.predict == "correction" or fitted.is_interrupted:
        return fitted
    # where a ridge regression is better on validation, a second run learns to correct it
    better = corrected(task.samples, fitted.chosen, choice, fitted.model)
    if better is None:
        return fitted
    try:
        return task.fitted(options, better, progress, None)
    except KeyboardInterrupt:  # the first run is whole, and kept
        return replace(fitted, is_interrupted=True)


class _Task:
    """What is learned from a table.

    Attributes:
        signature: of the model.
        samples: of the table.
        data: what became of its rows.
        warnings: what it may do to the model.
    """

    def __init__(self, table: RowSource, options: TrainingOptions) -> None:
        signature = input_signature(table, options)
        self.samples = build_samples(table, signature, options)
        refuse_constant_targets(self.samples, options)
        self.signature = with_ranges(signature, self.samples)
        self.data = data_report(table, self.signature, options, self.samples)
        noticed = table_warnings(table, self.data, self.samples, self.signature, options)
        self.warnings = tuple(noticed)

    def choice(self, options: TrainingOptions, unfinished: Mapping[str, Any] | None) -> Choice:
        """What is predicted: as the options say, as it was chosen before, or by a trial."""
        if options.predict != "auto":
            return Choice(options.predict)
        if unfinished is not None and CHOICE in unfinished:
            return Choice(**unfinished[CHOICE])
        return choose(self.samples, self.signature, self.known(options), self.brief)

    def known(self, options: TrainingOptions) -> TrainingOptions:
        """The options with what follows from the number of windows."""
        return options.for_windows(len(self.samples.parts["train"]))

    def brief(self, options: TrainingOptions) -> Model:
        """A model that is only tried; if that is interrupted, there is nothing to keep."""
        assembly = assembly_of(self.samples, self.signature, options)
        member = self._member(assembly, options, None, None)
        if member.trained.lost:
            raise InputError(f"{member.trained.lost}; start again")
        if member.trained.unfinished is not None:
            raise KeyboardInterrupt
        return member.model

    def fitted(
        self,
        options: TrainingOptions,
        choice: Choice,
        progress: Progress | None,
        unfinished: Mapping[str, Any] | None,
    ) -> Fitted:
        """The whole run, of one network or of an ensemble."""
        chosen = replace(self.known(options), predict=choice.predict)
        assembly = assembly_of(self.samples, self.signature, chosen)
        members: list[Member] = []
        is_interrupted = False
        for seed in chosen.seeds_of_members:
            own = replace(chosen, seed=seed)
            try:
                members.append(self._member(assembly, own, progress, unfinished))
            except KeyboardInterrupt:  # before this member's first epoch was over
                if not members:
                    raise
                is_interrupted = True
            # later than that a member is kept, and says where it stood
            is_interrupted = is_interrupted or members[-1].trained.unfinished is not None
            if is_interrupted:
                break
        model = assembly.model([member.trained for member in members], self.signature)
        return Fitted(
            options=options,
            chosen=chosen,
            choice=choice,
            samples=self.samples,
            model=model,
            members=tuple(members),
            is_interrupted=is_interrupted,
            data=self.data,
            warnings=self.warnings,
        )

    def _member(
        self,
        assembly: Assembly,
        options: TrainingOptions,
        progress: Progress | None,
        unfinished: Mapping[str, Any] | None,
    ) -> Member:
        parts = dict(assembly.windows(self.samples))
        trained = train_loop(parts["train"], parts.get("validation"), options, progress, unfinished)
        trained = shrunk(trained, assembly, self.signature, self.samples, options)
        return Member(options.seed, assembly.model([trained], self.signature), trained)
