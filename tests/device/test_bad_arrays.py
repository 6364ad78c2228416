"""Every kind of bad array is refused in the same words by every engine, before it sees one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.device import Session
from lstm_export.errors import InputError
from lstm_export.verification.opened_file import own_artifact
from tests.kit.chains import CHAINS
from tests.kit.targets_here import TARGETS_HERE

for package in ("torch", "onnx", "onnxruntime"):
    pytest.importorskip(package, reason='needs: pip install "lstm-export[all]"')

MODEL = CHAINS["every step"]
WIDTH = MODEL.signature.input_size
Shape = tuple[int, ...]


class Unwilling:
    """An object that fails as numpy asks it for its numbers, with an error of its own."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise OSError("the sensor is gone")


def around_itself() -> list[Any]:
    """A list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


def deep() -> list[Any]:
    """More lists in lists than Python has calls."""
    found: list[Any] = []
    for _ in range(5000):
        found = [found]
    return found


def masked(shape: Shape) -> Any:
    return np.ma.masked_array(np.ones(shape, np.float32), mask=np.eye(1, np.prod(shape), 2))


def filled(value: Any, dtype: Any = None) -> Callable[[Shape], Any]:
    return lambda shape: np.full(shape, value, dtype)


def ones(dtype: Any) -> Callable[[Shape], Any]:
    return lambda shape: np.ones(shape, dtype)


def same(value: Any) -> Callable[[Shape], Any]:
    return lambda _: value


# By kind what makes it in a shape that would fit.
BAD: dict[str, Callable[[Shape], Any]] = {
    "None": same(None),
    "text": same("1.0"),
    "bytes": same(b"1.0"),
    "an object": same(object()),
    "a type": same(float),
    "a dict": same({"volume": 1.0}),
    "a set": same({1.0, 2.0}),
    "a generator": lambda _: (value for value in [1.0]),
    "a number": same(1.0),
    "an array of no axes": same(np.array(1.0)),
    "objects": ones(object),
    "arrays of None": filled(None, object),
    "arrays of text": filled("1.0"),
    "arrays of bytes": filled(b"1.0"),
    "complex numbers": ones(complex),
    "times": lambda shape: np.zeros(shape, "M8[s]"),
    "durations": lambda shape: np.zeros(shape, "m8[s]"),
    "records": lambda shape: np.zeros(shape, [("volume", "f4")]),
    "raw bytes": lambda shape: np.zeros(shape, "V4"),
    "NaN": filled(np.nan),
    "infinity": filled(np.inf, np.float32),
    "minus infinity": filled(-np.inf),
    "more than float32 holds": filled(1e300),
    "a whole number without end": lambda shape: np.full(shape, 10**400, object).tolist(),
    "too narrow": lambda shape: np.ones((*shape[:-1], WIDTH - 1)),
    "too wide": lambda shape: np.ones((*shape[:-1], WIDTH + 1)),
    "no features": lambda shape: np.ones((*shape[:-1], 0)),
    "two axes too many": lambda shape: np.ones((1, 1, *shape)),
    "an axis too few": lambda shape: np.ones(shape[1:]),
    "ragged lists": same([[[1.0] * WIDTH], [[1.0]]]),
    "masked": masked,
    "unwilling": same(Unwilling()),
    "a list of unwilling": same([Unwilling()]),
    "a list that holds itself": same(around_itself()),
    "lists without end": same(deep()),
}


def pool_of(session: Session) -> Any:
    pool = session.pool()
    pool.add("a")
    pool.add("b")
    return pool


# By entrance the shape that it takes, and how.
ENTRANCES: dict[str, tuple[Shape, Callable[[Session, Any], Any]]] = {
    "session(x)": ((2, 4, WIDTH), lambda session, x: session(x)),
    "lengths": ((2, 4, WIDTH), lambda session, x: session(x, lengths=[4, 2])),
    "one of a list": ((4, WIDTH), lambda session, x: session([np.ones((3, WIDTH)), x])),
    "slide": ((4, WIDTH), lambda session, x: session.slide(x, window=2)),
    "step": ((WIDTH,), lambda session, x: session.stream().step(x)),
    "step of a batch": ((3, WIDTH), lambda session, x: session.stream(3).step(x)),
    "push": ((4, WIDTH), lambda session, x: session.stream().push(x)),
    "window": ((WIDTH,), lambda session, x: session.stream(mode="window", window=2).step(x)),
    "pool": ((2, WIDTH), lambda session, x: pool_of(session).step(x)),
    "part of a pool": ((1, WIDTH), lambda session, x: pool_of(session).step(x, ["b"])),
}


# By engine the target and the options of its export.
ENGINES: dict[str, tuple[str, dict[str, bool]]] = {
    **{name: (name, {}) for name in TARGETS_HERE},
    "onnx with lengths": ("onnx", {"lengths": True}),
}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    """One model in every engine that runs on this machine."""
    folder = tmp_path_factory.mktemp("engines")
    runners = {}
    for name, (target, options) in ENGINES.items():
        path = folder / f"{name}{targets.get(target).suffix}"
        targets.get(target).export(MODEL, path, **options)
        runners[name] = own_artifact(target, path).runner()
    return {
        name: Session(runner, MODEL.signature, twin=lambda: runners["onnx-stream"])
        for name, runner in runners.items()
    }


def cases() -> Iterator[tuple[str, str]]:
    for entrance in ENTRANCES:
        for kind in BAD:
            # One row of a stream may come without its axis of rows.
            is_fine = kind == "an axis too few" and entrance == "part of a pool"
            if not is_fine:
                yield entrance, kind


@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")
@pytest.mark.parametrize(("entrance", "kind"), list(cases()))
def test_every_engine_refuses_it_in_the_same_words(
    entrance: str, kind: str, sessions: dict[str, Session]
) -> None:
    shape, enter = ENTRANCES[entrance]
    said = set()
    for session in sessions.values():
        with pytest.raises(InputError) as caught:
            enter(session, BAD[kind](shape))
        said.add(str(caught.value))
    (words,) = said
    assert words.isprintable()
    assert len(words) < 400


@pytest.mark.parametrize("entrance", ENTRANCES)
def test_what_is_not_bad_is_answered(entrance: str, sessions: dict[str, Session]) -> None:
    """Otherwise the test above would pass for want of any way in."""
    shape, enter = ENTRANCES[entrance]
    takes_arrays_alone = entrance in {"one of a list", "slide"}
    for session in sessions.values():
        expected = numbers_in(enter(session, np.ones(shape, np.float32)))
        assert len(expected)
        for x in (np.ones(shape).tolist(), np.ones(shape, ">f8")):
            answer = enter(session, np.asarray(x) if takes_arrays_alone else x)
            np.testing.assert_array_equal(numbers_in(answer), expected)


def numbers_in(answer: Any) -> Any:
    """All numbers of an array, or of a list of arrays of several lengths."""
    return np.concatenate([np.ravel(part) for part in answer])


@pytest.mark.filterwarnings("ignore:this model names no features")
@pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")
@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "an object",
        "a generator",
        "a number",
        "complex numbers",
        "times",
        "NaN",
        "ragged lists",
        "masked",
        "unwilling",
        "a list that holds itself",
        "lists without end",
    ],
)
def test_lengths_and_columns_are_refused_too(kind: str, sessions: dict[str, Session]) -> None:
    session = sessions["numpy"]
    with pytest.raises(InputError, match="lengths"):
        session(np.ones((2, 4, WIDTH), np.float32), lengths=BAD[kind]((2,)))
    columns = {f"x{index}": np.ones(6) for index in range(WIDTH)}
    with pytest.raises(InputError):
        session.predict_table({**columns, "x2": BAD[kind]((6,))})
