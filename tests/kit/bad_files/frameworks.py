"""Files as frameworks write them, that no reader here can take as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.kit.checkpoint_files import foreign, saved, state, zipped

from .case import Case


def _of_class(kind: str) -> Callable[[], bytes]:
    """A pickled object of this class."""
    return lambda: b"\x80\x02" + foreign(kind, {"a": 1}) + b"."


def _json(value: Any) -> Callable[[], bytes]:
    return lambda: json.dumps(value).encode()


def _stable_baselines() -> bytes:
    """The entries that its `save` writes."""
    names = ("data", "policy.optimizer.pth", "pytorch_variables.pth", "_stable_baselines3_version")
    return zipped({"policy.pth": saved(state()), **dict.fromkeys(names, b"{}")})


def _joblib_dates() -> bytes:
    """An array of dates as joblib wraps it."""
    dtype = {"shape": (1,), "order": "C", "dtype": np.dtype("M8[ns]")}
    return b"\x80\x02" + foreign("joblib.numpy_pickle.NumpyArrayWrapper", dtype) + b"N."


def _produced_by(name: str) -> Callable[[], bytes]:
    """An ONNX file that names this program as its producer."""

    def made() -> bytes:
        from onnx import TensorProto, helper

        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [1]) for end in "xy"]
        node = helper.make_node("Relu", ["x"], ["y"])
        graph = helper.make_graph([node], "g", ends[:1], ends[1:])
        return bytes(helper.make_model(graph, producer_name=name).SerializeToString())

    return made


FRAMEWORK_FILES: list[Case] = [
    (
        "darts' NAME.pt",
        _of_class("darts.models.forecasting.block_rnn_model.BlockRNNModel"),
        ".ckpt",
    ),
    (
        "a pickled neuralforecast model",
        _of_class("neuralforecast.core.NeuralForecast"),
        "scaler_type",
    ),
    (
        "a pickled GluonTS predictor",
        _of_class("gluonts.torch.model.predictor.PyTorchPredictor"),
        "comes from GluonTS.*lagged inputs",
    ),
    (
        "a pickled pytorch-forecasting data set",
        _of_class("pytorch_forecasting.data.timeseries.TimeSeriesDataSet"),
        "target normalizer",
    ),
    ("stable-baselines3's zip", _stable_baselines, "unzip FILE policy.pth"),
    ("fastai's export.pkl", _of_class("fastai.learner.Learner"), "learn.model.state_dict"),
    ("tsai's export.pkl", _of_class("tsai.learner.TSLearner"), "learn.model.state_dict"),
    ("a pickled skorch net", _of_class("skorch.regressor.NeuralNetRegressor"), "net.module_"),
    (
        "a fitted scaler alone",
        _of_class("sklearn.preprocessing._data.RobustScaler"),
        "a fitted scaler can lie in it",
    ),
    (
        "NeuralAmpModeler's .nam",
        _json({"version": "0.5", "architecture": "LSTM", "config": {}, "weights": [0.5]}),
        "init_from_nam",
    ),
    ("RTNeural's JSON", _json({"in_shape": [None, None, 1], "layers": []}), "kernel.T"),
    ("tf2onnx's ONNX", _produced_by("tf2onnx"), "ONNX of tf2onnx.*kernel.T"),
    ("torch's own ONNX", _produced_by("pytorch"), "ONNX of pytorch.*live module"),
    ("joblib with arrays of dates", _joblib_dates, "dump of joblib with arrays of neither"),
    ("joblib, compressed", lambda: b"\x78\x9c" + bytes(range(256)), "zlib, as joblib does"),
]
