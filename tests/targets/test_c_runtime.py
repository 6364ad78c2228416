"""The C runtime as it stands: every file compiles, and its choices are cut as a C preprocessor
would.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lstm_export.model import Model
from lstm_export.targets import get
from lstm_export.targets.c.emit import example, runtime
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.layout import BITS
from lstm_export.targets.c.emit.source import choices_for, write
from tests.kit.chains import MODELS

FILES = sorted(path.name for path in example.FOLDER.iterdir() if path.suffix in {".c", ".h"})
needs_clang = pytest.mark.skipif(
    shutil.which("clang") is None, reason="needs clang: apt install clang"
)
WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("lanes", [(), ("-DMODEL_VL=1",)], ids=["machine", "plain"])
@pytest.mark.parametrize("file", FILES)
def test_each_file_compiles_as_it_stands(
    file: str, lanes: tuple[str, ...], compiler: str, tmp_path: Path
) -> None:
    if not shutil.which(compiler):
        pytest.skip(
            f"{compiler} not installed; run scripts/install_emulators.sh (Debian, Ubuntu; as root)"
        )
    place = str(example.FOLDER / file)
    command = [compiler, *WARNINGS, *lanes, "-x", "c", "-c", place, "-o", str(tmp_path / "file.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert not done.stderr


@pytest.mark.parametrize("file", example.files())
def test_the_examples_are_what_the_writer_makes(file: str) -> None:
    assert (example.FOLDER / file).read_text(encoding="utf-8") == example.files()[file]


def test_the_example_passes_its_self_test(tmp_path: Path) -> None:
    """The runtime as it stands is a model that runs."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    main = tmp_path / "main.c"
    main.write_text(
        f'#include "{example.FOLDER / "model.c"}"\nint main(void) {{ return model_self_test(); }}\n'
    )
    program = tmp_path / "main"
    command = ["gcc", *WARNINGS, str(main), "-o", str(program)]
    subprocess.run(command, check=True)
    assert subprocess.run([str(program)], check=False).returncode == 0


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_choices_are_decided_as_the_preprocessor_does(
    model: Model, weights: str, tmp_path: Path
) -> None:
    """All files with the choices as macros, through the real preprocessor, and our text, give the
    same tokens.
    """
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    interface = Interface.of(model, "model", self_test=False)
    source = write(model, interface, weights)
    (tmp_path / "model.h").write_text(source.h)
    (tmp_path / "ours.c").write_text(source.c)
    chain = source.c[
        source.c.index("#define MODEL_HIDDEN_WIDTH") : source.c.index("/* The functions of model.h")
    ]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for file in FILES:
        (theirs / file).write_text(
            runtime.read(file).replace("typedef char model_bits_are_known", "// ")
        )
    (theirs / "chain.h").write_text(f"#ifndef CHAIN\n#define CHAIN\n{chain}\n#endif\n")
    (theirs / "model.h").write_text(source.h)
    (theirs / "golden.h").write_text("")
    defines = [
        f"-D{macro}={int(value)}" for macro, value in choices_for(model, interface, weights).items()
    ]
    assert preprocessed(tmp_path / "ours.c", []) == preprocessed(theirs / "model.c", defines)


def preprocessed(file: Path, defines: list[str]) -> list[str]:
    """The tokens that the compiler sees."""
    command = ["gcc", "-std=gnu99", "-E", "-P", *defines, str(file)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [token for token in re.findall(r"\w+|[^\w\s]", text) if token]


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ("MODEL_LSTM", True),
        ("!MODEL_LSTM", False),
        ("MODEL_BITS < 32", True),
        ("MODEL_BITS == 32", False),
        ("MODEL_GRU || MODEL_LSTM && MODEL_BITS == 8", True),
        ("!MODEL_GRU && MODEL_BITS > 8", False),
        ("MODEL_VL > 1", None),
        ("defined(__GNUC__)", None),
    ],
)
def test_conditions(condition: str, value: bool | None) -> None:
    assert (
        runtime.decided(condition, runtime.choices_of({"MODEL_LSTM": 1, "MODEL_BITS": 8})) is value
    )


@pytest.mark.parametrize("condition", ["MODEL_GRU && MODEL_VL > 1", "(MODEL_GRU)", "MODEL_GRU + 1"])
def test_a_condition_over_a_choice_and_something_else_is_refused(condition: str) -> None:
    with pytest.raises(ValueError, match="asks for a choice and for something else"):
        runtime.decided(condition, runtime.choices_of({}))


def test_a_choice_that_nobody_documented_is_refused() -> None:
    with pytest.raises(KeyError, match="documents no MODEL_TRANSFORMER"):
        runtime.choices_of({"MODEL_TRANSFORMER": 1})


@needs_clang
@pytest.mark.parametrize("weights", BITS)
@pytest.mark.parametrize("name", ["seed", "gru", "projected", "window"])
def test_nothing_is_undefined(name: str, weights: str, tmp_path: Path) -> None:
    """Under clang's sanitizer for undefined behaviour, which sees an offset to a null pointer."""
    model = MODELS[name]
    get("c").export(model, tmp_path / "m_c", name="m", weights=weights, self_test=True)
    size = model.signature.input_size
    main = f"""#include "m.c"
int main(void)
{{
    static float x[33 * 9 * {size}], y[33 * 9 * {model.signature.output_size}], scratch[200000];
    if (m_scratch_floats(33, 9) > 200000) return 2;
    m_run(x, 9, y, scratch);
    m_run_batch(x, 33, 9, y, scratch);
    return m_self_test();
}}
"""
    (tmp_path / "m_c" / "main.c").write_text(main)
    program = tmp_path / "main"
    flags = ["-O1", "-march=native", "-fsanitize=undefined", "-fsanitize-trap=undefined"]
    command = ["clang", *flags, str(tmp_path / "m_c" / "main.c"), "-o", str(program)]
    subprocess.run(command, check=True)
    assert subprocess.run([str(program)], check=False).returncode == 0
