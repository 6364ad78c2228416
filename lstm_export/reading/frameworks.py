"""Frameworks whose files people bring: how they are known, what they leave out, what to do.

One table; docs/refused_checkpoints.md shows it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

_EXPORT = 'lstm_export.export(module, "onnx", "model.onnx")'
_SAVE = 'torch.save({}.state_dict(), "model.pt")'
_KERAS_STEP = (
    "copy its weights into torch.nn.LSTM, whose gates have the same order: "
    "weight_ih_l0 = kernel.T, weight_hh_l0 = recurrent_kernel.T, bias_ih_l0 = bias, bias_hh_l0 = 0"
)


@dataclass(frozen=True)
class Framework:
    """A framework and its files.

    Attributes:
        name: as its users call it.
        leaves_out: what the file does not hold and a device would need.
        next_step: what its user can do.
        classes: beginnings of the classes that its pickled objects have.
        entries: names that its zip archives hold together.
        keys: keys that its dicts or JSON objects hold together.
        horizon: which of its hyper_parameters says how many steps it forecasts, where each step
            comes from an output of its own.
    """

    name: str
    leaves_out: str
    next_step: str
    classes: tuple[str, ...] = ()
    entries: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    horizon: str = ""

    @property
    def sentence(self) -> str:
        """What the file is, what is missing and what to do, after `the file`."""
        return f"comes from {self.name} and {self.leaves_out}; {self.next_step}"


FRAMEWORKS: tuple[Framework, ...] = (
    Framework(
        "pytorch-forecasting",
        "leaves out the target normalizer and the loop of its decoder",
        f"export the recurrent part as a live module in its project: {_EXPORT}",
        classes=("pytorch_forecasting.",),
        keys=frozenset({"dataset_parameters"}),
    ),
    Framework(
        "darts",
        "holds no weights: they are beside it, in the file of the same name with .ckpt at its end; "
        "the scaler of the series is in neither",
        "give that .ckpt file",
        classes=("darts.",),
    ),
    Framework(
        "darts",
        "leaves out the scaler of the series; step k of the forecast comes from the k-th of the "
        "last outputs",
        f"prove the chain with the live module: {_EXPORT}",
        keys=frozenset({"input_chunk_length", "output_chunk_length"}),
        horizon="output_chunk_length",
    ),
    Framework(
        "neuralforecast",
        "leaves out the normalizer of each window (scaler_type); step k of the forecast comes from "
        "the k-th of the last outputs",
        f"prove the chain with the live module: {_EXPORT}",
        classes=("neuralforecast.",),
        keys=frozenset({"h", "input_size", "scaler_type"}),
        horizon="h",
    ),
    Framework(
        "GluonTS",
        "leaves out the scaling of each window, the lagged inputs and the sampling of forecasts",
        f"export the recurrent part as a live module in its project: {_EXPORT}",
        classes=("gluonts.",),
        keys=frozenset({"model_kwargs", "lr", "patience"}),
    ),
    Framework(
        "stable-baselines3",
        "keeps the weights in policy.pth, apart from the LSTM's state and VecNormalize",
        'unzip policy.pth alone, and give it with --forward "lstm_actor, last, action_net" or what '
        "stands between them: unzip FILE policy.pth",
        classes=("stable_baselines3.", "sb3_contrib."),
        entries=frozenset({"policy.pth", "data"}),
    ),
    Framework(
        "fastai",
        "holds a Learner, whose transforms (normalization too) are code",
        f"in its project, save the weights alone: {_SAVE.format('learn.model')}",
        classes=("fastai.", "tsai."),
    ),
    Framework(
        "skorch",
        "holds an estimator around the module",
        f"in its project, save the weights alone: {_SAVE.format('net.module_')}",
        classes=("skorch.",),
    ),
    Framework(
        "Keras",
        "holds no PyTorch weights",
        _KERAS_STEP,
        classes=("keras.", "tensorflow.", "tf_keras."),
        entries=frozenset({"config.json", "model.weights.h5"}),
    ),
    Framework(
        "scikit-learn",
        "holds no LSTM",
        "give the file of the PyTorch model; a fitted scaler can lie in it: "
        'torch.save({"model": model.state_dict(), "scaler": scaler}, "model.pt")',
        classes=("sklearn.",),
    ),
    Framework(
        "XGBoost, LightGBM or CatBoost",
        "holds trees and no LSTM",
        "give the file of a PyTorch model",
        classes=("xgboost.", "lightgbm.", "catboost."),
    ),
    Framework(
        "pandas",
        "holds a table, and no model",
        "give the file of a PyTorch model",
        classes=("pandas.",),
    ),
    Framework(
        "NeuralAmpModeler",
        "holds its weights in one list, with states as they are after a second of silence",
        f"load it there with nam.models.init_from_nam, and export the live module: {_EXPORT}",
        keys=frozenset({"architecture", "config", "weights"}),
    ),
    Framework(
        "RTNeural",
        "holds layers as Keras has them, transposed",
        _KERAS_STEP,
        keys=frozenset({"in_shape", "layers"}),
    ),
    Framework(
        "GuitarML",
        "keeps its state between calls; model_data.skip says how many inputs are added to the "
        "output",
        'where it is 1, add them: --forward "rec, lin, skip(0)"',
        keys=frozenset({"model_data", "state_dict"}),
    ),
)


def of_class(kind: str) -> Framework | None:
    """The framework that a pickled object of this class comes from."""
    for framework in FRAMEWORKS:
        if framework.classes and kind.startswith(framework.classes):
            return framework
    return None


def of_entries(names: Collection[str]) -> Framework | None:
    """The framework whose zip archives hold these names."""
    for framework in FRAMEWORKS:
        if framework.entries and framework.entries <= set(names):
            return framework
    return None


def of_keys(keys: Collection[str]) -> Framework | None:
    """The framework whose dicts hold these keys."""
    for framework in FRAMEWORKS:
        if framework.keys and framework.keys <= set(keys):
            return framework
    return None
