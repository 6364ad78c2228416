"""Errors of a model on a table, against a loop over single windows; pages; the command."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.evaluation import Evaluation, evaluate
from lstm_export.evaluation.error_page import evaluation_page
from lstm_export.evaluation.of_files import open_judged
from lstm_export.model import Array, Column, LastStep, Model, Signature, forward
from lstm_export.series import Table
from tests.kit.builders import linear, lstm
from tests.kit.html_reader import Reader, assert_fetches_nothing

WINDOW = 5
HORIZON = 3
EVIL = "<b>v</b>"


def model_of(targets: tuple[str, ...] = ("v", "w")) -> Model:
    random = np.random.default_rng(5)
    signature = Signature(
        2,
        len(targets) * HORIZON,
        features=(Column("v"), Column("u")),
        targets=tuple(Column(name, "kW") for name in targets),
        window=WINDOW,
        horizon=HORIZON,
        group="machine",
    )
    core = lstm("lstm", 2, 4, 1, random)
    return Model(
        (core, LastStep("last"), linear("fc", 4, signature.output_size, random)), signature
    )


def machines(name: str = "w") -> Table:
    random = np.random.default_rng(6)
    columns = {key: random.standard_normal(90) for key in ("v", "u", name)}
    return Table.of({"machine": np.repeat(["a", "b"], [50, 40]), **columns})


def by_hand(model: Model, table: Table, target: str, group: str) -> Array:
    """Errors `(windows, HORIZON)` of one group, a window at a time."""
    rows = np.flatnonzero(table.text("machine") == group)
    x = np.stack([table.numbers("v"), table.numbers("u")], axis=1).astype(np.float32)[rows]
    y = table.numbers(target)[rows]
    first = [column.name for column in model.signature.targets].index(target) * HORIZON
    errors = []
    for start in range(len(rows) - WINDOW - HORIZON + 1):
        end = start + WINDOW
        answer = forward(model, x[np.newaxis, start:end]).y[0, first : first + HORIZON]
        errors.append(answer - y[end : end + HORIZON])
    return np.array(errors)


def figure(found: Evaluation, **fields: object) -> float:
    wanted = {"step": None, "group": None, **fields}
    (entry,) = (
        entry
        for entry in found.figures
        if all(vars(entry)[name] == value for name, value in wanted.items())
    )
    return entry.rmse


def test_errors_by_step_and_group_are_those_of_a_loop() -> None:
    model = model_of()
    table = machines()
    found = evaluate(model, table, artifacts={"moved": lambda x: forward(model, x).y + 0.5})
    for target in ("v", "w"):
        groups = {group: by_hand(model, table, target, group) for group in "ab"}
        whole = np.concatenate([*groups.values()])
        rmse = np.sqrt(np.mean(whole**2))
        assert figure(found, predictor="model", target=target) == pytest.approx(rmse, rel=1e-9)
        for group, errors in groups.items():
            of_group = figure(found, predictor="model", target=target, group=group)
            assert of_group == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9)
        for step in range(HORIZON):
            of_step = figure(found, predictor="model", target=target, step=step + 1)
            assert of_step == pytest.approx(np.sqrt(np.mean(whole[:, step] ** 2)), rel=1e-9)
        (cost,) = (cost for cost in found.costs if cost.target == target)
        assert cost.largest_change == pytest.approx(0.5, rel=1e-9)
        assert cost.rmse == pytest.approx(np.sqrt(np.mean((whole + 0.5) ** 2)), rel=1e-9)
    assert found.answers.predicted.keys() == {"model", "moved", "persistence"}
    alone = evaluate(model, Table({name: column[:50] for name, column in table.columns.items()}))
    assert all(entry.group is None for entry in alone.figures)


def test_the_file_that_was_trained_on_is_judged_on_its_test_part(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    machines().write_csv(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = {"data": {"sha256": sha256}, "options": {"split": [0.5, 0.2, 0.3]}}
    model = model_of()
    found = evaluate(model, path, facts=facts)
    # Of 50 and 40 rows the last 15 and 12, each less the last two of its horizon.
    assert len(found.answers.true) == 13 + 10
    assert found.why == "the test part of the file that the model was trained on"
    assert "ridge" in found.answers.predicted  # its training part is there to learn from
    assert [part.part for part in found.data.parts] == ["train", "validation", "test"]
    whole = "every window of the table"
    undivided = evaluate(model, path, facts=facts, part="all")
    assert undivided.why == whole
    # Of 50 and 40 rows each less those of a window and its horizon, but one
    assert [group.parts for group in undivided.data.groups] == [{"all": 43}, {"all": 33}]
    assert [part.windows["used"] for part in undivided.data.parts] == [76]
    other = {"data": {"sha256": "0" * 64}, "options": {"split": [0.5, 0.2, 0.3]}}
    assert evaluate(model, path, facts=other).why == whole
    assert evaluate(model, machines(), facts=facts).why == whole  # a table without a file


def test_what_no_table_can_judge_is_refused() -> None:
    unnamed = Model(model_of().stages, Signature(2, 2 * HORIZON))
    with pytest.raises(InputError, match="does not name its columns"):
        evaluate(unnamed, machines())
    with pytest.raises(InputError, match="has no column 'w'"):
        evaluate(model_of(), machines("z"))


def test_the_page_shows_every_figure_and_no_name_is_markup() -> None:
    table = machines(EVIL)
    found = evaluate(model_of(("v", EVIL)), table, artifacts={EVIL: lambda x: x[:, -1, [0] * 6]})
    data = evaluation_page(found, EVIL, EVIL, EVIL)
    assert_fetches_nothing(data)
    text = Reader(data).text
    assert f"RMSE of {EVIL} (kW) by group" in text
    for target in ("v", EVIL):
        for predictor in ("model", "persistence"):
            rmse = figure(found, predictor=predictor, target=target)
            assert f"{predictor} {rmse:.4g}" in text
        rmse = figure(found, predictor="model", target=target)
        assert f"RMSE of {target}: {rmse:.4g} kW; the best of the others" in text
        for group, windows in (("a", 43), ("b", 33)):
            of_group = [
                f"{figure(found, predictor=name, target=target, group=group):.4g}"
                for name in found.answers.predicted
            ]
            assert " ".join([group, *of_group, str(windows)]) in text
    for cost in found.costs:
        more = cost.rmse - cost.model_rmse
        shown = (cost.rmse, cost.model_rmse, more, cost.largest_change)
        values = " ".join(f"{value:.4g}" for value in shown)
        assert f"{cost.artifact} {cost.target} {values}" in text
    assert "What deployment costs" in text
    assert "The latest windows of b." in text
    assert "What was noticed" not in text


def test_inputs_beyond_the_range_of_training_are_told() -> None:
    table = machines()
    model = model_of()
    seen = [(column, table.numbers(column.name)) for column in model.signature.features]
    ranged = [replace(column, low=x.min(), high=x.max()) for column, x in seen]
    model = replace(model, signature=replace(model.signature, features=tuple(ranged)))
    assert evaluate(model, table).warnings == ()
    found = evaluate(model, Table.of({**table.columns, "u": table["u"] + 9}))
    (told,) = found.warnings
    assert told.startswith("u is 1") and "outside the training range -" in told
    assert f"What was noticed {told}" in Reader(evaluation_page(found, "m", "t", "again")).text


def test_the_command_judges_a_model_its_bundle_and_artifacts(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    import lstm_export
    from lstm_export.chains import Checkpoint, write_checkpoint

    model = tmp_path / "model.pt"
    table = tmp_path / "data.csv"
    write_checkpoint(model, Checkpoint(model_of()))
    machines().write_csv(table)
    lstm_export.package(model, tmp_path / "model.bundle")
    lstm_export.export(model, "onnx")
    page = tmp_path / "page.html"
    run = CliRunner()
    beside = ["--artifact", str(tmp_path / "model.onnx"), "--report", str(page)]
    alone = run.invoke(app, ["evaluate", str(model), str(table), *beside])
    assert alone.exit_code == 0, alone.output
    assert "error of w in kW, RMSE also by step ahead" in alone.stdout
    assert Reader(page.read_bytes()).text.startswith(("Better", "A baseline"))
    packed = run.invoke(app, ["evaluate", str(tmp_path / "model.bundle"), str(table), "--json"])
    record = json.loads(packed.stdout)
    assert [cost["artifact"] for cost in record["costs"]] == ["onnx", "onnx"]
    assert all(cost["largest_change"] < 1e-5 for cost in record["costs"])
    wrong = run.invoke(app, ["evaluate", str(model), str(table), "--report", str(table)])
    assert wrong.exit_code == 1
    assert "would be overwritten" in wrong.stderr


def test_artifacts_are_told_apart_and_those_that_do_not_run_are_named(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    import lstm_export
    from lstm_export.chains import Checkpoint, write_checkpoint

    model = tmp_path / "model.pt"
    bundle = tmp_path / "model.bundle"
    write_checkpoint(model, Checkpoint(model_of()))
    lstm_export.package(model, bundle, ["onnx", "ort"])
    lstm_export.export(model, "onnx")
    judged = open_judged(bundle, [tmp_path / "model.onnx"])
    assert list(judged.runners) == ["onnx", "model.onnx"]
    (note,) = judged.notes
    assert note.startswith("ort is not judged: ")
    write_checkpoint(tmp_path / "other.pt", Checkpoint(model_of(("v",))))
    lstm_export.export(tmp_path / "other.pt", "onnx")
    with pytest.raises(InputError, match="maps 2 inputs to 3 outputs, the model 2 to 6; name"):
        open_judged(model, [tmp_path / "other.onnx"])
