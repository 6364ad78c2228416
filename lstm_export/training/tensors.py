"""Scaled windows as rows and indices, in numpy and on the device of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from ..model import Array
from .ranks import Ranks

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Windows copied at a time, in values: many batches of a small model. 1 MB of float32 stays in a
# core's own cache, and in memory that malloc keeps; of 16 MB every other pass met fresh pages.
GATHERED_VALUES = 2**18

# More windows than SHUFFLED_AT_ONCE are shuffled by blocks of neighbours: the blocks in random
# order, then all windows of as many blocks as are shuffled at once. Only neighbouring pages of a
# table that is mapped from a file are then in use for a while, and no order of all windows is held.
SHUFFLED_AT_ONCE = 2**20
SHUFFLE_BLOCK = 2**12

ON_DEVICE_BYTES = 2**30  # of x: more stays in the memory of the CPU, and batches are copied

ALONE = Ranks()


@dataclass(frozen=True, eq=False)
class Windows:
    """Scaled windows: nothing is copied before a batch needs it.

    Attributes:
        x: float32 `(rows, input_size)`.
        y: float32 `(windows, output_size)`.
        starts: int64 `(windows,)`, the first row of every window.
        window: rows of a window.
        lengths: int64 `(windows,)`, the rows of each window that count; None where all do.
        relative: columns of x that are taken less their window's last value.
    """

    x: Array
    y: Array
    starts: Array
    window: int
    lengths: Array | None = None
    relative: tuple[int, ...] = ()


class Batch(NamedTuple):
    """Windows that are trained on at once.

    Attributes:
        x: `(batch, window, input_size)`.
        y: `(batch, output_size)`.
        lengths: `(batch,)` where not every row counts, else None.
        share: of the windows of the whole batch, where other processes have the rest of it; else
            None.
    """

    x: Tensor
    y: Tensor
    lengths: Tensor | None
    share: Tensor | None


class Tensors(NamedTuple):
    """`Windows` as tensors, and the device of the model, on which they are if they fit."""

    x: Tensor
    y: Tensor
    starts: Tensor
    window: int
    device: torch.device
    lengths: Tensor | None = None
    relative: tuple[int, ...] = ()

    @classmethod
    def of(cls, windows: Windows, device: torch.device) -> Tensors:
        """The same windows as tensors."""
        import torch

        home = device if windows.x.nbytes <= ON_DEVICE_BYTES else torch.device("cpu")

        def at_home(array: Array) -> Tensor:
            return torch.from_numpy(array).to(home)

        return cls(
            x=at_home(windows.x),
            y=at_home(windows.y),
            starts=at_home(windows.starts),
            window=windows.window,
            device=device,
            lengths=None if windows.lengths is None else at_home(windows.lengths),
            relative=windows.relative,
        )

    def batches(self, batch_size: int, shuffle: bool, ranks: Ranks = ALONE) -> Iterator[Batch]:
        """All windows, in their order or shuffled, gathered many batches at a time.

        Of every batch of `batch_size` windows a process gets its share, which may be none of the
        last.
        """
        import torch

        values_a_batch = batch_size * self.window * self.x.shape[1]
        many = batch_size * max(1, GATHERED_VALUES // values_a_batch)
        count = len(self.starts)
        orders = _shuffled(count, batch_size, ranks) if shuffle else _in_order(count, many)
        for order in orders:
            for picked in torch.split(order.to(self.starts.device), many):
                batches = torch.split(picked, batch_size)
                if ranks.size == 1:
                    yield from self._gathered(picked, [len(batch) for batch in batches])
                else:
                    yield from self._shares(batches, ranks)

    def _shares(self, batches: Sequence[Tensor], ranks: Ranks) -> Iterator[Batch]:
        """What this process has of every batch."""
        import torch

        own = [ranks.own(batch) for batch in batches]
        gathered = self._gathered(torch.cat(own), [len(picked) for picked in own])
        for batch, part in zip(batches, gathered, strict=True):
            share = torch.tensor(len(part.x) / len(batch), device=self.device)
            yield part._replace(share=share)

    def _gathered(self, picked: Tensor, sizes: list[int]) -> Iterator[Batch]:
        """The windows that are picked, as batches of these sizes."""
        import torch

        gathered = self._windows(picked)
        if self.relative:
            self._take_off_last(gathered, picked)
        x = torch.split(gathered.to(self.device), sizes)
        y = torch.split(self.y[picked].to(self.device), sizes)
        lengths: list[Tensor | None] = [None] * len(x)
        if self.lengths is not None:
            own = self.lengths[picked].to(self.device)
            lengths = list(torch.split(own, sizes))
        for parts in zip(x, y, lengths, strict=True):
            yield Batch(*parts, share=None)

    def _windows(self, picked: Tensor) -> Tensor:
        """Those that are picked, `(many, window, input_size)`."""
        import torch

        first = self.starts[picked]
        if self.lengths is None:
            every = self.x.unfold(0, self.window, 1)  # (rows - window + 1, input_size, window)
            # The rows of a window lie one after the other: each is a single copy.
            return every.transpose(1, 2).index_select(0, first)
        index = first[:, None] + torch.arange(self.window, device=first.device)  # (many, window)
        # A shorter window may stand at the end, where no rows follow it.
        return self.x[index.clamp(max=len(self.x) - 1)]

    def _take_off_last(self, gathered: Tensor, picked: Tensor) -> None:
        """Of the relative columns their window's last value, in place."""
        # (many,), the row of x that each window ends with
        last = self.starts[picked] + self.window - 1
        if self.lengths is not None:
            last = self.starts[picked] + self.lengths[picked] - 1
        columns = list(self.relative)
        last_values = self.x[last][:, None, columns]  # (many, 1, columns), the same at every step
        gathered[..., columns] -= last_values


def _in_order(count: int, many: int) -> Iterator[Tensor]:
    """The numbers below `count`, so many at a time."""
    import torch

    for first in range(0, count, many):
        yield torch.arange(first, min(first + many, count))


def _shuffled(count: int, batch_size: int, ranks: Ranks = ALONE) -> Iterator[Tensor]:
    """The numbers below `count` in random order, in pieces of whole batches, but for the last.

    The order is that of the first process in all of them.
    """
    import torch

    if count <= SHUFFLED_AT_ONCE:
        order = torch.randperm(count)
        ranks.take_from_first(order)
        yield order
        return
    blocks = torch.randperm(-(-count // SHUFFLE_BLOCK))
    ranks.take_from_first(blocks)  # the last block may be smaller, and so the piece that holds it
    rest = torch.arange(0)
    for picked in torch.split(blocks, SHUFFLED_AT_ONCE // SHUFFLE_BLOCK):
        # every window of these blocks
        numbers = (picked[:, None] * SHUFFLE_BLOCK + torch.arange(SHUFFLE_BLOCK)).flatten()
        numbers = numbers[numbers < count]  # the last block may reach beyond the last window
        order = torch.cat([rest, numbers[torch.randperm(len(numbers))]])
        ranks.take_from_first(order)
        whole = len(order) // batch_size * batch_size
        yield order[:whole]
        rest = order[whole:]
    if len(rest):
        yield rest
