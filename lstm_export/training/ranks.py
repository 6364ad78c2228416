"""The processes that train one model together, as torchrun starts them; without it there is one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError, LstmExportError
from .core import pick_device

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_LAUNCHED = "TORCHELASTIC_RUN_ID"  # which torchrun gives to every process that it starts
_REPORTED = "error"  # the key under which a process leaves its error for the first


class WorkerLost(Exception):
    """Another process of this run has ended; the text says why where it could tell."""


def is_first() -> bool:
    """Whether this is the process that writes and prints; asked before PyTorch is imported."""
    return _LAUNCHED not in os.environ or os.environ["RANK"] == "0"


@contextmanager
def joined(device: str) -> Iterator[None]:
    """Meet the other processes that torchrun started, if it did; inside, `Ranks.here` knows them.

    They talk through gloo, and about tensors on CUDA devices, of which each process has one of its
    own, through NCCL.

    Raises:
        InputError: there are fewer CUDA devices than processes, or another process ended.
    """
    if _LAUNCHED not in os.environ:
        yield
        return
    from torch import distributed

    rank = int(os.environ["RANK"])
    size = int(os.environ["WORLD_SIZE"])
    store = _store(new=True)
    backend = "gloo"
    if pick_device(device).type == "cuda":
        _take_own_device()
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=size)
    try:
        yield
    except LstmExportError as error:
        store.set(_REPORTED, f"process {rank}: {error}")
        raise
    except WorkerLost as error:
        raise InputError(f"a process that trained along was lost: {error}; start again") from error
    finally:
        distributed.destroy_process_group()


def _store(*, new: bool) -> Any:
    """Where the processes leave words for each other, in the memory of torchrun.

    Every run of a process has a part of its own, `new` being a further run: what the run before
    left there says nothing of this one.
    """
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, rank, _ = next(rendezvous("env://"))
    run = store.add(f"lstm_export/runs/{rank}", int(new))
    return PrefixStore(f"lstm_export/{run}", store)


def _take_own_device() -> None:
    import torch

    own = int(os.environ["LOCAL_RANK"])
    count = torch.cuda.device_count()
    if own >= count:
        raise InputError(
            f"process {own} has no CUDA device of its own, there are {count}; start as many "
            "processes as devices, or train with --device cpu"
        )
    torch.cuda.set_device(own)


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together.

    Every batch is shared out among them, and its gradient is summed up again, so that all hold the
    same weights at every step: those of one process that has the whole batch, within rounding.

    Attributes:
        rank: the number of this one; 0 writes and prints.
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Ranks:
        """As `joined` met them; one without it."""
        from torch import distributed

        if not distributed.is_available() or not distributed.is_initialized():
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    def own(self, batch: Tensor) -> Tensor:
        """The share of a batch that is this process's work."""
        return batch[self.rank :: self.size]

    def sum(self, tensor: Tensor) -> None:
        """Sum over all processes, in place.

        Raises:
            WorkerLost: one of them has ended.
        """
        if self.size > 1:
            from torch import distributed

            with _noticing_loss():
                distributed.all_reduce(tensor)

    def take_from_first(self, tensor: Tensor) -> None:
        """What the first process holds there, in place.

        Raises:
            WorkerLost: a process has ended.
        """
        if self.size > 1:
            from torch import distributed

            with _noticing_loss():
                distributed.broadcast(tensor, 0)

    def sum_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """The gradients of all processes' shares become that of the batch.

        They go as one vector: those of an LSTM are ready all at once, after its last step back in
        time, and DistributedDataParallel would have nothing to send meanwhile.
        """
        if self.size == 1:
            return
        import torch
        from torch.nn.utils import parameters_to_vector, vector_to_parameters

        for parameter in parameters:
            if parameter.grad is None:  # the last batch had no window for this process
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        vector = parameters_to_vector(gradients)
        self.sum(vector)
        vector_to_parameters(vector, gradients)

    def agreed(self, number: float) -> float:
        """The first process's number, for decisions that all have to take alike."""
        import torch

        held = torch.tensor(number, dtype=torch.float64)
        self.take_from_first(held)
        return float(held)


@contextmanager
def _noticing_loss() -> Iterator[None]:
    """What PyTorch raises when another process does not answer, as `WorkerLost`."""
    try:
        yield
    except RuntimeError as error:
        raise WorkerLost(_reported_error()) from error


def _reported_error() -> str:
    """What the process that ended said, if it could."""
    store = _store(new=False)
    if not store.check([_REPORTED]):
        return "it was killed, or its machine is gone"
    reported: str = store.get(_REPORTED).decode()
    return reported


def finish_in_spite() -> None:
    """torchrun now ends this process, too, with SIGTERM, and half a minute later for good: let what
    was reached be written before."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
