"""What is trained: an LSTM, its last step, a Linear; the loss, and an average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..model import Array
from .losses import loss_of
from .options import TrainingOptions

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

FUSED_ADAM = ("cpu", "cuda")  # devices on which Adam has one fused kernel a step


class Core:
    """An nn.LSTM and an nn.Linear without a class around them.

    The average moves a little towards the weights after every step. It is what is evaluated and
    kept: it smooths out the last batches, and with them the luck of the epoch at which training
    stops.

    Attributes:
        parameters: of both modules.
        fused: whether Adam has one kernel for a step on this device.
        loss: of y and what it should be.
    """

    def __init__(
        self, input_size: int, answers: int, options: TrainingOptions, device: torch.device
    ) -> None:
        from torch import nn

        output_size = answers * (1 + len(options.quantiles))

        dropout = options.dropout
        self.lstm = nn.LSTM(
            input_size,
            options.hidden_size,
            options.num_layers,
            batch_first=True,
            dropout=dropout if options.num_layers > 1 else 0.0,  # it acts between layers
        ).to(device)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(options.hidden_size, output_size).to(device)
        self.loss = loss_of(options)
        self.parameters = [*self.lstm.parameters(), *self.fc.parameters()]
        self.fused = device.type in FUSED_ADAM
        # The same memory, outside autograd.
        self._live = [parameter.detach() for parameter in self.parameters]
        self._average = [parameter.clone() for parameter in self._live]
        self._averaging = options.averaging
        self._steps = 0

    def __call__(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        import torch

        every_h = self.lstm(x)[0]  # (batch, window, hidden_size)
        if lengths is None:
            last = every_h[:, -1]
        else:
            # One direction sees nothing of what follows a step, so that padding reaches neither
            # the loss nor the gradient.
            rows = torch.arange(len(x), device=x.device)
            last = every_h[rows, lengths - 1]  # (batch, hidden_size)
        y: Tensor = self.fc(self.dropout(last))  # (batch, output_size)
        return y

    def train(self, mode: bool) -> None:
        """Switch dropout on or off."""
        self.lstm.train(mode)
        self.dropout.train(mode)

    def update_average(self) -> None:
        """Move the average on; the first steps, soon outdated, leave it faster."""
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        self._steps += 1
        decay = min(self._averaging, (1 + self._steps) / (10 + self._steps))  # rises to averaging
        move = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        move(self._average, self._live, None)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The average in place of the weights."""
        weights = [live.clone() for live in self._live]
        self._set(self._average)
        yield
        self._set(weights)

    def _set(self, weights: Sequence[Tensor]) -> None:
        for live, weight in zip(self._live, weights, strict=True):
            live.copy_(weight)

    def state(self) -> dict[str, Any]:
        """The weights, their average, and the steps that it is an average of."""
        return {"live": self._live, "average": self._average, "steps": self._steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` was taken."""
        self._set(state["live"])
        for average, stored in zip(self._average, state["average"], strict=True):
            average.copy_(stored)
        self._steps = state["steps"]

    def weights(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Copies of the averaged weights of `lstm` and `fc`, by state_dict name."""
        with self.averaged():
            return _arrays_of(self.lstm), _arrays_of(self.fc)


def _arrays_of(module: nn.Module) -> dict[str, Array]:
    arrays = {}
    for name, tensor in module.state_dict().items():
        arrays[name] = tensor.detach().cpu().numpy().copy()  # the tensor goes on being trained
    return arrays


def pick_device(name: str) -> torch.device:
    """The named device, `auto` being CUDA where there is one and else the CPU.

    Raises:
        InputError: PyTorch does not know the device, or it is not there.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros((), device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise InputError(
            f"device {name!r} cannot be used here; use auto, cpu, or cuda where there is one"
        ) from error
    return device
