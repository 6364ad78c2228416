"""A fleet on a real cluster of two workers makes the bundles that one process makes."""

from __future__ import annotations

from pathlib import Path

import pytest

import lstm_export
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.fleet.checking import verify_fleet
from lstm_export.fleet.entry import Entry
from lstm_export.fleet.packaging import package_fleet
from lstm_export.fleet.tasks import Sharing, outcomes
from lstm_export.scale.sharing import Engine
from tests.kit.builders import redrawn
from tests.kit.chains import CHAINS
from tests.kit.fleet_tasks import NamedTask

pytestmark = [pytest.mark.engines, pytest.mark.filterwarnings("ignore")]  # of the engines' own code
PACKAGES: dict[Engine, str] = {"ray": "ray", "dask": "distributed", "spark": "pyspark"}


@pytest.mark.parametrize("engine", PACKAGES)
def test_a_cluster_makes_the_same_bundles(engine: Engine, tmp_path: Path) -> None:
    pytest.importorskip(PACKAGES[engine], reason="needs the engines: scripts/scale_engines.sh")
    models = {"a": CHAINS["smallest"], "b": redrawn(CHAINS["smallest"])}
    for name, model in models.items():
        write_checkpoint(tmp_path / f"{name}.pt", Checkpoint(model))
    entries = [Entry(name, tmp_path / f"{name}.pt", "", ("onnx",)) for name in (*models, "gone")]
    sharing = Sharing(engine, 2)
    report = package_fleet(entries, tmp_path / "out", sharing)
    assert [outcome.name for outcome in report.failed] == ["gone"]
    for name in models:
        alone = tmp_path / f"{name}.bundle"
        lstm_export.package(tmp_path / f"{name}.pt", alone)
        assert (tmp_path / "out" / alone.name).read_bytes() == alone.read_bytes()
    assert verify_fleet(tmp_path / "out", sharing).ok


def test_a_process_that_ends_on_ray_fails_by_name() -> None:
    pytest.importorskip("ray", reason="needs the engines: scripts/scale_engines.sh")
    tasks = [NamedTask(name) for name in ("a", "be killed", "b")]
    errors = {outcome.name: outcome.error for outcome in outcomes(tasks, Sharing("ray", 2))}
    assert (errors["a"], errors["b"]) == ("", "")
    assert errors["be killed"].startswith("row 3 of fleet.csv: its process ended on Ray: ")
