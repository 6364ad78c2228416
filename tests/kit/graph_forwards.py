"""Forwards as users write them that are no chain, or work along the steps; with all the others."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from .forwards import PLAIN, Kind, Net


def attended(m: Any, x: Any) -> Any:
    out, _ = m.lstm(x)
    weights = torch.softmax(m.score(out), dim=1)
    return m.fc((weights * out).sum(1))


def looped(m: Any, x: Any) -> tuple[Any, Any, Any]:
    h = c = torch.zeros(len(x), 8)
    outputs = []
    for t in range(x.shape[1]):
        h, c = m.cell(x[:, t], (h, c))
        outputs.append(h)
    return h, c, outputs


def stepped(m: Any, x: Any) -> Any:
    return m.fc(torch.stack(looped(m, x)[2], dim=1)[:, -1])


def residual(m: Any, x: Any) -> Any:
    h = m.last(x)
    return m.fc(h + m.lin(h))


def gated(m: Any, x: Any) -> Any:
    h = m.last(x)
    return m.fc(h * torch.sigmoid(h))


def skipped(m: Any, x: Any) -> Any:
    z = (x - m.mean) / m.std
    return m.fc(m.lstm(z)[0]) + z[:, :, :1]


def pools_of(out: Any) -> Any:
    return torch.cat([out[:, -1], out.mean(dim=1), out.amax(1), out[:, 0]], dim=1)


def centred(m: Any, x: Any) -> Any:
    mean = x.mean(dim=1, keepdim=True)
    return m.fc(m.last(x - mean)) + mean[:, 0, :2]


def beside_steps(m: Any, x: Any) -> Any:
    """Two features that stay the same, repeated beside a sequence."""
    static = x[:, 0, 1:].unsqueeze(1).expand(-1, x.shape[1], -1)
    return m.end(m.rnn(torch.cat([x, static], dim=-1))[0][:, -1])


GRAPHS: dict[str, Kind] = {
    # Along the features
    "features by a list": Kind(
        lambda m, x: m.fc(m.last(x[..., [2, 0, -2]])), holds=("slice", "fc")
    ),
    "features by a list beside a step": Kind(
        lambda m, x: torch.hstack([m.fc(m.last(x)), x[:, -1, [2, 2]]]), holds=("slice", "concat")
    ),
    "features by a tensor": Kind(
        lambda m, x: m.fc(m.last(x.index_select(2, torch.tensor([1, 0, 2])))), holds=("slice",)
    ),
    "steps by a tensor": Kind(
        lambda m, x: m.fc(m.lstm(x)[0][torch.arange(len(x)), -1]), refused="the axis of batch"
    ),
    # Along time
    "packed": Kind(
        lambda m, x: m.fc(m.lstm(pack_padded_sequence(x, len(x) * [5], True))[1][0][-1]),
        refused="pack_padded_sequence in Net.*takes lengths beside x",
    ),
    "subtract last value": Kind(
        lambda m, x: m.fc(m.last(x - x[:, -1:])), holds=("last", "subtract")
    ),
    "mean pooling": Kind(lambda m, x: m.fc(m.lstm(x)[0].mean(1)), holds=("mean",)),
    "max pooling": Kind(lambda m, x: m.fc(m.lstm(x)[0].max(1).values), holds=("max",)),
    "sum over steps": Kind(lambda m, x: m.fc(m.lstm(x)[0].sum(1)), holds=("sum",)),
    "deviation over steps": Kind(lambda m, x: m.fc(m.lstm(x)[0].std(1)), holds=("sqrt",)),
    "standardised": Kind(
        lambda m, x: m.fc(m.last((x - x.mean(1, True)) / (x.var(1, keepdim=True) + 0.1) ** 0.5)),
        holds=("divide", "sqrt"),
    ),
    "variance and mean": Kind(
        lambda m, x: m.fc(sum(torch.std_mean(m.lstm(x)[0], 1, unbiased=False))),
        holds=("sqrt", "mean"),
    ),
    "min pooling": Kind(lambda m, x: m.fc(torch.amin(m.lstm(x)[0], dim=1)), holds=("max",)),
    "first step": Kind(lambda m, x: m.fc(m.lstm(x)[0][:, 0]), holds=("first_step",)),
    "second step": Kind(lambda m, x: m.fc(m.lstm(x)[0][:, 1]), refused="step 1 of"),
    "AdaptiveAvgPool1d": Kind(
        lambda m, x: m.fc(m.pool(m.lstm(x)[0].transpose(1, 2)).squeeze(-1)),
        lambda: {"pool": nn.AdaptiveAvgPool1d(1)},
        holds=("mean",),
    ),
    "AdaptiveMaxPool1d": Kind(
        lambda m, x: m.fc(m.pool(m.lstm(x)[0].transpose(1, 2)).flatten(1)),
        lambda: {"pool": nn.AdaptiveMaxPool1d(1)},
        holds=("max",),
    ),
    "pools side by side": Kind(
        lambda m, x: m.wide(pools_of(m.lstm(x)[0])),
        lambda: {"wide": nn.Linear(32, 2)},
        holds=("last", "mean", "max", "first_step", "concat"),
    ),
    "mean at every step": Kind(
        lambda m, x: m.fc(m.lstm(x)[0] - m.lstm(x)[0].mean(1, keepdim=True)),
        holds=("mean", "subtract"),
    ),
    "window normalised and undone": Kind(centred, holds=("mean", "subtract", "add")),
    "last target added to every step of a horizon": Kind(
        lambda m, x: m.fc(m.last(x)) + x[:, -1, 2:], holds=("fc",)
    ),
    "static features beside the steps": Kind(
        beside_steps, lambda: {"rnn": nn.GRU(5, 4, batch_first=True), "end": nn.Linear(4, 1)}
    ),
    "variance with another divisor": Kind(
        lambda m, x: m.fc(torch.var(m.lstm(x)[0], 1, correction=2)), refused="the correction 2"
    ),
    "variance of features": Kind(
        lambda m, x: m.fc(m.last(x)) + m.fc(m.last(x)).var(-1, keepdim=True),
        refused="var over the axis of size",
    ),
    "where the maximum is": Kind(
        lambda m, x: m.fc(m.last(x)) + m.lstm(x)[0].max(1).indices[:, :2], refused="places"
    ),
    "mean of features": Kind(
        lambda m, x: m.fc(m.last(x)).mean(-1), refused="mean over the axis of size"
    ),
    "flip": Kind(lambda m, x: m.fc(m.last(x.flip(1))), refused="flip"),
    "mean of the last five steps": Kind(
        lambda m, x: m.fc(m.lstm(x)[0][:, -5:].mean(1)), refused="pools the last steps alone"
    ),
    "middle steps": Kind(
        lambda m, x: m.fc(m.lstm(x)[0][:, 2:4].mean(1)), refused="steps 2 to 4 of 11"
    ),
    "all steps at once": Kind(
        lambda m, x: m.wide(m.lstm(x)[0].flatten(1)[:, :56]),
        lambda: {"wide": nn.Linear(56, 2)},
        "flatten.*fixes its length",
    ),
    "cell state": Kind(lambda m, x: m.fc(m.lstm(x)[1][1][-1]), holds=("cell",)),
    "all final states of two layers": Kind(
        lambda m, x: m.wide(torch.cat([*m.deep(x)[1][0], *m.deep(x)[1][1]], dim=1)),
        lambda: {
            "deep": nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True),
            "wide": nn.Linear(32, 2),
        },
        holds=("hidden", "hidden_2", "cell", "cell_2"),
    ),
    "the first layer's state": Kind(
        lambda m, x: m.end(m.deep(x)[1][0]),
        lambda: {"deep": nn.GRU(3, 4, 2, batch_first=True), "end": nn.Linear(4, 1)},
        holds=("hidden",),
    ),
    "mean of the layers' states": Kind(
        lambda m, x: m.end(m.deep(x)[1].mean(0)),
        lambda: {"deep": nn.GRU(3, 4, 2, batch_first=True), "end": nn.Linear(4, 1)},
        holds=("hidden", "add", "normalize"),
    ),
    "sum of both directions' states": Kind(
        lambda m, x: m.end(m.both(x)[1].sum(0, keepdim=True)[0]),
        lambda: {
            "both": nn.GRU(3, 4, bidirectional=True, batch_first=True),
            "end": nn.Linear(4, 1),
        },
        holds=("first_step", "add"),
    ),
    "maximum of the layers' states": Kind(
        lambda m, x: m.end(m.deep(x)[1].amax(0)),
        lambda: {"deep": nn.GRU(3, 4, 2, batch_first=True), "end": nn.Linear(4, 1)},
        refused="amax over the axis of rows",
    ),
    "all steps but the first": Kind(
        lambda m, x: m.fc(m.last(x[:, 1:])), refused=r"another batch.*x\[:, 1:\] has no stage"
    ),
    "the last steps, each by itself": Kind(
        lambda m, x: m.fc(m.lstm(x)[0][:, -3:]), holds=("last", "flatten")
    ),
    "the last steps, flattened": Kind(
        lambda m, x: m.wide(m.lstm(x)[0][:, -3:].flatten(1)),
        lambda: {"wide": nn.Linear(24, 2)},
        holds=("last", "flatten"),
    ),
    "a sentinel": Kind(
        lambda m, x: m.fc(m.last(torch.where(x == -999, torch.zeros_like(x), x))),
        holds=("replace",),
    ),
    "a masked sentinel": Kind(
        lambda m, x: m.fc(m.last(x.masked_fill(x == -1, 0.5))), holds=("replace",)
    ),
    "RMSNorm": Kind(
        lambda m, x: m.fc(m.norm(m.last(x))),
        lambda: {"norm": nn.RMSNorm(8, eps=2.0**-23)},
        holds=("norm",),
    ),
    "a slope a feature": Kind(
        lambda m, x: m.fc(m.act(m.last(x))), lambda: {"act": nn.PReLU(8)}, holds=("act",)
    ),
    "an RNN": Kind(
        lambda m, x: m.end(m.rnn(x)[0][:, -1]),
        lambda: {"rnn": nn.RNN(3, 4, batch_first=True), "end": nn.Linear(4, 1)},
        holds=("rnn",),
    ),
    "an RNN with relu": Kind(
        lambda m, x: m.end(m.rnn(x)[0][:, -1]),
        lambda: {"rnn": nn.RNN(3, 4, 2, "relu", batch_first=True), "end": nn.Linear(4, 1)},
        holds=("rnn",),
    ),
    "a loop's cell state": Kind(
        lambda m, x: m.fc(looped(m, x)[1]), lambda: {"cell": nn.LSTMCell(3, 8)}, holds=("cell_2",)
    ),
    "attention": Kind(attended, lambda: {"score": nn.Linear(8, 1)}, "softmax"),
    "multihead attention": Kind(
        lambda m, x: m.fc(m.attn(*(3 * [m.lstm(x)[0]]))[0][:, -1]),
        lambda: {"attn": nn.MultiheadAttention(8, 2, batch_first=True)},
        r"attn \(MultiheadAttention\)",
    ),
    "convolution": Kind(
        lambda m, x: m.fc(m.last(m.conv(x.transpose(1, 2)).transpose(1, 2))),
        lambda: {"conv": nn.Conv1d(3, 3, 3, padding=1)},
        r"conv1d in conv \(Conv1d\)",
    ),
    "a cell's loop": Kind(stepped, lambda: {"cell": nn.LSTMCell(3, 8)}, holds=("cell",)),
    # Graphs
    "residual": Kind(residual, lambda: {"lin": nn.Linear(8, 8)}, holds=("add",)),
    "residual at every step": Kind(
        lambda m, x: m.fc((m.lstm(x)[0] + m.pre(x))[:, -1]),
        lambda: {"pre": nn.Linear(3, 8)},
        holds=("add",),
    ),
    "weighted residual": Kind(
        lambda m, x: m.fc(torch.add(m.last(x), m.lin(m.last(x)), alpha=0.3)),
        lambda: {"lin": nn.Linear(8, 8)},
        holds=("denormalize", "add"),
    ),
    "gate": Kind(gated, holds=("sigmoid", "multiply")),
    "quotient": Kind(
        lambda m, x: m.fc(m.last(x)) / (1 + m.fc(m.last(x)) ** 2), holds=("multiply", "divide")
    ),
    "both directions summed": Kind(
        lambda m, x: m.fc(sum(m.rnn(x)[0].chunk(2, dim=-1))[:, -1]),
        lambda: {"rnn": nn.LSTM(3, 8, bidirectional=True, batch_first=True)},
        holds=("slice", "slice_2", "add"),
    ),
    "both ends, backwards first": Kind(
        lambda m, x: m.wide(torch.cat([m.rnn(x)[1][-1], m.rnn(x)[1][-2]], 1)),
        lambda: {
            "rnn": nn.GRU(3, 4, bidirectional=True, batch_first=True),
            "wide": nn.Linear(8, 1),
        },
        holds=("first_step", "last", "concat"),
    ),
    "two layers side by side": Kind(
        lambda m, x: m.wide(torch.cat([m.last(x), m.rnn(x)[1][-1]], dim=-1)),
        lambda: {"rnn": nn.GRU(3, 4, batch_first=True), "wide": nn.Linear(12, 2)},
        holds=("concat",),
    ),
    "one feature": Kind(lambda m, x: m.fc(m.last(x))[:, :1], holds=("slice",)),
    "heads in a tuple": Kind(
        lambda m, x: (m.fc(m.last(x)), F.softplus(m.var(m.last(x)))),
        lambda: {"var": nn.Linear(8, 2)},
        holds=("fc", "var", "softplus", "concat"),
    ),
    "heads in a dict": Kind(
        lambda m, x: {"mean": m.fc(m.last(x)), "var": m.var(m.last(x))},
        lambda: {"var": nn.Linear(8, 1)},
        holds=("fc", "var", "concat"),
    ),
    "heads stacked": Kind(
        lambda m, x: torch.stack([head(m.last(x)) for head in m.heads], dim=1),
        lambda: {"heads": nn.ModuleList([nn.Linear(8, 2), nn.Linear(8, 2)])},
        holds=("heads.0", "heads.1", "concat"),
    ),
    "an answer with its state": Kind(
        lambda m, x: (m.fc(m.last(x)), m.lstm(x)[1]), holds=("lstm", "last", "fc")
    ),
    "a horizon of targets": Kind(
        lambda m, x: m.wide(m.last(x)).view(-1, 3, 2), lambda: {"wide": nn.Linear(8, 6)}
    ),
    "targets of a horizon": Kind(
        lambda m, x: m.wide(m.last(x)).view(-1, 3, 2).transpose(1, 2),
        lambda: {"wide": nn.Linear(8, 6)},
        holds=("slice",),
    ),
    "the last values added to a horizon": Kind(
        lambda m, x: m.wide(m.last(x)).unflatten(1, (3, 2)) + x[:, -1:, :2],
        lambda: {"wide": nn.Linear(8, 6)},
    ),
    "LayerNorm without weights": Kind(
        lambda m, x: m.fc(F.layer_norm(m.last(x), (8,))), holds=("layer_norm",)
    ),
    "rows of the batch": Kind(
        lambda m, x: m.fc(m.last(x)) - m.fc(m.last(x))[0], refused="rows of the batch"
    ),
    "skip of a scaled feature": Kind(skipped, holds=("normalize", "skip")),
}
KINDS = {**PLAIN, **GRAPHS}


def module_of(name: str) -> Any:
    torch.manual_seed(sum(map(ord, name)))
    kind = KINDS[name]
    return Net(kind.answer, **kind.parts()).eval()
