"""What users write, in every way in: live, by commands, in each target, and as bare weights.

Writes the table of docs/written.md.

    python -m scripts.study.user_modules

What each module gave is a line of JSON in artifacts/user-modules.jsonl, so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from typer.testing import CliRunner

from lstm_export import targets
from lstm_export.chains import from_state_dict
from lstm_export.chains.find_parts import find_parts
from lstm_export.cli import app
from lstm_export.errors import LstmExportError, UnsupportedModel
from lstm_export.reading import contents_of
from lstm_export.verification.production import write_verified
from lstm_export.verification.subject import Subject
from scripts.bench.timing import machine
from scripts.docs.block import write_block
from tests.kit import user_graphs, user_modules
from tests.kit.named_differences import unnamed_differences

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "artifacts" / "user-modules.jsonl"
PAGE = ROOT / "docs" / "written.md"
TARGETS = ("onnx", "onnx-stream", "torchscript", "c", "wasm", "numpy")


@dataclass(frozen=True)
class Written:
    """A module of either kit: how it is made, its class, and what of its bare weights is named."""

    make: Callable[[], Any]
    source: Any
    forward: str
    bare: str


def all_written() -> dict[str, Written]:
    """Chains, then what is none."""
    found: dict[str, Written] = {}
    for name, module in user_modules.MODULES.items():
        found[name] = Written(
            lambda name=name: user_modules.make(name), module.make, module.forward, ""
        )
    for name, graph in user_graphs.GRAPH_MODULES.items():
        found[name] = Written(
            lambda name=name: user_graphs.make_graph(name), graph.make, graph.forward, graph.bare
        )
    return found


def outcome(name: str, written: Written) -> dict[str, Any]:
    """What became of one module in every way in."""
    subject = Subject.of(written.make())
    live = subject.checkpoint
    is_right = live.forward.replace(" dropout,", "") == written.forward.replace(" dropout,", "")
    return {
        "module": name,
        "forward": written.forward,
        "live": "proved" if live.model.origin.startswith("proved") and is_right else "WRONG",
        "command": _through_the_command_line(written),
        "targets": {target: _in_target(subject, target) for target in TARGETS},
        "bare": _bare(written),
    }


def _through_the_command_line(written: Written) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.pt"
        torch.save(written.make().state_dict(), path)
        source = f"{written.source.__module__}:{written.source.__qualname__}"
        done = CliRunner().invoke(app, ["onnx", str(path), "--module", source, "--json"])
        proved = f"proved against {source}" in CliRunner().invoke(
            app, ["inspect", str(path), "--module", source]
        ).stdout.replace("\n", " ").replace("  ", " ")
    return "proved" if done.exit_code == 0 and proved else f"WRONG {done.stderr[:200]}"


def _in_target(subject: Subject, target: str) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"m{targets.get(target).suffix}"
        try:
            write_verified(subject, target, path)
            return "passed"
        except UnsupportedModel as error:
            return f"refused: {error}"
        except LstmExportError as error:
            return f"FAILED: {error}"


def _bare(written: Written) -> str:
    """Whether the weights alone give the forward, or name what they do not tell."""
    state = written.make().state_dict()
    try:
        found = from_state_dict(state)
    except UnsupportedModel as error:
        return "refused, named" if re.search(written.bare, str(error)) else f"WRONG {error}"
    if found.forward == written.forward:
        return "right"
    if written.bare:
        named = any(re.search(written.bare, doubt) for doubt in found.doubts)
    else:
        prefixes = {part.token for part in find_parts(contents_of(state).arrays).known}
        named = not unnamed_differences(found.forward, written.forward, found.doubts, prefixes)
    return "a doubt names it" if named else f"QUIET {found.forward}"


def lines(records: list[dict[str, Any]]) -> list[str]:
    """The table, and the counts above it."""
    held = sum(all(each == "passed" for each in record["targets"].values()) for record in records)
    proved = sum(record["live"] == record["command"] == "proved" for record in records)
    wrong = [record["module"] for record in records if _is_wrong(record)]
    said = (
        f"{len(records)} modules; {proved} proved live and through the command line; {held} held "
        f"by all of {', '.join(TARGETS)}, the others are refused by name or fail verification, "
        f"and are not written; "
        f"{len(wrong)} wrong{': ' + ', '.join(wrong) if wrong else ''}. {_where()}."
    )
    table = ["", said, "", "| module | forward | live | targets | bare weights |"]
    table.append("|---|---|---|---|---|")
    for record in records:
        outside = [name for name in TARGETS if record["targets"].get(name) != "passed"]
        where = "all" if not outside else f"all but {', '.join(outside)}"
        row = (record["module"], f"`{record['forward']}`", record["live"], where, record["bare"])
        table.append("| " + " | ".join(row) + " |")
    return [*table, ""]


def _where() -> str:
    found = machine()
    return f"{found['processor']}, Python {found['python']}, PyTorch {torch.__version__}"


def _is_wrong(record: dict[str, Any]) -> bool:
    ways = (record["live"], record["command"], record["bare"])
    return any(way.startswith(("WRONG", "QUIET")) for way in ways)


def main() -> None:
    """Run what is missing, and write the table."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    warnings.simplefilter("ignore")  # torch's, that TorchScript is deprecated
    RECORDS.parent.mkdir(exist_ok=True)
    text = RECORDS.read_text(encoding="utf-8") if RECORDS.exists() else ""
    known = {record["module"]: record for record in map(json.loads, text.splitlines())}
    written = all_written()
    with RECORDS.open("a", encoding="utf-8") as file:
        for name, module in written.items():
            if name not in known:
                known[name] = outcome(name, module)
                file.write(json.dumps(known[name]) + "\n")
                file.flush()
    table = lines([known[name] for name in written])
    write_block(PAGE, "user modules", table)
    print(table[1])


if __name__ == "__main__":
    main()
