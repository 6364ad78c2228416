"""Sessions, streams and pools go to other processes and come back, with what they hold."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lstm_export
from lstm_export.device import Session, Stream, StreamPool
from lstm_export.device.guards import NotFinite
from lstm_export.errors import InputError
from lstm_export.model import Array
from tests.kit.builders import drawn
from tests.kit.meters import meters_model

# Forking a process with threads, as pytest's own may have, is a warning from Python 3.12 on.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture
def x() -> Array:
    low = [column.low or 0.0 for column in meters_model().signature.features]
    return np.abs(drawn(meters_model(), 3, 12)) % 1 + np.array(low, np.float32)


@pytest.fixture(params=sorted(get_all_start_methods()))
def process(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    """One other process."""
    context = get_context(request.param)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


def answered(session: Session, x: Array) -> tuple[Array, int]:
    return session(x), id(session)


def stepped(stream: Stream | StreamPool, samples: Array) -> tuple[list[Array], Any]:
    return [stream.step(x_t) for x_t in samples], stream


def settings(session: Session) -> tuple[int, int, str]:
    """What the runtime of an unpickled session may use."""
    options = session._runner._session.get_session_options()  # type: ignore[attr-defined]
    spinning = options.get_session_config_entry("session.intra_op.allow_spinning")
    return options.intra_op_num_threads, options.inter_op_num_threads, spinning


@pytest.mark.filterwarnings("ignore::lstm_export.device.InputRangeWarning")
def test_all_three_answer_elsewhere_as_they_do_here(
    bundle: Path, x: Array, process: ProcessPoolExecutor
) -> None:
    session = lstm_export.load(bundle)
    first, second = (process.submit(answered, session, x).result() for _ in range(2))
    np.testing.assert_array_equal(first[0], session(x))
    assert first[1] == second[1], "the file was opened twice in a process"
    assert process.submit(settings, session).result() == (1, 1, "0")
    for mode in ("state", "window"):
        stream = session.stream(mode=mode)
        stream.push(x[0])
        answers, back = process.submit(stepped, stream, x[1, :4]).result()
        np.testing.assert_array_equal(answers, stepped(stream, x[1, :4])[0])
        assert back.state() == stream.state()
        assert back.counts == stream.counts
    pool = session.pool(mode="state")
    pool.add("north")
    pool.add("south")
    pool.step(x[0, :2])
    pool.step(x[0, :1], ["south"])
    answers, back = process.submit(stepped, pool, x[:, :2]).result()
    np.testing.assert_array_equal(answers, stepped(pool, x[:, :2])[0])
    assert back.keys == ("north", "south")
    assert [back.state(key) for key in back.keys] == [pool.state(key) for key in pool.keys]
    assert back.out_of_range_count == pool.out_of_range_count


@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="this system cannot fork")
def test_a_forked_process_opens_the_file_itself(bundle: Path, x: Array) -> None:
    inherited = lstm_export.load(bundle)
    in_the_cache = pickle.loads(pickle.dumps(inherited))  # noqa: S301
    before = [inherited(x), in_the_cache(x)]
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        sent = pickle.loads(pickle.dumps(inherited))  # noqa: S301
        answers = [session(x) for session in (inherited, in_the_cache)]
        is_right = np.array_equal(answers, before)
        runners = [session._runner for session in (inherited, in_the_cache)]
        is_own = all(runner is sent._runner for runner in runners) and sent is not in_the_cache
        os.write(writing, b"ok" if is_right and is_own else b"no")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 2) == b"ok"


def test_a_changed_file_is_refused_with_both_digests(bundle: Path, x: Array) -> None:
    session = lstm_export.load(bundle)
    carrying = lstm_export.load(bundle, carry=True)
    sent = pickle.dumps([session, session.stream()])
    carried = pickle.dumps(carrying)
    old = hashlib.sha256(bundle.read_bytes()).hexdigest()
    with bundle.open("ab") as file:
        file.write(b"0")
    new = hashlib.sha256(bundle.read_bytes()).hexdigest()
    with pytest.raises(InputError, match=f"sha256 is {new}, expected {old}; copy it again"):
        pickle.loads(sent)  # noqa: S301
    bundle.unlink()
    with pytest.raises(InputError, match="cannot read .*model.bundle"):
        pickle.loads(sent)  # noqa: S301
    damaged = bytearray(carried)
    damaged[carried.index(b"PK\x03\x04") + 100] ^= 1
    with pytest.raises(InputError, match=f"expected {old}; copy it again"):
        pickle.loads(damaged)  # noqa: S301
    landed = pickle.loads(carried)  # noqa: S301
    np.testing.assert_array_equal(landed(x), session(x))


def test_the_engine_and_the_options_travel(bundle: Path, x: Array) -> None:
    session = lstm_export.load(bundle, engine="numpy", nonfinite="propagate")
    landed = pickle.loads(pickle.dumps(session))  # noqa: S301
    assert type(landed._runner) is type(session._runner)
    x[1, 0, 0] = np.nan
    assert np.isnan(landed(x)).all(axis=1).tolist() == [False, True, False]


def test_a_session_that_was_made_in_memory_stays(bundle: Path) -> None:
    session = lstm_export.load(bundle)
    made = Session(session._runner, session.signature)
    for stays in (made, made.stream(), made.pool()):
        with pytest.raises(InputError, match="open a file with lstm_export.load"):
            pickle.dumps(stays)


def test_an_error_reaches_the_process_that_asked(bundle: Path, x: Array) -> None:
    x[1, 0, 0] = np.nan
    with pytest.raises(NotFinite) as caught:
        lstm_export.load(bundle)(x)
    landed = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(landed), landed.index) == (str(caught.value), caught.value.index)
