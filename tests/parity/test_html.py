"""The page: the verdict first, every number, nothing fetched, nothing from files as HTML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.model import Array, Column, Model, Runner, Signature, forward
from lstm_export.pages import LogAxis, power
from lstm_export.parity import Condition, Diagnosis, GoldenSet, ParityReport, check, golden_sets
from lstm_export.parity.along_time import along_time
from lstm_export.parity.html_page import Page, to_html
from tests.kit.chains import CHAINS
from tests.kit.html_reader import Reader, assert_fetches_nothing

EVIL = "<script>alert('1')</script>&\"x\""
GOLDEN = {name: golden_sets(CHAINS[name]) for name in ("seed", "both ends", "skip")}


def exact(name: str) -> Runner:
    return lambda x: forward(CHAINS[name], x).y


def refuse(x: Array) -> Array:
    raise InputError(f"seq is fixed to {EVIL}")


def page_of(report: ParityReport, **fields: object) -> Reader:
    page = Page("model.onnx", "model.pt", (report,), {}, "lstm-export verify model.onnx model.pt")
    return Reader(to_html(replace(page, **fields)))  # type: ignore[arg-type]


def test_a_pass_says_so_first_and_shows_every_number() -> None:
    golden = GOLDEN["seed"]
    report = check(exact("seed"), golden, subject="onnx", structure="identical")
    noisy = check(
        lambda x: np.float32(exact("seed")(x)), golden, subject="onnx", structure="identical"
    )
    for judged in (report, noisy):
        read = page_of(judged, scales={g.name: g.scale for g in golden})
        assert read.text.startswith("Passed model.onnx computes what model.pt defines")
        for result in judged.sets:
            assert f"{result.error:.1e}" in read.text
            assert f"{result.bound:.1e}" in read.text
        assert len(read.circles("good")) == len(golden)
        assert "What would have to be true" not in read.text
        assert "bit for bit the model" in read.text


def test_a_failure_says_how_far_it_is_and_what_it_takes() -> None:
    golden = GOLDEN["seed"]
    report = check(
        lambda x: 1.01 * exact("seed")(x),
        golden,
        subject="onnx",
        structure=f"{EVIL} differs",
        notes=(f"see `{EVIL}`",),
    )
    read = page_of(report)
    assert read.text.startswith(
        "Failed model.onnx does not compute what model.pt defines The largest error, on"
    )
    assert "What would have to be true for it to pass" in read.text
    worst = max(report.sets, key=lambda result: result.error / result.bound)
    assert f"{worst.error / worst.bound:,.0f} times what rounding explains" in read.text
    assert f"Found: {EVIL} differs" in read.text
    assert "What was noticed" in read.text
    bars = [
        float(str(a["x1"]).rstrip("%"))
        for tag, a in read.tags
        if tag == "line" and a["class"] == "bound"
    ]
    assert all(dot > bar for dot, bar in zip(read.circles("bad"), bars, strict=True))


@pytest.mark.parametrize(
    ("runner", "said"),
    [
        (refuse, f"there was no answer to compare: seq is fixed to {EVIL}"),
        (lambda x: exact("seed")(x) * np.nan, "is no number: some answers are NaN"),
        (lambda x: exact("seed")(x)[:, :0], "expected (4, 1)"),
    ],
)
def test_what_gives_no_number_is_a_failure_with_its_reason(runner: Runner, said: str) -> None:
    read = page_of(check(runner, GOLDEN["seed"], subject="onnx"))
    assert read.text.startswith("Failed")
    assert said in read.text


def test_without_a_verdict_the_page_says_why() -> None:
    nominal = GOLDEN["seed"][2]
    chaotic = GoldenSet("chaotic", nominal.x, nominal.y, nominal.scale, noise_floor=1e-2)
    read = page_of(check(exact("seed"), [chaotic], subject="onnx"))
    assert read.text.startswith("Cannot be judged model.onnx could not be judged")
    assert "at best it moves them by 1.0e-02" in read.text
    assert read.circles("open")


def test_several_artifacts_share_a_page() -> None:
    good = check(exact("seed"), GOLDEN["seed"], subject="onnx", structure="as packaged")
    absent = ParityReport("torchscript", "not checked", (), ("not run here: torch is absent",))
    assert absent.table() == "note: not run here: torch is absent"
    read = page_of(good, reports=(good, absent))
    assert read.text.startswith("Passed")
    assert "not run here: torch is absent" in read.text
    bad = check(lambda x: 0 * exact("seed")(x), GOLDEN["seed"], subject="c")
    assert page_of(good, reports=(good, bad)).text.startswith("Failed")


def test_nothing_is_fetched_and_no_name_is_markup() -> None:
    golden = GOLDEN["seed"]
    report = replace(
        check(refuse, golden, subject=EVIL, structure=EVIL, notes=(EVIL,)),
        conditions=(Condition(EVIL, 1.0, 2.0, "failed", EVIL),),
        diagnosis=Diagnosis(EVIL, 1, 2, EVIL, EVIL, EVIL, (EVIL,)),
    )
    page = Page(
        EVIL,
        EVIL,
        (report, report),
        {EVIL: {EVIL: EVIL}},
        EVIL,
        {EVIL: along_time(refuse, CHAINS["seed"], golden, report)},  # type: ignore[dict-item]
        {golden_set.name: golden_set.scale for golden_set in golden},
        (Column(EVIL, EVIL),),
    )
    data = to_html(page)
    assert_fetches_nothing(data)


def test_error_along_time_is_that_of_every_step() -> None:
    golden = GOLDEN["skip"]
    model = CHAINS["skip"]

    def late(x: Array) -> Array:
        y = exact("skip")(x)
        y[:, 9:] *= 1.5
        return y

    report = check(late, golden, subject="onnx")
    curve = along_time(late, model, golden, report)
    assert curve is not None
    assert (curve.by_step, curve.steps) == (True, tuple(range(1, len(curve.steps) + 1)))
    right = [error <= bound for error, bound in zip(curve.error, curve.bound, strict=True)]
    assert right == [step <= 9 for step in curve.steps]


def test_beginnings_of_a_sequence_are_judged_for_themselves() -> None:
    """A reverse direction sees only the beginning, too: a right runner is right at every length,
    another is not.
    """
    model = CHAINS["both ends"]
    golden = GOLDEN["both ends"]
    for runner, forgets in (
        (exact("both ends"), False),
        (lambda x: exact("both ends")(x[:, :9]), True),
    ):
        curve = along_time(runner, model, golden, check(runner, golden, subject="onnx"))
        assert curve is not None
        assert not curve.by_step
        wrong = [
            step
            for step, e, b in zip(curve.steps, curve.error, curve.bound, strict=True)
            if not e <= b
        ]
        assert wrong == [step for step in curve.steps if forgets and step > 9]


def test_conditions_and_the_diagnosis_are_told() -> None:
    report = check(lambda x: 1.5 * exact("seed")(x), GOLDEN["seed"], subject="onnx")
    told = Diagnosis("nominal", 1, 16, "lstm_l1", "bias_hh lost", f"{EVIL}")
    read = page_of(replace(report, diagnosis=told))
    assert f"It behaves like: bias_hh lost in {EVIL}." in read.text
    assert (
        "First wrong at step 1 of 16 (golden set nominal) First wrong layer: lstm_l1" in read.text
    )

    good = check(exact("seed"), GOLDEN["seed"], subject="onnx", structure="identical")
    same = Condition("4 threads", 0.0, 0.2, "passed")
    other = Condition("optimisation off", 3e-8, 0.4, "passed")
    read = page_of(replace(good, conditions=(same, other)))
    assert read.text.startswith("Passed")
    assert "The very same bits as first: 4 threads." in read.text
    assert "optimisation off passed 3.0e-08 40.0%" in read.text
    read = page_of(replace(good, conditions=(same, replace(other, share=12.0, verdict="failed"))))
    assert read.text.startswith("Failed")
    assert "But not under every condition: optimisation off." in read.text
    assert "The error would have to be 12.0 times smaller under this condition." in read.text


def test_a_log_axis_has_whole_decades_and_keeps_what_is_no_number_in_sight() -> None:
    axis = LogAxis.of([3e-8, 2e-3, 0.0, float("nan")])
    assert (axis.low, axis.high) == (-9, -2)
    assert axis.at(0.0) == axis.start
    assert axis.at(float("inf")) == axis.at(float("nan")) == axis.end
    assert [power(exponent) for exponent in (-7, 10)] == ["10⁻⁷", "10¹⁰"]


@pytest.mark.parametrize("good", [True, False])
def test_verify_writes_the_page(
    tmp_path: Path, seed_checkpoint: Path, seed_model: Model, good: bool
) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    from lstm_export import targets

    arrays = {
        name: array if good else array * np.float32(1.001)
        for name, array in seed_model.arrays.items()
    }
    artifact = tmp_path / "m.onnx"
    html = tmp_path / "report.html"
    targets.get("onnx").export(
        Model.from_record(seed_model.chain_record(), arrays, Signature(10, 1)), artifact
    )
    done = CliRunner().invoke(
        app, ["verify", str(artifact), str(seed_checkpoint), "--html", str(html)]
    )
    assert done.exit_code == (0 if good else 1), done.output
    read = Reader(html.read_bytes())
    assert read.text.startswith(
        "Passed m.onnx" if good else "Failed m.onnx does not compute what model.pt defines"
    )
    again = f"lstm-export verify {artifact} {seed_checkpoint}"
    for told in ("LSTM(10, 50, num_layers=2)", seed_model.weights_sha256, again):
        assert told in read.text
    assert "Error along time" in read.text


def test_a_bundle_has_a_page_of_its_own_answers(tmp_path: Path, seed_checkpoint: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    import lstm_export

    bundle = tmp_path / "m.bundle"
    html = tmp_path / "report.html"
    lstm_export.package(seed_checkpoint, bundle)
    done = CliRunner().invoke(app, ["verify", str(bundle), "--html", str(html)])
    assert done.exit_code == 0, done.output
    read = Reader(html.read_bytes())
    assert read.text.startswith("Passed m.bundle computes what the bundle's own model defines")
    assert "Error along time" in read.text


def test_a_page_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, seed_checkpoint: Path
) -> None:
    done = CliRunner().invoke(
        app, ["verify", str(seed_checkpoint), "--html", str(tmp_path / "no" / "report.html")]
    )
    assert done.exit_code == 1
    assert "does not exist" in done.stderr
    done = CliRunner().invoke(app, ["verify", str(seed_checkpoint), "--html", str(seed_checkpoint)])
    assert done.exit_code == 1
    assert "would be overwritten" in done.stderr


def test_a_folder_has_its_page_too(tmp_path: Path) -> None:
    from lstm_export.targets import c

    if reason := c.unavailable():
        pytest.skip(reason)
    c.export(CHAINS["smallest"], tmp_path / "m_c")
    write_checkpoint(tmp_path / "m.pt", Checkpoint(CHAINS["smallest"]))
    page = tmp_path / "page.html"
    done = CliRunner().invoke(
        app, ["verify", str(tmp_path / "m_c"), str(tmp_path / "m.pt"), "--html", str(page)]
    )
    assert done.exit_code == 0, done.output
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
