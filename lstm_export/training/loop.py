"""The training loop: a bare nn.LSTM and nn.Linear on scaled windows, and Adam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InputError
from ..model import Array
from .core import Core, pick_device
from .options import TrainingOptions
from .tensors import Tensors, Windows

if TYPE_CHECKING:
    import torch

# Below this hidden_size the CPU trains on one thread: a second gains nothing (4.7 s against 4.8 s
# at 32, two cores), waits for seconds on a busy machine (57 s against 6.7 s), and makes the weights
# depend on the number of cores.
MANY_THREADS = 128

EVALUATED_AT_ONCE = 1024  # windows
LAST_SHARE = 0.1  # of the learning rate, that is left at the end


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
    """Train, keep the weights of the best epoch, stop early.

    The same seed gives the same weights on the CPU. Ctrl-C ends the loop and keeps the best weights
    so far; before the first epoch is over it is raised again.

    Raises:
        InputError: the device does not exist here, or the loss is no number any more.
    """
    import torch

    from ..model.torch_module import one_thread

    device = pick_device(options.device)
    threads = one_thread() if options.hidden_size < MANY_THREADS else nullcontext()
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), threads:
        torch.manual_seed(options.seed)
        core = Core(train.x.shape[1], train.y.shape[1], options, device)
        train_part = Tensors.of(train, device)
        validation_part = None if validation is None else Tensors.of(validation, device)
        epochs = _epochs(core, train_part, validation_part, options)
        return _best_of(core, epochs, progress)


def _best_of(core: Core, epochs: Iterator[Epoch], progress: Progress | None) -> Trained:
    """Go through the epochs, and keep the weights of the best."""
    history: list[Epoch] = []
    is_interrupted = False
    lstm, fc = core.weights()
    try:
        for epoch in epochs:
            if epoch.best:
                lstm, fc = core.weights()
            history.append(epoch)
            if progress:
                progress(epoch)
    except KeyboardInterrupt:
        if not history:
            raise
        is_interrupted = True
    best_epoch = max(epoch.epoch for epoch in history if epoch.best)
    return Trained(lstm, fc, tuple(history), best_epoch, is_interrupted)


def _epochs(
    core: Core, train: Tensors, validation: Tensors | None, options: TrainingOptions
) -> Iterator[Epoch]:
    """Epoch after epoch; without a validation part the latest weights count as the best."""
    import torch

    # One fused kernel a step: at edge sizes Adam's bookkeeping otherwise costs as much as the LSTM.
    optimizer = torch.optim.Adam(core.parameters, lr=options.learning_rate, fused=core.fused)
    lowest = math.inf
    waited = 0
    for number in range(1, options.epochs + 1):
        done = (number - 1) / options.epochs
        for parameters in optimizer.param_groups:
            parameters["lr"] = options.learning_rate * _decay(done)
        train_loss = _pass(core, train, optimizer, options)
        validation_loss = None if validation is None else _evaluate(core, validation)
        if not math.isfinite(train_loss + (validation_loss or 0.0)):
            raise InputError(
                f"training diverged: the loss of epoch {number} is {train_loss}; "
                "lower the learning rate"
            )
        is_best = validation_loss is None or validation_loss < lowest
        if is_best and validation_loss is not None:
            lowest = validation_loss
        waited = 0 if is_best else waited + 1
        yield Epoch(number, options.epochs, train_loss, validation_loss, is_best)
        if options.patience and waited >= options.patience:
            return


def _decay(done: float) -> float:
    """Factor of the learning rate: from 1 to a tenth along half a cosine."""
    return LAST_SHARE + (1 - LAST_SHARE) / 2 * (1 + math.cos(math.pi * done))


def _pass(
    core: Core, train: Tensors, optimizer: torch.optim.Optimizer, options: TrainingOptions
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


def _evaluate(core: Core, part: Tensors) -> float:
    """The mean loss of the averaged weights over a part, without dropout."""
    import torch

    core.train(False)
    total = torch.zeros((), device=part.x.device)
    with torch.no_grad(), core.averaged():
        for x, y, lengths in part.batches(EVALUATED_AT_ONCE, shuffle=False):
            total.add_(core.loss(core(x, lengths), y), alpha=len(x))
    return float(total) / len(part.starts)
