"""lstm-export fleet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from ..errors import LstmExportError
from ..files import check_output, write_bytes
from ..workers import import_beforehand
from . import show
from .again import command_again
from .fleet_table import entries_of
from .options import bundling, choices, fleets, shared
from .show_fleet import fleet_lines, verdict

if TYPE_CHECKING:
    from ..fleet.fleet_report import FleetReport
    from ..fleet.outcome import Outcome
    from ..fleet.tasks import Progress

PAGE = "fleet.html"
WRITES = ("html", "as_json")  # parameters that do not change what is judged
PACKAGE = "package"
# What the processes of each command need.
_PACKAGING = ("lstm_export.fleet.packaging", "lstm_export.model.torch_module")
_CHECKING = ("lstm_export.fleet.checking",)


class _Fleet(TyperGroup):
    """`fleet TABLE` is `fleet package TABLE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [PACKAGE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="fleet",
    cls=_Fleet,
    help="Package hundreds of models, or verify them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(PACKAGE)
def package(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    table: fleets.Table,
    output: fleets.Output,
    target: bundling.Targets = None,
    on: fleets.On = choices.On.local,
    workers: fleets.Workers = None,
    as_json: shared.AsJson = False,
) -> None:
    """Package every model of a table, and report on all.

    A bundle that an earlier run made from the same files and options is left as it is. The report
    is fleet.json and fleet.html in BUNDLES.
    """
    if on is choices.On.local:
        import_beforehand(_PACKAGING)
    from ..fleet.fleet_page import page
    from ..fleet.fleet_report import REPORT
    from ..fleet.packaging import package_fleet
    from ..fleet.tasks import Sharing
    from ..pipeline import DEFAULT_TARGETS

    entries = entries_of(table, target or DEFAULT_TARGETS)
    try:
        with _progress() as progress:
            report = package_fleet(entries, output, Sharing(on.value, workers), progress)
    except KeyboardInterrupt as error:
        kept = f"what is done is kept in {output}; the same command goes on from there"
        raise KeyboardInterrupt(kept) from error
    write_bytes(output / PAGE, page(report, output.name, command_again(context, WRITES)))
    _show(report, "fleet", as_json)
    if not as_json:
        made = sum(outcome.ok for outcome in report.outcomes)
        bundles = f"{made:,} bundles ({report.size_bytes:,} bytes)"
        typer.echo(f"wrote {REPORT} and {PAGE} beside {bundles} in {output}")
    _judge(report)


@app.command()
def verify(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    bundles: fleets.Bundles,
    against: fleets.Against = None,
    html: shared.Html = None,
    key: shared.Key = None,
    trust: shared.Trust = False,
    on: fleets.On = choices.On.local,
    workers: fleets.Workers = None,
    as_json: shared.AsJson = False,
) -> None:
    """Verify every bundle, and say what changed since the last report.

    As `verify BUNDLE` does, without torch. Nothing is written in BUNDLES.
    """
    if on is choices.On.local:
        import_beforehand(_CHECKING)
    from ..fleet.checking import verify_fleet
    from ..fleet.fleet_page import page
    from ..fleet.tasks import Sharing
    from ..verification.permission import Permission

    if html:
        check_output(html, against)
    with _progress() as progress:
        report = verify_fleet(
            bundles,
            Sharing(on.value, workers),
            permission=Permission(trust),
            key=key,
            against=against,
            progress=progress,
        )
    if html:
        write_bytes(html, page(report, bundles.name, command_again(context, WRITES)))
    _show(report, "fleet verify", as_json)
    _judge(report)


def _show(report: FleetReport, command: str, as_json: bool) -> None:
    if as_json:
        show.as_json(command, **report.to_record())
        return
    for line in fleet_lines(report):
        typer.echo(line)


def _judge(report: FleetReport) -> None:
    if not report.ok:
        raise LstmExportError(verdict(report))


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar on stderr; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    bar: Any
    with typer.progressbar(length=1, label="models", file=sys.stderr) as bar:

        def show_outcome(_: Outcome, models: int) -> None:
            bar.length = models
            bar.update(1)

        yield show_outcome
