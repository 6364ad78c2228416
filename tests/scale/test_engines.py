"""Ray, Spark, Dask and MLflow answer the I-94 table as one process does, bit for bit.

Each is a real cluster of two workers on this machine, and runs what docs/scale.md shows.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export.cli import app
from lstm_export.device import Session
from lstm_export.errors import InputError
from lstm_export.model import TableFormat
from lstm_export.scale import Predictor, check_whole, mlflow_model
from lstm_export.scale.partitions import RECORDS
from lstm_export.scale.sharing import Engine, ask_on
from lstm_export.workers import Died
from tests.kit.stations import assert_same, rows_of, stations, write_stations_bundle

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]  # of the engines' own code
pandas = pytest.importorskip("pandas", reason="needs the engines: scripts/scale_engines.sh")
PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The bundle, and the table as four files with whole series and as eight with parts of them.

    Everything starts here, where the page's names mean what they say.
    """
    folder = tmp_path_factory.mktemp("engines")
    write_stations_bundle(folder / "i94.bundle")
    table = stations()
    (folder / "whole").mkdir()
    (folder / "parts").mkdir()
    for number, names in enumerate(np.array_split(np.unique(table.text("station")), 4)):
        is_in = np.isin(table.text("station"), names)
        rows_of(table, np.flatnonzero(is_in)).write_parquet(folder / "whole" / f"{number}.parquet")
    for number, rows in enumerate(np.array_split(np.arange(len(table)), 8)):
        rows_of(table, rows).write_parquet(folder / "parts" / f"{number}.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture
def session(folder: Path) -> Session:
    return lstm_export.load(folder / "i94.bundle")


@pytest.fixture(scope="module")
def ray(folder: Path) -> Iterator[Any]:
    ray = pytest.importorskip("ray.data", reason="needs Ray: scripts/scale_engines.sh")
    import ray as cluster

    # Two for the actors, and some for reading and for the shuffle.
    cluster.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield ray
    cluster.shutdown()


@pytest.fixture(scope="module")
def dask(folder: Path) -> Iterator[Any]:
    dask = pytest.importorskip("dask.dataframe", reason="needs Dask: scripts/scale_engines.sh")
    from distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster):
        yield dask


@pytest.fixture(scope="module")
def spark(folder: Path) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="needs Spark: scripts/scale_engines.sh")
    import os
    import sys

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        # Several batches a partition, so that series go on from one to the next.
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    }
    spark = sql.SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    yield spark
    spark.stop()


def shown(engine: str, root: str = "", **names: Any) -> dict[str, Any]:
    """What the page's block that imports an engine leaves behind.

    It is run as it stands, but for `root` before the folders that it reads.
    """
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if engine in block)
    exec(block.replace('parquet("', f'parquet("{root}'), names)  # noqa: S102 - the page's own code
    return names


def columns_of(dataset: Any) -> dict[str, Any]:
    """A dataset of Ray in numpy."""
    batches = list(dataset.iter_batches(batch_format="numpy", batch_size=None))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@pytest.mark.usefixtures("ray")
def test_ray(session: Session) -> None:
    found = shown("import ray")
    assert_same(columns_of(found["whole"]), session)
    assert_same(columns_of(found["grouped"]), session)


def test_dask(dask: Any, session: Session) -> None:
    found = shown("import dask")
    assert len(found["ends"]) == len(np.unique(stations().text("station")))
    parts = dask.read_parquet("parts")
    predictor = Predictor(session)
    ends = parts.map_partitions(predictor.ends, meta=predictor.ends(parts._meta)).compute()
    with pytest.raises(InputError, match=r"series 'q\d+' is up to 201.* and goes on at"):
        check_whole(ends, session.signature)
    assert_same(found["whole"].compute(), session)
    assert_same(found["grouped"].compute(), session)


def test_spark(spark: Any, session: Session, folder: Path) -> None:
    # Java stays in the folder where it was started, maybe by another test
    found = shown("spark_schema", root=f"{folder}/", spark=spark)
    assert_same(found["whole"].toPandas(), session)
    assert_same(found["grouped"].toPandas(), session)


