"""Tells the modules of a state_dict apart: recurrent layers, Linears, norms, the unknown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from ..errors import CheckpointError
from ..model import GRU, LSTM, RNN, Activation, Affine, Array, LayerNorm, Linear, Recurrent, Stage
from .auxiliary import sounds_auxiliary
from .initial_states import take_states
from .listing import listed
from .parts import Part, Parts

EPS = 1e-5  # torch's default of every norm; a state_dict does not hold it
_GATES: Mapping[float, type[Recurrent]] = {4: LSTM, 3: GRU, 1: RNN}

_RECURRENT_KEY = re.compile(r"(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?")
_CELL_KEYS = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"}
_NORM_KEYS = {"running_mean", "running_var"}
_LAYER_KEYS = {"weight", "bias", *_NORM_KEYS}
_ATTENTION = re.compile(r"(^|[._])(\w+_)?(attn?|attention)(_\w+)?([._0-9]|$)")
_EMBEDDING = re.compile(r"(^|[._])(\w+_)?emb(ed|edding|eddings)?(_\w+)?([._0-9]|$)")
_BATCH_NORM = re.compile(r"(^|[._])(bn|batch_?norm)", re.IGNORECASE)

_Keys = dict[str, Array]  # arrays of one prefix, by what follows its last dot


def find_parts(arrays: Mapping[str, Array]) -> Parts:
    """Tell the modules of a state_dict apart.

    Args:
        arrays: float32 arrays under their full names, in the order of the file.

    Raises:
        CheckpointError: there is no recurrent module, or one lacks weights or has some of no
            possible shape.
    """
    groups = _groups(arrays)
    if not any(_is_recurrent(keys) for keys in groups.values()):
        expected = "expected a key ending in weight_ih_l0"
        got = listed(arrays) or "nothing"
        raise CheckpointError(f"no LSTM, GRU or RNN in it: {expected}, got {got}")
    known: list[Part] = []
    unknown: dict[str, str] = {}
    for prefix, keys in groups.items():
        for own in _split(keys):
            found = _part(prefix, own, EPS)
            if isinstance(found, Part):
                known.append(found)
            else:
                unknown[_unknown_name(prefix, own)] = found
    unknown, known = take_states(unknown, known, arrays)
    aside = {name: looks for name, looks in unknown.items() if _is_aside(name, arrays)}
    in_the_way = {name: looks for name, looks in unknown.items() if name not in aside}
    sorted_by_writer = len(arrays) > 1 and list(arrays) == sorted(arrays)
    return Parts(tuple(known), in_the_way, aside, sorted_by_writer)


def _is_aside(name: str, arrays: Mapping[str, Array]) -> bool:
    """Whether a chain may do without: a single value, or something of a loss or metric."""
    is_value = name in arrays and arrays[name].ndim == 0
    return is_value or sounds_auxiliary(name)


def _groups(arrays: Mapping[str, Array]) -> dict[str, _Keys]:
    """The arrays by prefix."""
    groups: dict[str, _Keys] = {}
    for name, array in arrays.items():
        prefix, _, key = name.rpartition(".")
        groups.setdefault(prefix, {})[key] = array
    return groups


def _is_recurrent(keys: Mapping[str, Array]) -> bool:
    is_cell = keys.keys() >= {"weight_ih", "weight_hh"}
    return is_cell or any(map(_RECURRENT_KEY.fullmatch, keys))


def _split(keys: _Keys) -> list[_Keys]:
    """The arrays of one prefix: those of a layer together, others beside them each alone."""
    is_recurrent = _is_recurrent(keys)
    layer: _Keys = {}
    attention: _Keys = {}
    alone: list[_Keys] = []
    for key, array in keys.items():
        in_recurrent = key in _CELL_KEYS or _RECURRENT_KEY.fullmatch(key) is not None
        if in_recurrent if is_recurrent else key in _LAYER_KEYS:
            layer[key] = array
        elif key.startswith("in_proj"):
            attention[key] = array
        else:
            alone.append({key: array})
    others = [attention] if attention else alone
    return [layer, *others] if layer else others


def _unknown_name(prefix: str, keys: _Keys) -> str:
    """The module's prefix; the full name of a tensor that makes up no module."""
    if "weight" in keys or "in_proj_weight" in keys:
        return prefix or "the root"
    key = next(iter(keys))
    return f"{prefix}.{key}" if prefix else key


def _part(prefix: str, keys: _Keys, eps: float) -> Part | str:
    """The module, or what it looks like where a chain cannot hold it."""
    if _is_recurrent(keys):
        return _recurrent(prefix, keys)
    if keys.keys() >= _NORM_KEYS:
        return batch_norm(prefix, keys, eps)
    if "in_proj_weight" in keys:
        return "a MultiheadAttention"
    weight = keys.get("weight")
    if weight is None or weight.ndim == 0:  # such as a parameter of the user's own
        return _loose_tensor(next(iter(keys.values())))
    if weight.ndim in _LOOKS:
        return _LOOKS[weight.ndim](prefix, keys, eps)
    return f"a weight {weight.shape} of no module known here"


def _loose_tensor(array: Array) -> str:
    if array.ndim == 0:
        return f"a single value, {float(array):.6g}"
    return f"a tensor {array.shape} that belongs to no module known here"


