"""What `torch.save` and `torch.jit.save` write, opened without torch: the zip format and the one before torch 1.6.

The zip format: `NAME/data.pkl`, the storages as `NAME/data/KEY`, `NAME/byteorder`; TorchScript adds `NAME/code` and
`NAME/constants.pkl`. The old format: three small pickles (magic number, version, system), the object, the keys of the
storages, then each storage as its number of values (int64) and the values (torch/serialization.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .pickle_machine import Global, Interpreted, Persistent, PickleFault, interpret
from .zip_entries import Archive

LARGEST_PICKLE = 32 * 2**20  # bytes; it names the tensors, and may hold a few arrays of numpy
MAGIC_PICKLE = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # near the start, after the protocol
_ITEM_BYTES = {"Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1}
_ITEM_BYTES |= {"Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "Untyped": 1}

Storages = Callable[[str], Array]  # the bytes of a storage, as uint8, by its key


@dataclass(frozen=True, eq=False)
class TorchFile:
    """An open file of torch's.

    Attributes:
        root: the object, as `pickle_machine` gives it.
        storages: the bytes of a storage, by its key.
        order: `<` or `>`, how the numbers are written.
        is_script: whether it is a TorchScript archive.
        is_old: whether it is in the format before torch 1.6.
    """

    root: Any
    storages: Storages
    order: str = "<"
    is_script: bool = False
    is_old: bool = False

    @property
    def bytes(self) -> tuple[Storages, str]:
        """Where the values are, and how they are written."""
        return self.storages, self.order


def open_zip(archive: Archive) -> TorchFile:
    """Open a zip archive that holds a `data.pkl`.

    Raises:
        CheckpointError: it holds none or several, or what it holds is damaged or beyond the bounds.
    """
    pickles = [name for name in archive.entries if name.rpartition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise CheckpointError(f"the file is a zip archive with {len(pickles)} entries named data.pkl, expected one")
    prefix = pickles[0].removesuffix("data.pkl")
    data = archive.read(pickles[0], LARGEST_PICKLE).tobytes()
    order = _byte_order(archive, prefix + "byteorder")
    is_script = f"{prefix}constants.pkl" in archive.entries

    def storage(key: str) -> Array:
        if f"{prefix}data/{key}" not in archive.entries:
            raise CheckpointError(f"the file lacks its storage {quoted(key)}; it was cut or altered, save it again")
        return archive.read(f"{prefix}data/{key}")

    return TorchFile(_interpret(data).value, _once(storage), order, is_script)


def _byte_order(archive: Archive, name: str) -> str:
    if name not in archive.entries:
        return "<"
    order = archive.read(name, 16).tobytes()
    if order not in (b"little", b"big"):
        raise CheckpointError(f"the file says that its byte order is {order!r}, expected little or big; it was altered")
    return "<" if order == b"little" else ">"


def open_pickle(file: BinaryIO) -> TorchFile:
    """Open what `pickle.dump` wrote; each storage lies in it as a file of the old format.

    Raises:
        CheckpointError: it is cut, damaged or beyond the bounds.
    """
    file.seek(0)
    data = file.read(LARGEST_PICKLE)
    found = _interpret(data, is_whole=not file.read(1))

    def storage(key: str) -> Array:
        raise CheckpointError(
            f"the file refers to a storage {quoted(key)} outside of it; save it again with torch.save"
        )

    return TorchFile(found.value, storage)


def open_old(file: BinaryIO) -> TorchFile:
    """Open a file that starts with torch's magic number.

    Raises:
        CheckpointError: it is cut, damaged or beyond the bounds.
    """
    length = file.seek(0, 2)
    file.seek(0)
    head = file.read(LARGEST_PICKLE)
    found, order, places = _old_parts(head, length)

    def storage(key: str) -> Array:
        if key not in places:
            raise CheckpointError(f"the file lacks its storage {quoted(key)}; it was cut or altered, save it again")
        start, size, count = places[key]
        file.seek(start - 8)
        _check_count(file.read(8), count, order)
        return np.frombuffer(file.read(size), np.uint8)

    return TorchFile(found, _once(storage), order, is_old=True)


def embedded_storage(data: bytes) -> tuple[Any, Array]:
    """How a storage is referred to, and its bytes, of a file of the old format that holds just one."""
    found, order, places = _old_parts(data, len(data))
    if order != "<" or len(places) != 1 or not isinstance(found, Persistent):
        raise CheckpointError("the file's pickle is damaged: a storage in it is not alone; copy or save it again")
    ((start, size, count),) = places.values()
    _check_count(data[start - 8 : start], count, order)
    return found.reference, np.frombuffer(data, np.uint8, size, start)


def _check_count(data: bytes, count: int, order: str) -> None:
    """Each storage starts with its number of values, which the pickle gives as well."""
    if int.from_bytes(data, "little" if order == "<" else "big") != count:
        raise CheckpointError("the file is damaged (a storage is not where it should be); copy or save it again")


def _old_parts(head: bytes, length: int) -> tuple[Any, str, dict[str, tuple[int, int, int]]]:
    """The object, the byte order, and start, bytes and number of values of every storage."""
    at, parts = 0, []
    for _ in range(5):  # magic number, version, system, object, keys
        parts.append(_interpret(head, at, is_whole=len(head) == length))
        at = parts[-1].end
    _, version, system, found, keys = (part.value for part in parts)
    little = system.get("little_endian") if isinstance(system, dict) else None
    if version != 1001 or not isinstance(little, bool):
        raise CheckpointError("the file is in a format of torch from before version 0.1.2; save it again with torch")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise CheckpointError("the file is damaged (its storages have no names); copy or save it again")
    sizes = _storage_sizes(parts[3].persistent)
    places: dict[str, tuple[int, int, int]] = {}
    for key in keys:
        size, count = sizes.get(key, (0, 0))
        places[key] = (at + 8, size, count)
        at += 8 + size
    if at > length:
        raise CheckpointError("the file is cut short or damaged (a storage reaches beyond its end); save it again")
    return found, "<" if little else ">", places


def _storage_sizes(persistent: list[Persistent]) -> dict[str, tuple[int, int]]:
    """Bytes and number of values of every storage."""
    sizes = {}
    for each in persistent:
        match each.reference:
            case ("storage", Global(name), str(key), _, int(count), *_) if count >= 0:
                sizes[key] = (count * _ITEM_BYTES.get(name.rpartition(".")[2].removesuffix("Storage"), 0), count)
    return sizes


def _interpret(data: bytes, at: int = 0, is_whole: bool = True) -> Interpreted:
    try:
        return interpret(data, at)
    except PickleFault as error:
        if not is_whole:
            raise CheckpointError(f"its objects fill more than {LARGEST_PICKLE:,} bytes, or {error}") from error
        raise CheckpointError(f"the file's pickle is damaged: {error}; copy or save it again") from error


def _once(storage: Callable[[str], Array]) -> Storages:
    """Read every storage once: many tensors can be views of one."""
    kept: dict[str, Array] = {}

    def read(key: str) -> Array:
        if key not in kept:
            kept[key] = storage(key)
        return kept[key]

    return read
