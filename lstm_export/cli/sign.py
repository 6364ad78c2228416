"""lstm-export sign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import show
from .options import bundling, shared

if TYPE_CHECKING:
    from ..signing import Signed


def sign(
    file: bundling.File,
    key: bundling.SecretKey,
    oms: bundling.Oms = False,
    as_json: shared.AsJson = False,
) -> None:
    """Sign a bundle or an artifact, as minisign or openssl does.

    The signature is written beside it: FILE.minisig with a key of minisign, FILE.sig with a PEM. Of
    a folder, FOLDER.sha256 is written and signed. A key's password is asked for, or is taken from
    LSTM_EXPORT_KEY_PASSWORD.
    """
    written = _signed(file, key, oms)
    if as_json:
        show.as_json("sign", signed=[signed.to_record() for signed in written])
        return
    for signed in written:
        typer.echo(f"wrote {signed.path}, signed by {signed.key}")


def _signed(file: Path, key: Path, oms: bool) -> list[Signed]:
    """Write every signature, once it is known that each can be."""
    from .. import signing
    from ..verification.opened_file import MOST_BYTES, open_file

    data = open_file(file).data  # nothing is signed that cannot be opened
    path = signing.list_path(file) if file.is_dir() else file
    secret = signing.secret_key_for(path, key)
    for_oms = signing.p256_key(file, secret) if oms else None
    if file.is_dir():
        contents = signing.folder_contents(file, MOST_BYTES)
        written = [signing.sign_folder(file, contents, secret)]
    else:
        contents = {signing.ONLY_FILE: data}
        written = [signing.sign_data(file, data, secret)]
    if for_oms:
        written.append(signing.sign_oms(file, contents, for_oms))
    return written
