"""The modules that names and shapes of a state_dict tell of, as stages: recurrent layers, Linears, norms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import CheckpointError, UnsupportedModel
from ..model import GRU, LSTM, Activation, Affine, Array, LayerNorm, Linear, Recurrent, Stage
from .initial_states import take_states
from .listing import listed

# Prefixes that wrappers put in front of the user's own: DataParallel, torch.compile, Lightning and the like.
WRAPPERS = ("module.", "_orig_mod.", "model.", "torch_model.", "net.")
EPS = 1e-5  # torch's default of every norm; a state_dict does not hold it

_RECURRENT_KEY = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")
_CELL_KEYS = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
_NORM_KEYS = {"running_mean", "running_var"}
_LOSS = re.compile(r"(^|[._])(loss(_\w+)?|\w+_loss|criterion|metrics?)([._]|$)")
_ATTENTION = re.compile(r"(^|[._])(\w+_)?(attn?|attention)(_\w+)?([._0-9]|$)")
_EMBEDDING = re.compile(r"(^|[._])(\w+_)?emb(ed|edding|eddings)?(_\w+)?([._0-9]|$)")


@dataclass(frozen=True, eq=False)
class Part:
    """One module of the user's and what it becomes.

    Attributes:
        prefix: its place in the state_dict without the last dot; empty for the root.
        kind: the class in torch.nn, as far as shapes tell.
        stages: one stage; two for a BatchNorm1d.
        doubts: what names and shapes leave open about this module alone.
    """

    prefix: str
    kind: str
    stages: tuple[Stage, ...]
    doubts: tuple[str, ...] = ()

    @property
    def token(self) -> str:
        """How `--forward` names it."""
        return self.prefix or "."

    @property
    def name(self) -> str:
        """Its prefix without the wrappers, which say nothing about it."""
        return unwrapped(self.prefix)

    @property
    def is_recurrent(self) -> bool:
        """Whether it is an LSTM or a GRU."""
        return isinstance(self.stages[0], Recurrent)

    @property
    def is_linear(self) -> bool:
        """Whether it is a Linear."""
        return isinstance(self.stages[0], Linear)

    @property
    def widths(self) -> tuple[int | None, int | None]:
        """What it takes and what it yields; None where it takes any width and keeps it."""
        first = self.stages[0]
        if isinstance(first, Recurrent):
            return first.input_size, (1 + first.bidirectional) * first.state_size
        if isinstance(first, Linear):
            return int(first.weight.shape[1]), int(first.weight.shape[0])
        arrays = list(first.arrays.values())
        size = int(arrays[0].shape[0]) if arrays else None
        return size, size

    def describe(self) -> str:
        """Name, class and widths, for people: `lstm LSTM(10, 50)`."""
        takes, yields = self.widths
        if takes is None:
            return f"{self.prefix or 'the root'} {self.kind}"
        sizes = f"{takes}, {yields}" if self.is_recurrent or self.is_linear else f"{takes}"
        return f"{self.prefix or 'the root'} {self.kind}({sizes})"


@dataclass(frozen=True, eq=False)
class Parts:
    """Everything that a state_dict tells of.

    Attributes:
        known: the modules that a chain can hold, in the order of the file.
        unknown: what is in the way of a chain, by prefix or name: what it looks like.
        ignored: what no forward needs, one phrase each.
        sorted_by_writer: whether the file lists names alphabetically, so that their order says nothing.
    """

    known: tuple[Part, ...]
    unknown: Mapping[str, str]
    ignored: tuple[str, ...]
    sorted_by_writer: bool

    def describe(self) -> str:
        """The known modules, for people."""
        return ", ".join(part.describe() for part in self.known)


def unwrapped(prefix: str) -> str:
    """The prefix without the wrappers in front: `module.model.lstm` becomes `lstm`."""
    for wrapper in WRAPPERS:
        if prefix.startswith(wrapper):
            return unwrapped(prefix[len(wrapper) :])
    return prefix


def find_parts(arrays: Mapping[str, Array], eps: Mapping[str, float] | None = None) -> Parts:
    """Tell the modules of a state_dict apart.

    Args:
        arrays: float32 arrays under their full names, in the order of the file.
        eps: of norms, by prefix, where it is known.

    Raises:
        CheckpointError: there is no recurrent module, or one lacks weights or has some of no possible shape.
        UnsupportedModel: the recurrent module is a plain RNN.
    """
    groups, ignored = _groups(arrays)
    if not any(_is_recurrent(keys) for keys in groups.values()):
        raise CheckpointError(
            f"no LSTM and no GRU in it: expected a key ending in weight_ih_l0, got {listed(arrays) or 'nothing'}"
        )
    known: list[Part] = []
    unknown: dict[str, str] = {}
    for prefix, keys in groups.items():
        for own in _split(keys):
            found = _part(prefix, own, (eps or {}).get(prefix, EPS))
            if isinstance(found, Part):
                known.append(found)
            else:
                key = next(iter(own))  # of tensors that make up no module, each stands alone
                alone = "weight" not in own and "in_proj_weight" not in own
                unknown[f"{prefix}.{key}".lstrip(".") if alone else prefix or "the root"] = found
    unknown, known = take_states(unknown, known, arrays)
    return Parts(tuple(known), unknown, ignored, list(arrays) == sorted(arrays) and len(arrays) > 1)


def _groups(arrays: Mapping[str, Array]) -> tuple[dict[str, dict[str, Array]], tuple[str, ...]]:
    """The arrays by prefix, and what belongs to losses and metrics."""
    groups: dict[str, dict[str, Array]] = {}
    ignored = []
    for name, array in arrays.items():
        prefix, _, key = name.rpartition(".")
        if _LOSS.search(name):
            ignored.append(f"{name} {array.shape}, of a loss or metric")
        else:
            groups.setdefault(prefix, {})[key] = array
    return groups, tuple(ignored)


def _is_recurrent(keys: Mapping[str, Array]) -> bool:
    return any(_RECURRENT_KEY.fullmatch(key) for key in keys) or {"weight_ih", "weight_hh"} <= set(keys)


def _split(keys: Mapping[str, Array]) -> list[dict[str, Array]]:
    """The arrays of one prefix, those of a recurrent module apart from others beside them, each alone."""
    if not _is_recurrent(keys):
        layer = {key: array for key, array in keys.items() if key in ("weight", "bias", *_NORM_KEYS)}
    else:
        layer = {key: array for key, array in keys.items() if _RECURRENT_KEY.fullmatch(key) or key in _CELL_KEYS}
    others = [{key: array} for key, array in keys.items() if key not in layer]
    attention = [{key: array for key, array in keys.items() if key.startswith("in_proj")}]
    if attention[0]:
        others = attention
    return ([layer] if layer else []) + others


def _part(prefix: str, keys: dict[str, Array], eps: float) -> Part | str:
    """The module, or what it looks like where a chain cannot hold it."""
    shapes = {key: array.shape for key, array in keys.items()}
    if _is_recurrent(keys):
        return _recurrent(prefix, keys)
    if set(keys) >= _NORM_KEYS:
        return _batch_norm(prefix, keys, eps)
    if "in_proj_weight" in keys:
        return "a MultiheadAttention"
    if "weight" not in keys:  # such as a parameter of the user's own
        return f"a tensor {next(iter(shapes.values()))} that belongs to no module known here"
    for dimensions, looks in _LOOKS.items():
        if len(shapes["weight"]) == dimensions:
            return looks(prefix, keys, eps)
    return f"a weight {shapes['weight']} of no module known here"


def _matrix(prefix: str, keys: dict[str, Array], eps: float) -> Part | str:
    weight, bias = keys["weight"], keys.get("bias")
    if _ATTENTION.search(prefix):
        return f"attention, by its name, Linear{weight.shape[::-1]}"
    if bias is None and _EMBEDDING.search(prefix):
        return f"an Embedding{weight.shape}"
    return Part(prefix, "Linear", (Linear(prefix or "fc", weight, bias),))


def _vector(prefix: str, keys: dict[str, Array], eps: float) -> Part | str:
    weight, bias = keys["weight"], keys.get("bias")
    name, size = prefix or "norm", weight.shape[0]
    if bias is None and size == 1:
        slope = Activation(name, "leaky_relu", float(weight[0]))
        return Part(prefix, "PReLU", (slope,), (f"`{prefix}` has one weight, and is taken as a PReLU",))
    if bias is not None and bias.shape != weight.shape:
        return f"a weight {weight.shape} with a bias {bias.shape}"
    if re.search(r"(^|[._])(bn|batch_?norm)", prefix, re.IGNORECASE):
        return f"a BatchNorm1d({size}) without running statistics, by its name"
    doubts = (f"`{prefix}` is taken as a LayerNorm with eps {eps:g}; a state_dict does not hold either",)
    return Part(prefix, "LayerNorm", (LayerNorm(name, weight, bias, eps),), doubts)


_LOOKS: dict[int, Callable[[str, dict[str, Array], float], Part | str]] = {
    1: _vector,
    2: _matrix,
    3: lambda _, keys, __: f"a Conv1d, by its weight {keys['weight'].shape}",
    4: lambda _, keys, __: f"a Conv2d, by its weight {keys['weight'].shape}",
}


def _batch_norm(prefix: str, keys: dict[str, Array], eps: float) -> Part | str:
    """Two Affines: by the running statistics, then by weight and bias where there are any."""
    name, shapes = prefix or "norm", {array.shape for array in keys.values()}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes) or (keys["running_var"] < 0).any():
        return "a batch norm whose arrays differ in shape or whose variance is negative"
    scale = np.sqrt(keys["running_var"].astype(np.float64) + eps)
    stages: tuple[Stage, ...] = (Affine(name, keys["running_mean"], scale),)
    if "weight" in keys:
        bias = keys.get("bias", np.zeros_like(keys["weight"]))
        stages += (Affine(f"{name}.affine", bias, keys["weight"], inverse=True),)
    doubts = (f"`{prefix}`: its eps is not in the weights, torch's default {eps:g} is taken",) if eps == EPS else ()
    return Part(prefix, "BatchNorm1d", stages, doubts)


def _recurrent(prefix: str, keys: dict[str, Array]) -> Part:
    """An LSTM or a GRU, or the cell of one, told apart by how many gates are stacked."""
    name = prefix or "lstm"
    doubts: tuple[str, ...] = ()
    weights = keys
    if set(keys) <= _CELL_KEYS:
        weights = {f"{key}_l0": array for key, array in keys.items()}
        doubts = (f"`{name}` is a cell, taken as stepped over the sequence once from a zero state",)
    if not {"weight_ih_l0", "weight_hh_l0"} <= set(weights):
        raise CheckpointError(f"{name} has {listed(weights)}, expected weight_ih_l0 and weight_hh_l0 too")
    for key in ("weight_ih_l0", "weight_hh_l0", "weight_hr_l0"):
        if key in weights and (weights[key].ndim != 2 or not weights[key].size):
            raise CheckpointError(f"{name}.{key} is {weights[key].shape}, expected a matrix")
    shape = weights["weight_hh_l0"].shape
    gates = shape[0] / weights.get("weight_hr_l0", weights["weight_hh_l0"]).shape[-1]
    if gates == 1:
        raise UnsupportedModel(f"{name} is a plain RNN: its weight_hh_l0 is {shape}, an LSTM's is (4 * hidden, hidden)")
    kinds: dict[float, type[Recurrent]] = {4: LSTM, 3: GRU}
    if gates not in kinds:
        raise CheckpointError(f"{name}.weight_hh_l0 is {shape}, expected (4 * hidden_size, hidden_size)")
    kind = kinds[gates]
    if not prefix and kind is GRU:
        name = "gru"
    return Part(prefix, kind.kind, (kind(name, weights),), doubts)
