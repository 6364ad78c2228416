"""Whatever a stranger called a column, a stage or an artifact: it stays a name, everywhere.

Every printable ASCII character, every control character, and what breaks lines, turns text around
or is half of a character, is put into every place of a model where a name goes.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from dataclasses import replace
from typing import Any

import pytest

from lstm_export.bundle import make_bundle, open_bundle
from lstm_export.bundle.archive import pack
from lstm_export.bundle.card import card
from lstm_export.bundle.example import example
from lstm_export.errors import BundleError, InputError, printable
from lstm_export.model import GRU, Column, LastStep, Linear, Model, Signature
from tests.device.conftest import lstm_weights

CHARACTERS = (
    "".join(map(chr, range(0xA1))) + "\u2028\u2029\u202e\u200b\ufeff\ud800\udfff\U000e0001°é"
)
PHRASES = (
    "\nimport os; os.abort()  # ",
    '"""\nimport os\n"""',
    "x\r\n# coding: utf-7\r\n",
    "| a | b |\n|---|---|\n<script>alert(1)</script>",
    "[click](https://example.com) ![x](y) [r]: z",
    "```\n# Model card\n```",
    "{predict} {step} %s {0}",
    "n" * 100_000,
)
HOSTILE = [*CHARACTERS, *(character * 2 for character in "\\`'\"#-_*"), *PHRASES]


def signature(name: str, *, calendar: bool) -> Signature:
    columns = [Column(name, name, 0.0, 1.0), Column(f"b{name}", name)]
    derived = [Column("hour_sin"), Column("hour_cos")] if calendar else []
    target = Column(name, name, 0.0, 1.0)
    hours = ("hour",) if calendar else ()
    return Signature(
        len(columns) + len(derived), 1, (*columns, *derived), (target,), 4, 1, name, 3600.0, hours
    )


@pytest.fixture(scope="module")
def gru_weights() -> dict[str, Any]:
    import numpy as np

    weights = lstm_weights(np.random.default_rng(0), 4, 2, 1)
    return {name: array[: 3 * len(array) // 4] for name, array in weights.items()}


def model_called(name: str, weights: dict[str, Any]) -> Model:
    import numpy as np

    whole = name.encode("utf-8", "ignore").decode()  # no half of a character in a stage's name
    stages = (
        GRU("gru", weights),
        LastStep(f"last{whole}"),
        Linear(f"fc{whole}", np.ones((1, 2)), np.zeros(1)),
    )
    return Model(stages, signature(name, calendar=True), origin=f"stored{name}")


def structure_of(program: str) -> str:
    """The program without its comments, values and layout."""
    return ast.dump(ast.parse(program))


@pytest.mark.parametrize("calendar", [False, True])
def test_a_name_changes_nothing_in_the_example_but_its_comments(calendar: bool) -> None:
    plain = structure_of(example(signature("name", calendar=calendar)))
    for name in HOSTILE:
        program = example(signature(name, calendar=calendar))
        assert program.isascii()
        assert max(map(len, program.splitlines())) < 300
        assert structure_of(program) == plain, repr(name[:40])
        tokens = tokenize.generate_tokens(io.StringIO(program).readline)
        comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
        plain_tokens = tokenize.generate_tokens(
            io.StringIO(example(signature("a", calendar=calendar))).readline
        )
        assert len(comments) == sum(token.type == tokenize.COMMENT for token in plain_tokens)


def test_a_name_changes_nothing_in_the_card_but_its_cell(gru_weights: dict[str, Any]) -> None:
    training = {
        "metrics": [{"part": "test", "target": "t", "predictor": "p", "rmse": 1.0, "mae": 1.0}],
        "note": "n",
    }

    def page(name: str) -> str:
        metrics = [training["metrics"][0] | {"part": name, "target": name, "predictor": name}]
        facts = {"metrics": metrics, f"note{name}": name}
        entries = {"onnx": {"file": f"onnx/{name}", "parity": {}}}
        return card(model_called(name, gru_weights), entries, facts)

    plain = [line.count("|") for line in page("name").splitlines()]
    for name in HOSTILE:
        got = page(name)
        got.encode()
        assert got.replace("\n", "").isprintable()
        assert [line.count("|") for line in got.splitlines()] == plain, repr(name[:40])
        assert got.count("`") == page("name").count("`")
        text = re.sub("`[^`]*`", "", got)  # between backticks nothing is active
        assert not any(mark in text for mark in ("<script", "](", "][", "://"))
        assert len(got) < 10_000


def test_every_name_comes_back_from_a_bundle_or_is_refused(gru_weights: dict[str, Any]) -> None:
    for name in HOSTILE:
        model = replace(
            model_called("plain", gru_weights),
            signature=signature(name, calendar=True),
            origin=name,
        )
        try:
            bundle = make_bundle(model, (), (), {name: name})
        except BundleError as error:
            assert any("\ud800" <= letter <= "\udfff" for letter in name), repr(name[:40])
            assert str(error).isprintable()
            continue
        assert bundle.files["manifest.json"].isascii()
        assert open_bundle(pack(bundle.files)).model.signature == model.signature
        assert json.loads(bundle.files["manifest.json"])["training"] == {name: name}


@pytest.mark.parametrize(
    "key", ["golden", "mode", "created_by", "artifacts", "files", "chain", "origin"]
)
def test_a_message_about_a_name_is_one_short_printable_line(
    key: str, gru_weights: dict[str, Any]
) -> None:
    bundle = make_bundle(model_called("plain", gru_weights), (), ())
    for name in HOSTILE:
        manifest = json.loads(bundle.files["manifest.json"])
        edits: dict[str, Any] = {
            "golden": [name],
            "mode": name,
            "created_by": name,
            "artifacts": {name: {"file": name}},
            "files": {name: name},
            "chain": [{"stage": name, "name": name}],
            "origin": [name],
        }
        manifest |= {key: edits[key]} | ({"format_version": name} if key == "created_by" else {})
        with pytest.raises(BundleError) as error:
            open_bundle(pack({**bundle.files, "manifest.json": json.dumps(manifest).encode()}))
        assert str(error.value).isprintable()
        assert len(str(error.value)) < 4100


def test_the_card_says_what_the_model_is(traffic_model: Model, gru_weights: dict[str, Any]) -> None:
    gru = card(model_called("n", gru_weights), {}, {})
    assert "A GRU that predicts n one step ahead." in gru
    assert "LSTM" not in gru
    lstm = card(traffic_model, {}, {})
    assert "An LSTM that predicts volume for the next 2 steps." in lstm
    unnamed = Signature(traffic_model.signature.input_size, traffic_model.signature.output_size)
    assert "An LSTM that maps sequences of 3 values to 2." in card(
        replace(traffic_model, signature=unnamed), {}, {}
    )
    assert "folder" not in lstm
    assert "in a bundle, one file: a plain zip" in lstm


def test_text_is_printable_and_cut() -> None:
    assert printable("a\x1b[2J\ud800\u202e°") == "a\\x1b[2J\\ud800\\u202e°"
    assert printable("x" * 100, 10) == "x" * 10 + "..."
    message = str(InputError("x" * 5000 + "; copy the file again"))
    assert len(message) == 4003  # three dots in its middle
    assert message.endswith("x; copy the file again")
