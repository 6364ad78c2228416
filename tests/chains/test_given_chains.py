"""`--forward`, references, and what is refused: a sentence that names what is in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export import pipeline
from lstm_export.chains import ReadingOptions, from_state_dict, read_checkpoint, understand
from lstm_export.chains.find_parts import find_parts
from lstm_export.chains.forward_text import forward_text, parse_forward
from lstm_export.chains.program import same_program
from lstm_export.cli import app
from lstm_export.errors import InputError, LstmExportError, UnsupportedModel
from lstm_export.model import forward
from lstm_export.reading import Contents, FoundScaler, contents_of
from lstm_export.verification.subject import read

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn

from tests.kit.user_modules import MODULES, LSTMModel, make  # noqa: E402


def state(**modules: Any) -> dict[str, Any]:
    """The state_dict of modules beside each other."""
    torch.manual_seed(0)
    return dict(nn.ModuleDict(modules).state_dict())


def parts(name: str) -> Any:
    return find_parts(contents_of(make(name).state_dict()).arrays).known


# --forward


@pytest.mark.parametrize("name", MODULES)
def test_the_text_of_a_chain_is_read_back(name: str) -> None:
    found = parts(name)
    items = parse_forward(MODULES[name].forward, found)
    assert forward_text(items) == MODULES[name].forward
    assert same_program(parse_forward(forward_text(items), found), items)


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("lstm,last,fc", "lstm last fc"),
        (" lstm ,  hidden, relu , fc ", "lstm hidden relu fc"),
        ("lstm, @last, dropout, fc, squeeze", "lstm last fc"),
        (
            "lstm, leaky_relu(0.2), elu(0.5), relu, relu, fc, skip(0)",
            "lstm leaky_relu elu relu relu_2 fc skip.features skip",
        ),
        (
            "lstm, last, fc, sigmoid, softplus, silu, gelu, tanh",
            "lstm last fc sigmoid softplus silu gelu tanh",
        ),
    ],
)
def test_tokens(text: str, stages: str) -> None:
    program = parse_forward(text, parts("seed"))
    assert [stage.name for stage in program.stages()] == stages.split()


def test_a_prefix_wins_over_a_stage_and_the_at_sign_over_it() -> None:
    arrays = contents_of(state(hidden=nn.LSTM(3, 4), relu=nn.Linear(4, 2))).arrays
    found = find_parts(arrays).known
    items = parse_forward("hidden, @hidden, @relu, relu", found)
    assert [stage.kind for stage in items.stages()] == [
        "LSTM",
        "LastHidden",
        "Activation",
        "Linear",
    ]
    assert forward_text(items) == "hidden, @hidden, @relu, relu"


def test_the_root_is_a_dot() -> None:
    found = from_state_dict(nn.LSTM(3, 4).state_dict(), ReadingOptions(forward="., last, tanh"))
    assert found.model.chain == "lstm, last, tanh"
    assert found.model.origin == "given"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "lstm, last, head",
            "'head' is no module of this file and no stage.*modules: lstm, fc; stages: last",
        ),
        ("lstm, lsat, fc", "'lsat'"),
        ("lstm, lstm, fc", "lstm stands twice"),
        ("lstm, relu(1), fc", "relu takes no parameter|relu"),
        ("lstm, leaky_relu(x), fc", "'x' is no number"),
        ("", "'' is no module"),
        ("@fc, lstm", "'@fc' is no module"),
        ("lstm, last, fc, skip(1.5)", "skip"),
        ("last", "the chain holds no LSTM"),
        ("lstm, last, fc, last", "a step was already picked"),
        ("fc, lstm", r"expected \(1, 10\)|in_features|weight_ih_l0"),
    ],
)
def test_what_is_no_chain_is_refused(text: str, message: str) -> None:
    with pytest.raises(LstmExportError, match=message):
        from_state_dict(make("seed").state_dict(), ReadingOptions(forward=text))


def test_a_given_chain_may_leave_modules_out_and_says_so() -> None:
    tensors = state(lstm=nn.LSTM(3, 8), mean=nn.Linear(8, 1), variance=nn.Linear(8, 1))
    found = from_state_dict(tensors, ReadingOptions(forward="lstm, last, mean"))
    assert found.notes == ("not in the chain: variance",)


# What is no chain


class Attention(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(3, 8)
        self.attention = nn.Linear(8, 1)
        self.fc = nn.Linear(8, 2)


REFUSED: dict[str, tuple[Any, str]] = {
    "attention": (
        lambda: Attention().state_dict(),
        r"recognised lstm LSTM\(3, 8\), fc.*stands attention: attention",
    ),
    "multihead": (
        lambda: state(lstm=nn.LSTM(3, 8), attn=nn.MultiheadAttention(8, 2), fc=nn.Linear(8, 1)),
        "attn: a MultiheadAttention",
    ),
    "encoder, decoder": (
        lambda: state(encoder=nn.LSTM(3, 8), decoder=nn.LSTM(8, 8), fc=nn.Linear(8, 3)),
        "encoder and decoder are an encoder and a decoder",
    ),
    "convolution": (
        lambda: state(conv1=nn.Conv1d(3, 6, 3), lstm=nn.LSTM(6, 8), fc=nn.Linear(8, 1)),
        "stands conv1: a Conv1d",
    ),
    "two heads": (
        lambda: state(lstm=nn.LSTM(3, 8), mean=nn.Linear(8, 2), var=nn.Linear(8, 2)),
        "mean and var are two heads, both take 8",
    ),
    "embedding": (
        lambda: state(embedding=nn.Embedding(10, 3), lstm=nn.LSTM(3, 8), fc=nn.Linear(8, 1)),
        r"embedding: an Embedding\(10, 3\)",
    ),
    "side by side": (
        lambda: state(a=nn.LSTM(3, 8), b=nn.LSTM(3, 8), fc=nn.Linear(16, 1)),
        "a and b both take 3: they stand side by side",
    ),
    "a parameter of the user's": (
        lambda: {**state(lstm=nn.LSTM(3, 8), fc=nn.Linear(8, 1)), "alpha": torch.ones(3)},
        r"stands alpha: a tensor \(3,\)",
    ),
    "a state of a fixed batch": (
        lambda: {**state(lstm=nn.LSTM(3, 8), fc=nn.Linear(8, 1)), "h0": torch.ones(1, 32, 8)},
        r"stands h0: a tensor \(1, 32, 8\)",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_in_the_way_is_named(kind: str) -> None:
    make_state, message = REFUSED[kind]
    with pytest.raises(UnsupportedModel, match=message) as caught:
        from_state_dict(make_state())
    assert "\n" not in str(caught.value)


def test_orders_that_also_fit_are_a_doubt() -> None:
    found = from_state_dict(
        state(lstm=nn.LSTM(3, 8), bn=nn.BatchNorm1d(8), a=nn.Linear(8, 8), b=nn.Linear(8, 1))
    )
    assert found.forward == "lstm, last, bn, a, relu, b"
    assert any("the widths also allow lstm, a, bn, b" in doubt for doubt in found.doubts)


# References


@pytest.mark.parametrize(
    "name", ["relu between", "bidirectional hidden", "every step", "audio skip", "seed"]
)
def test_recorded_answers_prove_the_chain(name: str, tmp_path: Path) -> None:
    module = make(name)
    torch.save(module.state_dict(), tmp_path / "m.pt")
    x = torch.randn(6, 12, from_state_dict(module.state_dict()).model.signature.input_size)
    with torch.no_grad():
        np.savez(tmp_path / "ref.npz", x=x.numpy(), y=module(x).numpy())
    found = read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))
    assert found.forward == MODULES[name].forward
    assert found.model.origin == "proved against ref.npz"


def test_recorded_answers_of_another_model_are_no_proof(tmp_path: Path) -> None:
    torch.save(make("seed").state_dict(), tmp_path / "m.pt")
    x = np.random.default_rng(0).normal(size=(3, 5, 10))
    np.savez(tmp_path / "ref.npz", x=x, y=x[:, 0, :1])
    with pytest.raises(UnsupportedModel, match="none of the plausible chains agrees"):
        read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))
    (tmp_path / "ref.npz").write_bytes(b"PK\x03\x04")  # begins as a zip, and is none
    with pytest.raises(LstmExportError, match="no .npz with arrays x and y"):
        read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros(3)}, "no .npz with arrays x and y"),
        ({"x": np.zeros((2, 5, 3)), "y": np.zeros((2, 1))}, r"expected x \(n, seq, 10\)"),
        ({"x": np.zeros((2, 5, 10)), "y": np.zeros((2, 7))}, r"y \(2, 7\)"),
        ({"x": np.full((2, 5, 10), np.nan), "y": np.zeros((2, 1))}, "not finite"),
    ],
)
def test_recorded_answers_that_are_none(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    torch.save(make("seed").state_dict(), tmp_path / "m.pt")
    np.savez(tmp_path / "ref.npz", **arrays)
    with pytest.raises(LstmExportError, match=message):
        read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))


def test_a_given_chain_that_the_module_does_not_compute_is_refused_with_the_one_that_it_does() -> (
    None
):
    module = make("relu between")
    with pytest.raises(UnsupportedModel, match="the module agrees with: lstm, last, relu, fc$"):
        read(module, ReadingOptions(forward="lstm, last, tanh, fc"))
    found = read(module, ReadingOptions(forward="lstm, last, relu, fc"))
    assert found.model.origin == "proved against the module"


def test_what_recorded_answers_cannot_tell_stays_a_doubt_and_a_live_module_leaves_none(
    tmp_path: Path,
) -> None:
    """Outputs that are always positive do not show whether a ReLU stands behind them; the module's
    operations do.
    """
    module = make("seed")
    with torch.no_grad():
        module.fc.bias += 100.0
        x = torch.randn(6, 12, 10)
        np.savez(tmp_path / "ref.npz", x=x.numpy(), y=module(x).numpy())
    torch.save(module.state_dict(), tmp_path / "m.pt")
    found = read_checkpoint(tmp_path / "m.pt", ReadingOptions(reference=tmp_path / "ref.npz"))
    assert found.model.origin == "proved against ref.npz"
    assert found.doubts[0].startswith(
        "no input that was tried tells the chain from: lstm, last, fc, "
    )
    assert read(module).doubts == ()


def test_a_module_that_reads_time_along_the_wrong_axis_is_refused() -> None:
    """batch_first is forgotten, so `out[:, -1]` takes the last row of the batch: a common slip."""

    class Mistaken(LSTMModel):
        def __init__(self) -> None:
            super().__init__()
            self.lstm.batch_first = False

    with pytest.raises(UnsupportedModel, match="the module"):
        read(Mistaken())


class DictAnswer(LSTMModel):
    def forward(self, x: Any) -> Any:
        return {"hidden": None, "prediction": super().forward(x)}


def test_answers_of_other_forms_are_taken_with_a_note() -> None:
    assert read(DictAnswer()).model.chain == "lstm, last, fc"
    squeezed = read(make("dropout, squeeze"))
    assert squeezed.notes == ("the module answers (batch,), artifacts answer (batch, 1)",)
    turned = read(make("time first"))
    assert "the module takes (seq, batch, input_size)" in turned.notes[0]


# The user's class, an archive


RUNNER = CliRunner()


def invoke(*args: str | Path) -> Any:
    return RUNNER.invoke(app, [str(arg) for arg in args])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--module", "no.such:Class"), 1, "cannot be imported: ModuleNotFoundError"),
        (("--module", "lstm_export"), 1, "expected a class such as mypkg.models:LSTMModel"),
        (("--module", "torch.nn:LSTM"), 1, "cannot be made with {}"),
        (
            ("--module", "torch.nn:LSTM", "--kwargs", '{"input_size": 3, "hidden_size": 2}'),
            1,
            "does not have the weights",
        ),
        (("--module", "collections:OrderedDict"), 1, "made a OrderedDict, expected an nn.Module"),
        (("--kwargs", '{"a": 1}'), 2, "name it too"),
        (("--module", "a:b", "--kwargs", "{"), 2, "no JSON"),
        (("--module", "a:b", "--trust"), 2, "give one of them"),
        (("--forward", "lstm", "--readout", "all"), 2, "leave out --readout"),
        (("--readout", "first"), 2, "first"),
        (("--trust",), 1, "this is a bare state_dict"),
        (("--input-scaler", "scaler"), 1, "the file holds no scaler"),
    ],
)
def test_options_that_do_not_fit_are_told(
    options: tuple[str, ...], code: int, message: str, seed_checkpoint: Path
) -> None:
    done = invoke("inspect", seed_checkpoint, *options)
    assert done.exit_code == code
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_a_class_with_arguments_proves_its_file(seed_checkpoint: Path) -> None:
    options = (
        "--module",
        "tests.kit.user_modules:LSTMModel",
        "--kwargs",
        '{"num_layers": 2, "hidden_size": 50}',
    )
    done = invoke("inspect", seed_checkpoint, *options)
    assert "proved against tests.kit.user_modules:LSTMModel" in done.stdout
    assert "was imported and run" in done.stdout


def test_a_class_is_made_with_what_the_file_says_of_its_arguments(tmp_path: Path) -> None:
    module = LSTMModel(input_size=4, hidden_size=9, num_layers=1)
    hyper_parameters = {"input_size": 4, "hidden_size": 9, "num_layers": 1, "lr": 1e-3}
    torch.save(
        {"state_dict": module.state_dict(), "hyper_parameters": hyper_parameters},
        tmp_path / "m.ckpt",
    )
    found = read_checkpoint(
        tmp_path / "m.ckpt", ReadingOptions(module="tests.kit.user_modules:LSTMModel")
    )
    assert found.model.origin == "proved against tests.kit.user_modules:LSTMModel"
    assert (
        "made with {'input_size': 4, 'hidden_size': 9, 'num_layers': 1} of the file"
        in found.notes[0]
    )


def test_options_for_a_file_that_stores_its_chain_are_refused(seed_checkpoint: Path) -> None:
    assert invoke("package", seed_checkpoint).exit_code == 0
    done = invoke("inspect", seed_checkpoint.with_suffix(".bundle"), "--forward", "lstm")
    assert (done.exit_code, "which stores its chain" in done.stderr) == (1, True)
    assert invoke("onnx", seed_checkpoint).exit_code == 0
    done = invoke("inspect", seed_checkpoint.with_suffix(".onnx"), "--readout", "all")
    assert (done.exit_code, "this file stores its chain" in done.stderr) == (1, True)


# Scalers


def test_scalers_are_offered_and_taken_only_when_asked(tmp_path: Path) -> None:
    module = make("hidden_dim")
    found = contents_of(module.state_dict())
    scalers = (
        FoundScaler("x_scaler", "StandardScaler", np.linspace(-1, 1, 5), np.linspace(1, 2, 5)),
        FoundScaler("y_scaler", "MinMaxScaler", np.array([3.0, 4.0]), np.array([10.0, 20.0])),
    )
    contents = Contents(found.arrays, scalers=scalers)
    assert understand(contents).model.chain == "lstm, last, fc"
    options = ReadingOptions(input_scaler="x_scaler", output_scaler="y_scaler")
    scaled = understand(contents, options)
    assert scaled.model.chain == "input_scaler, lstm, last, fc, output_scaler"
    assert "StandardScaler x_scaler of the file stands in front" in scaled.notes
    x = np.random.default_rng(0).normal(size=(3, 7, 5)).astype(np.float32)
    z = (x - scalers[0].offset) / scalers[0].scale
    expected = forward(understand(contents).model, z).y * scalers[1].scale + scalers[1].offset
    # scalers are kept in float32: 2**-24 of offsets and scales up to 20
    np.testing.assert_allclose(forward(scaled.model, x).y, expected, rtol=0, atol=40 * 2.0**-24)
    proved = understand(contents, options, module)
    assert proved.model.origin == "proved against the module"
    assert pipeline.export(proved, "onnx", tmp_path / "m.onnx").ok
    with pytest.raises(InputError, match="the file holds the scalers x_scaler, y_scaler"):
        understand(contents, ReadingOptions(input_scaler="other"))
