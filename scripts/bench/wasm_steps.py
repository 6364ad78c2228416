"""Sizes of the wasm target's files, and the time of a step and of a sequence in Node.

python -m scripts.bench.wasm_steps MODEL.pt [--peers FOLDER]

`--peers` names a folder in which `npm install --ignore-scripts onnxruntime-web onnxruntime-node`
was run; both are timed too, in turns with ours. Minima of 40 rounds; `step` of ONNX Runtime is a
sequence of one step, which carries no state. ONNX Runtime's calls are awaited, ours too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from lstm_export import export
from lstm_export.bench.machine import machine, machine_text


def main() -> None:
    """Export, time, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--peers", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(chosen.model, "wasm", folder / "model_wasm")
        export(chosen.model, "onnx", folder / "model.onnx")
        found = timed(folder, chosen.peers)
        print(f"{machine_text(machine())}, Node {found['node']}")
        for file in ("model.wasm", "model.plain.wasm", "model.mjs"):
            data = (folder / "model_wasm" / file).read_bytes()
            print(f"{file:<18} {len(data):>9,} bytes, {len(gzip.compress(data, 9)):>9,} gzipped")
    print(f"{'us':<18} {'step':>8} {'(1, 100)':>9}")
    for candidate, times in found["best"].items():
        print(f"{candidate:<18} {times['step']:>8.2f} {times['sequence']:>9.0f}")


def timed(folder: Path, peers: Path | None) -> dict[str, dict[str, dict[str, float]]]:
    """What wasm_steps.mjs prints; it runs where Node finds the peers."""
    node = shutil.which("node")
    if node is None:
        raise SystemExit("there is no node here")
    script = folder / "wasm_steps.mjs"
    shutil.copy(Path(__file__).with_suffix(".mjs"), script)
    command = [node, str(script), str(folder / "model_wasm")]
    if peers:
        (folder / "node_modules").symlink_to((peers / "node_modules").resolve())
        command.append(str(folder / "model.onnx"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, dict[str, float]]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
