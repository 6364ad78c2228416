"""The command line: exit codes, errors of one line, JSON, the library's words in the help."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export import __version__, files, targets
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.model.gates import ONNX_ORDERS
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS

RUNNER = CliRunner()
BUNDLE = Path(__file__).parents[1] / "golden" / "seed-v1.bundle"


def invoke(*args: str | Path) -> Any:
    return RUNNER.invoke(app, [str(arg) for arg in args])


def test_version_and_help() -> None:
    assert invoke("--version").output == f"lstm-export {__version__}\n"
    done = invoke("--help")
    assert done.exit_code == 0
    for command in ("train", "inspect", "verify", "package", "run", "doctor", *targets.names()):
        assert f"\n  {command} " in done.output


@pytest.mark.parametrize(
    "args",
    [("tflite", "model.pt"), ("package", "model.pt", "--target", "tflite")],
)
def test_an_unknown_target_is_wrong_usage(args: tuple[str, ...]) -> None:
    done = invoke(*args)
    assert done.exit_code == 2
    assert "tflite" in done.output
    assert ", ".join(targets.names()) in done.output


@pytest.mark.parametrize("args", [("onnx",), ("verify",), ("onnx", "a", "b"), ("run", "x")])
def test_missing_or_extra_arguments_are_wrong_usage(args: tuple[str, ...]) -> None:
    assert invoke(*args).exit_code == 2


def test_options_of_a_target_come_from_its_export() -> None:
    help_text = invoke("onnx", "--help").output
    assert "--opset" in help_text
    assert "a newer one needs a newer runtime" in " ".join(help_text.split())


@pytest.mark.parametrize("command", ["onnx", "package", "inspect"])
def test_a_refused_input_is_one_line_and_exit_1(command: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("no model")
    done = invoke(command, tmp_path / "model.pt")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'model.pt'}: the file is text")
    assert done.stdout == ""


def test_export_verify_package_inspect(seed_checkpoint: Path) -> None:
    folder = seed_checkpoint.parent
    done = invoke("onnx", seed_checkpoint)
    assert done.exit_code == 0, done.output
    assert "chain  lstm, last, fc  (assumed" in done.stdout
    assert "onnx: passed on 13 of 13 golden sets" in done.stdout
    assert f"wrote {folder / 'model.onnx'}" in done.stdout
    assert invoke("verify", folder / "model.onnx", seed_checkpoint).exit_code == 0
    assert invoke("package", seed_checkpoint, "-o", folder / "m.bundle").exit_code == 0
    assert invoke("verify", folder / "m.bundle").exit_code == 0
    inspected = invoke("inspect", seed_checkpoint).stdout
    assert "lstm.weight_ih_l0 (200, 10)" in inspected
    assert "32,851 values" in inspected


def test_json(seed_checkpoint: Path) -> None:
    folder = seed_checkpoint.parent
    record = json.loads(invoke("onnx", seed_checkpoint, "--json").stdout)
    assert (record["schema_version"], record["command"], record["ok"]) == (1, "onnx", True)
    assert record["path"] == str(folder / "model.onnx")
    assert record["size_bytes"] == (folder / "model.onnx").stat().st_size
    (report,) = record["reports"]
    assert (report["structure"], report["verdict"], len(report["sets"])) == (
        "identical",
        "passed",
        13,
    )
    assert json.loads(invoke("verify", folder / "model.onnx", seed_checkpoint, "--json").stdout)[
        "ok"
    ]
    assert json.loads(invoke("package", seed_checkpoint, "--json").stdout)["ok"]
    assert json.loads(invoke("inspect", seed_checkpoint, "--json").stdout)["parameters"] == 32851


def test_a_failed_check_is_exit_1(seed_checkpoint: Path, tmp_path: Path) -> None:
    invoke("onnx", seed_checkpoint)
    write_checkpoint(tmp_path / "other.pt", Checkpoint(redrawn(CHAINS["seed"])))
    done = invoke("verify", tmp_path / "model.onnx", tmp_path / "other.pt")
    assert done.exit_code == 1
    assert "failed" in done.stdout
    assert done.stderr.startswith("error: ")
    as_json = invoke("verify", tmp_path / "model.onnx", tmp_path / "other.pt", "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["ok"] is False


def test_a_failed_export_shows_where_and_leaves_nothing(
    seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ONNX_ORDERS, "LSTM", ("output", "input", "forget", "cell"))
    done = invoke("onnx", seed_checkpoint)
    assert done.exit_code == 1
    assert "failed" in done.stdout
    assert "nothing was written" in done.stderr
    assert not seed_checkpoint.with_suffix(".onnx").exists()
    packaged = invoke("package", seed_checkpoint)
    assert packaged.exit_code == 1
    assert not seed_checkpoint.with_suffix(".bundle").exists()


def test_summaries_in_help_are_whole() -> None:
    assert "..." not in invoke("--help").output.partition("Commands:")[2]


def zip_edited(bundle: bytes) -> bytes:
    """A bundle whose card somebody changed by hand: a good zip, and no longer what was packaged."""
    edited = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as old, zipfile.ZipFile(edited, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry) + b" " * (entry.filename == "README.md"))
    return edited.getvalue()


DAMAGED = {
    "cut.bundle": lambda bundle, _: bundle[:-300],
    "flipped.bundle": lambda bundle, _: (
        bundle[:150_000] + bytes([bundle[150_000] ^ 4]) + bundle[150_001:]
    ),
    "edited.bundle": lambda bundle, _: zip_edited(bundle),
    "cut.onnx": lambda _, onnx: onnx[:5000],
    "junk.onnx": lambda _, onnx: onnx[:2] + b"hello" * 99,
    "empty.onnx": lambda _, onnx: b"",
    "missing.onnx": None,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_named_with_a_next_step(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    damage = DAMAGED[name]
    if damage:
        targets.get("onnx").export(CHAINS["seed"], path)
        path.write_bytes(damage(BUNDLE.read_bytes(), path.read_bytes()))
    model = tmp_path / "model.pt"
    write_checkpoint(model, Checkpoint(CHAINS["smallest"]))
    np.save(tmp_path / "x.npy", np.zeros((1, 2, 10), np.float32))
    commands = [("verify", path, model), ("run", path, tmp_path / "x.npy"), ("bench", path)]
    if name.endswith(".bundle"):
        commands += [
            ("verify", path),
            ("inspect", path),
            ("diff", BUNDLE, path),
            ("diff", path, BUNDLE),
        ]
    for command in commands:
        done = invoke(*command)
        assert (done.exit_code, done.stdout) == (1, ""), command
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith(
            (f"error: {path}: ", f"error: {path} is", f"error: cannot read {path}: ")
        )
        assert done.stderr.count(name) == 1
        assert re.search("; (copy|name|export|save) ", done.stderr), done.stderr


def test_an_assumed_chain_is_said_wherever_a_verdict_is(seed_checkpoint: Path) -> None:
    folder = seed_checkpoint.parent
    for args in (("onnx", seed_checkpoint), ("verify", folder / "model.onnx", seed_checkpoint)):
        (report,) = json.loads(invoke(*args, "--json").stdout)["reports"]
        assert any("the chain is assumed" in note for note in report["notes"])


def test_a_bundle_can_be_inspected_and_exported_again(seed_checkpoint: Path) -> None:
    folder = seed_checkpoint.parent
    invoke("package", seed_checkpoint)
    assert "32,851 values" in invoke("inspect", folder / "model.bundle").stdout
    invoke("onnx", seed_checkpoint)
    assert invoke("onnx", folder / "model.bundle", "-o", folder / "again.onnx").exit_code == 0
    assert (folder / "again.onnx").read_bytes() == (folder / "model.onnx").read_bytes()


def test_interrupted_is_130(seed_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lstm_export.verification.subject.read", interrupt)
    done = invoke("onnx", seed_checkpoint)
    assert done.exit_code == 130
    assert done.stderr == "interrupted\n"


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a program can end cleanly on"
)
@pytest.mark.parametrize(
    ("command", "name", "code"),
    [
        ("onnx", "SIGTERM", 143),
        ("onnx", "SIGINT", 130),
        ("package", "SIGHUP", 129),
        ("train", "SIGTERM", 143),
    ],
)
def test_a_signal_ends_it_with_one_line_and_nothing_half_written(
    command: str, name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the output is half written, before the new file takes its name."""
    folder = tmp_path
    real = files._sync
    arguments = [tmp_path / "model.pt"]
    write_checkpoint(arguments[0], Checkpoint(CHAINS["smallest"]))
    (folder / "out").write_bytes(b"the old file")

    def signalled(path: Path) -> None:
        if path.name.startswith(".out."):
            signal.raise_signal(getattr(signal, name))
        real(path)

    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    # Whoever runs the tests may have it ignored, as nohup does: then it would stay so.
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    monkeypatch.setattr(files, "_sync", signalled)
    if command == "train":
        table = folder / "t.csv"
        table.write_text("a\n" + "".join(f"{k % 7}\n" for k in range(1500)))
        arguments = [table, "--target", "a", "--features", "a", "--window", "3", "--epochs", "1"]
    done = invoke(command, *arguments, "-o", folder / "out")
    monkeypatch.undo()
    for number, handler in zip((signal.SIGTERM, signal.SIGHUP), handlers, strict=True):
        signal.signal(number, handler)
    assert done.exit_code == code, done.output
    assert done.stderr == ("interrupted\n" if name == "SIGINT" else "terminated\n")
    assert (folder / "out").read_bytes() == b"the old file"
    assert not [path.name for path in folder.iterdir() if path.name.endswith(".partial")]
