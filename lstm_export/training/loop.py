"""The training loop: a bare nn.LSTM and nn.Linear on scaled windows, nothing else between them and Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InputError
from ..model import Array
from .options import TrainingOptions

if TYPE_CHECKING:
    import torch
    from torch import Tensor

GATHERED_VALUES = (
    2**22
)  # windows copied at a time, in values: 16 MB of float32, many batches of a small model


# Below this hidden_size the CPU trains on one thread: a second gains nothing (4.7 s against 4.8 s at 32, two cores),
# waits for seconds on a busy machine (57 s against 6.7 s), and makes the weights depend on the number of cores.
MANY_THREADS = 128


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


@dataclass(frozen=True, eq=False)
class Windows:
    """Scaled windows as rows and indices: nothing is copied before a batch needs it.

    Attributes:
        x: float32 `(rows, input_size)`.
        y: float32 `(windows, output_size)`.
        starts: int64 `(windows,)`, the first row of every window.
        window: rows of a window.
        lengths: int64 `(windows,)`, the rows of each window that count; None where all do.
    """

    x: Array
    y: Array
    starts: Array
    window: int
    lengths: Array | None = None


class Trained(NamedTuple):
    """What the loop leaves: the best weights by state_dict name, every epoch, and how it ended."""

    lstm: dict[str, Array]
    fc: dict[str, Array]
    history: tuple[Epoch, ...]
    best_epoch: int
    interrupted: bool


def train_loop(
    train: Windows,
    validation: Windows | None,
    options: TrainingOptions,
    progress: Progress | None = None,
) -> Trained:
    """Train, keep the weights of the best epoch, stop early. The same seed gives the same weights on the CPU.

    Ctrl-C ends the loop and keeps the best weights so far; before the first epoch is over it is raised again.

    Raises:
        InputError: the device does not exist here, or the loss is no number any more.
    """
    import torch

    from ..model.torch_module import one_thread

    device = pick_device(options.device)
    threads = one_thread() if options.hidden_size < MANY_THREADS else nullcontext()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), threads:
        torch.manual_seed(options.seed)
        core = _Core(train.x.shape[1], train.y.shape[1], options, device)
        parts = (
            _Tensors.of(train, device),
            None if validation is None else _Tensors.of(validation, device),
        )
        history: list[Epoch] = []
        interrupted = False
        best = core.weights()
        try:
            for epoch in _epochs(core, *parts, options):
                best = core.weights() if epoch.best else best
                history.append(epoch)
                if progress:
                    progress(epoch)
        except KeyboardInterrupt:
            if not history:
                raise
            interrupted = True
    best_epoch = max(epoch.epoch for epoch in history if epoch.best)
    return Trained(*best, tuple(history), best_epoch, interrupted)


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


def _epochs(
    core: _Core, train: _Tensors, validation: _Tensors | None, options: TrainingOptions
) -> Iterator[Epoch]:
    """Run the epochs one by one; without a validation part the latest weights count as the best."""
    import torch

    # One fused kernel a step: at edge sizes Adam's bookkeeping otherwise costs as much as the LSTM.
    optimizer = torch.optim.Adam(core.parameters, lr=options.learning_rate, fused=core.fused)
    lowest, waited = math.inf, 0
    for number in range(1, options.epochs + 1):
        for parameters in optimizer.param_groups:
            parameters["lr"] = options.learning_rate * _decay((number - 1) / options.epochs)
        train_loss = _pass(core, train, optimizer, options)
        validation_loss = None if validation is None else _evaluate(core, validation)
        if not math.isfinite(train_loss + (validation_loss or 0.0)):
            raise InputError(
                f"training diverged: the loss of epoch {number} is {train_loss}; lower the learning rate"
            )
        best = validation_loss is None or validation_loss < lowest
        lowest = validation_loss if best and validation_loss is not None else lowest
        waited = 0 if best else waited + 1
        yield Epoch(number, options.epochs, train_loss, validation_loss, best)
        if options.patience and waited >= options.patience:
            return


def _decay(progress: float) -> float:
    """Factor of the learning rate: from 1 to a tenth along half a cosine."""
    return 0.1 + 0.45 * (1 + math.cos(math.pi * progress))


def _pass(
    core: _Core, train: _Tensors, optimizer: torch.optim.Optimizer, options: TrainingOptions
) -> float:
    """One pass in random order; the losses stay on the device until it is over."""
    import torch
    from torch.nn.utils import clip_grad_norm_

    core.train(True)
    total = torch.zeros((), device=train.x.device)
    for x, y, lengths in train.batches(options.batch_size, shuffle=True):
        optimizer.zero_grad()
        loss = core.loss(core(x, lengths), y)
        loss.backward()  # type: ignore[no-untyped-call]
        if options.clip:
            clip_grad_norm_(core.parameters, options.clip)
        optimizer.step()
        core.update_average()
        total.add_(loss.detach(), alpha=len(x))
    return float(total) / len(train.starts)


def _evaluate(core: _Core, part: _Tensors) -> float:
    """The mean loss of the averaged weights over a part, without dropout."""
    import torch

    core.train(False)
    total = torch.zeros((), device=part.x.device)
    with torch.no_grad(), core.averaged():
        for x, y, lengths in part.batches(1024, shuffle=False):
            total.add_(core.loss(core(x, lengths), y), alpha=len(x))
    return float(total) / len(part.starts)


class _Core:
    """The seed's class without a class: an LSTM, its last step, a Linear; the loss, and an average of the weights.

    The average moves a little towards the weights after every step. It is what is evaluated and kept: it smooths
    out the last batches, and with them the luck of the epoch at which training stops.
    """

    def __init__(
        self, input_size: int, output_size: int, options: TrainingOptions, device: torch.device
    ) -> None:
        from torch import nn

        hidden_size, num_layers, dropout = options.hidden_size, options.num_layers, options.dropout
        between = dropout if num_layers > 1 else 0.0
        self.lstm = nn.LSTM(
            input_size, hidden_size, num_layers, batch_first=True, dropout=between
        ).to(device)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.fc = nn.Linear(hidden_size, output_size).to(device)
        losses = {"mse": nn.MSELoss, "mae": nn.L1Loss, "huber": nn.HuberLoss}
        self.loss: Callable[[Tensor, Tensor], Tensor] = losses[options.loss]()
        self.parameters = [*self.lstm.parameters(), *self.fc.parameters()]
        self.fused = device.type in ("cpu", "cuda")
        self._live = [
            parameter.detach() for parameter in self.parameters
        ]  # the same memory, outside autograd
        self._average = [parameter.clone() for parameter in self._live]
        self._decay, self._steps = options.averaging, 0

    def __call__(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        import torch

        every_h = self.lstm(x)[0]  # (batch, window, hidden_size)
        # One direction sees nothing of what stands behind a step, so that padding reaches neither loss nor gradient.
        last = (
            every_h[:, -1]
            if lengths is None
            else every_h[torch.arange(len(x), device=x.device), lengths - 1]
        )
        y: Tensor = self.fc(self.dropout(last))  # (batch, output_size)
        return y

    def train(self, mode: bool) -> None:
        self.lstm.train(mode)
        self.dropout.train(mode)

    def update_average(self) -> None:
        """Move the average on; the first steps, soon outdated, leave it faster."""
        from torch.optim.swa_utils import get_ema_multi_avg_fn

        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        get_ema_multi_avg_fn(decay)(self._average, self._live, None)  # type: ignore[no-untyped-call]

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

    def weights(self) -> tuple[dict[str, Array], dict[str, Array]]:
        """Copies of the averaged weights of `lstm` and `fc`, by state_dict name."""
        with self.averaged():
            lstm, fc = (
                {
                    name: tensor.detach().cpu().numpy().copy()
                    for name, tensor in module.state_dict().items()
                }
                for module in (self.lstm, self.fc)
            )
        return lstm, fc


class _Tensors(NamedTuple):
    """`Windows` on the device of the model."""

    x: Tensor
    y: Tensor
    starts: Tensor
    window: int
    lengths: Tensor | None = None

    @classmethod
    def of(cls, windows: Windows, device: torch.device) -> _Tensors:
        import torch

        x, y, starts = (
            torch.from_numpy(array).to(device) for array in (windows.x, windows.y, windows.starts)
        )
        lengths = None if windows.lengths is None else torch.from_numpy(windows.lengths).to(device)
        return cls(x, y, starts, windows.window, lengths)

    def batches(
        self, batch_size: int, shuffle: bool
    ) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """`x (batch, window, input_size)`, `y (batch, output_size)` and lengths `(batch,)` where not every row counts.

        Windows are gathered many batches at a time.
        """
        import torch

        count, device = len(self.starts), self.starts.device
        order = torch.randperm(count).to(device) if shuffle else torch.arange(count, device=device)
        steps = torch.arange(self.window, device=device)
        many = batch_size * max(1, GATHERED_VALUES // (batch_size * self.window * self.x.shape[1]))
        for piece in torch.split(order, many):
            index = self.starts[piece, None] + steps
            if (
                self.lengths is not None
            ):  # a shorter window may stand at the end, where no rows are behind it
                index = index.clamp(max=len(self.x) - 1)
            x = self.x[index]  # (many, window, input_size)
            parts = torch.split(x, batch_size)
            lengths = (
                [None] * len(parts)
                if self.lengths is None
                else torch.split(self.lengths[piece], batch_size)
            )
            yield from zip(parts, torch.split(self.y[piece], batch_size), lengths, strict=True)
