"""Signatures: what minisign and openssl signed is known here, what is signed here is known there,
and a file that the key did not sign is refused before a byte of it is parsed. See docs/signing.md.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export import signing
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.cli import app
from lstm_export.errors import InputError, LstmExportError, MissingDependency, SignatureError
from lstm_export.signing.keys import PASSWORD, read_secret_key
from lstm_export.verification import opened_file
from tests.kit.chains import CHAINS

pytest.importorskip("cryptography", reason='needs cryptography: pip install "lstm-export[sign]"')

GOLDEN = Path(__file__).parents[1] / "golden"
KEYS = GOLDEN / "keys"  # made by scripts/golden/make_keys.sh
KINDS = {"minisign": ("minisign.key", "minisign.pub"), "P-256": ("p256.pem", "p256.pub.pem")}
MOST = 2**20


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return Path(shutil.copy(GOLDEN / "seed-v1.bundle", tmp_path / "model.bundle"))


def signed(path: Path, kind: str) -> Path:
    """Sign a file here; its signature."""
    key = signing.secret_key_for(path, KEYS / KINDS[kind][0])
    return signing.sign_data(path, path.read_bytes(), key).path


def check(path: Path, key: str) -> signing.Signed:
    return signing.signed_bytes(path, signing.read_public_key(KEYS / key), "a file", MOST)[1]


def copied(name: str, folder: Path) -> Path:
    """The golden file with one of its signatures, under the name that is looked for."""
    suffix = ".minisig" if name.endswith(".minisig") else ".sig"
    shutil.copy(KEYS / name, folder / f"signed.txt{suffix}")
    return Path(shutil.copy(KEYS / "signed.txt", folder))


def test_what_minisign_signed_is_known_with_its_comment(tmp_path: Path) -> None:
    found = check(copied("signed.txt.minisig", tmp_path), "minisign.pub")
    assert found.comment == "of this test"
    # The id that minisign shows is the little-endian number in its key file.
    key_id = base64.b64decode((KEYS / "minisign.pub").read_text().splitlines()[1])[2:10]
    assert found.key == f"minisign key {int.from_bytes(key_id, 'little'):016X}"


def test_what_openssl_signed_is_known(tmp_path: Path) -> None:
    assert check(copied("signed.txt.sig", tmp_path), "p256.pub.pem").key.startswith("P-256 key ")


def test_the_old_form_of_minisign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match="minisign -l"):
        check(copied("signed.txt.old.minisig", tmp_path), "minisign.pub")


def test_minisign_and_openssl_know_what_is_signed_here(bundle: Path, kind: str) -> None:
    beside = signed(bundle, kind)
    key = KEYS / KINDS[kind][1]
    commands = {
        "minisign": ["minisign", "-V", "-m", bundle, "-p", key],
        "P-256": ["openssl", "dgst", "-sha256", "-verify", key, "-signature", beside, bundle],
    }
    command = commands[kind]
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"needs {command[0]}: scripts/install_emulators.sh")
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    bundle.write_bytes(bundle.read_bytes() + b"\0")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_the_same_file_has_the_same_signature(
    bundle: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = signed(bundle, kind).read_bytes()
    assert signed(bundle, kind).read_bytes() == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    again = signed(bundle, kind)
    assert (b"timestamp:1700000000\tfile:model.bundle\t" in again.read_bytes()) == (
        kind == "minisign"
    )


def test_every_changed_byte_is_refused(tmp_path: Path, kind: str) -> None:
    """Of the file, and of its signature; only minisign's first line is nobody's word."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"the bytes of a model")
    beside = signed(path, kind)
    key = KINDS[kind][1]
    check(path, key)
    for file in (path, beside):
        data = file.read_bytes()
        free = data.index(b"\n") if file.suffix == ".minisig" else 0
        for place in range(free, len(data)):
            file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(SignatureError):
                check(path, key)
        file.write_bytes(data)
    check(path, key)


