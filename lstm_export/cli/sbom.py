"""lstm-export sbom."""

from __future__ import annotations

import typer

from .options import bundling, shared


def sbom(
    bundle: bundling.Bundle,
    output: bundling.BillOutput = None,
    key: shared.Key = None,
) -> None:
    """Print a bundle's bill of materials, in CycloneDX.

    It names every file with its sha256, the training data, the versions, and what verification
    proved. It is first checked against what the bundle holds.
    """
    from ..bundle import check_claims
    from ..errors import InputError
    from ..files import check_output, write_bytes
    from ..verification.opened_file import open_file

    if output:
        check_output(output, bundle)
    opened = open_file(bundle, key=key).bundle
    if opened is None:
        raise InputError(f"{bundle} is a lone artifact; name a bundle, which package makes")
    check_claims(opened)
    if output:
        write_bytes(output, opened.bom)
        typer.echo(f"wrote {output}")
    else:
        typer.echo(opened.bom.decode("utf-8"), nl=False)