@pytest.mark.parametrize("engine", ["ray", "dask", "spark"])
def test_run_on_an_engine_writes_what_run_here_writes(
    engine: str, folder: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    request.getfixturevalue(engine)  # the cluster that is there is used
    options = [str(folder / "i94.bundle"), str(folder / "whole"), "--workers", "2", "-o"]
    for where in ("local", engine):
        done = CliRunner().invoke(app, ["run", *options, str(tmp_path / where), "--on", where])
        assert done.exit_code == 0, done.output
        assert "4 partitions, 4 answered: 17,416 rows" in done.stderr
    for path in sorted((tmp_path / "local").glob("*.parquet")):
        assert path.read_bytes() == (tmp_path / engine / path.name).read_bytes()
    assert len(list((tmp_path / engine / RECORDS).iterdir())) == 4


@pytest.mark.parametrize("engine", ["ray", "dask", "spark"])
def test_a_bundle_that_changed_is_refused_by_the_workers(
    engine: Engine, request: pytest.FixtureRequest, tmp_path: Path, folder: Path
) -> None:
    from lstm_export.scale import run_folder

    request.getfixturevalue(engine)
    bundle = write_stations_bundle(tmp_path / "other.bundle")
    session = lstm_export.load(bundle)
    bundle.write_bytes(bundle.read_bytes()[:-1])
    report = run_folder(session, folder / "whole", tmp_path / "out", engine=engine)
    assert len(report.failed) == 4
    assert all("other.bundle is not the file that" in outcome.error for outcome in report.failed)


def process_of(_: int) -> int:
    import os

    return os.getpid()


def test_dask_goes_to_the_cluster_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dask = pytest.importorskip("dask", reason="needs Dask: scripts/scale_engines.sh")
    import distributed
    from distributed import Client, LocalCluster

    def no_client() -> None:
        raise ValueError

    monkeypatch.setattr(distributed, "default_client", no_client)  # that of the other tests
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        dask.config.set({"scheduler-address": cluster.scheduler_address}),
    ):
        with Client(cluster, set_as_default=False) as client:
            (worker,) = client.run(process_of, 0).values()
        assert dict(ask_on("dask", process_of, [0, 1], 2)) == {0: worker, 1: worker}


def test_dask_does_not_wait_for_ever_for_processes_that_are_gone() -> None:
    dask = pytest.importorskip("dask", reason="needs Dask: scripts/scale_engines.sh")
    from distributed import Client, LocalCluster

    with (
        dask.config.set({"distributed.scheduler.no-workers-timeout": "1s"}),
        LocalCluster(n_workers=0, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        ((_, answer),) = ask_on("dask", process_of, [0], 1)
    assert isinstance(answer, Died)
    assert "without any running workers" in answer.reason


@pytest.mark.parametrize("engine", ["ray", "dask", "spark"])
def test_a_process_that_dies_costs_its_question_alone(
    engine: Engine, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(engine)

    def dying(question: int) -> int:
        import os

        if question == 1:
            os._exit(3)
        return question

    answers = dict(ask_on(engine, dying, [0, 1, 2], 2))
    assert (answers[0], answers[2]) == (0, 2)
    assert isinstance(answers[1], Died)
    assert "its process ended" in answers[1].reason


def test_mlflow(folder: Path, session: Session) -> None:
    pytest.importorskip(
        "mlflow.pyfunc.scoring_server", reason="needs MLflow: scripts/scale_engines.sh"
    )
    model = shown("import mlflow")["served"]
    assert model.metadata.signature.inputs.input_names()[:2] == ["hour", "station"]
    requirements = (folder / "served" / "requirements.txt").read_text()
    assert f"lstm-export=={lstm_export.__version__}" in requirements
    assert len(model.predict(model.input_example)) == 2  # 49 rows, a window of 48
    frame = pandas.DataFrame(dict(stations().columns))
    assert_same(model.predict(frame), session)
    asked = {"dataframe_split": json.loads(frame[:60].to_json(orient="split", date_format="iso"))}
    answer = served(model, json.dumps(asked))
    told = pandas.DataFrame(answer["predictions"])
    expected = session.predict_table(rows_of(stations(), np.arange(60)))
    np.testing.assert_array_equal(told["volume[t+6]"].to_numpy(np.float32), expected["volume[t+6]"])


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "datetime"),
        ({"table_format": TableFormat(time_format="%d.%m.%Y %H:%M")}, "string"),
        ({"table_format": TableFormat(time_format="%Y%m%d%H%M")}, "long"),
        ({"table_format": TableFormat(has_offsets=True)}, "string"),
        ({"calendar_step": "month", "time_step": None}, "datetime"),
        ({"calendar_step": "business-day", "time_step": None}, "datetime"),
        ({"calendar": ()}, "any"),
    ],
)
def test_a_model_of_mlflow_takes_times_as_training_read_them(
    changed: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    pyfunc = pytest.importorskip("mlflow.pyfunc", reason="needs MLflow: scripts/scale_engines.sh")
    bundle = write_stations_bundle(tmp_path / "model.bundle", **changed)
    pyfunc.save_model(path=tmp_path / "saved", **mlflow_model(bundle))
    model = pyfunc.load_model(str(tmp_path / "saved"))
    schema = model.metadata.signature
    assert schema.inputs.to_dict()[0]["type"] == kind
    assert schema.outputs.to_dict()[0]["type"] == ("any" if kind == "any" else "datetime")
    assert len(model.predict(model.input_example)) == 2
    if kind == "any":
        counted = model.input_example.assign(hour=3600.0 * np.arange(49))
        assert model.predict(counted)["hour"].tolist() == [47 * 3600.0, 48 * 3600.0]


def served(model: Any, question: str) -> Any:
    """What MLflow's scoring server answers over HTTP."""
    import uvicorn
    from mlflow.pyfunc.scoring_server import init

    server = uvicorn.Server(uvicorn.Config(init(model), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations",
        question.encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310 - our own
            return json.load(response)
    finally:
        server.should_exit = True
        thread.join()
