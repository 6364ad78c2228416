"""Processes that share questions: kept from one to the next, and lost with one question at most."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lstm_export.workers import Died, ask_all
from tests.kit.worker_jobs import THREADS, answer

ROOT = Path(__file__).parents[1]


@pytest.fixture(params=["spawn", "forkserver"])
def start_method(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.param not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.usefixtures("start_method")
def test_a_process_answers_question_after_question_with_one_thread() -> None:
    answers = dict(ask_all(answer, ["a", "b", THREADS, "c"], workers=1))
    said = [answers[index][0] for index in range(4)]
    assert said == ["a", "b", "1", "c"]
    pids = {pid for _, pid in answers.values()}
    assert len(pids) == 1
    assert pids != {os.getpid()}


@pytest.mark.usefixtures("start_method")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_dies_costs_its_own_question() -> None:
    questions = ["a", "be killed", "b", "exit", "c", "d"]
    answers = dict(ask_all(answer, questions, workers=2))
    died = {questions[index]: told for index, told in answers.items() if isinstance(told, Died)}
    assert set(died) == {"be killed", "exit"}
    assert "was ended by SIGKILL, which is what a system does that runs" in died["be killed"].reason
    assert died["exit"].reason == "its process ended with exit code 3"
    kept = [told[0] for told in answers.values() if not isinstance(told, Died)]
    assert sorted(kept) == ["a", "b", "c", "d"]


@pytest.mark.usefixtures("start_method")
def test_threads_that_ask_at_once_keep_the_main_module() -> None:
    program = sys.modules["__main__"]
    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(lambda: list(ask_all(answer, ["a"], workers=1))) for _ in range(4)]
    assert [future.result()[0][1][0] for future in asked] == ["a"] * 4
    assert sys.modules["__main__"] is program


@pytest.mark.usefixtures("start_method")
def test_who_stops_asking_ends_the_processes() -> None:
    asked = ask_all(answer, ["sleep", "a"], workers=2)
    assert next(asked)[0] == 1
    assert len(multiprocessing.active_children()) == 2
    asked.close()
    assert not multiprocessing.active_children()


IMPORTED = """
import os
from lstm_export.workers import ask_all, import_beforehand
from tests.kit.worker_jobs import is_imported

os.environ["OMP_NUM_THREADS"] = "7"
import_beforehand({modules})
print(sorted(ask_all(is_imported, ["colorsys", "colorsys"], workers=2)))
print(os.environ["OMP_NUM_THREADS"], os.environ.get("MKL_NUM_THREADS"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="every process imports for itself")
@pytest.mark.parametrize("is_good", [True, False])
def test_what_is_imported_beforehand_is_there_in_every_process(
    is_good: bool, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("raise OSError")
    modules = ["not_installed", "colorsys", *([] if is_good else ["broken"])]
    script = tmp_path / "script.py"  # without a guard, as no process runs it again
    script.write_text(IMPORTED.format(modules=modules))
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "MKL_NUM_THREADS": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str([(0, is_good), (1, is_good)]), "7 "]


@pytest.mark.parametrize("start_method", ["spawn"], indirect=True)
@pytest.mark.usefixtures("start_method")
def test_what_a_job_prints_is_no_output_of_its_parent(capfd: pytest.CaptureFixture[str]) -> None:
    list(ask_all(answer, ["print"], workers=1))
    assert capfd.readouterr() == ("", "printed\n")


def test_no_question_starts_no_process() -> None:
    assert not list(ask_all(answer, [], workers=2))
