"""Modules for stages that take values of several others, and what picks or pools them."""

# No `from __future__ import annotations`: torch.jit.script reads annotations as objects.
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .stages import Add, Concat, Divide, Multiply, Subtract


def for_every_row(state: Tensor, x: Tensor) -> Tensor:
    """`state (num_layers * directions, size)` for every row of `x (batch, seq, size)`."""
    return state.unsqueeze(1).expand(-1, x.size(0), -1).contiguous()


class Columns(nn.Module):
    """Some columns of x, in some order."""

    def __init__(self, features: tuple[int, ...]) -> None:
        super().__init__()
        self.features = list(features)

    def forward(self, x: Tensor) -> Tensor:
        features = torch.tensor(self.features, dtype=torch.long, device=x.device)
        return x.index_select(x.dim() - 1, features)


class Mean(nn.Module):
    """The mean over the steps of `x (batch, seq, size)`, its divisor less a correction."""

    def __init__(self, correction: int) -> None:
        super().__init__()
        self.correction = correction

    def forward(self, x: Tensor) -> Tensor:
        if self.correction:
            return x.sum(dim=1) / (x.size(1) - self.correction)
        return x.mean(dim=1)


class Total(nn.Module):
    """The sum over the steps of `x (batch, seq, size)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(dim=1)


class Largest(nn.Module):
    """The largest value over the steps of `x (batch, seq, size)`, column by column."""

    def forward(self, x: Tensor) -> Tensor:
        return x.amax(dim=1)


class First(nn.Module):
    """The first step of `x (batch, seq, size)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


class Ending(nn.Module):
    """The last steps of `x (batch, seq, size)`."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -self.count :]


class Replaced(nn.Module):
    """One value taken for another."""

    def __init__(self, value: float, by: float) -> None:
        super().__init__()
        self.value = value
        self.by = by

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x == self.value, torch.full_like(x, self.by), x)


class RootMeanSquared(nn.Module):
    """An nn.RMSNorm over the last axis, with a weight of ones where it has none."""

    weight: Tensor

    def __init__(self, weight: Tensor, eps: float) -> None:
        super().__init__()
        self.register_buffer("weight", weight)  # (size,), or empty
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        y = x / torch.sqrt((x * x).mean(dim=-1, keepdim=True) + self.eps)
        return y * self.weight if self.weight.numel() else y


class SquareRoot(nn.Module):
    """The root of every value."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)


class Leaky(nn.Module):
    """An nn.PReLU along the last axis."""

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)  # (size,) or (1,)

    def forward(self, x: Tensor) -> Tensor:
        return torch.where(x < 0, self.weight * x, x)


class Graph(nn.Sequential):
    """Nodes that take the values of earlier ones: x first, then every node's in order."""

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for node in self:
            values.append(node(values))
        return values[-1]


class Node(nn.Module):
    """A module of one value, by its place among the values."""

    def __init__(self, module: nn.Module, place: int) -> None:
        super().__init__()
        self.module = module
        self.place = place

    def forward(self, values: list[Tensor]) -> Tensor:
        y: Tensor = self.module(values[self.place])
        return y


class LSTMNode(nn.Module):
    """An LSTM whose states are values, too: h_n and c_n come before its own."""

    h0: Tensor
    c0: Tensor

    def __init__(self, rnn: nn.RNNBase, place: int, h0: Tensor, c0: Tensor) -> None:
        super().__init__()
        self.rnn = rnn
        self.place = place
        self.register_buffer("h0", h0)  # (num_layers * directions, size), or empty for zeros
        self.register_buffer("c0", c0)

    def forward(self, values: list[Tensor]) -> Tensor:
        x = values[self.place]
        if self.h0.numel():
            start = (for_every_row(self.h0, x), for_every_row(self.c0, x))
            every_step, (h_n, c_n) = self.rnn(x, start)
        else:
            every_step, (h_n, c_n) = self.rnn(x)
        values.append(h_n)
        values.append(c_n)
        y: Tensor = every_step
        return y


class HiddenNode(nn.Module):
    """A GRU or an RNN whose h is a value, too: h_n comes before its own."""

    h0: Tensor

    def __init__(self, rnn: nn.RNNBase, place: int, h0: Tensor) -> None:
        super().__init__()
        self.rnn = rnn
        self.place = place
        self.register_buffer("h0", h0)

    def forward(self, values: list[Tensor]) -> Tensor:
        x = values[self.place]
        if self.h0.numel():
            every_step, h_n = self.rnn(x, for_every_row(self.h0, x))
        else:
            every_step, h_n = self.rnn(x)
        values.append(h_n)
        y: Tensor = every_step
        return y


class StateNode(nn.Module):
    """One layer of a state `(num_layers * directions, batch, size)`, directions side by side."""

    def __init__(self, place: int, cells: list[int]) -> None:
        super().__init__()
        self.place = place
        self.cells = cells

    def forward(self, values: list[Tensor]) -> Tensor:
        state = values[self.place]
        return torch.cat([state[cell] for cell in self.cells], dim=-1)


class JoinNode(nn.Module):
    """What takes several values, by their places.

    Attributes:
        is_sequence: whether any of them has an axis of time; then a row goes to every step.
    """

    def __init__(self, places: list[int], is_sequence: bool) -> None:
        super().__init__()
        self.places = places
        self.is_sequence = is_sequence

    def taken(self, values: list[Tensor]) -> list[Tensor]:
        """The values, a row `(batch, size)` beside sequences as `(batch, 1, size)`."""
        found = [values[place] for place in self.places]
        if not self.is_sequence:
            return found
        return [value.unsqueeze(1) if value.dim() == 2 else value for value in found]


class Sum(JoinNode):
    """The sum of several values."""

    def forward(self, values: list[Tensor]) -> Tensor:
        taken = self.taken(values)
        y = taken[0]
        for other in taken[1:]:
            y = y + other
        return y


class Difference(JoinNode):
    """The first value less the second."""

    def forward(self, values: list[Tensor]) -> Tensor:
        taken = self.taken(values)
        return taken[0] - taken[1]


class Product(JoinNode):
    """The product of two values."""

    def forward(self, values: list[Tensor]) -> Tensor:
        taken = self.taken(values)
        return taken[0] * taken[1]


class Quotient(JoinNode):
    """The first value divided by the second."""

    def forward(self, values: list[Tensor]) -> Tensor:
        taken = self.taken(values)
        return taken[0] / taken[1]


class SideBySide(JoinNode):
    """The columns of several values."""

    def forward(self, values: list[Tensor]) -> Tensor:
        taken = self.taken(values)
        if self.is_sequence:
            seq = max([value.size(1) for value in taken])
            taken = [value.expand(-1, seq, -1) for value in taken]
        return torch.cat(taken, dim=-1)


JOINS: Mapping[str, type[JoinNode]] = {
    Add.kind: Sum,
    Subtract.kind: Difference,
    Multiply.kind: Product,
    Divide.kind: Quotient,
    Concat.kind: SideBySide,
}
POOLS: Mapping[str, type[nn.Module]] = {"max": Largest, "first": First, "sum": Total}
