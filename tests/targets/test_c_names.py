"""Names come from strangers: whatever they hold, the C, its comments, header and README are of our
own making.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lstm_export.errors import BundleError
from lstm_export.model import Model, Signature
from lstm_export.model.signature import Column
from lstm_export.targets import get
from lstm_export.targets.c.emit.interface import Interface, Record
from lstm_export.targets.c.emit.runtime import symbols
from lstm_export.targets.c.emit.source import write
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

C = get("c")
ENDS = (
    "*/",
    "/*",
    "//",
    "\\\n",
    "??/\n",
    "??/??/",
    "%:",
    "<%",
    '"; int x;"',
    "$(x)",
    "@NAME@",
    "MODEL_VL",
    "`x`",
    "-->",
)
CHARACTERS = [chr(code) for code in range(1, 0x100)] + [
    "\u2028",
    "\u202e",
    "\U0001f600",
    "\\u002a\\u002f",
]
WHOLE = [
    "".join(CHARACTERS),
    "*/ int stranger; /*",
    "*/\\\n#error x",
    "x" * 500,
    "weight",
    "tanh",
    "step",
    "_",
    "9",
]
RECORD = re.compile(r'^   \{"format".*\} \*/$', re.MULTILINE)
COMPILE = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-trigraphs", "-Wno-trigraphs")


def given(names: list[str]) -> Model:
    """A model of each stage that has arrays, with these names at stages, features, targets and
    units.
    """
    model = CHAINS["norms"]
    stages = tuple(
        type(stage).build(name, stage.arrays, stage.options)
        for stage, name in zip(model.stages, names, strict=False)
    )
    features = tuple(Column(name, name) for name in names[:5])
    targets = tuple(Column(name, name) for name in names[:2])
    return Model(
        stages, Signature(5, 2, features, targets, horizon=0, time=names[0], group=names[1])
    )


def batches() -> list[list[str]]:
    """Every hostile text in some model, eight names a model, all different."""
    texts = [f"a{text}b" for text in (*CHARACTERS, *ENDS)] + CHARACTERS + list(ENDS) + WHOLE
    texts = list(dict.fromkeys(texts))
    texts += [f"filler {number}" for number in range(-len(texts) % 8)]
    return [texts[start : start + 8] for start in range(0, len(texts), 8)]


BATCHES = batches()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model with names that need no change."""
    folder = tmp_path_factory.mktemp("plain") / "m_c"
    C.export(given([f"stage{number}" for number in range(8)]), folder, name="m")
    return folder


@pytest.mark.parametrize("names", BATCHES, ids=range(len(BATCHES)))
def test_only_our_own_alphabet_reaches_the_files(
    names: list[str], plain: Path, tmp_path: Path
) -> None:
    C.export(given(names), tmp_path / "m_c", name="m")
    for file in ("m.c", "m.h", "README.md"):
        ours = (tmp_path / "m_c" / file).read_bytes().decode("ascii")
        theirs = (plain / file).read_text()
        assert marks(ours) == marks(theirs), file
    (record,) = RECORD.findall((tmp_path / "m_c" / "m.c").read_text())
    record = record.removesuffix(" */")
    assert not re.search(r"[^A-Za-z0-9_ .,:{}\[\]\"\\-]", record)
    assert "??" not in record


def marks(text: str) -> str:
    """All but the words; the record for programs, which escapes what is not plain, aside."""
    return re.sub(r"[A-Za-z0-9_]+", "x", RECORD.sub("", text))


@pytest.mark.parametrize(("compiler", "weights"), [("gcc", "float32"), ("clang", "int8")])
def test_it_compiles_and_is_read_back(compiler: str, weights: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(
            f"{compiler} not installed; run scripts/install_emulators.sh (Debian, Ubuntu; as root)"
        )
    for number, names in enumerate(BATCHES):
        folder = tmp_path / f"m{number}"
        model = given(names)
        C.export(model, folder, name="m", weights=weights)
        command = [compiler, *COMPILE, "-fsyntax-only", str(folder / "m.c")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        record = Record.of((folder / "m.c").read_text())
        assert record.signature == model.signature
        assert record.chain == json.loads(json.dumps(model.chain_record()))


def test_a_changed_record_cannot_write_into_the_header(tmp_path: Path) -> None:
    C.export(CHAINS["seed"], tmp_path / "m_c", name="m")
    source = (tmp_path / "m_c" / "m.c").read_text()
    hostile = source.replace('"input_size": 10', '"input_size": "10 */ int stranger; /*"', 1)
    assert hostile != source
    with pytest.raises(BundleError, match="was changed"):
        Record.of(hostile)
    told = re.sub(r'"description": "[^"]*"', '"description": "*\\/ int stranger; \\/*"', source)
    assert told != source
    assert "*/ int" not in Record.of(told).interface.header()


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
@pytest.mark.parametrize("arithmetic", ["float", "integer"])
def test_names_that_differ_in_case_alone_do_not_share_a_program(
    arithmetic: str, tmp_path: Path
) -> None:
    """Their macros would be one: the second header is refused, and not left out in silence."""
    model = CHAINS["seed"]
    windows = drawn(model, 8, 20)
    headers = []
    for name in ("m", "M"):
        C.export_on(model, tmp_path / f"of_{name}_c", windows, name=name, arithmetic=arithmetic)
        headers.append(f'#include "of_{name}_c/{name}.h"\n')
    command = ["gcc", *COMPILE, "-fsyntax-only", str(tmp_path / "main.c")]
    for included, message in ((headers[:1] * 2, ""), (headers, "export one of both with another")):
        (tmp_path / "main.c").write_text("".join(included))
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (message in done.stderr) if message else not done.returncode, done.stderr


def test_names_of_arrays_stay_apart() -> None:
    """Stages whose names differ only in what C does not take."""
    model = CHAINS["two modules"]
    names = itertools.cycle(["a.b", "a_b", "a-b"])
    stages = tuple(
        type(stage).build(next(names), stage.arrays, stage.options) for stage in model.stages
    )
    source = write(Model(stages, model.signature), Interface.of(model, "model", self_test=False)).c
    arrays = [line for line in source.splitlines() if line.startswith("static const float model_")]
    assert len(set(arrays)) == len(arrays)


def test_no_array_is_called_as_a_function_of_the_runtime(tmp_path: Path) -> None:
    """A stage without a letter in its name, and words of 8 bits, which `model_weight` reads."""
    model = given(["@", "weight", "stage", "run", "tanh", "step", "initial", "chain"])
    C.export(model, tmp_path / "m_c", name="m", weights="int8")
    source = (tmp_path / "m_c" / "m.c").read_text()
    arrays = re.findall(r"^static const \w+ m_(\w+)\[", source, re.MULTILINE)
    assert len(arrays) == len(set(arrays)) > 8
    assert not set(arrays) & symbols()
