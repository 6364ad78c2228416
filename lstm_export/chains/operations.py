"""The table of torch's calls that have a translation, and what each becomes."""

from __future__ import annotations

from collections.abc import Mapping

from .activation_calls import (
    celu,
    clamp,
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    limited,
    named,
    prelu,
    relu6,
    rrelu,
    softplus,
    threshold,
)
from .axis_calls import (
    aten_slice,
    cat,
    dropout,
    getitem,
    hstack,
    index_select,
    movedim,
    narrow,
    permute,
    pieces,
    reshape,
    same,
    select,
    squeeze,
    stack,
    transpose,
    unsqueeze,
)
from .group_norms import group_norm, instance_norm
from .rules import Rule
from .scaling_calls import arithmetic, negative
from .sentinel_calls import compared, replaced
from .time_calls import (
    adaptive_pool,
    deviation,
    expanded,
    extreme,
    pooled,
    powered,
    variance,
)
from .weight_calls import addmm, batch_normed, einsum, layer_norm, linear, matmul, rms_norm

_SAME = [
    *(
        "to",
        "float",
        "double",
        "type",
        "type_as",
        "contiguous",
        "clone",
        "detach",
        "data",
        "cpu",
        "alias",
    )
]
_SAME += (
    "view_as",
    "reshape_as",
    "positive",
    "real",
    "lift_fresh",
)
_DROPOUTS = (
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
)
_NAMED = ("tanh", "sigmoid", "silu", "mish", "selu", "hardswish", "hardsigmoid", "sqrt", "softsign")
_RESHAPES = ("view", "reshape", "flatten", "unflatten", "ravel", "unsafe_view")
_ARITHMETIC = (
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "truediv",
    "true_divide",
)

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_DROPOUTS, dropout),
    **{name: named(name) for name in _NAMED},
    "relu": named("relu"),
    "swish": named("silu"),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "softplus": softplus,
    "prelu": prelu,
    "rrelu": rrelu,
    "clamp": clamp,
    "clip": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "relu6": relu6,
    "hardtanh": hardtanh,
    "celu": celu,
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), limited),
    "threshold": threshold,
    "linear": linear,
    "matmul": matmul,
    "mm": matmul,
    "addmm": addmm,
    "einsum": einsum,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    **dict.fromkeys(("where", "masked_fill"), replaced),
    "eq": compared,
    "batch_norm": batch_normed,
    **dict.fromkeys(_ARITHMETIC, arithmetic),
    **dict.fromkeys(("radd", "rsub", "rmul", "rdiv", "rtruediv"), arithmetic),
    "neg": negative,
    "mean": pooled("mean"),
    "sum": pooled("sum"),
    **dict.fromkeys(("var", "var_mean"), variance),
    **dict.fromkeys(("std", "std_mean"), deviation),
    "max": extreme("max", "maximum"),
    "min": extreme("min", "minimum"),
    "amax": pooled("max"),
    "amin": pooled("min"),
    "adaptive_avg_pool1d": adaptive_pool("mean"),
    **dict.fromkeys(("adaptive_max_pool1d", "_adaptive_max_pool1d"), adaptive_pool("max")),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "repeat"), expanded),
    **dict.fromkeys(("pow", "square"), powered),
    "negative": negative,
    "getitem": getitem,
    "select": select,
    "index_select": index_select,
    "narrow": narrow,
    "slice": aten_slice,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    **dict.fromkeys(_RESHAPES, reshape),
    "permute": permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "t", "T", "mT"), transpose),
    "movedim": movedim,
    "moveaxis": movedim,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    **dict.fromkeys(("hstack", "column_stack"), hstack),
    **dict.fromkeys(("chunk", "split", "unbind", "unsafe_chunk"), pieces),
}
