"""The one nn.Module: a model's stages in PyTorch, for eager runs, training and TorchScript."""

# No `from __future__ import annotations`: torch.jit.script reads annotations as objects.
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import singledispatch
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from .arrays import Array
from .model import Model
from .recurrent import LSTM, RNN, Recurrent
from .runner import Runner
from .stage import Stage
from .stages import (
    Activation,
    Affine,
    Clamp,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Pool,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
)
from .torch_graph import (
    POOLS,
    Columns,
    Ending,
    Leaky,
    Mean,
    Replaced,
    RootMeanSquared,
    SquareRoot,
    for_every_row,
)
from .torch_wiring import needs_wiring, wired


def to_module(model: Model) -> nn.Sequential:
    """The model as a module in evaluation mode.

    Maps float32 `x (batch, seq, input_size)` to `y (batch, output_size)`, or to
    `(batch, seq, output_size)` where every step is answered.
    """
    if needs_wiring(model):
        names = [child_name(index, stage.name) for index, stage in enumerate(model.stages)]
        modules = [_stage(model, index) for index in range(len(model.stages))]
        return wired(model, names, modules).eval()
    module = nn.Sequential()
    for index, stage in enumerate(model.stages):
        module.add_module(child_name(index, stage.name), _stage(model, index))
    return module.eval()


def _stage(model: Model, index: int) -> nn.Module:
    """The module of one stage, which takes a single value."""
    stage = model.stages[index]
    if isinstance(stage, LastHidden):
        recurrent = model.stages[model.sources[index][0]]
        return Hidden(isinstance(recurrent, Recurrent) and recurrent.bidirectional)
    return _module(stage)


def child_name(index: int, stage: str) -> str:
    """The name of a stage's module: never one that nn.Module or another stage has."""
    return f"{index}_{stage.replace('.', '_')}"


def eager(module: nn.Module) -> Runner:
    """A module as a Runner on its own device. It is put in evaluation mode.

    The Runner raises InputError where the module refuses an input, or answers with something else
    than a tensor.
    """
    module.eval()
    device = next(module.parameters(), torch.zeros(())).device  # the CPU where it has no parameter

    def run(x: Array) -> Array:
        try:
            with torch.no_grad(), one_thread(), _projections_accepted():
                y = module(torch.from_numpy(np.array(x, np.float32)).to(device))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            reason = str(error).strip().splitlines()[-1]
            raise InputError(f"the module refused x {x.shape}: {reason}") from error
        if not isinstance(y, Tensor):
            got = f"the module answered with a {type(y).__name__}"
            raise InputError(f"{got}, expected one tensor y")
        result: Array = y.cpu().numpy()
        return result

    return run


