"""OpenSSF model signatures that are written here, checked by the package model-signing."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lstm_export.cli import app

pytest.importorskip("cryptography", reason='needs cryptography: pip install "lstm-export[sign]"')

GOLDEN = Path(__file__).parents[1] / "golden"
KEYS = GOLDEN / "keys"


def sign(path: Path, key: str = "p256.pem") -> Path:
    done = CliRunner().invoke(app, ["sign", str(path), "--key", str(KEYS / key), "--oms"])
    assert done.exit_code == 0, done.output
    return path.with_name(f"{path.name}.oms.json")


def check(path: Path, signature: Path) -> bool:
    """What `model_signing verify key` says of it."""
    if importlib.util.find_spec("model_signing") is None:
        pytest.skip("needs model-signing: pip install model-signing pyOpenSSL")
    command = [sys.executable, "-m", "model_signing", "verify", "key", path]
    options = ["--public_key", KEYS / "p256.pub.pem", "--signature", signature]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ("Verification succeeded" in done.stdout) == (done.returncode == 0), done.stderr
    return done.returncode == 0


def test_a_bundle_is_signed_for_it(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "seed-v1.bundle", tmp_path / "model.bundle"))
    signature = sign(path)
    first = signature.read_bytes()
    assert sign(path).read_bytes() == first
    assert check(path, signature)
    path.write_bytes(path.read_bytes() + b"\0")
    assert not check(path, signature)


def test_a_folder_is_signed_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "model_c"
    folder.mkdir()
    (folder / "model.c").write_bytes(b"/* lstm-export: a model in C")
    (folder / "model.h").write_bytes(b"int x;")
    signature = sign(folder)
    names = [path.name for path in sorted(tmp_path.iterdir())]
    assert names == ["model_c", "model_c.oms.json", "model_c.sha256", "model_c.sha256.sig"]
    assert check(folder, signature)
    (folder / "model.h").write_bytes(b"int y;")
    assert not check(folder, signature)


def test_a_key_of_another_kind_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "seed-v1.bundle", tmp_path / "model.bundle"))
    key = str(KEYS / "minisign.key")
    done = CliRunner().invoke(app, ["sign", str(path), "--key", key, "--oms"])
    assert done.exit_code == 1
    assert "takes a key in PEM on P-256, not a minisign key" in done.stderr
    assert list(tmp_path.iterdir()) == [path]


def test_programs_are_told_what_was_written(tmp_path: Path) -> None:
    path = Path(shutil.copy(GOLDEN / "seed-v1.bundle", tmp_path / "model.bundle"))
    key = str(KEYS / "p256.pem")
    done = CliRunner().invoke(app, ["sign", str(path), "--key", key, "--oms", "--json"])
    written = [entry["path"] for entry in json.loads(done.stdout)["signed"]]
    assert written == [f"{path}.sig", f"{path}.oms.json"]
