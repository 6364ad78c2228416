"""Operations and classes that random modules are made of: what each does, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

Random: TypeAlias = np.random.Generator
Add: TypeAlias = Callable[[Any], Any]  # registers a module or a buffer, and gives it back
LARGEST = 6  # features


class Made(NamedTuple):
    """One operation: what it does with a tensor, and how many features that then has."""

    run: Callable[[Any], Any]
    width: int


Draw: TypeAlias = Callable[[Random, int, Add], Made]


class Lacked(NamedTuple):
    """An operation that no stage computes.

    Attributes:
        make: what it does, given its width.
        said: what the refusal has to name.
        on_steps: whether it needs a sequence.
    """

    make: Callable[[int, Add], Callable[[Any], Any]]
    said: str
    on_steps: bool = False


def _wide(random: Random) -> int:
    return int(random.integers(1, LARGEST + 1))


def keeps(run: Callable[[Any], Any]) -> Draw:
    """An operation without weights that keeps the width."""
    return lambda random, width, add: Made(run, width)


def module(make: Callable[[int], Any]) -> Draw:
    """A module of torch.nn that keeps the width."""
    return lambda random, width, add: Made(add(make(width)), width)


def linear(random: Random, width: int, add: Add) -> Made:
    gives = _wide(random)
    return Made(add(nn.Linear(width, gives, bias=bool(random.integers(2)))), gives)


def recurrent(kind: Any, **options: Any) -> Draw:
    def draw(random: Random, width: int, add: Add) -> Made:
        hidden = _wide(random)
        layer = add(kind(width, hidden, batch_first=True, **options))
        return Made(lambda x: layer(x)[0], hidden * (1 + bool(options.get("bidirectional"))))

    return draw


def time_first(random: Random, width: int, add: Add) -> Made:
    hidden = _wide(random)
    layer = add(nn.LSTM(width, hidden))
    return Made(lambda x: layer(x.transpose(0, 1))[0].permute(1, 0, 2), hidden)


def cell(random: Random, width: int, add: Add) -> Made:
    hidden = _wide(random)
    step = add(nn.GRUCell(width, hidden))

    def run(x: Any) -> Any:
        h = x.new_zeros(len(x), hidden)
        outputs = []
        for t in range(x.shape[1]):
            h = step(x[:, t], h)
            outputs.append(h)
        return torch.stack(outputs, 1)

    return Made(run, hidden)


def constants(run: Callable[[Any, Any, Any], Any]) -> Draw:
    """An operation with two buffers of a number a feature."""

    def draw(random: Random, width: int, add: Add) -> Made:
        offset = add(torch.tensor(random.normal(size=width) * 10, dtype=torch.float32))
        scale = add(torch.tensor(random.uniform(0.5, 20, size=width), dtype=torch.float32))
        return Made(lambda x: run(x, offset, scale), width)

    return draw


def norm_of_steps(random: Random, width: int, add: Add) -> Made:
    norm = add(_settled(nn.BatchNorm1d(width), random))
    return Made(lambda x: norm(x.transpose(1, 2)).transpose(1, 2), width)


def norm_of_row(random: Random, width: int, add: Add) -> Made:
    return Made(add(_settled(nn.BatchNorm1d(width), random)), width)


def norm_of_groups(random: Random, width: int, add: Add) -> Made:
    if width == 1:
        return Made(lambda x: x, width)
    groups = 2 if width in (4, 6) else 1
    norm = add(nn.GroupNorm(groups, width))
    nn.init.constant_(norm.weight, float(random.uniform(0.5, 2)))
    nn.init.constant_(norm.bias, float(random.normal()))
    return Made(norm, width)


def _settled(norm: Any, random: Random) -> Any:
    norm.running_mean.copy_(torch.tensor(random.normal(size=norm.num_features)))
    norm.running_var.copy_(torch.tensor(random.uniform(0.1, 3, size=norm.num_features)))
    return norm


def residual(random: Random, width: int, add: Add) -> Made:
    inner = add(nn.Linear(width, width))
    return Made(lambda x: x + torch.tanh(inner(x)), width)


def gate(random: Random, width: int, add: Add) -> Made:
    inner = add(nn.Linear(width, width))
    return Made(lambda x: x * torch.sigmoid(inner(x)), width)


def highway(random: Random, width: int, add: Add) -> Made:
    first = add(nn.Linear(width, width))
    second = add(nn.Linear(width, width))

    def run(x: Any) -> Any:
        t = torch.sigmoid(first(x))
        return t * F.relu(second(x)) + (1 - t) * x

    return Made(run, width)


def beside(random: Random, width: int, add: Add) -> Made:
    inner = add(nn.Linear(width, 2))
    return Made(lambda x: torch.cat([x, F.gelu(inner(x))], dim=-1), width + 2)


def some(random: Random, width: int, add: Add) -> Made:
    kept = int(random.integers(1, width + 1))
    return Made(lambda x: x[..., :kept], kept)


def halves(random: Random, width: int, add: Add) -> Made:
    if width % 2:
        return Made(lambda x: x, width)
    return Made(lambda x: sum(x.chunk(2, -1)), width // 2)


def both_ends(random: Random, width: int, add: Add) -> Made:
    hidden = _wide(random)
    layer = add(nn.LSTM(width, hidden, bidirectional=True, batch_first=True))

    def run(x: Any) -> Any:
        _, (h_n, _) = layer(x)
        return torch.cat([h_n[-2], h_n[-1]], 1)

    return Made(run, 2 * hidden)


def final(random: Random, width: int, add: Add) -> Made:
    hidden = _wide(random)
    layer = add(nn.GRU(width, hidden, batch_first=True))
    return Made(lambda x: layer(x)[1].squeeze(0), hidden)


def pools(random: Random, width: int, add: Add) -> Made:
    return Made(lambda x: torch.cat([x[:, -1], x.mean(1), x.amax(1)], 1), 3 * width)


def pool_module(make: Callable[[], Any]) -> Draw:
    def draw(random: Random, width: int, add: Add) -> Made:
        pool = add(make())
        return Made(lambda x: pool(x.transpose(1, 2)).squeeze(2), width)

    return draw


def heads(random: Random, width: int, add: Add) -> Made:
    first = add(nn.Linear(width, 2))
    second = add(nn.Linear(width, 1))
    return Made(lambda x: torch.cat((first(x), F.softplus(second(x))), 1), 3)


def horizon(random: Random, width: int, add: Add) -> Made:
    inner = add(nn.Linear(width, 6))

    def run(x: Any) -> Any:
        y = inner(x).view(-1, 3, 2)
        return (y + x[:, None, :1]).flatten(1)

    return Made(run, 6)


def _standardised(x: Any) -> Any:
    mean = x.mean(1, keepdim=True)
    return (x - mean) / torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)


ANYWHERE: dict[str, Draw] = {
    "Linear": linear,
    "ReLU": module(lambda _: nn.ReLU()),
    "ReLU6": module(lambda _: nn.ReLU6()),
    "Tanh": keeps(torch.tanh),
    "Sigmoid": keeps(torch.sigmoid),
    "GELU": keeps(F.gelu),
    "GELU with tanh": keeps(lambda x: F.gelu(x, approximate="tanh")),
    "ELU": module(lambda _: nn.ELU(0.7)),
    "SELU": keeps(F.selu),
    "CELU": module(lambda _: nn.CELU(0.4)),
    "SiLU": keeps(F.silu),
    "Mish": module(lambda _: nn.Mish()),
    "Softplus": keeps(lambda x: F.softplus(x, beta=2)),
    "LeakyReLU": module(lambda _: nn.LeakyReLU(0.2)),
    "PReLU": module(lambda _: nn.PReLU()),
    "Hardtanh": module(lambda _: nn.Hardtanh(-2, 3)),
    "Softsign": module(lambda _: nn.Softsign()),
    "Hardswish": keeps(F.hardswish),
    "Hardsigmoid": keeps(F.hardsigmoid),
    "clamp": keeps(lambda x: torch.clamp(x, min=-30.0, max=100.0)),
    "clip from below": keeps(lambda x: torch.clip(x, min=-5)),
    "maximum": keeps(lambda x: torch.maximum(x, torch.tensor(-1.0))),
    "Dropout": module(lambda _: nn.Dropout(0.3)),
    "Identity": module(lambda _: nn.Identity()),
    "LayerNorm": module(nn.LayerNorm),
    "LayerNorm without weights": module(lambda n: nn.LayerNorm(n, elementwise_affine=False)),
    "weight_norm": module(lambda n: nn.utils.parametrizations.weight_norm(nn.Linear(n, n))),
    "scaled": constants(lambda x, offset, scale: (x - offset) / scale),
    "unscaled": constants(lambda x, offset, scale: x * scale + offset),
    "divided": keeps(lambda x: x / 100),
    "negative": keeps(lambda x: 1 - x),
    "root": keeps(lambda x: torch.sqrt(F.softplus(x))),
    "square": keeps(lambda x: x * torch.tanh(x) ** 2),
    "quotient": keeps(lambda x: x / (1 + torch.tanh(x) ** 2)),
    "residual": residual,
    "gate": gate,
    "highway": highway,
    "beside itself": beside,
    "some features": some,
    "halves": halves,
    "in place": keeps(lambda x: F.relu_(x + 0.5)),
    "sum of a list": keeps(lambda x: sum([x, torch.tanh(x)])),
    "average of two": keeps(lambda x: 0.5 * (x + torch.sigmoid(x))),
    "turned twice": keeps(lambda x: x.transpose(-1, 0).transpose(0, -1)),
    "double": keeps(lambda x: x.double().float() if x.dtype == torch.float32 else x),
}
STEPS: dict[str, Draw] = {
    **ANYWHERE,
    "LSTM": recurrent(nn.LSTM),
    "LSTM, two layers": recurrent(nn.LSTM, num_layers=2, dropout=0.2),
    "LSTM, both directions": recurrent(nn.LSTM, bidirectional=True),
    "GRU": recurrent(nn.GRU),
    "GRU without bias": recurrent(nn.GRU, bias=False),
    "LSTM, time first": time_first,
    "GRUCell": cell,
    "BatchNorm1d": norm_of_steps,
    "less the last": keeps(lambda x: x - x[:, -1:]),
    "less the mean": keeps(lambda x: x - x.mean(1, keepdim=True)),
    "standardised": keeps(_standardised),
    "less the deviation": keeps(lambda x: x - x.std(1, keepdim=True, correction=0)),
    "mean beside": lambda random, width, add: Made(
        lambda x: torch.cat([x, x.mean(1, keepdim=True).expand_as(x)], 2), 2 * width
    ),
}
READ_OUTS: dict[str, Draw] = {
    "last": keeps(lambda x: x[:, -1]),
    "select": keeps(lambda x: x.select(1, -1)),
    "first": keeps(lambda x: x[:, 0, :]),
    "mean": keeps(lambda x: x.mean(dim=1)),
    "max": keeps(lambda x: torch.max(x, 1)[0]),
    "min": keeps(lambda x: x.min(dim=1).values),
    "sum": keeps(lambda x: x.sum(1)),
    "mean and deviation": lambda random, width, add: Made(
        lambda x: torch.cat([x.mean(1), torch.var_mean(x, 1)[0]], 1), 2 * width
    ),
    "pools": pools,
    "AdaptiveAvgPool1d": pool_module(lambda: nn.AdaptiveAvgPool1d(1)),
    "AdaptiveMaxPool1d": pool_module(lambda: nn.AdaptiveMaxPool1d(1)),
    "h_n": final,
    "both h_n": both_ends,
}
ROWS: dict[str, Draw] = {
    **ANYWHERE,
    "BatchNorm1d": norm_of_row,
    "GroupNorm": norm_of_groups,
    "heads": heads,
    "a horizon": horizon,
}


def plain(run: Callable[[Any], Any]) -> Callable[[int, Add], Callable[[Any], Any]]:
    return lambda width, add: run


def _attention(width: int, add: Add) -> Callable[[Any], Any]:
    attention = add(nn.MultiheadAttention(width, 1, batch_first=True))
    return lambda x: attention(x, x, x)[0]


def _instance_norm(width: int, add: Add) -> Callable[[Any], Any]:
    layer = add(nn.InstanceNorm1d(width))
    return lambda x: layer(x.transpose(1, 2)).transpose(1, 2)


def _convolution(width: int, add: Add) -> Callable[[Any], Any]:
    layer = add(nn.Conv1d(width, width, 3, padding=1))
    return lambda x: layer(x.transpose(1, 2)).transpose(1, 2)


LACKED: dict[str, Lacked] = {
    "softmax": Lacked(plain(lambda x: torch.softmax(x, -1)), "softmax"),
    "exp": Lacked(plain(lambda x: torch.exp(torch.tanh(x))), "exp"),
    "sin": Lacked(plain(torch.sin), "sin"),
    "abs": Lacked(plain(torch.abs), "abs"),
    "rsqrt": Lacked(plain(lambda x: torch.rsqrt(F.softplus(x))), "rsqrt"),
    "log1p": Lacked(plain(lambda x: torch.log1p(torch.relu(x))), "log1p"),
    "round": Lacked(plain(torch.round), "round"),
    "sign": Lacked(plain(torch.sign), "sign"),
    "floor": Lacked(plain(torch.floor), "floor"),
    "sort": Lacked(plain(lambda x: torch.sort(x, -1).values), "sort"),
    "cumsum of features": Lacked(plain(lambda x: x.cumsum(-1)), "cumsum"),
    "where": Lacked(plain(lambda x: torch.where(x > 0, x, x * x)), "gt"),
    "normalize": Lacked(plain(lambda x: F.normalize(x, dim=-1)), "normalize"),
    "Tanhshrink": Lacked(lambda _, add: add(nn.Tanhshrink()), "tanhshrink"),
    "Hardshrink": Lacked(lambda _, add: add(nn.Hardshrink()), "hardshrink"),
    "cube": Lacked(plain(lambda x: torch.tanh(x) ** 3), "power 3"),
    "data decides": Lacked(plain(lambda x: x if x.sum() > 1e9 else x + 1), "reads numbers"),
    "noise": Lacked(plain(lambda x: x + 0.1 * torch.randn(x.shape[-1])), "random"),
    "numpy": Lacked(plain(lambda x: torch.tensor(np.tanh(x.numpy()))), "numpy"),
    "flip": Lacked(plain(lambda x: x.flip(1)), "flip", on_steps=True),
    "cumsum": Lacked(plain(lambda x: x.cumsum(1)), "cumsum", on_steps=True),
    "median": Lacked(plain(lambda x: x - x.median(1, True)[0]), "median", on_steps=True),
    "roll": Lacked(plain(lambda x: x.roll(1, 1)), "roll", on_steps=True),
    "length": Lacked(plain(lambda x: x / x.shape[1]), "another batch or sequence", on_steps=True),
    "attention": Lacked(_attention, "ttention", on_steps=True),
    "InstanceNorm1d": Lacked(_instance_norm, "instance_norm", on_steps=True),
    "Conv1d": Lacked(_convolution, "conv1d", on_steps=True),
}
