"""What the bytes of a checkpoint tell before torch is imported: what it is, and whether it is safe to open."""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator
from typing import Any

from ..errors import CheckpointError

LARGEST_FILE = 2 * 2**30
MOST_REUSED_TUPLES = 16
LARGEST_PICKLE = 2**20  # data.pkl names the tensors; a state_dict of a thousand layers stays far below
SNIPPET = 'torch.save(model.state_dict(), "model.pt")'

# What a state_dict, or a dict of plain values around one, refers to.
STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
PLAIN_GLOBALS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "torch Size",
    *(f"torch {kind}Storage" for kind in STORAGES),
}


def check(data: bytes) -> None:
    """Refuse what is no checkpoint, or what must not be opened, one sentence each.

    Raises:
        CheckpointError: the file is empty, cut, text, a Git LFS pointer, a whole pickled module, TorchScript, ...
    """
    _check_kind(data)
    archive = _open(data)
    names = [entry.filename for entry in archive.infolist()]
    if len(set(names)) != len(names):
        raise CheckpointError("the file holds two entries of one name, which torch.save never writes; it was altered")
    if any("/code/" in name for name in names) and any(name.endswith("/constants.pkl") for name in names):
        raise CheckpointError(
            f"the file is a TorchScript archive, not a checkpoint; save the weights instead: {SNIPPET}"
        )
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
        raise CheckpointError(f"the file is a compressed zip archive, not a checkpoint; save one with {SNIPPET}")
    pickles = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise CheckpointError(
            f"the file is a zip archive without a data.pkl, not a checkpoint; save one with {SNIPPET}"
        )
    if pickles[0].file_size > LARGEST_PICKLE:
        raise CheckpointError(f"data.pkl is {pickles[0].file_size} bytes, expected at most {LARGEST_PICKLE}")
    _check_entries(archive)
    _check_globals(archive.read(pickles[0]))


def _check_kind(data: bytes) -> None:
    """What the first bytes give away."""
    if not data:
        raise CheckpointError(f"the file is empty; save it again with {SNIPPET}")
    if len(data) > LARGEST_FILE:
        raise CheckpointError(f"the file has {len(data)} bytes, expected at most {LARGEST_FILE}")
    if data.startswith(b"version https://git-lfs"):
        raise CheckpointError("the file is a Git LFS pointer, not the weights; fetch them with: git lfs pull")
    if data.startswith(b"\x89HDF"):
        raise CheckpointError("the file is HDF5, as Keras writes it, expected a PyTorch state_dict")
    if len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < len(data):
        raise CheckpointError(
            f"the file is safetensors, not read yet; load it with safetensors.torch.load_file and save with {SNIPPET}"
        )
    if data.startswith(b"\x80"):
        raise CheckpointError(
            "the file is a bare pickle: an old torch.save format or another program's; "
            f"load it where it was made and save it again with {SNIPPET}"
        )
    if not data.startswith(b"PK"):
        kind = "text" if data[:512].isascii() and b"\0" not in data[:512] else "of an unknown kind"
        raise CheckpointError(f"the file is {kind}, expected a checkpoint made with {SNIPPET}")


def _open(data: bytes) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError) as error:
        raise CheckpointError(f"the file is cut short or damaged ({error}); copy or save it again") from error


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Every entry whole: its checksum agrees with its bytes."""
    try:
        damaged = archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise CheckpointError(f"the file is damaged ({error}); copy or save it again") from error
    if damaged:
        raise CheckpointError(f"the file is damaged: the checksum of {damaged} does not fit; copy or save it again")


def _check_globals(data: bytes) -> None:
    """Refuse a pickle that would import anything beyond tensors; it is read here, never run."""
    try:
        foreign = [name.replace(" ", ".") for name in _globals(data) if name not in PLAIN_GLOBALS]
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise CheckpointError(f"the file's data.pkl is damaged ({error}); save it again with {SNIPPET}") from error
    if any(name.startswith("torch.nn.") for name in foreign):
        raise CheckpointError(
            f"the file is a whole pickled module ({foreign[0]}); opening it would run its code. Save the weights "
            f"alone: {SNIPPET}"
        )
    if foreign:
        raise CheckpointError(
            f"the file holds a {foreign[0]} beside its tensors; opening it would run its code. Save the weights "
            f"alone: {SNIPPET}"
        )


def _opcodes(data: bytes) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """The pickle's opcodes, none of which may build on stored tuples again and again.

    Tuples of tuples of tuples, each holding the one before twice, take 2**n steps to hash in n bytes.
    """
    after_tuple, tuples, reused, memoized = False, set(), 0, 0
    for opcode, argument, position in pickletools.genops(data):
        if opcode.name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            if after_tuple:
                tuples.add(memoized if opcode.name == "MEMOIZE" else argument)
            memoized += 1
        elif opcode.name.startswith("TUPLE"):
            after_tuple = True
            yield opcode, argument, position
            continue
        elif opcode.name in ("BINGET", "LONG_BINGET", "GET") and argument in tuples:
            reused += 1
        if reused > MOST_REUSED_TUPLES or opcode.name == "DUP":
            raise ValueError("tuples within tuples")
        after_tuple = False
        yield opcode, argument, position


def _globals(data: bytes) -> Iterator[str]:
    """The `module name` of everything that a pickle would import."""
    strings = [""]
    for opcode, argument, _ in _opcodes(data):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument)
        elif opcode.name == "STACK_GLOBAL":
            yield " ".join(strings[-2:])
        elif isinstance(argument, str):
            strings.append(argument)
