"""The chain that a bare state_dict suggests. A state_dict does not fix the forward, so the chain is assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import CheckpointError, UnsupportedModel
from ..model import LSTM, Array, LastStep, Linear, Model, Signature, Stage

RECURRENT = re.compile(r"(?P<prefix>.*?)(?P<key>(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?)")


def assume_chain(arrays: Mapping[str, Array]) -> Model:
    """`lstm, last, fc`: one LSTM under any prefix, the last step, one Linear; the names are taken from the keys.

    Raises:
        CheckpointError: other keys than those; the message names them.
        UnsupportedModel: a GRU, an RNN, a bidirectional or a projected LSTM.
    """
    matches = {key: match for key in arrays if (match := RECURRENT.fullmatch(key))}
    prefixes = {match["prefix"] for match in matches.values()}
    if not prefixes:
        raise CheckpointError(f"no LSTM in it: expected a key ending in weight_ih_l0, got {_list(arrays) or 'nothing'}")
    if len(prefixes) > 1:
        raise UnsupportedModel(f"{len(prefixes)} recurrent modules ({_list(prefixes)}), expected one")
    lstm = _lstm(prefixes.pop(), {match["key"]: arrays[key] for key, match in matches.items()})
    linear = _linear({key: array for key, array in arrays.items() if key not in matches})
    last = LastStep("@last" if "last" in (lstm.name, linear.name) else "last")
    stages: tuple[Stage, ...] = (lstm, last, linear)
    return Model(stages, Signature(lstm.input_size, int(linear.weight.shape[0])), origin="assumed")


def _lstm(prefix: str, weights: dict[str, Array]) -> LSTM:
    name = prefix.rstrip(".") or "lstm"
    if any(key.endswith("_reverse") for key in weights):
        raise UnsupportedModel(f"{name} is bidirectional; expected a unidirectional LSTM")
    if any("_hr_" in key for key in weights):
        raise UnsupportedModel(f"{name} has projections (proj_size); expected an LSTM without")
    if not {"weight_ih_l0", "weight_hh_l0"} <= set(weights):
        raise CheckpointError(f"{name} has {_list(weights)}, expected weight_ih_l0 and weight_hh_l0 too")
    shape = weights["weight_hh_l0"].shape
    gates = shape[0] / shape[1] if len(shape) == 2 and shape[1] else 0
    if gates in (1, 3):
        kind = {1: "a plain RNN", 3: "a GRU"}[int(gates)]
        raise UnsupportedModel(
            f"{name} is {kind}: weight_hh_l0 is {shape}, an LSTM's is (4 * hidden_size, hidden_size)"
        )
    if gates != 4:
        raise CheckpointError(f"{name}.weight_hh_l0 is {shape}, expected (4 * hidden_size, hidden_size)")
    return LSTM(name, weights)


def _linear(rest: Mapping[str, Array]) -> Linear:
    names = {key.rpartition(".")[0] for key in rest}
    kinds = {key.rpartition(".")[2] for key in rest}
    if len(names) != 1 or not {"weight"} <= kinds <= {"weight", "bias"}:
        raise CheckpointError(
            f"besides the LSTM expected one Linear (one weight, one bias), got {_list(rest) or 'nothing'}"
        )
    name = names.pop()
    linear = Linear(name or "fc", **{key.rpartition(".")[2]: array for key, array in rest.items()})
    if linear.weight.ndim != 2:
        raise CheckpointError(f"{name}.weight is {linear.weight.shape}, expected (out_features, in_features)")
    return linear


def _list(names: Mapping[str, object] | set[str]) -> str:
    """A few names, sorted, with the number of those left out."""
    known = sorted(names)
    return ", ".join(name or "(root)" for name in known[:4]) + (f" and {len(known) - 4} more" if len(known) > 4 else "")