def _matrix(prefix: str, keys: _Keys, eps: float) -> Part | str:
    weight = keys["weight"]  # (output_size, input_size)
    bias = keys.get("bias")
    if _ATTENTION.search(prefix):
        return f"attention, by its name, Linear{weight.shape[::-1]}"
    if bias is None and _EMBEDDING.search(prefix):
        return f"an Embedding{weight.shape}"
    return Part(prefix, "Linear", (Linear(prefix or "fc", weight, bias),))


def _vector(prefix: str, keys: _Keys, eps: float) -> Part | str:
    weight = keys["weight"]  # (features,)
    bias = keys.get("bias")
    name = prefix or "norm"
    size = weight.shape[0]
    if bias is None and size == 1:
        slope = Activation(name, "leaky_relu", float(weight[0]))
        doubt = f"`{prefix}` has one weight, and is taken as a PReLU"
        return Part(prefix, "PReLU", (slope,), (doubt,))
    if bias is not None and bias.shape != weight.shape:
        return f"a weight {weight.shape} with a bias {bias.shape}"
    if _BATCH_NORM.search(prefix):
        return f"a BatchNorm1d({size}) without running statistics, by its name"
    taken = f"`{prefix}` is taken as a LayerNorm with eps {eps:g}"
    doubt = f"{taken}; a state_dict does not hold either"
    if bias is None:
        others = f"{prefix or '.'}(rms_norm) and {prefix or '.'}(prelu)"
        doubt = f"{doubt}, and {others} have the same weights"
    return Part(prefix, "LayerNorm", (LayerNorm(name, weight, bias, eps),), (doubt,))


def _convolution(kind: str) -> Callable[[str, _Keys, float], str]:
    return lambda _prefix, keys, _eps: f"a {kind}, by its weight {keys['weight'].shape}"


# Number of axes of a weight -> what it is.
_LOOKS: Mapping[int, Callable[[str, _Keys, float], Part | str]] = {
    1: _vector,
    2: _matrix,
    3: _convolution("Conv1d"),
    4: _convolution("Conv2d"),
}


def batch_norm(prefix: str, keys: _Keys, eps: float) -> Part | str:
    """Two Affines: by the running statistics, then by weight and bias where there are any."""
    name = prefix or "norm"
    shapes = {array.shape for array in keys.values()}
    are_vectors = all(len(shape) == 1 for shape in shapes)
    running_var = keys["running_var"].astype(np.float64)  # (features,)
    if len(shapes) > 1 or not are_vectors or (running_var < 0).any():
        return "a batch norm whose arrays differ in shape or whose variance is negative"
    stages: list[Stage] = [Affine(name, keys["running_mean"], np.sqrt(running_var + eps))]
    if "weight" in keys:
        weight = keys["weight"]
        bias = keys.get("bias", np.zeros_like(weight))
        stages.append(Affine(f"{name}.affine", bias, weight, inverse=True))
    doubts: tuple[str, ...] = ()
    if eps == EPS:
        doubts = (f"`{prefix}`: its eps is not in the weights, torch's default {eps:g} is taken",)
    return Part(prefix, "BatchNorm1d", tuple(stages), doubts)


def _recurrent(prefix: str, keys: _Keys) -> Part:
    """An LSTM, a GRU or an RNN, or the cell of one, told apart by how many gates are stacked."""
    name = prefix or "lstm"
    doubts: tuple[str, ...] = ()
    weights = keys
    if keys.keys() <= _CELL_KEYS:
        weights = {f"{key}_l0": array for key, array in keys.items()}
        doubts = (f"`{name}` is a cell, taken as stepped over the sequence once from a zero state",)
    kind = _recurrent_kind(name, weights)
    if not prefix:
        name = kind.kind.lower()
    if kind is RNN:
        taken = f"`{name}` is an RNN, taken with tanh; relu would have the same weights"
        doubts = (*doubts, f"{taken}: {prefix or '.'}(relu)")
    return Part(prefix, kind.kind, (kind(name, weights),), doubts)


def _recurrent_kind(name: str, weights: _Keys) -> type[Recurrent]:
    """LSTM, GRU or RNN: `weight_hh_l0` is (gates * hidden_size, hidden_size or proj_size)."""
    if not weights.keys() >= {"weight_ih_l0", "weight_hh_l0"}:
        got = listed(weights)
        raise CheckpointError(f"{name} has {got}, expected weight_ih_l0 and weight_hh_l0 too")
    for key in ("weight_ih_l0", "weight_hh_l0", "weight_hr_l0"):
        if key in weights and (weights[key].ndim != 2 or not weights[key].size):
            raise CheckpointError(f"{name}.{key} is {weights[key].shape}, expected a matrix")
    weight_hh = weights["weight_hh_l0"]
    # weight_hr_l0 is (proj_size, hidden_size): where there is a projection it tells hidden_size.
    hidden_size = weights.get("weight_hr_l0", weight_hh).shape[-1]
    gates = weight_hh.shape[0] / hidden_size
    found = f"weight_hh_l0 is {weight_hh.shape}"
    if gates not in _GATES:
        expected = "expected (4 * hidden_size, hidden_size)"
        raise CheckpointError(f"{name}.{found}, {expected}")
    return _GATES[gates]
