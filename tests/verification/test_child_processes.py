"""The processes that open strangers' files: the memory that they may take, answers cut short."""

from __future__ import annotations

import struct
import sys

import pytest

from lstm_export import child_process
from lstm_export.child_process import ChildProcess
from lstm_export.errors import InputError

pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

CHILDREN = (
    ("lstm_export.verification.foreign_child", ()),
    ("lstm_export.verification.isolated_child", ("onnx",)),
)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit, which asks a process, is Linux's")
@pytest.mark.parametrize(("module", "arguments"), CHILDREN, ids=("other tools'", "edited"))
def test_memory_is_limited_before_a_file_comes(module: str, arguments: tuple[str, ...]) -> None:
    import resource

    child = ChildProcess(module, arguments, "the child")
    child.receive(120)
    limits = resource.prlimit(child._process.pid, resource.RLIMIT_AS)
    assert limits == (child_process.MOST_MEMORY, child_process.MOST_MEMORY)


@pytest.mark.parametrize("sent", [0, 1, 7])
def test_an_answer_cut_short_is_none(sent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that ends within an answer of 8 bytes has not answered."""
    program = f"import sys; sys.stdout.buffer.write({struct.pack('<Q', 8) + b'Y' * sent!r})"
    popen = child_process.subprocess.Popen
    monkeypatch.setattr(
        child_process.subprocess,
        "Popen",
        lambda _, **pipes: popen([sys.executable, "-c", program], **pipes),
    )
    child = ChildProcess("module", (), "the child")
    with pytest.raises(InputError, match="the child ended without an answer"):
        child.receive(60)
