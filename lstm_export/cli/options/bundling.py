"""How a bundle is made, signed, described and compared: `package`, `sign`, `sbom`, `diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import targets
from . import choices


def known_targets(names: list[str] | None) -> list[str]:
    """Refuse a target that there is not."""
    for name in names or []:
        if name not in targets.names():
            raise typer.BadParameter(
                f"unknown target {name!r}; known targets: {', '.join(targets.names())}"
            )
    return names or []


Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--target",
        callback=known_targets,
        help="A target to include, such as c or numpy; repeat for several. By default onnx.",
        metavar="TARGET",
    ),
]

# package
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="The bundle; by default beside MODEL, ending in .bundle."),
]
Mode = Annotated[
    choices.Mode | None,
    typer.Option(help="How a device is to run it: on windows of the stored size, or as a stream."),
]
Lengths = Annotated[
    bool,
    typer.Option(
        "--lengths", help="Also take the lengths of padded rows, in the targets that can."
    ),
]
Arithmetic = Annotated[
    str,
    typer.Option(
        help="integer: targets that can compute in whole numbers do; by default in floats."
    ),
]
Weights = Annotated[
    str,
    typer.Option(help="How targets that can round weights store them: float32, int16, int8."),
]
Calibrate = Annotated[
    str,
    typer.Option(
        help="A table on which formats of whole numbers are chosen; else the stored windows.",
        metavar="TABLE",
    ),
]
InputFormat = Annotated[
    str,
    typer.Option(
        help="Raw counts for whole numbers, such as temp_c=q:0.0625 (a count is 0.0625 units) or "
        "temp_c=q:0.5:-40 (and count 0 is -40)."
    ),
]
MaxError = Annotated[
    str,
    typer.Option(
        help="Refuse whole numbers that move an answer by more: a share of its spread, 2% "
        "unless you say otherwise, or a number in its unit."
    ),
]
Sign = Annotated[
    Path | None,
    typer.Option(
        help="Also sign the bundle with this secret key, of minisign or in PEM.",
        metavar="KEY",
    ),
]
Provenance = Annotated[
    bool,
    typer.Option(
        "--provenance",
        help="Also record the git commit of MODEL's folder and this command in the bundle.",
    ),
]

# sign
File = Annotated[
    Path,
    typer.Argument(
        help="A bundle, an exported artifact or a folder such as model_c.", metavar="FILE"
    ),
]
SecretKey = Annotated[
    Path,
    typer.Option(help="The secret key, of minisign or in PEM (P-256).", metavar="KEY"),
]
Oms = Annotated[
    bool,
    typer.Option(
        "--oms",
        help="Also write FILE.oms.json, an OpenSSF model signature, with a key in PEM.",
    ),
]

# sbom
Bundle = Annotated[Path, typer.Argument(help="A bundle.", metavar="BUNDLE")]
BillOutput = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="A file; without it the bill goes to stdout."),
]

# diff
Old = Annotated[Path, typer.Argument(help="The bundle that devices have.", metavar="OLD")]
New = Annotated[Path, typer.Argument(help="The bundle that is to replace it.", metavar="NEW")]
