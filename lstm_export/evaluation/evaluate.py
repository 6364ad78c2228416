"""From a model and a table to errors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

import numpy as np

from ..device.ranges import bounds_of, out_of_range
from ..errors import InputError
from ..files import read_bytes
from ..model import Model, Runner, Signature, forward
from ..series import Missing, Table, TableSource
from ..training.answers import (
    MODEL,
    Answers,
    Predictor,
    answers_of,
    predictor_of,
    rmse_of,
)
from ..training.baselines import baselines, untrained_baselines
from ..training.data_report import DataReport, data_report
from ..training.intervals import Coverage, coverage_of
from ..training.moments import moments_of
from ..training.option_values import PARTS
from ..training.options import TrainingOptions
from ..training.samples import Samples
from ..training.windowing import build_samples
from .error_figures import ErrorFigures, figures_of

Part = Literal["all", "train", "validation", "test"]
ALL: Final = "all"


@dataclass(frozen=True)
class Cost:
    """What an artifact adds to the model's error for one target, in the target's units.

    Attributes:
        artifact: what it is called.
        target: the column.
        rmse: of the artifact.
        model_rmse: of the model.
        largest_change: by which an answer of the artifact differs from the model's at most.
    """

    artifact: str
    target: str
    rmse: float
    model_rmse: float
    largest_change: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model judged on a table.

    Attributes:
        signature: of the model.
        why: which windows were judged, in words.
        data: what became of the table's rows.
        answers: of the model, its artifacts and the baselines.
        figures: their errors.
        costs: what each artifact adds.
        coverage: how much of the truth the model's intervals hold; empty where it has none.
        warnings: what makes the answers doubtful, a sentence each.
    """

    signature: Signature
    why: str
    data: DataReport
    answers: Answers
    figures: tuple[ErrorFigures, ...]
    costs: tuple[Cost, ...]
    coverage: tuple[Coverage, ...]
    warnings: tuple[str, ...]

    def to_record(self) -> dict[str, Any]:
        """JSON-ready, without the answers themselves."""
        return {
            "why": self.why,
            "windows": asdict(self.data),
            "figures": [asdict(figures) for figures in self.figures],
            "costs": [asdict(cost) for cost in self.costs],
            "coverage": [asdict(coverage) for coverage in self.coverage],
        }


def evaluate(  # noqa: PLR0913 - every choice is made by name
    model: Model,
    source: TableSource,
    *,
    facts: Mapping[str, Any] | None = None,
    artifacts: Mapping[str, Runner] | None = None,
    part: Part | None = None,
    missing: Missing | None = None,
) -> Evaluation:
    """Answer every window of a table, and compare with what came true.

    The model is its float64 definition: neither PyTorch nor an artifact is needed.

    Args:
        model: names its targets and its window, as models from `train` do.
        source: a table with the columns of the signature, targets included.
        facts: how the model was trained, as its checkpoint and its bundle keep it.
        artifacts: runners of what was exported, by what they are called.
        part: which part of the table; by default all of it, or the latest part that was not
            trained on, where it is the very file that the model was trained on.
        missing: what happens to a row with an empty cell; by default as in training.

    Raises:
        InputError: the signature lacks what is needed, or the table cannot be used.
    """
    facts = facts or {}
    table = _table_of(source, model.signature)
    is_training_file = _is_training_file(table, facts)
    chosen = part or ("test" if is_training_file else ALL)
    options = _options(model.signature, facts, missing, is_whole=chosen == ALL)
    samples = build_samples(table, model.signature, options)
    judged, why = _part(chosen, options, is_training_file)
    _check_has_windows(samples, judged, table)
    predictors = _predictors(model, artifacts or {}, samples, is_whole=chosen == ALL)
    answers = answers_of(predictors, samples, judged, options.targets)
    data = data_report(table, model.signature, options, samples)
    if chosen == ALL:
        answers, data = _undivided(answers, data)
    warnings = tuple(_beyond_training(samples, judged, model.signature))
    return _evaluation(model.signature, answers, data, artifacts or {}, why, warnings)


def _undivided(answers: Answers, data: DataReport) -> tuple[Answers, DataReport]:
    """Those of a table that is judged whole, under the name of that."""
    first, *_ = data.parts
    groups = [replace(group, parts={ALL: group.parts[first.part]}) for group in data.groups]
    whole = replace(data, parts=(replace(first, part=ALL),), groups=tuple(groups))
    return replace(answers, part=ALL), whole


