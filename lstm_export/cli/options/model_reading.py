"""What every command that reads a MODEL takes: how the file is read and understood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from . import choices, shared

OPTIONS: dict[str, Any] = {
    "key": Annotated[
        str | None,
        typer.Option(
            help="Which state_dict to read, where the file holds several.",
            metavar="NAME",
        ),
    ],
    "forward": Annotated[
        str | None,
        typer.Option(
            help='The forward as a chain, such as "lstm, last, relu, fc", or as a formula; '
            "inspect shows it.",
            metavar="CHAIN",
        ),
    ],
    "readout": Annotated[
        choices.Readout | None,
        typer.Option(help="Which step the head reads, where the file does not say."),
    ],
    "batch_first": Annotated[
        bool | None,
        typer.Option(
            help="Layout of x in your module and in recorded answers; by default both are tried.",
        ),
    ],
    "module": Annotated[
        str | None,
        typer.Option(
            help="Your class, to prove the chain against. Importing it runs its code.",
            metavar="PKG.MOD:CLASS",
        ),
    ],
    "kwargs": Annotated[
        str | None,
        typer.Option(help="Arguments of the class, as a JSON object.", metavar="JSON"),
    ],
    "trust": shared.Trust,
    "reference": Annotated[
        Path | None,
        typer.Option(help="Recorded x and y, to prove the chain against.", metavar="NPZ"),
    ],
    "input_scaler": Annotated[
        str | None,
        typer.Option(
            help="A fitted scaler to apply to the inputs: its name in the file (inspect lists "
            "them), or a file of its own, scaler.joblib or scalers.pkl:NAME.",
            metavar="NAME",
        ),
    ],
    "output_scaler": Annotated[
        str | None,
        typer.Option(
            help="A fitted scaler to undo on the outputs, given in the same way.",
            metavar="NAME",
        ),
    ],
    "features": Annotated[
        str | None,
        typer.Option(help="Names of the columns of x, in their order.", metavar="COL[,COL]"),
    ],
    "outputs": Annotated[
        str | None,
        typer.Option(help="Names of the columns of y, in their order.", metavar="COL[,COL]"),
    ],
    "units": Annotated[
        str | None,
        typer.Option(help="Units of columns, such as flow=l/min.", metavar="COL=UNIT[,...]"),
    ],
    "window": Annotated[
        int | None,
        typer.Option(min=1, help="Steps of the windows that the model was trained on."),
    ],
    "data": Annotated[
        Path | None,
        typer.Option(
            help="Real inputs, a table or a .npz, to prove the chain and every artifact on.",
            metavar="FILE",
        ),
    ],
}
