"""An exported folder as an npm package: packed, installed, type-checked and run."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export.targets import wasm
from lstm_export.targets.wasm import compiler, module
from tests.kit.chains import CHAINS
from tests.kit.web_engines import NOT_INSTALLED, PACKAGES

TSC = PACKAGES / "typescript" / "bin" / "tsc"
ESBUILD = PACKAGES / "esbuild" / "bin" / "esbuild"
WEB = Path(module.__file__).parent / "web"

# Everything that NAME.d.mts declares, and calls that it has to refuse.
PROGRAM = """
import { load, loadSync, InputError, ModelError, type Model, type State } from '@FROM@';

const warned: string[] = [];
const model: Model = await load(undefined, { warn: (text) => warned.push(text), simd: true });
const bytes: Uint8Array<ArrayBuffer> = new Uint8Array(8);
export const fails = (): Model => loadSync(bytes, { warn: null });
const { passed, worst, vectors, exact } = model.selfTest();
const y: Float32Array = model.run([1, 2, 3], { batch: 1, seq: 1 });
const stream = model.stream({ window: 0 });
stream.push(new Float64Array(6));
const kept: State = stream.state();
stream.restore(kept);
stream.reset();
let said = '';
try {
  stream.step([1, NaN, 3]);
} catch (error) {
  if (error instanceof InputError && error instanceof ModelError) said = error.name;
}
const names = model.features.map((column): string => column.name + column.unit);
const low: number | null | undefined = model.outputs[0]?.low;
const whole = model.everyStep || model.streams || model.window === 3 || model.simd;
const facts = [worst, vectors, exact, names, low, whole, model.sha256, model.description];
// @ts-expect-error text is no input
export const refused = () => model.run('abc');
// @ts-expect-error no such option
export const misspelt = () => load(undefined, { wran: null });
console.log(JSON.stringify([passed, y.length, said, stream.outOfRangeCount, facts.length]));
"""


def said(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not ESBUILD.exists(), reason=f"needs esbuild; {NOT_INSTALLED}")
def test_the_script_of_an_export_is_its_source_minified() -> None:
    minified = said("node", ESBUILD, "--minify", "model.mjs", folder=WEB)
    assert minified == module.web_file("model.min.mjs"), "run scripts/minify_glue.sh"
    assert len(minified) <= 8_000
    assert "import(" not in minified  # of a module of Node, at which webpack fails


@pytest.mark.skipif(bool(compiler.unavailable()), reason="needs a compiler for WebAssembly")
@pytest.mark.skipif(not TSC.exists(), reason=f"needs typescript; {NOT_INSTALLED}")
def test_npm_packs_a_folder_whose_types_hold(tmp_path: Path) -> None:
    """As a package, and as a folder beside the program, under both ways to resolve modules."""
    folder = tmp_path / "gate_wasm"
    wasm.export(CHAINS["scalers"], folder, name="gate")
    said("npm", "pack", "--silent", "--pack-destination", tmp_path, folder=folder)
    with tarfile.open(tmp_path / "gate-1.0.0.tgz") as packed:
        packed.extractall(tmp_path / "packed", filter="data")
    shutil.copytree(tmp_path / "packed" / "package", tmp_path / "node_modules" / "gate")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for file, source in (("installed", "gate"), ("beside", "./gate_wasm/gate.mjs")):
        (tmp_path / f"{file}.ts").write_text(PROGRAM.replace("@FROM@", source))
    options = ["--strict", "--target", "es2022", "--lib", "es2022,dom", "--skipDefaultLibCheck"]
    for resolution, kind in (("bundler", "esnext"), ("node16", "node16")):
        chosen = [*options, "--moduleResolution", resolution, "--module", kind]
        said("node", TSC, *chosen, "installed.ts", "beside.ts", folder=tmp_path)
    for program in ("installed.js", "beside.js"):
        assert said("node", program, folder=tmp_path) == '[true,6,"InputError",0,8]\n'
