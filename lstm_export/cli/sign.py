"""lstm-export sign."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import show


def sign(
    file: Annotated[
        Path,
        typer.Argument(
            help="A bundle, an exported artifact or a folder such as model_c.", metavar="FILE"
        ),
    ],
    key: Annotated[
        Path,
        typer.Option(help="The secret key, of minisign or in PEM (P-256).", metavar="KEY"),
    ],
    as_json: show.AsJson = False,
) -> None:
    """Sign a bundle or an artifact, for minisign or openssl to check.

    The signature is written beside it: FILE.minisig with a key of minisign, FILE.sig with a PEM. Of
    a folder, FOLDER.sha256 is written and signed. A key's password is asked for, or is taken from
    LSTM_EXPORT_KEY_PASSWORD.
    """
    from ..signing import secret_key_for, sign_data, sign_folder
    from ..verification.artifact import MOST_BYTES, open_file

    data = open_file(file).data  # nothing is signed that cannot be opened
    if file.is_dir():
        signed = sign_folder(file, key, MOST_BYTES)
    else:
        signed = sign_data(file, data, secret_key_for(file, key))
    if as_json:
        show.as_json("sign", **signed.to_record())
    else:
        typer.echo(f"wrote {signed.path}, signed by {signed.key}")
