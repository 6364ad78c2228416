"""Forwards as users write them: what is translated, and what is refused and how."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class Net(nn.Module):  # type: ignore[misc, name-defined]
    """An LSTM, a head, and a forward that is given."""

    def __init__(self, answer: Callable[[Any, Any], Any], **parts: Any) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.fc = nn.Linear(8, 2)
        self.register_buffer("mean", torch.tensor([10.0, -20.0, 300.0]))
        self.register_buffer("std", torch.tensor([2.0, 30.0, 100.0]))
        for name, part in parts.items():
            setattr(self, name, part)
        self.answer = answer

    def last(self, x: Any) -> Any:
        return self.lstm(x)[0][:, -1]

    def forward(self, x: Any) -> Any:
        return self.answer(self, x)


@dataclass(frozen=True)
class Kind:
    """What a user writes.

    Attributes:
        answer: the forward.
        parts: modules beside the LSTM and the head.
        refused: what the refusal has to say; empty where the module has to be exported right.
        holds: stages that the chain has to hold.
    """

    answer: Callable[[Any, Any], Any]
    parts: Callable[[], dict[str, Any]] = dict
    refused: str = ""
    holds: tuple[str, ...] = ()


def in_place(m: Any, x: Any) -> Any:
    out, _ = m.lstm(x)
    last = out[:, -1]
    F.relu_(last)
    return m.fc(out[:, -1])


def assigned(m: Any, x: Any) -> Any:
    out, _ = m.lstm(x)
    out[:, -1, 0] = 0.0
    return m.fc(out[:, -1])


def filled(m: Any, x: Any) -> Any:
    kept = torch.zeros(len(x), 8)
    kept[:, :] = m.last(x)
    return m.fc(kept)


def decided(m: Any, x: Any) -> Any:
    y = m.fc(m.last(x))
    return y if y.mean() > 0 else -y


def through_numpy(m: Any, x: Any) -> Any:
    return m.fc(torch.from_numpy(np.tanh(m.last(x).numpy())))


def scripted(m: Any, x: Any) -> Any:
    return m.inner(m.last(x))


def script_inside() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that TorchScript is deprecated
        return {"inner": torch.jit.script(nn.Linear(8, 2))}


def stateful(m: Any, x: Any) -> Any:
    m.seen = m.seen + 1 if hasattr(m, "seen") else torch.zeros(())
    return m.fc(m.last(x)) + m.seen


def carried(m: Any, x: Any) -> Any:
    state = (
        m.state if getattr(m, "state", None) is not None and m.state[0].shape[1] == len(x) else None
    )
    out, m.state = m.lstm(x, state)
    return m.fc(out[:, -1])


def long_enough(m: Any, x: Any) -> Any:
    y = m.fc(m.last(x))
    return torch.tanh(y) if x.shape[1] > 10 else y


def one_row(m: Any, x: Any) -> Any:
    y = m.fc(m.last(x))
    return y if len(x) > 1 else 2 * y


def chosen(m: Any, x: Any) -> Any:
    y = m.fc(m.last(x))
    return torch.where(y > 0, y, 3 * y)


def dead(m: Any, x: Any) -> Any:
    out, _ = m.lstm(x)
    torch.softmax(out, dim=1)  # looked at and thrown away
    return m.fc(out[:, -1])


def before(act: Callable[[], Any]) -> Callable[[], dict[str, Any]]:
    """A Linear before the LSTM, whose answers grow with x, and an activation."""
    return lambda: {"pre": nn.Linear(3, 3), "act": act()}


PLAIN: dict[str, Kind] = {
    # Activations and limits
    "ReLU6": Kind(lambda m, x: m.fc(m.last(m.act(m.pre(x)))), before(nn.ReLU6), holds=("clamp",)),
    "Hardtanh": Kind(
        lambda m, x: m.fc(m.last(m.act(m.pre(x)))), before(nn.Hardtanh), holds=("clamp",)
    ),
    "Hardtanh of one's own": Kind(
        lambda m, x: m.fc(m.last(F.hardtanh(m.pre(x), -0.2, 0.7))),
        before(nn.Identity),
        holds=("clamp",),
    ),
    "Hardswish": Kind(
        lambda m, x: m.fc(m.last(m.act(m.pre(x)))), before(nn.Hardswish), holds=("hardswish",)
    ),
    "Hardsigmoid": Kind(
        lambda m, x: m.fc(m.last(m.act(m.pre(x)))), before(nn.Hardsigmoid), holds=("hardsigmoid",)
    ),
    "Mish": Kind(lambda m, x: m.fc(m.last(m.act(m.pre(x)))), before(nn.Mish), holds=("mish",)),
    "SELU": Kind(lambda m, x: m.fc(m.last(F.selu(m.pre(x)))), before(nn.Identity), holds=("selu",)),
    "CELU": Kind(
        lambda m, x: m.fc(m.last(F.celu(m.pre(x), 0.3))), before(nn.Identity), holds=("celu",)
    ),
    "Softsign": Kind(lambda m, x: m.fc(F.softsign(m.last(x))), holds=("softsign",)),
    "GroupNorm of a row": Kind(
        lambda m, x: m.fc(m.act(m.last(x))), lambda: {"act": nn.GroupNorm(2, 8)}, holds=("concat",)
    ),
    "GroupNorm of one group": Kind(
        lambda m, x: m.fc(m.act(m.last(x))), lambda: {"act": nn.GroupNorm(1, 8)}, holds=("act",)
    ),
    "GroupNorm of single features": Kind(
        lambda m, x: m.fc(m.act(m.last(x))),
        lambda: {"act": nn.GroupNorm(8, 8)},
        refused="every feature alone",
    ),
    "GroupNorm of features and steps": Kind(
        lambda m, x: m.fc(m.act(m.lstm(x)[0].transpose(1, 2))[:, :, -1]),
        lambda: {"act": nn.GroupNorm(2, 8)},
        refused="normalises along the steps",
    ),
    "InstanceNorm1d": Kind(
        lambda m, x: m.fc(m.act(m.lstm(x)[0].transpose(1, 2))[:, :, -1]),
        lambda: {"act": nn.InstanceNorm1d(8, affine=True)},
        refused="normalises along the steps",
    ),
    "Softplus from a threshold": Kind(
        lambda m, x: F.softplus(m.fc(m.last(x)), threshold=2), refused="jumps at its threshold 2"
    ),
    "Softplus with beta": Kind(
        lambda m, x: F.softplus(m.fc(m.last(x)), beta=2, threshold=15),
        holds=("softplus",),
    ),
    "clamp": Kind(lambda m, x: m.fc(m.last(x)).clamp(-0.1, 0.2), holds=("clamp",)),
    "clip": Kind(lambda m, x: torch.clip(m.fc(m.last(x)), max=0.1), holds=("clamp",)),
    "max with a tensor": Kind(
        lambda m, x: torch.max(m.fc(m.last(x)), torch.zeros(1)), holds=("relu",)
    ),
    "min with a tensor": Kind(
        lambda m, x: torch.min(m.fc(m.last(x)), torch.full((1,), 0.1)), holds=("clamp",)
    ),
    "clamp from 0": Kind(lambda m, x: torch.clamp(m.fc(m.last(x)), min=0), holds=("relu",)),
    "clamp by a buffer": Kind(
        lambda m, x: m.fc(m.last(x)).clamp(max=m.mean[:2]), refused="no two numbers"
    ),
    "threshold": Kind(
        lambda m, x: F.threshold(m.fc(m.last(x)), 0.1, 20.0), refused="threshold in Net.*puts 20.0"
    ),
    "maximum": Kind(
        lambda m, x: torch.maximum(m.fc(m.last(x)), torch.tensor(0.1)), holds=("clamp",)
    ),
    "where": Kind(chosen, refused="gt"),
    "softmax": Kind(lambda m, x: m.fc(m.last(x)).softmax(-1), refused="softmax"),
    "GELU with tanh": Kind(
        lambda m, x: m.fc(F.gelu(m.last(x), approximate="tanh")), holds=("gelu_tanh",)
    ),
    "a slope of many digits": Kind(
        lambda m, x: m.fc(F.leaky_relu(m.last(x), 0.123456789)), holds=("leaky_relu",)
    ),
    "ELU with alpha": Kind(lambda m, x: m.fc(F.elu(m.last(x), 0.3)), holds=("elu",)),
    "exp": Kind(lambda m, x: torch.exp(m.fc(m.last(x))), refused="exp"),
    # Constants
    "x / 100": Kind(lambda m, x: m.fc(m.last(x / 100)), holds=("normalize",)),
    "scaler buffers": Kind(lambda m, x: m.fc(m.last((x - m.mean) / m.std)), holds=("normalize",)),
    "answer in units": Kind(lambda m, x: m.fc(m.last(x)) * 25.0 + 100.0, holds=("denormalize",)),
    "1 - y": Kind(lambda m, x: 1 - m.fc(m.last(x)), holds=("denormalize",)),
    "negative": Kind(lambda m, x: -m.fc(m.last(x)), holds=("denormalize",)),
    "a matrix of one's own": Kind(
        lambda m, x: m.last(x) @ m.matrix,
        lambda: {"matrix": nn.Parameter(torch.randn(8, 2))},
        holds=("matrix",),
    ),
    "einsum with a matrix": Kind(
        lambda m, x: torch.einsum("io,b i->bo", m.matrix, m.last(x)),
        lambda: {"matrix": nn.Parameter(torch.randn(8, 2))},
        holds=("matrix",),
    ),
    "einsum with a matrix's diagonal": Kind(
        lambda m, x: m.fc(torch.einsum("bi,ii->bi", m.last(x), m.matrix)),
        lambda: {"matrix": nn.Parameter(torch.randn(8, 8))},
        refused="einsum in Net.*'bi,ii->bi'",
    ),
    "1 / y": Kind(lambda m, x: 1 / m.fc(m.last(x)), refused="divides by data"),
    "positions": Kind(
        lambda m, x: m.fc(m.last(x + torch.arange(x.shape[1])[:, None])), refused="along the steps"
    ),
    "length of the sequence": Kind(
        lambda m, x: m.fc(m.last(x)) / x.shape[1], refused="another batch or sequence"
    ),
    # What is not the module's alone
    "dropout that is always on": Kind(
        lambda m, x: m.fc(F.dropout(m.last(x), 0.5)), refused="random"
    ),
    "noise": Kind(lambda m, x: m.fc(m.last(x)) + torch.randn(2), refused="random"),
    "a counter": Kind(stateful, refused="keeps a state between calls"),
    "a state that is carried on": Kind(carried, refused="keeps a state between calls"),
    "control flow on data": Kind(decided, refused="bool in .*reads numbers out of data"),
    "control flow on one row": Kind(one_row, refused="for a batch of one row"),
    "control flow on shapes": Kind(long_enough, refused="another batch or sequence length"),
    "numpy": Kind(through_numpy, refused="numpy in .*reads numbers out of data"),
    "in place through a view": Kind(in_place, refused="relu in place"),
    "assigned": Kind(assigned, refused="setitem"),
    "filled": Kind(filled, refused="setitem"),
    "scripted inside": Kind(scripted, script_inside, "cannot be followed"),
    "half precision": Kind(lambda m, x: m.fc(m.last(x)).half().float(), refused="half"),
    "rounded": Kind(lambda m, x: m.fc(m.last(x)).round(), refused="round"),
    # Weights as they are used
    "weight_norm": Kind(
        lambda m, x: m.wn(m.last(x)),
        lambda: {"wn": nn.utils.parametrizations.weight_norm(nn.Linear(8, 2))},
        holds=("wn",),
    ),
    "spectral_norm": Kind(
        lambda m, x: m.sn(m.last(x)),
        lambda: {"sn": nn.utils.parametrizations.spectral_norm(nn.Linear(8, 2))},
        holds=("sn",),
    ),
    "tied": Kind(lambda m, x: F.linear(m.fc(m.last(x)), m.fc.weight.T), holds=("fc",)),
    "used twice": Kind(
        lambda m, x: m.sq(m.sq(m.last(x))), lambda: {"sq": nn.Linear(8, 8)}, holds=("sq", "sq_2")
    ),
    "dead operation": Kind(dead, holds=("lstm", "last", "fc")),
    "named as a loss": Kind(
        lambda m, x: m.loss_head(m.last(x)),
        lambda: {"loss_head": nn.Linear(8, 1)},
        holds=("loss_head",),
    ),
    "unused Linear": Kind(
        lambda m, x: m.fc(m.last(x)), lambda: {"spare": nn.Linear(8, 8)}, holds=("fc",)
    ),
}