WRONG: dict[str, tuple[str, str]] = {
    "absent": ("minisign.pub", "there is no model.bundle.minisig beside it"),
    "of another kind": ("p256.pub.pem", "there is no model.bundle.sig beside it"),
    "of another key": ("password.pub", "is signed by minisign key .*, expected minisign key"),
    "of another file": ("minisign.pub", "the file is not what minisign key .* signed"),
    "empty": ("minisign.pub", "is no file of minisign, or cut short"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_signature_is_refused_before_anything_is_parsed(
    what: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: object) -> None:
        raise AssertionError("a byte of the file was parsed")

    if what != "absent":
        beside = signed(bundle, "minisign")
    if what == "of another file":
        bundle.write_bytes(bundle.read_bytes() + b"\n")
    if what == "empty":
        beside.write_bytes(b"")
    for name in ("is_bundle", "open_bundle", "target_of"):
        monkeypatch.setattr(opened_file, name, parsed)
    key, message = WRONG[what]
    for verb in (lstm_export.load, lstm_export.verify):
        with pytest.raises(SignatureError, match=message):
            verb(bundle, key=KEYS / key)
    good = shutil.copy(GOLDEN / "seed-v1.bundle", bundle.parent / "good.bundle")
    commands: list[list[Any]] = [
        ["verify", bundle],
        ["run", bundle, "-", "--stream"],
        ["bench", bundle],
        ["diff", good, bundle],
        ["diff", bundle, good],
    ]
    for command in commands:
        done = CliRunner().invoke(app, [*map(str, command), "--key", str(KEYS / key)])
        assert done.exit_code == 1
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1


def test_a_key_beside_a_model_is_never_left_unused(bundle: Path) -> None:
    """There it may name a state_dict; a file of that name is the public key all the same."""
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    model = bundle.with_name("model.pt")
    write_checkpoint(model, Checkpoint(CHAINS["seed"]))
    public = KEYS / "minisign.pub"
    for key, refusal in ((public, SignatureError), ("minisgn.pub", InputError)):
        with pytest.raises(refusal, match="is not signed by|--key: this file stores its chain"):
            lstm_export.verify(bundle, model, key=key)
        arguments = ["verify", str(bundle), str(model), "--key", str(key)]
        assert CliRunner().invoke(app, arguments).exit_code == 1
    signed(bundle, "minisign")
    assert lstm_export.verify(bundle, model, key=public)[0].ok


def test_what_was_checked_is_what_is_opened(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is changed the moment after its signature was found good."""
    signed(bundle, "minisign")
    data = bundle.read_bytes()
    key = type(signing.read_public_key(KEYS / "minisign.pub"))
    honest = key.check

    def check_then_change(*args: Any) -> str:
        comment = honest(*args)
        bundle.write_bytes(b"of somebody else")
        return comment

    monkeypatch.setattr(key, "check", check_then_change)
    assert opened_file.open_file(bundle, key=KEYS / "minisign.pub").data == data
    assert bundle.read_bytes() == b"of somebody else"


@pytest.mark.parametrize("name", ["password.key", "p256.password.pem"])
def test_a_password_is_taken_from_the_environment(
    name: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = {"password.key": "password.pub", "p256.password.pem": "p256.pub.pem"}[name]
    with pytest.raises(InputError, match=f"there is no terminal to ask for it; set {PASSWORD}"):
        signing.secret_key_for(bundle, KEYS / name)
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(InputError, match="password .*is wrong"):
        signing.secret_key_for(bundle, KEYS / name)
    monkeypatch.setenv(PASSWORD, "secret")
    key = signing.secret_key_for(bundle, KEYS / name)
    signing.sign_data(bundle, bundle.read_bytes(), key)
    assert check(bundle, public).key == key.name


def test_a_password_is_asked_for_at_a_terminal(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return "secret"

    monkeypatch.delenv(PASSWORD, raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", answer)
    assert signing.secret_key_for(bundle, KEYS / "p256.password.pem").name.startswith("P-256 key")
    assert asked == [f"Password of {KEYS / 'p256.password.pem'}: "]


@pytest.mark.parametrize("key", ["minisign.pub", "p256.pub.pem"])
def test_a_device_without_the_package_is_told_which(
    key: str, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, and not opened without a check."""
    signed(bundle, "minisign")
    for name in list(sys.modules):
        if name.partition(".")[0] == "cryptography":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=r'pip install "lstm-export\[sign\]"'):
        lstm_export.load(bundle, key=KEYS / key)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("minisign.key", "is a secret key; name the public one"),
        ("p256.pem", "is a secret key; name the public one"),
        ("p256.password.pem", "is a secret key; name the public one"),
        ("p384.pub.pem", "is no key of the curve P-256"),
        ("signed.txt", "holds no public key of minisign, and no PEM"),
        ("absent.pub", "cannot read .*absent.pub"),
    ],
)
def test_what_is_no_public_key_is_refused(name: str, message: str, bundle: Path) -> None:
    with pytest.raises(InputError, match=message):
        lstm_export.load(bundle, key=KEYS / name)