def _beyond_training(samples: Samples, part: str, signature: Signature) -> Iterator[str]:
    """Inputs outside the range that training saw, where answers mean little."""
    seen = moments_of(samples.inputs_of(part))
    extremes = np.stack([seen.low, seen.high]).astype(np.float32)  # (2, input_size)
    lowest, highest = bounds_of(signature)
    if (extremes[0] < lowest).any() or (extremes[1] > highest).any():
        yield out_of_range(extremes, signature)


def _evaluation(  # noqa: PLR0913, PLR0917 - all that was found
    signature: Signature,
    answers: Answers,
    data: DataReport,
    artifacts: Iterable[str],
    why: str,
    warnings: tuple[str, ...],
) -> Evaluation:
    return Evaluation(
        signature=signature,
        why=why,
        data=data,
        answers=answers,
        figures=tuple(figures_of(answers)),
        costs=tuple(_costs(answers, artifacts)),
        coverage=tuple(coverage_of(answers, MODEL, signature.quantiles)),
        warnings=warnings,
    )


def _predictors(
    model: Model, artifacts: Mapping[str, Runner], samples: Samples, *, is_whole: bool
) -> dict[str, Predictor]:
    """The model, its artifacts and the baselines."""
    runners = {MODEL: _definition(model), **artifacts}
    size = model.signature.output_size
    found = {name: predictor_of(run, samples, size) for name, run in runners.items()}
    return found | _baselines(model, samples, is_whole=is_whole)


def _table_of(source: TableSource, signature: Signature) -> Table:
    if not signature.targets or not signature.features or signature.window is None:
        raise InputError(
            "this model does not name its columns, its targets and its window, so that no table "
            "says what its answers should be; train with lstm-export, or export with these names"
        )
    return Table.of(source, signature.table_format)


def _check_has_windows(samples: Samples, part: str, table: Table) -> None:
    if not len(samples.parts[part]):
        raise InputError(f"the {part} part of {table.title} holds no window; choose another part")


def _is_training_file(table: Table, facts: Mapping[str, Any]) -> bool:
    expected = facts.get("data", {}).get("sha256")
    if not expected or table.path is None:
        return False
    found = hashlib.sha256(read_bytes(table.path, "a table")).hexdigest()
    return bool(found == expected)


def _options(
    signature: Signature, facts: Mapping[str, Any], missing: Missing | None, *, is_whole: bool
) -> TrainingOptions:
    """How the table is cut into windows and parts: as in training, or all of it one part."""
    trained = facts.get("options", {})
    split = tuple(trained.get("split", (0.7, 0.15, 0.15)))
    if is_whole:
        split = (1.0, 0.0, 0.0)  # one part, the first, which is called "train"
    return TrainingOptions(
        targets=tuple(column.name for column in signature.targets),
        features=tuple(column.name for column in signature.measured),
        categorical=tuple(category.name for category in signature.categories),
        calendar=signature.calendar,
        country=signature.country,
        window=signature.window or 1,
        horizon=signature.horizon or 0,
        time=signature.time,
        group=signature.group,
        pad=signature.shortest is not None,
        split=split,
        split_by="time" if is_whole else trained.get("split_by"),
        seed=trained.get("seed", 0),
        split_seed=trained.get("split_seed"),
        missing=missing or trained.get("missing", "refuse"),
    )


def _part(chosen: Part, options: TrainingOptions, is_training_file: bool) -> tuple[str, str]:
    """The part in `PARTS` that is judged, and why."""
    if chosen == ALL:
        return "train", "every window of the table"
    shares = dict(zip(PARTS, options.split, strict=True))
    given = [part for part, share in shares.items() if share > 0]
    judged = chosen if chosen in given else given[-1]
    if is_training_file:
        return judged, f"the {judged} part of the file that the model was trained on"
    return judged, f"the {judged} part, split as in training"


def _definition(model: Model) -> Runner:
    return lambda x: forward(model, x).y


def _baselines(model: Model, samples: Samples, *, is_whole: bool) -> dict[str, Predictor]:
    """Those that learn too, unless all of the table is judged: nothing is left to learn from."""
    of_training = untrained_baselines if is_whole else baselines
    return of_training(samples, model.signature)


def _costs(answers: Answers, artifacts: Iterable[str]) -> Iterator[Cost]:
    for artifact in artifacts:
        for target in answers.targets:
            yield _cost(answers, artifact, target)


def _cost(answers: Answers, artifact: str, target: str) -> Cost:
    column = answers.targets.index(target)
    of_artifact = answers.predicted[artifact][:, column]  # (windows, steps)
    change = of_artifact - answers.predicted[MODEL][:, column]
    return Cost(
        artifact=artifact,
        target=target,
        rmse=rmse_of(answers.errors(artifact, target)),
        model_rmse=rmse_of(answers.errors(MODEL, target)),
        largest_change=float(np.abs(change).max()),
    )
