"""A training run, or a model judged on a table, as one page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..model import Column, Signature
from ..pages import Markup, bullets, element, facts, framed, number, plain, row, section, table
from ..training import TrainingResult
from ..training.answers import Answers
from ..training.significance import gain_of
from .error_figures import ErrorFigures, figures_of, of_whole
from .error_sections import of_coverage, of_data, of_losses, of_runs, of_search, of_target
from .evaluate import Cost, Evaluation

WORSE = 0
LEVEL = 1
BETTER = 2
ALONE = 3
VERDICTS = {
    WORSE: ("bad", "A baseline is better"),
    LEVEL: ("open", "Not clearly better than a baseline"),
    BETTER: ("good", "Better than its baselines"),
    ALONE: ("open", "Judged alone"),
}


@dataclass(frozen=True)
class _Verdict:
    """The model beside the best of the baselines, over all targets.

    Attributes:
        kind: the class that gives it its colour.
        word: in a word or two.
        sentences: a sentence for each target.
    """

    kind: str
    word: str
    sentences: tuple[str, ...]


def training_page(result: TrainingResult, name: str, again: str) -> bytes:
    """A training run as one HTML file, UTF-8.

    Args:
        result: the run.
        name: of the checkpoint.
        again: the command that trains the same model once more.
    """
    figures = tuple(figures_of(result.answers))
    signature = result.model.signature
    predictors = list(result.answers.predicted)
    verdict = _verdict(result.answers, figures, predictors, signature.targets)
    main = [
        *_warnings(result.warnings),
        *_targets(result.answers, figures, signature, predictors),
        *of_coverage(result.coverage, signature.targets),
        *of_search(result.search),
        *of_runs(result),
        of_losses(result.history, result.best_epoch),
        of_data(result.data),
        _made_of({"The model": _model_facts(result), "Made with": result.facts["versions"]}, again),
    ]
    about = f"{name} on the {result.answers.part} part, which training never saw."
    return _page(name, about, verdict, main)


def evaluation_page(found: Evaluation, name: str, table_name: str, again: str) -> bytes:
    """A model judged on a table as one HTML file, UTF-8."""
    artifacts = {cost.artifact for cost in found.costs}
    predictors = [name for name in found.answers.predicted if name not in artifacts]
    verdict = _verdict(found.answers, found.figures, predictors, found.signature.targets)
    judged = {"model": name, "table": table_name, "windows": found.why}
    main = [
        *_warnings(found.warnings),
        *_costs(found.costs),
        *_targets(found.answers, found.figures, found.signature, predictors),
        *of_coverage(found.coverage, found.signature.targets),
        of_data(found.data),
        _made_of({"Judged": judged}, again),
    ]
    return _page(name, f"{name} on {table_name}: {found.why}.", verdict, main)


def _page(name: str, about: str, verdict: _Verdict, main: Sequence[Markup]) -> bytes:
    word = element("span", verdict.word, class_="verdict")
    lines = [element("p", sentence) for sentence in (about, *verdict.sentences)]
    header = element("header", element("h1", word, name), *lines, class_=verdict.kind)
    return framed(f"{verdict.word}: {name}", header, element("main", *main))


def _verdict(
    answers: Answers,
    figures: Sequence[ErrorFigures],
    predictors: Sequence[str],
    targets: Sequence[Column],
) -> _Verdict:
    """The first of the predictors, which is the model, beside the others."""
    sentences = []
    ranks = []
    for column in targets:
        by_name = {entry.predictor: entry for entry in of_whole(figures, column.name)}
        own, *others = (by_name[name] for name in predictors)
        sentence = f"RMSE of {column.name}: {plain(own.rmse)} {column.unit}".rstrip()
        if others:
            best = min(others, key=lambda entry: entry.rmse)
            ranks.append(_rank(answers, own.predictor, best.predictor, column.name))
            sentence += f"; the best of the others, {best.predictor}: {plain(best.rmse)}"
            if ranks[-1] == LEVEL:
                sentence += ", a difference within the noise"
        sentences.append(f"{sentence}.")
    kind, word = VERDICTS[min(ranks, default=ALONE)]
    return _Verdict(kind, word, tuple(sentences))


def _rank(answers: Answers, own: str, other: str, target: str) -> int:
    """Whether one predictor is better than another, as far as the part can tell."""
    if gain_of(answers, own, other, target).is_clear:
        return BETTER
    return WORSE if gain_of(answers, other, own, target).is_clear else LEVEL


def _targets(
    answers: Answers,
    figures: Sequence[ErrorFigures],
    signature: Signature,
    predictors: Sequence[str],
) -> Iterator[Markup]:
    several = len(signature.targets) > 1
    for column in signature.targets:
        if several:
            yield element("h2", column.name)
        yield from of_target(answers, figures, column, predictors)


def _warnings(warnings: Sequence[str]) -> Iterator[Markup]:
    if warnings:
        yield section("What was noticed", bullets(warnings))


def _costs(costs: Sequence[Cost]) -> Iterator[Markup]:
    """What deployment costs."""
    if not costs:
        return
    rows = []
    for cost in costs:
        more = cost.rmse - cost.model_rmse
        values = (cost.rmse, cost.model_rmse, more, cost.largest_change)
        cells = [number(plain(value)) for value in values]
        rows.append(row(cost.artifact, cost.target, *cells))
    heads = ("artifact", "", "RMSE", "of the model", "more", "an answer moves by at most")
    yield section("What deployment costs", table(heads, rows))


def _model_facts(result: TrainingResult) -> dict[str, str]:
    data = result.facts["data"]
    return {
        "chain": result.model.describe(),
        "predicts": _predicted(result),
        "parameters": f"{result.model.parameters:,}",
        "weights": result.model.weights_sha256,
        "seed": str(result.facts["seed"]),
        "table": str(data.get("file", "from memory")),
        "table's sha256": str(data.get("sha256", "-")),
    }


def _predicted(result: TrainingResult) -> str:
    choice = result.choice
    if choice is None:
        return "the level"
    return choice.describe().removeprefix("predicts ") or f"the {choice.predict}"


def _made_of(tables: Mapping[str, Mapping[str, str]], again: str) -> Markup:
    parts = [facts(heading, values) for heading, values in tables.items()]
    command = element("p", "The same again: ", element("code", again, class_="command"))
    return section("What it was made of", element("div", *parts, class_="facts"), command)
