"""Write what the command line writes for every checkpoint in a folder.

    PYTHONPATH=CHECKOUT python scripts/study/write_everything.py FOLDER

FOLDER holds a folder a chain, each with `model.pt`, `other.pt` (the same chain with other weights)
and `x.npy`. What a command prints is kept as `COMMAND.stdout`, its exit code at the end.
same_bytes.py runs this once with each checkout.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from typer.testing import CliRunner

from lstm_export import targets
from lstm_export.cli import app

WEIGHTS = ("float32", "int16", "int8")
MODEL = "model.pt"


def commands(chain: str) -> dict[str, list[str]]:
    """The arguments of every command, by the name that its output is kept under."""
    plain = [name for name in targets.names() if name != "c"]
    listed = {"inspect": ["inspect", MODEL]}
    for target in plain:
        listed[target] = [target, MODEL, "-o", f"made.{target}"]
        listed[f"verify {target}"] = ["verify", f"made.{target}", MODEL, "--trust"]
    for weights in WEIGHTS:
        options = ["--name", chain, "--weights", weights]
        listed[f"c {weights}"] = ["c", MODEL, "-o", f"c_{weights}", *options, "--self-test"]
        listed[f"verify c {weights}"] = ["verify", f"c_{weights}", MODEL]
    for name in targets.names():
        listed[f"package {name}"] = ["package", MODEL, "-t", name, "-o", f"{name}.bundle"]
        listed[f"verify bundle {name}"] = ["verify", f"{name}.bundle"]
        output = ["-o", f"y_{name}.npy", "--engine", name]
        listed[f"run {name}"] = ["run", f"{name}.bundle", "x.npy", *output]
    listed["onnx of other"] = ["onnx", "other.pt", "-o", "other.onnx"]
    listed["failed"] = ["verify", "other.onnx", MODEL, "--failing", "failing.npz"]
    return listed


def main() -> None:
    """Run every command in every chain's folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder a chain in it")
    for folder in sorted(parser.parse_args().folder.iterdir()):
        os.chdir(folder)
        for name, arguments in commands(folder.name).items():
            as_json = [] if arguments[0] == "run" else ["--json"]
            result = CliRunner().invoke(app, [*arguments, *as_json])
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception
            text = f"{result.output}exit code {result.exit_code}\n"
            Path(f"{name}.stdout").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
