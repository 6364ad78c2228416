"""A module run by wasmtime: without imports, in memory and time that are limited.

wasmtime: https://docs.wasmtime.dev
"""

from __future__ import annotations

import threading
from ctypes import POINTER, c_float, c_ubyte, cast
from typing import Any

import numpy as np

from ...errors import InputError, require
from ...model import Array, Signature, State, StateTensor
from ..c.emit.carried import state_views
from ..target import check_input
from .record import Record
from .sections import check_sandboxed, damaged

PAGE = 2**16
MOST_BYTES = 2**31
# wasmtime counts about one unit of fuel an instruction. A step takes at most some tens of them a
# weight in the plain build, and some hundreds a value between stages; this lets a module that loops
# for ever end.
FUEL = 2**28
FUEL_PER_WEIGHT = 200
FUEL_PER_VALUE = 2000


class Sandbox:
    """An instance of a module, with memory of its own.

    Attributes:
        record: what the module says of itself.
    """

    def __init__(self, data: bytes) -> None:
        """Compile it and make an instance; nothing of it is run.

        Raises:
            MissingDependency: wasmtime is not installed.
            BundleError: it is not of lstm-export, or damaged.
        """
        self.record = Record.of(data)
        check_sandboxed(data)
        values = sum(shape.width for shape in self.record.blank().shapes)
        weights = self.record.weight_count + 1000
        self._fuel_a_step = FUEL_PER_WEIGHT * weights + FUEL_PER_VALUE * values
        wasmtime = require("wasmtime", "wasm", "running wasm")
        self._errors = (wasmtime.WasmtimeError, wasmtime.Trap)
        config = wasmtime.Config()
        config.consume_fuel = True
        config.wasm_threads = False
        config.wasm_multi_memory = False
        config.wasm_memory64 = False
        config.wasm_relaxed_simd = False
        self._store = wasmtime.Store(wasmtime.Engine(config))
        self._store.set_limits(memory_size=MOST_BYTES)
        self._store.set_fuel(FUEL)
        try:
            module = wasmtime.Module(self._store.engine, data)
            exports = wasmtime.Instance(self._store, module, []).exports(self._store)
            self._memory = exports["memory"]
            self._places = exports["model_export_places"].value(self._store)
            self._heap = exports["__heap_base"].value(self._store)
            self._functions = {name: exports[name] for name in _functions(self.record)}
        except (*self._errors, KeyError, AttributeError) as error:
            reason = str(error).splitlines()[0]
            raise damaged(f"it cannot be opened, {reason}") from error

    def call(self, function: str, *arguments: int, steps: int = 1) -> Any:
        """Call an export; `steps` is for how many rows and steps it has work.

        Raises:
            InputError: it trapped, or did more than that work takes.
        """
        self._store.set_fuel(FUEL + steps * self._fuel_a_step)
        try:
            return self._functions[function](self._store, *arguments)
        except self._errors as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise InputError(
                f"the WebAssembly module failed in {function}: {reason}; export it again"
            ) from error

    def floats(self, *sizes: int) -> tuple[list[int], list[Array]]:
        """Addresses, and views, of so many floats each, after each other on the heap.

        The views hold until the memory grows, which only this function makes it do.

        Raises:
            InputError: the memory cannot grow so far.
        """
        addresses = []
        end = -(-self._heap // 16) * 16  # rounded up to a vector's 16 bytes
        for size in sizes:
            addresses.append(end)
            end += -(-size // 4) * 16  # four floats of four bytes
        self._grow_to(end)
        pointer = self._memory.data_ptr(self._store)
        whole = cast(pointer, POINTER(c_float))
        views = []
        for address, size in zip(addresses, sizes, strict=True):
            start = address // 4  # in floats
            all_floats = np.ctypeslib.as_array(whole, shape=(start + size,))
            views.append(all_floats[start:])
        return addresses, views

    def held(self, place: int, size: int) -> bytes:
        """So many bytes of its memory from a place on, fewer where it ends before.

        A module may ask for 2 GB and use none: no more of it is copied.
        """
        most = self._memory.data_len(self._store)
        pointer = cast(self._memory.data_ptr(self._store), POINTER(c_ubyte))
        all_of_it = np.ctypeslib.as_array(pointer, shape=(most,))
        copied: bytes = all_of_it[place : place + size].tobytes()
        return copied

    def places(self, count: int) -> list[int]:
        """The addresses of its constants."""
        held = self.held(self._places, 4 * count)
        if len(held) != 4 * count:
            raise damaged("it holds no list of constants")
        addresses: list[int] = np.frombuffer(held, "<u4").tolist()
        return addresses

    def _grow_to(self, end: int) -> None:
        missing = end - self._memory.data_len(self._store)
        if missing <= 0:
            return
        if end <= MOST_BYTES:
            try:
                self._memory.grow(self._store, -(-missing // PAGE))
                return
            except self._errors:  # said below
                pass
        raise InputError(
            f"the WebAssembly module needs {end:,} bytes of memory for this x, allowed are "
            f"{MOST_BYTES:,}; pass fewer rows or steps at once"
        )


class WasmRunner:
    """A Runner over a module. Threads may use it at once: one waits for the other.

    Attributes:
        signature: the interface of the model.
        size_bytes: of the module.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sandbox = Sandbox(data)
        self._lock = threading.Lock()
        self._every_step = self._sandbox.record.every_step
        self.signature: Signature = self._sandbox.record.signature
        self.size_bytes = len(data)

    def __call__(self, x: Array) -> Array:
        check_input(x, self.signature.input_size, self._sandbox.record.least_steps)
        batch, seq, _ = x.shape
        answers = batch * seq if self._every_step else batch
        output_size = self.signature.output_size
        with self._lock:
            scratch = self._sandbox.call("scratch_floats", batch, seq) & 0xFFFFFFFF
            if not scratch:
                raise InputError(f"x is {x.shape}, more than 32 bits address; pass fewer steps")
            addresses, views = self._sandbox.floats(x.size, answers * output_size, scratch)
            at_x, at_y, at_scratch = addresses
            views[0][:] = x.ravel()
            self._sandbox.call("run", at_x, batch, seq, at_y, at_scratch, steps=batch * seq)
            y = views[1].copy()
        shape = (batch, seq, output_size) if self._every_step else (batch, output_size)
        answer: Array = y.reshape(shape)
        return answer


class WasmStream(WasmRunner):
    """The same where the model also runs step by step: a StatefulRunner."""

    @property
    def layout(self) -> tuple[StateTensor, ...]:
        """The tensors of the state in order."""
        return self._sandbox.record.layout

    def initial_state(self, batch: int) -> State:
        with self._lock:
            addresses, views = self._sandbox.floats(self._sandbox.record.state_size + 1)
            self._sandbox.call("reset", addresses[0])
            row = views[0][:-1].copy()
        return self._tensors(np.tile(row, (batch, 1)))

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        batch, seq, _ = x.shape
        # (batch, num_layers * size) each
        rows = [tensor.swapaxes(0, 1).reshape(batch, -1) for tensor in state]
        values = np.concatenate(rows, axis=1, dtype=np.float32)  # (batch, state_size)
        answers = seq if self._every_step else 1
        y = np.empty((batch, answers, self.signature.output_size), np.float32)
        with self._lock:
            for row in range(batch):
                self._advance_row(x[row], values[row], y[row])
        return (y if self._every_step else y[:, 0]), self._tensors(values)

    def bind(self, batch: int) -> WasmBound:
        """Steps in place for a fixed batch, from the initial state."""
        return WasmBound(Sandbox(self._data), batch)

    def _advance_row(self, x: Array, values: Array, y: Array) -> None:
        """One row: `values (state_size,)` and `y (answers, output_size)` are overwritten."""
        addresses, views = self._sandbox.floats(values.size + 1, x.size, y.size)
        at_state, at_x, at_y = addresses
        state, samples, answers = views
        state[:-1] = values
        state[-1] = 0  # the unsigned after the values, which counts steps
        samples[:] = x.ravel()
        self._sandbox.call("push", at_state, at_x, len(x), at_y, steps=len(x))
        values[:] = state[:-1]
        y[:] = answers.reshape(y.shape)

    def _tensors(self, values: Array) -> State:
        return tuple(map(np.ascontiguousarray, state_views(values, self.layout)))


class WasmBound:
    """Steps of one sample for a fixed batch, in the memory of an instance of their own.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        state: the present state, `(num_layers, batch, size)` a tensor; to write into it sets it.
    """

    def __init__(self, sandbox: Sandbox, batch: int) -> None:
        signature = sandbox.record.signature
        state_size = sandbox.record.state_size + 1  # an unsigned after the values counts steps
        sizes = (state_size, signature.input_size, signature.output_size)
        addresses, views = sandbox.floats(*(batch * size for size in sizes))
        values, samples, answers = views
        self._sandbox = sandbox
        self._y = answers.reshape(batch, -1)  # (batch, output_size)
        self.x = samples.reshape(batch, 1, -1)
        self.state: State = state_views(values.reshape(batch, -1), sandbox.record.layout)
        self._rows = []
        for row in range(batch):
            at_state, at_x, at_y = (
                address + 4 * row * size for address, size in zip(addresses, sizes, strict=True)
            )
            sandbox.call("reset", at_state)
            self._rows.append((at_state, at_x, 1, at_y))

    def run(self) -> Array:
        """Take the step: the answer to `x`, a fresh `(batch, output_size)`."""
        for row in self._rows:
            self._sandbox.call("push", *row)
        fresh: Array = self._y.copy()
        return fresh


def _functions(record: Record) -> tuple[str, ...]:
    streaming = ("reset", "push") if record.streams else ()
    return ("scratch_floats", "run", *streaming)
