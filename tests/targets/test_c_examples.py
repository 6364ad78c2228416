"""The examples for users: the commands in their comments, run as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.model import Affine, Array, LastStep, Model, Signature, forward
from lstm_export.targets import get
from tests.kit.builders import drawn, linear, lstm
from tests.kit.chains import CHAINS
from tests.kit.integer_models import UNTRAINED

SCRIPTS = Path(__file__).parents[2] / "scripts"
EXAMPLES = SCRIPTS / "examples"
EXPORT = "lstm-export c model.pt -o model_c --name model"


def commands(example: str) -> list[str]:
    """The indented lines of its first comment, those that a backslash joins as one; the export
    comes first.
    """
    comment = (EXAMPLES / example).read_text(encoding="utf-8").partition("*/")[0]
    first, *others = re.findall(r"^ {7}(\S(?:.*\\\n)*.*)$", comment, re.MULTILINE)
    assert first.startswith(EXPORT)
    return others


@pytest.fixture
def run(tmp_path: Path, seed_model: Model) -> Any:
    """Run an example in a folder that looks like scripts/, after its model was exported; what the
    last command says.
    """
    if sys.platform == "win32":
        pytest.skip("the examples' commands are for a POSIX shell")
    for name in ("boards", "examples"):
        (tmp_path / name).symlink_to(SCRIPTS / name)

    def run(
        example: str, needs: str, stdin: str = "", model: Model = seed_model, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        if absent := [tool for tool in needs.split() if not shutil.which(tool)]:
            how = "run scripts/install_emulators.sh (Debian, Ubuntu; as root)"
            pytest.skip(f"{', '.join(absent)} not installed; {how}")
        get("c").export(model, tmp_path / "model_c", name="model", **options)
        (tmp_path / "samples.csv").write_text(stdin, encoding="utf-8")
        *before, last = commands(example)
        for command in before:
            subprocess.run(command, shell=True, cwd=tmp_path, check=True)  # noqa: S602 - our own
        return subprocess.run(  # noqa: S602
            last, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def expected(model: Model, x: Array) -> list[float]:
    """The answer to each beginning of the sequence x (seq, input_size)."""
    return [float(forward(model, x[np.newaxis, : t + 1]).y[0, 0]) for t in range(len(x))]


def test_csv_on_stdin_gives_an_answer_a_line(run: Any, seed_model: Model) -> None:
    x = drawn(seed_model, 1, 6)[0]
    lines = "".join(",".join(f"{value:.9g}" for value in row) + "\n" for row in x)
    done = run("csv_stdin.c", "cc", stdin=lines)
    assert done.returncode == 0, done.stderr
    answers = [float(line) for line in done.stdout.splitlines()]
    # The rule's bound for this model
    np.testing.assert_allclose(answers, expected(seed_model, x), rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    "line", ["1,2,3\n", "a,b,c,d,e,f,g,h,i,j\n", "1,2,3,4,5,6,7,8,9,10,11\n", "\n"]
)
def test_csv_of_another_width_is_refused(run: Any, line: str) -> None:
    done = run("csv_stdin.c", "cc", stdin=line)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "line 1: expected 10 numbers with commas between\n"


def test_bare_metal_tests_itself_and_runs(run: Any) -> None:
    done = run("bare_metal.c", "arm-none-eabi-gcc qemu-system-arm", self_test=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout + done.stderr == "self-test passed\n100 steps done\n"


def thermometer() -> Model:
    """A model of one temperature around 25 degrees, in its own units."""
    random = np.random.default_rng(3)
    mean = np.array([25.0])
    deviation = np.array([4.0])
    stages = (
        Affine("scale_in", mean, deviation),
        lstm("lstm", 1, 16, 1, random),
        LastStep("last"),
        linear("fc", 16, 1, random),
        Affine("scale_out", mean, deviation, inverse=True),
    )
    return Model(stages, Signature(1, 1))


def test_counts_of_a_converter_are_answered_without_floats(run: Any, tmp_path: Path) -> None:
    """On a Cortex-M0+: every answer within a hundredth of a degree of float64's."""
    model = thermometer()
    options = {"self_test": True, "arithmetic": "integer"}
    options["input_format"] = "x0=q:-0.46814:437.227"
    needs = "arm-none-eabi-gcc qemu-system-arm"
    done = run("adc_sensor.c", needs, model=model, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    passed, *lines = (done.stdout + done.stderr).splitlines()
    assert passed == "self-test passed"
    header = (tmp_path / "model_c" / "model.h").read_text(encoding="utf-8")
    assert "x[0] = 437.227 - 0.46814 * count" in header
    bits = re.search(r"MODEL_ANSWER_BITS (\d+)", header)
    assert bits
    answers = [int(line) / 2 ** int(bits[1]) for line in lines]
    counts = 870 + np.arange(8) * 7 % 30
    x = (437.227 - 0.46814 * counts)[:, np.newaxis]
    np.testing.assert_allclose(answers, expected(model, x), rtol=0, atol=0.01)


def test_the_arduino_sketch_is_cpp_11_and_answers(run: Any, seed_model: Model) -> None:
    done = run("lstm_sensor/lstm_sensor.ino", "g++")
    assert done.returncode == 0, done.stderr
    counts = (100 * np.arange(10) + 50 * np.arange(5)[:, np.newaxis]) % 1024
    x = (counts * np.float32(3.3 / 1023)).astype(np.float32)
    answers = [float(line) for line in done.stdout.splitlines()]
    # Printed with six digits
    np.testing.assert_allclose(answers, expected(seed_model, x), rtol=0, atol=4e-6)


@pytest.mark.parametrize(
    ("chain", "window", "arithmetic"),
    [
        ("seed", None, "float"),
        ("every step", 5, "float"),
        ("bidirectional", 5, "float"),
        ("seed", None, "integer"),
        ("every step", 5, "integer"),
        ("bidirectional", 5, "integer"),
    ],
)
def test_the_code_of_its_readme_compiles(
    chain: str, window: int | None, arithmetic: str, tmp_path: Path
) -> None:
    """What a user pastes: whole files where they are, the bodies of calls with what they name
    around them.
    """
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    model = windowed(chain, window)
    options = UNTRAINED if arithmetic == "integer" else {}
    get("c").export(model, tmp_path / "model_c", name="model", **options)
    page = (tmp_path / "model_c" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```c\n(.*?)```", page, re.DOTALL)
    assert blocks
    outside = "".join(block for block in blocks if "#include" in block)
    inside = "".join(block for block in blocks if "#include" not in block)
    source = f'#include "model.h"\n{outside}{CALLERS[arithmetic]}{inside}}}\n'
    (tmp_path / "pasted.c").write_text(source, encoding="utf-8")
    for compiler in ("gcc -std=c99 -pedantic", "g++ -std=c++11 -x c++"):
        command = [*compiler.split(), *STRICT, f"-I{tmp_path / 'model_c'}", "-fsyntax-only"]
        done = subprocess.run(
            [*command, str(tmp_path / "pasted.c")], capture_output=True, text=True, check=False
        )
        assert not done.returncode, done.stderr


STRICT = ("-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-unused-variable")
CALLERS = {
    "float": "void all(const float *x, size_t batch, size_t seq, float *y, float *scratch)\n{\n",
    "integer": "void all(const int16_t *x, size_t seq, int32_t *y, int32_t *scratch)\n{\n",
}


def windowed(chain: str, window: int | None) -> Model:
    """A chain as trained on windows; None: on none."""
    model = CHAINS[chain]
    return Model(model.stages, replace(model.signature, window=window))


NEEDED = {"float": "model_scratch_floats(1, 5)", "integer": "model_scratch_words(5)"}


@pytest.mark.parametrize("chain", ["every step", "bidirectional"])
@pytest.mark.parametrize("arithmetic", ["float", "integer"])
def test_a_window_has_the_room_that_its_readme_gives_it(
    chain: str, arithmetic: str, tmp_path: Path
) -> None:
    """A model that answers every step fills one answer a sample; one that looks ahead needs scratch
    memory, of as many numbers in a build without vectors.
    """
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    options = UNTRAINED if arithmetic == "integer" else {}
    get("c").export(windowed(chain, 5), tmp_path / "model_c", name="model", **options)
    page = (tmp_path / "model_c" / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```c\n(.*?on_new_sample\(.*?, (\w+) y\[(.*?)\]\).*?)```", page, re.DOTALL)
    assert block
    main = f"""{block[1]}
static struct {{ {block[2]} y[{block[3]}]; unsigned char behind[64]; }} room;

int main(void)
{{
    static const {"int16_t" if options else "float"} x[MODEL_INPUT_SIZE];
    int k, answers = 0;
    model_window_reset(&window);
    for (k = 0; k < 7; k++) {{
        answers += on_new_sample(x, room.y);
    }}
    for (k = 0; k < 64; k++) {{
        answers += room.behind[k] ? 100 : 0;
    }}
    return answers{_room_that_is_missing(block[1], NEEDED[arithmetic])};
}}
"""
    (tmp_path / "main.c").write_text(main, encoding="utf-8")
    files = [str(tmp_path / "main.c"), str(tmp_path / "model_c" / "model.c")]
    program = str(tmp_path / "main")
    folder = f"-I{tmp_path / 'model_c'}"
    command = ["gcc", "-std=c99", "-O1", "-DMODEL_VL=1", folder, *files, "-o", program]
    subprocess.run(command, check=True)
    assert subprocess.run([program], check=False).returncode == 3


def _room_that_is_missing(block: str, needed: str) -> str:
    """The difference between what a call needs and the scratch memory that a block has."""
    return f" + (int)({needed} - sizeof scratch / 4)" if "scratch[" in block else ""
