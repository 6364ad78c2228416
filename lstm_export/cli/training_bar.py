"""Progress and warnings on stderr while training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from ..training import Epoch


@contextmanager
def training_bar(runs: int | None) -> Iterator[Callable[[Epoch], None] | None]:
    """A bar with losses and the time left; nothing where stderr is no terminal.

    Args:
        runs: how many there will be; None where nobody knows, and the bar is of the one that is on.
    """
    if not sys.stderr.isatty():
        yield None
        return
    bar: Any
    with typer.progressbar(
        length=1, label="training", item_show_func=_losses, file=sys.stderr
    ) as bar:
        bar.update(0)

        def show_epoch(epoch: Epoch) -> None:
            bar.length = _length(runs, bar.pos, epoch)
            bar.current_item = epoch  # what item_show_func is given
            bar.update(1)

        yield show_epoch


class TrainingWarnings:
    """Warnings on stderr, each as soon as it is known, and once."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, warning: str) -> None:
        """On a line of its own, also where the bar stands."""
        if warning not in self._told:
            self._told.add(warning)
            over = "\r\x1b[K" if sys.stderr.isatty() else ""
            typer.echo(f"{over}warning: {warning}", err=True)

    def tell_all(self, warnings: Iterable[str]) -> None:
        """Tell the warnings that were not told yet."""
        for warning in warnings:
            self.tell(warning)


def _length(runs: int | None, done: int, epoch: Epoch) -> int:
    if runs is None:
        return done + 1 + epoch.epochs - epoch.epoch
    return runs * epoch.epochs


def _losses(epoch: Epoch | None) -> str:
    if epoch is None:
        return ""
    text = f"loss {epoch.train_loss:.4f}"
    if epoch.validation_loss is not None:
        text += f", validation {epoch.validation_loss:.4f}"
    return f"{text} (best)" if epoch.best else text
