"""A command that is shown to be given again judges the same thing: no option is lost."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.cli.again import command_again
from lstm_export.cli.verify import WRITES

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
# Values of options that take no text; every other one is given a text that a shell would take
# apart.
VALUES = {
    "--readout": "last",
    "--kwargs": '{"hidden size": "5 " 0"}',
    "--mode": "state",
    "--missing": "drop",
    "--target": "c",
    "--opset": "18",
    "--window": "7",
    "--on": "dask",
    "--workers": "3",
    "--late": "drop",
    "--duplicate": "last",
    "--most-unanswered": "0.25",
}


def options() -> list[tuple[str, str]]:
    """Every option of every command with a MODEL or an artifact, by the name that is written."""
    found = []
    for command in ("verify", "onnx", "package", "run"):
        for parameter in COMMANDS[command].params:
            if parameter.param_type_name == "option":
                names = [*parameter.opts, *parameter.secondary_opts]
                found += [(command, name) for name in names if name.startswith("--")]
    return found


@pytest.mark.parametrize(("command", "option"), options())
def test_a_command_given_again_says_the_same(command: str, option: str) -> None:
    """Law: parsing what is shown gives the very values that parsing the given command gave."""
    files = ["a file.onnx", "m.pt"] if command in {"verify", "run"} else ["a file.pt"]
    given = [*files, option]
    parameter = next(
        entry
        for entry in COMMANDS[command].params
        if option in (*entry.opts, *entry.secondary_opts)
    )
    if option == "--help":
        pytest.skip("it ends the command")
    if not parameter.is_flag:
        given.append(VALUES.get(option, "it's x"))
    context = COMMANDS[command].make_context(command, list(given))
    again = shlex.split(command_again(context))
    assert again[:2] == ["lstm-export", command]
    assert COMMANDS[command].make_context(command, again[2:]).params == context.params


def test_what_writes_files_is_left_out_and_a_replay_is_added() -> None:
    given = ["m.onnx", "m.pt", "--html", "p.html", "--json", "--input-scaler", "scaler_x"]
    context = COMMANDS["verify"].make_context("verify", given)
    again = command_again(context, WRITES, replay=Path("f.npz"))
    expected = "lstm-export verify m.onnx m.pt --input-scaler scaler_x --replay f.npz"
    assert shlex.split(again) == shlex.split(expected)


def test_a_file_that_cannot_be_judged_has_its_reports_too(
    tmp_path: Path, seed_checkpoint: Path
) -> None:
    artifact = tmp_path / "cut.onnx"
    artifact.write_bytes(b"\x08\x08\x12\x7f")
    junit = tmp_path / "report.xml"
    html = tmp_path / "report.html"
    given = ["verify", str(artifact), str(seed_checkpoint), "--junit", str(junit)]
    done = CliRunner().invoke(app, [*given, "--html", str(html)])
    assert done.exit_code == 1
    assert "cut short" in done.stderr
    suite = ElementTree.fromstring(junit.read_bytes()).find("testsuite")
    assert suite is not None
    assert suite.get("name") == "cut.onnx"
    error = suite.find("testcase/error")
    assert error is not None
    assert "cut short" in (error.get("message") or "")
    assert "cut short" in html.read_text(encoding="utf-8")


def test_two_reports_in_one_file_are_refused(tmp_path: Path, seed_checkpoint: Path) -> None:
    path = str(tmp_path / "report")
    given = ["verify", str(seed_checkpoint), "--junit", path, "--html", path]
    done = CliRunner().invoke(app, given)
    assert done.exit_code == 1
    assert "--junit and --html both write" in done.stderr


def test_options_about_a_model_that_is_not_named_are_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "m.bundle"), "--forward", "lstm"])
    assert done.exit_code == 2
    assert "name the model too" in done.output
