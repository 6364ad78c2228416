"""Training runs in TensorBoard's and MLflow's logs, for those who compare runs there."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ..errors import InputError, quoted, require
from ..files import check_folder
from .history import Epoch, Progress
from .options import TrainingOptions
from .result import TrainingResult

EXPERIMENT = "lstm-export"
FORBIDDEN = re.compile(r"[^\w .:/-]", re.ASCII)  # in MLflow's names of metrics


class Tracker(Protocol):
    """What is told of epochs, and in the end of the result."""

    def epoch(self, run: int, epoch: Epoch) -> None:
        """An epoch of a run, counted from 1."""

    def result(self, result: TrainingResult) -> None:
        """The model that is kept, beside its baselines."""

    def close(self, status: str) -> None:
        """The end: FINISHED, FAILED, or KILLED by Ctrl-C."""


class TensorBoardLog:
    """Event files in a folder, one folder a run."""

    def __init__(self, folder: Path, options: TrainingOptions) -> None:
        require("tensorboard", "tracking", "--tensorboard")
        check_folder(folder, "TensorBoard's events")
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._writer = SummaryWriter(str(folder))
        self._runs: dict[int, SummaryWriter] = {}
        self._writer.add_text("options", json.dumps(options.to_record(), indent=2))

    def epoch(self, run: int, epoch: Epoch) -> None:
        from torch.utils.tensorboard import SummaryWriter

        if run not in self._runs:
            self._runs[run] = SummaryWriter(str(self._folder / f"run{run}"))
        for name, loss in _losses(epoch):
            self._runs[run].add_scalar(f"loss/{name}", loss, epoch.epoch)

    def result(self, result: TrainingResult) -> None:
        for name, value in _scores(result):
            self._writer.add_scalar(name, value, result.best_epoch)

    def close(self, status: str) -> None:
        for writer in (self._writer, *self._runs.values()):
            writer.close()


class MlflowLog:
    """A run in MLflow's experiment `lstm-export`; the runs of several seeds are named by number."""

    def __init__(self, uri: str, options: TrainingOptions) -> None:
        tracking = require("mlflow.tracking", "tracking", "--mlflow")
        exceptions = require("mlflow.exceptions", "tracking", "--mlflow")
        try:
            self._client = tracking.MlflowClient(uri)
            self._run = self._client.create_run(self._experiment()).info.run_id
        except exceptions.MlflowException as error:
            reason = str(error).splitlines()[0]
            raise InputError(
                f"--mlflow {quoted(uri)} cannot be used: {reason}; give a server's address, or a "
                "file such as sqlite:///mlflow.db"
            ) from error
        self._error = exceptions.MlflowException
        self._is_gone = False
        for name, value in options.to_record().items():
            self._tell(self._client.log_param, name, value)

    def _experiment(self) -> str:
        """The id of our experiment, made where it is not there."""
        found = self._client.get_experiment_by_name(EXPERIMENT)
        return str(found.experiment_id if found else self._client.create_experiment(EXPERIMENT))

    def epoch(self, run: int, epoch: Epoch) -> None:
        for name, loss in _losses(epoch):
            self._tell(self._client.log_metric, f"run{run}/loss/{name}", loss, step=epoch.epoch)

    def result(self, result: TrainingResult) -> None:
        self._tell(self._client.set_tag, "weights_sha256", result.model.weights_sha256)
        for name, value in _scores(result):
            self._tell(self._client.log_metric, FORBIDDEN.sub("_", name), value)

    def close(self, status: str) -> None:
        self._tell(self._client.set_terminated, status)

    def _tell(self, call: Callable[..., object], *told: object, **more: object) -> None:
        """Tell MLflow of the run; a server that fails costs the log its rest, and not the model."""
        if self._is_gone:
            return
        try:
            call(self._run, *told, **more)
        except self._error as error:
            self._is_gone = True
            reason = str(error).splitlines()[0]
            warnings.warn(
                f"MLflow takes no more of this run: {reason}; training goes on", stacklevel=2
            )


class Tracking:
    """A callback for every epoch, which hands it on with the number of its run."""

    def __init__(self, trackers: Sequence[Tracker], also: Progress | None) -> None:
        self._trackers = trackers
        self._also = also
        self._run = 0
        self._last = 0

    def __call__(self, epoch: Epoch) -> None:
        if not self._run or epoch.epoch <= self._last:  # another seed, a trial, earlier rows
            self._run += 1
        self._last = epoch.epoch
        for tracker in self._trackers:
            tracker.epoch(self._run, epoch)
        if self._also:
            self._also(epoch)

    def result(self, result: TrainingResult) -> None:
        """The model that is kept, beside its baselines."""
        for tracker in self._trackers:
            tracker.result(result)


@contextmanager
def tracked(
    options: TrainingOptions,
    tensorboard: Path | None = None,
    mlflow: str | None = None,
    also: Progress | None = None,
) -> Iterator[Tracking]:
    """Open the logs that are asked for, and close them whatever happens.

    Args:
        options: of the run, which the logs keep.
        tensorboard: the folder of TensorBoard's event files.
        mlflow: the address of MLflow's server, or of its database, such as sqlite:///mlflow.db.
        also: another callback for every epoch.

    Raises:
        InputError: MLflow cannot use the address.
        MissingDependency: TensorBoard or MLflow is not installed.
    """
    trackers: list[Tracker] = []
    status = "FAILED"
    try:
        if tensorboard:
            trackers.append(TensorBoardLog(tensorboard, options))
        if mlflow:
            trackers.append(MlflowLog(mlflow, options))
        yield Tracking(trackers, also)
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        for tracker in trackers:
            tracker.close(status)


def _losses(epoch: Epoch) -> Iterator[tuple[str, float]]:
    yield "train", epoch.train_loss
    if epoch.validation_loss is not None:
        yield "validation", epoch.validation_loss


def _scores(result: TrainingResult) -> Iterator[tuple[str, float]]:
    for score in result.metrics:
        yield f"rmse/{score.part}/{score.target}/{score.predictor}", score.rmse
