"""What is told of each epoch, and what a run leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..model import Array


@dataclass(frozen=True)
class Epoch:
    """One pass over the training windows.

    Attributes:
        epoch: counted from 1; `epochs` is the most there will be.
        train_loss: mean over the pass, in scaled units; the weights moved while it was taken.
        validation_loss: after the pass, or None without a validation part.
        best: whether the weights after this pass are the best so far.
    """

    epoch: int
    epochs: int
    train_loss: float
    validation_loss: float | None
    best: bool


Progress = Callable[[Epoch], None]
Notice = Callable[[str], None]  # a warning, in a sentence


class Trained(NamedTuple):
    """What the loop leaves.

    Attributes:
        lstm: the best weights by state_dict name.
        fc: those of the Linear.
        history: every epoch.
        unfinished: where an interrupted run stood after its last whole epoch, for `torch.save`;
            None after a run that ended by itself.
        lost: what became of another process that trained along, if that ended the run.
    """

    lstm: dict[str, Array]
    fc: dict[str, Array]
    history: tuple[Epoch, ...]
    unfinished: Mapping[str, Any] | None
    lost: str = ""

    @property
    def best_epoch(self) -> int:
        """The epoch whose weights these are."""
        return max(epoch.epoch for epoch in self.history if epoch.best)


def lowest_loss(history: Sequence[Epoch]) -> float | None:
    """On validation; None without a validation part."""
    losses = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    return min(losses, default=None)
