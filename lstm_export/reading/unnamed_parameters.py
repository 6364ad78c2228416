"""Lists of parameters without names, as `list(model.parameters())` is: named by their shapes.

torch lists a layer's parameters in one order: weight_ih (gates * hidden_size, input_size),
weight_hh (gates * hidden_size, hidden_size), bias_ih, bias_hh; a Linear's weight and bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .stored_tensors import Tensor

NOTE = "a list of parameters without names: they are named by their shapes, in torch's order"
_GATES = (4, 3)  # LSTM, GRU
_FEWEST = 2  # parameters of a recurrent layer


@dataclass
class _Layer:
    """One direction of one recurrent layer: its parameters by the kinds that torch names."""

    input_size: int
    hidden_size: int
    gates: int
    tensors: dict[str, Tensor] = field(default_factory=dict)


def named_by_shapes(tensors: Sequence[Tensor]) -> dict[str, Tensor]:
    """The parameters under names; none where they are not a recurrent module and Linears."""
    layers: list[_Layer] = []
    at = 0
    layer = _layer(tensors)
    while layer is not None:
        layers.append(layer)
        at += len(layer.tensors)
        layer = _layer(tensors[at:])
    linears = _linears(tensors[at:])
    if not layers or linears is None:
        return {}
    takes = linears[0][0].shape[1] if linears else layers[-1].hidden_size
    suffixes = _suffixes(layers, takes)
    named: dict[str, Tensor] = {}
    for layer, suffix in zip(layers, suffixes, strict=False):
        for kind, tensor in layer.tensors.items():
            named[f"lstm.{kind}_{suffix}"] = tensor
    for number, (weight, *bias) in enumerate(linears, 1):
        name = f"fc{number}" if len(linears) > 1 else "fc"
        named[f"{name}.weight"] = weight
        if bias:
            named[f"{name}.bias"] = bias[0]
    return named if suffixes else {}


def _layer(tensors: Sequence[Tensor]) -> _Layer | None:
    """The recurrent layer that the list begins with."""
    if len(tensors) < _FEWEST:
        return None
    match tensors[0].shape, tensors[1].shape:
        case (int(rows), int(input_size)), (int(same), int(hidden_size)) if rows == same:
            pass
        case _:
            return None
    for gates in _GATES:
        if hidden_size and rows == gates * hidden_size:
            layer = _Layer(input_size, hidden_size, gates)
            layer.tensors = {"weight_ih": tensors[0], "weight_hh": tensors[1]}
            if [tensor.shape for tensor in tensors[2:4]] == [(rows,), (rows,)]:
                layer.tensors |= {"bias_ih": tensors[2], "bias_hh": tensors[3]}
            return layer
    return None


def _suffixes(layers: Sequence[_Layer], takes: int) -> list[str]:
    """`l0`, `l1` and so on, or `l0`, `l0_reverse`, `l1` where the layers read both ways.

    None at all where the sizes fit neither.
    """
    first = layers[0]
    hidden_size = first.hidden_size
    if any((each.hidden_size, each.gates) != (hidden_size, first.gates) for each in layers):
        return []
    sizes = [each.input_size for each in layers]
    count = len(layers)
    if takes == hidden_size and sizes[1:] == [hidden_size] * (count - 1):
        return [f"l{index}" for index in range(count)]
    both = [sizes[0]] * 2 + [2 * hidden_size] * (count - 2)
    if takes == 2 * hidden_size and count % 2 == 0 and sizes == both:
        return [f"l{index // 2}{'_reverse' * (index % 2)}" for index in range(count)]
    return []


def _linears(tensors: Sequence[Tensor]) -> list[list[Tensor]] | None:
    """The rest of the list as weights of Linears with their biases; None where it is not."""
    linears: list[list[Tensor]] = []
    for tensor in tensors:
        if len(tensor.shape) == 2:
            linears.append([tensor])
        elif linears and len(linears[-1]) == 1 and tensor.shape == linears[-1][0].shape[:1]:
            linears[-1].append(tensor)
        else:
            return None
    return linears
