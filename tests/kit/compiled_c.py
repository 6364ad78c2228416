"""Models in C, compiled quickly for tests, and what each of them has to hold."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_export.model import Array, Model
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.runner import CRunner, CStream

needs_compiler = pytest.mark.skipif(
    bool(compiler.unavailable()), reason=f"needs a C compiler: {compiler.HOW}"
)
# Little optimisation, to compile fast; no contraction, so that every way of asking must give the
# same bits.
QUICK = "-O1 -ffp-contract=off"
# What a firmware's build may ask of every file.
STRICT = (
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wundef",
    "-Wdouble-promotion",
    "-Werror",
    "-Wno-overlength-strings",
)
SHAPES = ((1, 1), (1, 9), (33, 3), (2, 130), (12, 2))  # batch, seq


def compile_with(flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have C compiled with these flags in this test."""
    monkeypatch.setenv("CFLAGS", flags)
    compiler._cache.cache_clear()  # another test may have named another folder


def made(model: Model, weights: str = "float32", name: str = "model") -> CRunner:
    """The runner of a model; a CStream where it can be streamed."""
    interface = Interface.of(model, name, self_test=False)
    files = {f"{name}.c": write(model, interface, weights).c, f"{name}.h": interface.header()}
    kind = CStream if interface.streams else CRunner
    return kind(compiler.library(files), interface, model.signature)


def in_one(runner: CRunner, x: Array) -> Array:
    """The answers to `x (batch, seq, input_size)`, each row asked alone."""
    return np.concatenate([runner(row[np.newaxis]) for row in x])


def assert_one_answer(runner: CRunner, x: Array) -> None:
    """As a batch, row by row and as a stream, to the bit."""
    y = runner(x)
    np.testing.assert_array_equal(y, in_one(runner, x))
    if isinstance(runner, CStream):
        np.testing.assert_array_equal(y, runner.advance(x, runner.initial_state(len(x)))[0])
