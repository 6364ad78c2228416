"""Forwards that are no chain, as text: what is written is read back, and what is none is told.

docs/checkpoints.md shows the language.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from lstm_export.chains import ReadingOptions, from_state_dict
from lstm_export.chains.forward_text import forward_text, parse_forward
from lstm_export.chains.parts import Part
from lstm_export.chains.program import Program, Step, program_of, same_program
from lstm_export.errors import LstmExportError
from lstm_export.model import LSTM, Linear, Model, forward
from tests.kit.chains import CHAINS, GRAPHS

MODELS = {**CHAINS, **GRAPHS}


def linear(prefix: str, takes: int, gives: int) -> Part:
    weight = np.random.default_rng(gives).normal(size=(gives, takes)).astype(np.float32)
    return Part(prefix, "Linear", (Linear(prefix, weight),))


def lstm(prefix: str, takes: int, gives: int) -> Part:
    random = np.random.default_rng(takes)
    weights = {
        "weight_ih_l0": random.normal(size=(4 * gives, takes)).astype(np.float32),
        "weight_hh_l0": random.normal(size=(4 * gives, gives)).astype(np.float32),
    }
    return Part(prefix, "LSTM", (LSTM(prefix or "lstm", weights),))


PARTS = (
    lstm("lstm", 3, 4),
    linear("fc1", 8, 4),
    linear("fc2", 4, 1),
    linear("head.0", 4, 3),
    linear("max", 4, 4),
    linear("odd-name", 4, 1),
)


@pytest.mark.parametrize("name", MODELS)
def test_the_text_of_every_model_is_accepted_back(name: str) -> None:
    """The law: the text of a program is read as the same steps, and gives the same bits."""
    model = MODELS[name]
    program = program_of(model).ordered()
    again = parse_forward(forward_text(program), program.parts)
    assert same_program(again, program)
    assert forward_text(again) == forward_text(program)
    width = model.signature.input_size
    rebuilt = Program(again.steps, width).model("given")
    x = np.random.default_rng(0).normal(size=(2, 5, width)).astype(np.float32)
    np.testing.assert_array_equal(forward(rebuilt, x).y, forward(model, x).y)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "h = lstm; a = concat(last(h), mean(h)); y = fc2(relu(fc1(a))) + last(x)[0:1]",
            "h = lstm(x); y = fc2(relu(fc1(concat(last(h), mean(h))))) + last(x)[0:1]",
        ),
        ("fc2(last(lstm))", "lstm, last, fc2"),
        ("y = fc2(last(lstm(x)))", "lstm, last, fc2"),
        ("fc2(leaky_relu(last(lstm), 0.2))", "lstm, last, leaky_relu(0.2), fc2"),
        ("last(lstm(normalize(x, 20 5 1, 3)))", "normalize(20 5 1, 3), lstm, last"),
        ("a = last(lstm); head.0(a)[2, 0]", "lstm, last, head.0, slice(2, 0)"),
        (
            "h = lstm; a = last(h); (a + fc2(a) * fc2(a)) / (a - (a - a)) ",
            "a = last(lstm(x)); y = (a + fc2(a) * fc2(a)) / (a - (a - a))",
        ),
        (
            "a = last(lstm); a + a + (a + a) - a * (a / a) * a",
            "a = last(lstm(x)); y = a + a + (a + a) - a * (a / a) * a",
        ),
        ("a = lstm; max(@max(a)) + last(a)", "h = lstm(x); y = max(@max(h)) + last(h)"),
        ("`odd-name`(last(lstm)) + fc2(last(lstm))", None),
        ("y = clamp(last(lstm), -inf, 6)", "lstm, last, clamp(-inf, 6)"),
        ("dropout(last(lstm))", "lstm, last, dropout"),
    ],
)
def test_a_formula_is_read_and_written(text: str, written: str | None) -> None:
    program = parse_forward(text, PARTS)
    shown = forward_text(program)
    assert written is None or shown == written
    assert same_program(parse_forward(shown, PARTS), program.ordered())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("h = lstm; fc2(last(g))", "'g' is no module of this file and no stage .unknown."),
        ("a = relu(b); b = tanh(a); fc2(b)", "b is taken before it is made"),
        ("a = relu(a); fc2(a)", "a is taken before it is made"),
        ("a = fc2(last(lstm)); b = head.0(last(lstm))", r"nothing takes a; .*concat\(a, ...\)"),
        ("h = lstm; y = fc1(last(h))", r"fc1.weight is \(4, 8\), expected .* in_features=4"),
        ("h = lstm; y = last(h) + head.0(last(h))", "takes 4 and 3 columns"),
        ("h = lstm; y = relu(last(last(h)))", "a step was already picked"),
        ("fc2 = last(lstm)", "the name fc2 is taken already"),
        ("x = lstm; last(x)", "the name x is the input already"),
        ("h = lstm; h = last(h); fc2(h)", "the name h is taken already"),
        ("fc2(last(lstm)", r"expected \) at the end"),
        ("fc2(last(lstm))) + x", r"expected an operator or ; before '\)"),
        ("fc2(relu)", "fc2 is a Linear, and no such module"),
        ("concat(last(lstm))", "concat takes two values"),
        ("last(lstm)[3:3]", "no feature lies in 3:3"),
        ("last(lstm)[a]", "expected features"),
        ("last(lstm)[9]", "picks column 9 of 4"),
        ("y = ", "expected a value, a module or a stage at the end"),
        ("h = lstm; y = last(h); h", "only names a value"),
        ("a = x", "only names a value"),
        ("(" * 200 + "lstm" + ")" * 200 + " + x", "parentheses are open"),
        ("h = lstm; y = relu(last(h), 1)", "relu"),
        ("h = lstm; y = add(last(h), last(h))", "expected numbers|takes several values"),
    ],
)
def test_what_is_no_formula_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(LstmExportError, match=message) as caught:
        parse_forward(text, PARTS).model("given")
    assert "\n" not in str(caught.value)


def test_the_order_of_a_text_is_that_of_its_values() -> None:
    """What is taken twice is computed first, whatever stood first."""
    part = PARTS[0]
    steps = (Step(part, (-1,)), Step("mean", (0,)), Step("last", (0,)), Step("add", (2, 1)))
    program = Program(steps, 3).ordered()
    assert [step.item for step in program.steps[1:]] == ["last", "mean", "add"]
    assert forward_text(program) == "h = lstm(x); y = last(h) + mean(h)"


def test_inspect_prints_what_forward_takes(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    from typer.testing import CliRunner

    from lstm_export.cli import app

    text = "h = lstm; a = last(h) + mean(h); y = concat(fc(a), relu(fc2(a)))"
    parts = {"lstm": torch.nn.LSTM(3, 4), "fc": torch.nn.Linear(4, 2), "fc2": torch.nn.Linear(4, 1)}
    torch.save(torch.nn.ModuleDict(parts).state_dict(), tmp_path / "m.pt")
    shown = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.pt"), "--forward", text])
    assert shown.exit_code == 0, shown.output
    printed = re.search(r"^chain +(.*?)^from", shown.stdout, re.MULTILINE | re.DOTALL)
    assert printed is not None
    again = " ".join(printed[1].split())
    assert again == "h = lstm(x); a = last(h) + mean(h); y = concat(fc(a), relu(fc2(a)))"
    twice = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.pt"), "--forward", again])
    assert twice.stdout == shown.stdout


def test_a_graph_of_models_has_an_input_size_of_its_own() -> None:
    model: Model = GRAPHS["window"]
    assert program_of(model).model("given").signature == model.signature


@pytest.mark.parametrize("names", [(), ("a", "b", "c", "d")])
def test_x_is_as_wide_as_what_is_picked_of_it_or_as_it_has_names(names: tuple[str, ...]) -> None:
    """What inspect prints of static features beside a sequence, where no module takes all of x."""
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    parts = {"lstm": torch.nn.LSTM(2, 8), "fc": torch.nn.Linear(9, 1)}
    tensors = torch.nn.ModuleDict(parts).state_dict()
    text = "y = fc(concat(last(lstm(x[0:2])), first(x)[2:3]))"
    found = from_state_dict(tensors, ReadingOptions(forward=text, features=names))
    assert found.model.signature.input_size == (len(names) or 3)
    assert found.text == text
    assert any("the most that are picked" in note for note in found.notes) is not bool(names)


def test_x_is_as_wide_as_what_is_joined_of_it() -> None:
    """A module of 9 columns that takes x twice and 3 columns besides."""
    parts = (lstm("lstm", 9, 4), linear("fc", 4, 1), linear("embed", 2, 3))
    text = "y = fc(last(lstm(concat(x, x - first(x), embed(x[0:2])))))"
    assert parse_forward(text, parts).input_size == 3