@contextmanager
def _projections_accepted() -> Iterator[None]:
    """Without torch's warning that oneDNN lacks proj_size: its own kernel computes the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "LSTM with projections", UserWarning)
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch from splitting small matrices.

    On a busy machine its threads wait for each other for seconds.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class EveryStep(nn.Module):
    """An nn.LSTM or nn.GRU that returns its output alone: every step, no state."""

    def __init__(self, rnn: nn.RNNBase) -> None:
        super().__init__()
        self.rnn = rnn

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rnn(x)[0]  # (batch, seq, directions * hidden_size)
        return y


class LSTMFromState(nn.Module):
    """An nn.LSTM that starts from a learned state."""

    h0: Tensor
    c0: Tensor

    def __init__(self, rnn: nn.RNNBase, h0: Tensor, c0: Tensor) -> None:
        super().__init__()
        self.rnn = rnn
        self.register_buffer("h0", h0)  # (num_layers * directions, size)
        self.register_buffer("c0", c0)

    def forward(self, x: Tensor) -> Tensor:
        start = (for_every_row(self.h0, x), for_every_row(self.c0, x))
        y: Tensor = self.rnn(x, start)[0]
        return y


class HiddenFromState(nn.Module):
    """An nn.GRU or nn.RNN, which have no cell state, that starts from a learned h."""

    h0: Tensor

    def __init__(self, rnn: nn.RNNBase, h0: Tensor) -> None:
        super().__init__()
        self.rnn = rnn
        self.register_buffer("h0", h0)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rnn(x, for_every_row(self.h0, x))[0]
        return y


class Scaler(nn.Module):
    """`(x - offset) / scale`, or `x * scale + offset` when `inverse`."""

    offset: Tensor
    scale: Tensor

    def __init__(self, offset: Tensor, scale: Tensor, inverse: bool) -> None:
        super().__init__()
        self.register_buffer("offset", offset)
        self.register_buffer("scale", scale)
        self.inverse = inverse

    def forward(self, x: Tensor) -> Tensor:
        if self.inverse:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale


class Normalized(nn.Module):
    """An nn.LayerNorm without weights, over the last axis, however wide that is."""

    def __init__(self, eps: float) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.layer_norm(x, (x.size(-1),), eps=self.eps)


class Clamped(nn.Module):
    """Values kept between two bounds, of which one may be absent."""

    def __init__(self, low: float | None, high: float | None) -> None:
        super().__init__()
        self.low = low
        self.high = high

    def forward(self, x: Tensor) -> Tensor:
        return torch.clamp(x, self.low, self.high)


class Last(nn.Module):
    """The last step of `x (batch, seq, size)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]


class Hidden(nn.Module):
    """The final hidden state out of every step, `cat(h_n[-2], h_n[-1])` where bidirectional."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.bidirectional = bidirectional

    def forward(self, x: Tensor) -> Tensor:
        if not self.bidirectional:
            return x[:, -1]
        size = x.size(2) // 2
        return torch.cat([x[:, -1, :size], x[:, 0, size:]], dim=-1)


@singledispatch
def _module(stage: Stage) -> nn.Module:
    raise NotImplementedError(f"no PyTorch module for {stage.kind}")


@_module.register
def _recurrent(stage: Recurrent) -> nn.Module:
    rnn = _rnn(stage)
    if not stage.has_initial_state:
        return EveryStep(rnn)
    states = [torch.tensor(stage.initial(state)) for state in stage.states]
    is_lstm = isinstance(stage, LSTM)
    return LSTMFromState(rnn, *states) if is_lstm else HiddenFromState(rnn, *states)


def _rnn(stage: Recurrent) -> nn.RNNBase:
    sizes = (stage.input_size, stage.hidden_size, stage.num_layers)
    options = {
        "bias": stage.bias,
        "batch_first": True,
        "bidirectional": stage.bidirectional,
        "device": "meta",  # no memory, no random weights: `_filled` gives it ours
    }
    if stage.proj_size:
        options["proj_size"] = stage.proj_size
    if isinstance(stage, RNN):
        options["nonlinearity"] = stage.nonlinearity
    rnn: nn.RNNBase = _BY_KIND[stage.kind](*sizes, **options)
    own = dict(stage.arrays)
    for state in ("h0", "c0"):  # a module is handed them
        own.pop(state, None)
    _filled(rnn, own)
    return rnn


_BY_KIND = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


@_module.register
def _linear(stage: Linear) -> nn.Module:
    out_features, in_features = stage.weight.shape
    linear = nn.Linear(in_features, out_features, bias=stage.bias is not None, device="meta")
    return _filled(linear, stage.arrays)


@_module.register
def _affine(stage: Affine) -> nn.Module:
    return Scaler(torch.tensor(stage.offset), torch.tensor(stage.scale), stage.inverse)


@_module.register
def _last_step(stage: LastStep) -> nn.Module:
    return Last()


@_module.register
def _join(stage: Join) -> nn.Module:
    return nn.Identity()  # a node of the graph does it


@_module.register
def _slice(stage: Slice) -> nn.Module:
    return Columns(stage.features)


@_module.register
def _last_steps(stage: LastSteps) -> nn.Module:
    return Ending(stage.count)


@_module.register
def _flatten(stage: Flatten) -> nn.Module:
    return nn.Flatten()


@_module.register
def _replace(stage: Replace) -> nn.Module:
    return Replaced(stage.value, stage.by)


@_module.register
def _rms_norm(stage: RMSNorm) -> nn.Module:
    # TorchScript has no optional buffer: an empty one stands for none
    weight = torch.zeros(0) if stage.weight is None else torch.tensor(stage.weight)
    return RootMeanSquared(weight, stage.eps)


@_module.register
def _prelu(stage: PReLU) -> nn.Module:
    return Leaky(torch.tensor(stage.weight))


@_module.register
def _pool(stage: Pool) -> nn.Module:
    if stage.mode == "mean":
        return Mean(stage.correction)
    return POOLS[stage.mode]()


@_module.register
def _layer_norm(stage: LayerNorm) -> nn.Module:
    if stage.weight is None:
        return Normalized(stage.eps)
    norm = nn.LayerNorm(stage.weight.size, stage.eps, bias=stage.bias is not None, device="meta")
    return _filled(norm, stage.arrays)


_ACTIVATIONS: dict[str, Callable[[float], nn.Module]] = {
    "relu": lambda _: nn.ReLU(),
    "tanh": lambda _: nn.Tanh(),
    "sigmoid": lambda _: nn.Sigmoid(),
    "gelu": lambda _: nn.GELU(),
    "gelu_tanh": lambda _: nn.GELU(approximate="tanh"),
    "silu": lambda _: nn.SiLU(),
    "softplus": lambda _: nn.Softplus(),
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "mish": lambda _: nn.Mish(),
    "selu": lambda _: nn.SELU(),
    "celu": nn.CELU,
    "hardswish": lambda _: nn.Hardswish(),
    "hardsigmoid": lambda _: nn.Hardsigmoid(),
    "sqrt": lambda _: SquareRoot(),
    "softsign": lambda _: nn.Softsign(),
}


@_module.register
def _clamp(stage: Clamp) -> nn.Module:
    return Clamped(stage.low, stage.high)


@_module.register
def _activation(stage: Activation) -> nn.Module:
    return _ACTIVATIONS[stage.function](stage.parameter or 0.0)


ModuleT = TypeVar("ModuleT", bound=nn.Module)


def _filled(module: ModuleT, arrays: Mapping[str, Array]) -> ModuleT:
    """A module made on the meta device, now with these weights.

    So none were drawn, and no random state was moved.
    """
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    module.load_state_dict(tensors, assign=True)
    return module
