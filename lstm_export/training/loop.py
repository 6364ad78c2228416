"""The training loop: a bare nn.LSTM and nn.Linear on scaled windows, and Adam."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..model import Array
from .core import Core, pick_device
from .history import Epoch, Progress, Trained
from .options import TrainingOptions
from .ranks import Ranks, WorkerLost, finish_in_spite
from .tensors import Tensors, Windows

if TYPE_CHECKING:
    import torch

# Below this hidden_size the CPU trains on one thread: a second gains nothing, waits long for its
# turn on a busy machine, and makes the weights depend on the number of cores.
MANY_THREADS = 128

EVALUATED_AT_ONCE = 1024  # windows
LAST_SHARE = 0.1  # of the learning rate, that is left at the end


def train_loop(
    train: Windows,
    validation: Windows | None,
    options: TrainingOptions,
    progress: Progress | None = None,
    unfinished: Mapping[str, Any] | None = None,
) -> Trained:
    """Train, keep the weights of the best epoch, stop early.

    The same seed gives the same weights on the CPU, whether the run is whole or goes on from
    `unfinished`, which an interrupted run left. Ctrl-C ends the loop and keeps the best weights so
    far; before the first epoch is over it is raised again. So does the end of another process that
    trains along, see `Ranks`; before the first epoch is over it is an error.

    Raises:
        InputError: the device does not exist here, or the loss is no longer finite, or there are
            more processes than windows.
    """
    import torch

    from ..model.torch_module import one_thread

    ranks = Ranks.here()
    _check_enough(len(train.starts), options.batch_size, ranks)
    device = pick_device(options.device)
    threads = one_thread() if options.hidden_size < MANY_THREADS else nullcontext()
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), threads:
        torch.manual_seed(options.seed)
        core = Core(train.x.shape[1], train.y.shape[1], options, device)
        train_part = Tensors.of(train, device)
        validation_part = None if validation is None else Tensors.of(validation, device)
        run = _Run(core, train_part, validation_part, options, ranks)
        if unfinished is not None:
            run.go_on_from(unfinished)
        return _to_its_end(run, progress)


def _check_enough(windows: int, batch_size: int, ranks: Ranks) -> None:
    for what, count in (("training windows", windows), ("windows of a batch", batch_size)):
        if count < ranks.size:
            raise InputError(
                f"the {count} {what} cannot be shared out among {ranks.size} processes; start at "
                f"most {count} with --nproc_per_node of torchrun"
            )


def _to_its_end(run: _Run, progress: Progress | None) -> Trained:
    """Epoch after epoch, or up to Ctrl-C, or to the end of another process."""
    state = None
    lost = ""
    try:
        while not run.has_ended:
            epoch = run.epoch()
            state = run.state()
            if progress:
                progress(epoch)
    except KeyboardInterrupt:
        if state is None:
            raise
    except WorkerLost as error:
        finish_in_spite()
        number = len(run.history) + 1
        lost = f"a process that trained along was lost in epoch {number}: {error}"
        if state is None:
            raise InputError(f"{lost}; no epoch was over, start again") from error
    else:
        return Trained(*run.best, tuple(run.history), None)
    run.go_on_from(state)  # the epoch that was begun leaves no trace
    return Trained(*run.best, tuple(run.history), state, lost)


class _Run:
    """A run between two epochs; without a validation part the latest weights are the best.

    Attributes:
        history: every epoch so far.
        best: weights of `lstm` and `fc` after the best of them.
    """

    def __init__(
        self,
        core: Core,
        train: Tensors,
        validation: Tensors | None,
        options: TrainingOptions,
        ranks: Ranks,
    ) -> None:
        import torch

        # One fused kernel a step: at edge sizes Adam's bookkeeping otherwise costs as much as the
        # LSTM.
        rate = options.learning_rate
        self._optimizer = torch.optim.Adam(core.parameters, lr=rate, fused=core.fused)
        self._core = core
        self._train = train
        self._validation = validation
        self._options = options
        self._ranks = ranks
        self._epochs = options.epochs or 1
        self.history: list[Epoch] = []
        self.best = core.weights()

    @property
    def has_ended(self) -> bool:
        """Whether all epochs are done, or enough of them brought nothing better."""
        done = len(self.history)
        best = max((epoch.epoch for epoch in self.history if epoch.best), default=0)
        is_patient = not self._options.patience or done - best < self._options.patience
        return done >= self._epochs or not is_patient

    def epoch(self) -> Epoch:
        """One more epoch."""
        options = self._options
        number = len(self.history) + 1
        for parameters in self._optimizer.param_groups:
            parameters["lr"] = options.learning_rate * _decay((number - 1) / self._epochs)
        self._draw_own_dropout(number)
        train_loss = _pass(self._core, self._train, self._optimizer, options, self._ranks)
        validation_loss = None
        if self._validation is not None:
            validation_loss = _evaluate(self._core, self._validation, self._ranks)
        losses = (train_loss, validation_loss or 0.0)
        if not all(map(math.isfinite, losses)):
            got = " and ".join(f"{loss:g}" for loss in losses)
            raise InputError(
                f"training diverged: the losses of epoch {number}, in training and validation, are "
                f"{got}; lower the learning rate"
            )
        is_best = validation_loss is None or validation_loss < self._lowest
        epoch = Epoch(number, self._epochs, train_loss, validation_loss, is_best)
        if is_best:
            self.best = self._core.weights()
        self.history.append(epoch)
        return epoch

    def _draw_own_dropout(self, epoch: int) -> None:
        """A process beside the first drops other values, the same in every run of this seed."""
        import torch

        if self._ranks.rank:
            seeds = np.random.SeedSequence([self._options.seed, self._ranks.rank, epoch])
            torch.manual_seed(int(seeds.generate_state(1, np.uint64)[0]))

    @property
    def _lowest(self) -> float:
        losses = [epoch.validation_loss for epoch in self.history]
        return min((loss for loss in losses if loss is not None), default=math.inf)

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, for `torch.save` and `go_on_from`."""
        import torch

        lstm, fc = self.best
        state = {
            "core": self._core.state(),
            "optimizer": self._optimizer.state_dict(),
            "random": torch.random.get_rng_state(),
            "history": [asdict(epoch) for epoch in self.history],
            "best": {
                "lstm": {name: torch.tensor(array) for name, array in lstm.items()},
                "fc": {name: torch.tensor(array) for name, array in fc.items()},
            },
        }
        if self._train.device.type == "cuda":
            state["cuda_random"] = torch.cuda.get_rng_state(self._train.device)
        return copy.deepcopy(state)  # the optimizer's tensors move on

    def go_on_from(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` was taken."""
        import torch

        self._core.restore(state["core"])
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        torch.random.set_rng_state(state["random"])
        if "cuda_random" in state:
            torch.cuda.set_rng_state(state["cuda_random"], self._train.device)
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        best = state["best"]
        self.best = (_arrays(best["lstm"]), _arrays(best["fc"]))


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}


def _decay(done: float) -> float:
    """Factor of the learning rate: from 1 to a tenth along half a cosine."""
    return LAST_SHARE + (1 - LAST_SHARE) / 2 * (1 + math.cos(math.pi * done))


def _pass(
    core: Core,
    train: Tensors,
    optimizer: torch.optim.Optimizer,
    options: TrainingOptions,
    ranks: Ranks,
) -> float:
    """One pass in random order; the losses stay on the device until it is over."""
    import torch
    from torch.nn.utils import clip_grad_norm_

    core.train(True)
    total = torch.zeros((), device=train.device)  # of every window's loss
    for x, y, lengths, share in train.batches(options.batch_size, shuffle=True, ranks=ranks):
        optimizer.zero_grad()
        if len(x):  # a process may have no window of a small last batch
            loss = core.loss(core(x, lengths), y)  # (), the mean over the batch
            # `share` weights it by this process's part of the whole batch; None is 1
            loss.backward(share)  # type: ignore[no-untyped-call]
            total.add_(loss.detach(), alpha=len(x))
        ranks.sum_gradients(core.parameters)
        if options.clip:
            clip_grad_norm_(core.parameters, options.clip)
        optimizer.step()
        core.update_average()
    ranks.sum(total)
    return float(total) / len(train.starts)


def _evaluate(core: Core, part: Tensors, ranks: Ranks) -> float:
    """The mean loss of the averaged weights over a part, without dropout."""
    import torch

    core.train(False)
    total = torch.zeros((), device=part.device)
    with torch.no_grad(), core.averaged():
        for x, y, lengths, _ in part.batches(EVALUATED_AT_ONCE, shuffle=False, ranks=ranks):
            if len(x):
                total.add_(core.loss(core(x, lengths), y), alpha=len(x))
    ranks.sum(total)
    return float(total) / len(part.starts)
