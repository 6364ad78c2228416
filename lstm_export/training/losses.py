"""What training minimises: the error of the answers, and that of their quantiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .options import TrainingOptions

if TYPE_CHECKING:
    from torch import Tensor

Loss = Callable[["Tensor", "Tensor"], "Tensor"]


def loss_of(options: TrainingOptions) -> Loss:
    """The loss of `y (batch, answers and quantiles)` against `true (batch, answers)`."""
    from torch import nn

    losses = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss}
    of_answers: Loss = losses[options.loss]()
    if not options.quantiles:
        return of_answers
    return _with_quantiles(of_answers, options.quantiles)


def _with_quantiles(of_answers: Loss, levels: tuple[float, ...]) -> Loss:
    import torch

    def loss(y: Tensor, true: Tensor) -> Tensor:
        answers, *quantiles = torch.split(y, true.shape[1], dim=1)  # (batch, answers) each
        total = of_answers(answers, true)
        for level, quantile in zip(levels, quantiles, strict=True):
            total = total + _pinball(quantile, true, level)
        return total

    return loss


def _pinball(quantile: Tensor, true: Tensor, level: float) -> Tensor:
    """Koenker and Bassett's loss (1978), which the quantile of that level minimises."""
    import torch

    below = true - quantile  # positive where the quantile is too low
    return torch.maximum(level * below, (level - 1) * below).mean()
