"""The one nn.Module: a chain of stages in PyTorch, for eager runs, training and TorchScript."""

# No `from __future__ import annotations`: torch.jit.script reads the annotations of Scaler as objects.
from collections.abc import Iterator
from contextlib import contextmanager
from functools import singledispatch
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import InputError
from .arrays import Array
from .model import Model
from .runner import Runner
from .stages import LSTM, Affine, LastStep, Linear, Stage


def to_module(model: Model) -> nn.Sequential:
    """The chain as a module in evaluation mode.

    Maps float32 `x (batch, seq, input_size)` to `y (batch, output_size)` or `(batch, seq, output_size)`.
    """
    module = nn.Sequential()
    for index, stage in enumerate(model.stages):
        module.add_module(child_name(index, stage.name), _module(stage))
    return module.eval()


def child_name(index: int, stage: str) -> str:
    """The name of a stage's module: unlike the user's own names, never one that nn.Module or another stage has."""
    return f"{index}_{stage.replace('.', '_')}"


def eager(module: nn.Module) -> Runner:
    """A module as a Runner on its own device. It is put in evaluation mode.

    The Runner raises InputError where the module refuses an input, or answers with something else than a tensor.
    """
    module.eval()
    device = next(module.parameters(), torch.zeros(())).device

    def run(x: Array) -> Array:
        try:
            with torch.no_grad(), one_thread():
                y = module(torch.from_numpy(np.array(x, np.float32)).to(device))
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"the module refused x {x.shape}: {str(error).strip().splitlines()[-1]}") from error
        if not isinstance(y, Tensor):
            raise InputError(f"the module answered with a {type(y).__name__}, expected one tensor y")
        result: Array = y.cpu().numpy()
        return result

    return run


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch from splitting small matrices: on a busy machine its threads wait for each other for seconds."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class EveryStep(nn.Module):
    """An nn.LSTM that returns its output alone: every step, no state."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.lstm(x)[0]  # (batch, seq, hidden_size)
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


class Last(nn.Module):
    """The last step of `x (batch, seq, size)`."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]


@singledispatch
def _module(stage: Stage) -> nn.Module:
    raise NotImplementedError(f"no PyTorch module for {stage.kind}")


@_module.register
def _lstm(stage: LSTM) -> nn.Module:
    sizes = (stage.input_size, stage.hidden_size, stage.num_layers)
    lstm = nn.LSTM(*sizes, bias=stage.bias, batch_first=True, device="meta")
    return EveryStep(_filled(lstm, stage))


@_module.register
def _linear(stage: Linear) -> nn.Module:
    out_features, in_features = stage.weight.shape
    linear = nn.Linear(in_features, out_features, bias=stage.bias is not None, device="meta")
    return _filled(linear, stage)


@_module.register
def _affine(stage: Affine) -> nn.Module:
    return Scaler(torch.tensor(stage.offset), torch.tensor(stage.scale), stage.inverse)


@_module.register
def _last_step(stage: LastStep) -> nn.Module:
    return Last()


ModuleT = TypeVar("ModuleT", bound=nn.Module)


def _filled(module: ModuleT, stage: Stage) -> ModuleT:
    """A module made on the meta device, now with the stage's weights: none were drawn, no random state was moved."""
    module.load_state_dict({name: torch.tensor(array) for name, array in stage.arrays.items()}, assign=True)
    return module