@pytest.mark.parametrize("name", ["minisign.pub", "p256.pub.pem", "p384.pem", "signed.txt"])
def test_what_is_no_secret_key_is_refused(name: str, bundle: Path) -> None:
    with pytest.raises(InputError, match="is no secret key|is no key of the curve"):
        signing.secret_key_for(bundle, KEYS / name)
    assert [path.name for path in bundle.parent.iterdir()] == ["model.bundle"]


def test_a_folder_is_signed_by_its_list(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "model_c"
    folder.mkdir()
    (folder / "model.c").write_bytes(b"/* lstm-export: a model in C")
    (folder / "model.h").write_bytes(b"int x;")
    secret, public = (KEYS / name for name in KINDS[kind])
    key = signing.secret_key_for(signing.list_path(folder), secret)
    signing.sign_folder(folder, signing.folder_contents(folder, MOST), key)
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", "../model_c.sha256"]
        assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    opened = opened_file.open_file(folder, key=public)
    assert opened.data == b"/* lstm-export: a model in C"
    (folder / "model.h").write_bytes(b"int y;")
    with pytest.raises(SignatureError, match="model.h is not as it was signed"):
        opened_file.open_file(folder, key=public)
    (folder / "model.h").write_bytes(b"int x;")
    (folder / "more.c").touch()
    with pytest.raises(SignatureError, match="more.c is not as it was signed"):
        opened_file.open_file(folder, key=public)


def test_package_says_what_it_signed(bundle: Path, kind: str) -> None:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    model = bundle.with_name("model.pt")
    write_checkpoint(model, Checkpoint(CHAINS["smallest"]))
    secret, public = (str(KEYS / name) for name in KINDS[kind])
    command = ["package", str(model), "-t", "numpy", "--sign", secret]
    text = CliRunner().invoke(app, command).stdout.splitlines()[-1]
    record = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["signed"]
    assert text == f"wrote {record['path']}, signed by {record['key']}"
    assert check(bundle, KINDS[kind][1]).key == record["key"]
    done = CliRunner().invoke(app, ["diff", str(bundle), str(bundle), "--key", public])
    assert done.stdout == "the same model, interface and artifacts\n"


def test_sign_refuses_what_it_cannot_open(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    key = str(KEYS / "minisign.key")
    done = CliRunner().invoke(app, ["sign", str(path), "--key", key])
    assert done.exit_code == 1
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


MUTANTS = ("minisign.pub", "p256.pub.pem", "minisign.key", "p256.pem", "signed.txt.sig")


@pytest.mark.parametrize("name", MUTANTS)
def test_damaged_files_end_in_a_sentence(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    whole = (KEYS / name).read_bytes()
    path = copied("signed.txt.sig", tmp_path)
    file = tmp_path / ("signed.txt.sig" if name == "signed.txt.sig" else name)
    for _ in range(300):
        data = bytearray(whole)
        for at in random.integers(len(data), size=random.integers(1, 4)):
            data[at] = random.integers(256)
        file.write_bytes(bytes(data[: random.integers(len(data) // 2, len(data) + 1)]))
        try:
            if name == "signed.txt.sig":
                check(path, "p256.pub.pem")
            elif name in ("minisign.key", "p256.pem"):
                read_secret_key(file)
            else:
                signing.read_public_key(file)
        except LstmExportError as error:
            assert "\n" not in str(error)
