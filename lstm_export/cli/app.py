"""The application: its commands, its errors, its version."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import targets
from ..errors import LstmExportError
from ..version import __version__
from . import bench, diff, doctor, evaluate, fleet, inspect, package, run, sbom, sign, train, verify
from .export import target_command
from .signals import as_interrupts


class Commands(TyperGroup):
    """The commands, with the errors of all of them caught in one place."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            known = ", ".join(targets.names())
            ctx.fail(
                f"unknown command or target {args[0]!r}. Targets: {known}. "
                "All commands: lstm-export --help"
            )
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with as_interrupts() as ended:
            try:
                result = super().invoke(ctx)
                sys.stdout.flush()
                return result
            except typer.BadParameter as error:
                # So pydantic begins, which newer versions of typer read values with.
                error.message = error.message.removeprefix("Value error, ")
                raise
            except LstmExportError as error:
                _tell(f"error: {error}")
                raise typer.Exit(1) from error
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                file = error.filename or "standard output"
                _leave_stdout()
                _tell(f"error: {file} is on a full disk; free some space")
                raise typer.Exit(1) from error
            except KeyboardInterrupt as error:
                what_is_kept = f": {error}" if str(error) else ""
                _tell(f"{ended.word}{what_is_kept}")
                raise typer.Exit(ended.exit_code) from error


def _tell(line: str) -> None:
    """A line on stderr; of the processes that train together the first one says it."""
    from ..training.ranks import is_first

    if is_first():
        typer.echo(line, err=True)


def _leave_stdout() -> None:
    """Send the rest of its buffer nowhere, so that it does not fail again as Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


app = typer.Typer(
    name="lstm-export",
    cls=Commands,
    help=(
        "Take a PyTorch LSTM regressor to an edge device, "
        "with proof that it still computes the same thing."
    ),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lstm-export {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of the whole application."""


app.command()(train.train)
app.command()(inspect.inspect)
for name in targets.names():
    app.command(name)(target_command(name))
app.command()(verify.verify)
app.command()(package.package)
app.add_typer(fleet.app)
app.command()(sign.sign)
app.command()(sbom.sbom)
app.command()(run.run)
app.command()(evaluate.evaluate)
app.command()(diff.diff)
app.command()(bench.bench)
app.command()(doctor.doctor)
