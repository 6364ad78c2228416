"""What `torch.save` and `torch.jit.save` write, opened without torch.

The zip format: `NAME/data.pkl`, the storages as `NAME/data/KEY`, `NAME/byteorder`; TorchScript
adds `NAME/code` and `NAME/constants.pkl`. The old format, before torch 1.6: three small pickles
(magic number, version, system), the object, the keys of the storages, then each storage as its
number of values (int64) and the values (torch/serialization.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .pickle_machine import Interpreted, interpret
from .pickle_records import ForeignPickle, Global, Persistent, PickleFault
from .zip_entries import Archive

LARGEST_PICKLE = 32 * 2**20  # bytes; it names the tensors, and may hold a few arrays of numpy
MAGIC_PICKLE = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."  # after the protocol's bytes
_COUNT_SIZE = 8  # bytes of the number of values before each storage of the old format
_ITEM_BYTES = {
    "Double": 8,
    "Float": 4,
    "Half": 2,
    "BFloat16": 2,
    "Long": 8,
    "Int": 4,
    "Short": 2,
    "Char": 1,
    "Byte": 1,
    "Bool": 1,
    "ComplexFloat": 8,
    "ComplexDouble": 16,
    "Untyped": 1,
}

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
        raise CheckpointError(
            f"the file is a zip archive with {len(pickles)} entries named data.pkl, expected one"
        )
    prefix = pickles[0].removesuffix("data.pkl")
    data = archive.read(pickles[0], LARGEST_PICKLE).tobytes()
    order = _byte_order(archive, f"{prefix}byteorder")
    is_script = f"{prefix}constants.pkl" in archive.entries

    def storage(key: str) -> Array:
        name = f"{prefix}data/{key}"
        if name not in archive.entries:
            raise CheckpointError(_LACKS_STORAGE.format(quoted(key)))
        return archive.read(name)

    return TorchFile(_interpret(data).value, _once(storage), order, is_script)


_LACKS_STORAGE = "the file lacks its storage {}; it was cut or altered, save it again"


def _byte_order(archive: Archive, name: str) -> str:
    if name not in archive.entries:
        return "<"
    order = archive.read(name, 16).tobytes()
    if order not in (b"little", b"big"):
        raise CheckpointError(
            f"the file says that its byte order is {order!r}, expected little or big; it was "
            "altered"
        )
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
            f"the file refers to a storage {quoted(key)} outside of it; save it again with "
            "torch.save"
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
    parts = _old_parts(head, length)

    def storage(key: str) -> Array:
        if key not in parts.places:
            raise CheckpointError(_LACKS_STORAGE.format(quoted(key)))
        place = parts.places[key]
        file.seek(place.start - _COUNT_SIZE)
        _check_count(file.read(_COUNT_SIZE), place.values, parts.order)
        return np.frombuffer(file.read(place.size), np.uint8)

    return TorchFile(parts.root, _once(storage), parts.order, is_old=True)


def embedded_storage(data: bytes) -> tuple[Any, Array]:
    """How a storage is referred to, and its bytes, of an old file that holds just one."""
    parts = _old_parts(data, len(data))
    is_alone = len(parts.places) == 1 and isinstance(parts.root, Persistent)
    if parts.order != "<" or not is_alone:
        raise CheckpointError(
            "the file's pickle is damaged: a storage in it is not alone; copy or save it again"
        )
    (place,) = parts.places.values()
    _check_count(data[place.start - _COUNT_SIZE : place.start], place.values, parts.order)
    return parts.root.reference, np.frombuffer(data, np.uint8, place.size, place.start)


def _check_count(data: bytes, count: int, order: str) -> None:
    """Each storage starts with its number of values, which the pickle gives as well."""
    if int.from_bytes(data, "little" if order == "<" else "big") != count:
        raise CheckpointError(
            "the file is damaged (a storage is not where it should be); copy or save it again"
        )


class _Place(NamedTuple):
    """Where a storage of the old format lies: its bytes, and how many values they are."""

    start: int
    size: int
    values: int


class _OldParts(NamedTuple):
    """The object of an old file, its byte order, and where its storages are."""

    root: Any
    order: str
    places: dict[str, _Place]


def _old_parts(head: bytes, length: int) -> _OldParts:
    """The pickles of a file of `length` bytes, of which `head` are the first."""
    is_whole = len(head) == length
    at = 0
    pickles: list[Interpreted] = []
    for _ in range(5):  # magic number, version, system, object, keys
        pickles.append(_interpret(head, at, is_whole))
        at = pickles[-1].end
    _, version, system, root, keys = pickles
    order = _old_order(version.value, system.value)
    if not isinstance(keys.value, list) or not all(isinstance(key, str) for key in keys.value):
        raise CheckpointError(
            "the file is damaged (its storages have no names); copy or save it again"
        )
    sizes = _storage_sizes(root.persistent)
    places: dict[str, _Place] = {}
    for key in keys.value:
        size, count = sizes.get(key, (0, 0))
        start = at + _COUNT_SIZE
        places[key] = _Place(start, size, count)
        at = start + size
    if at > length:
        raise CheckpointError(
            "the file is cut short or damaged (a storage reaches beyond its end); save it again"
        )
    return _OldParts(root.value, order, places)


def _old_order(version: Any, system: Any) -> str:
    match version, system:
        case 1001, {"little_endian": bool(is_little)}:
            return "<" if is_little else ">"
    raise CheckpointError(
        "the file is in a format of torch from before version 0.1.2; save it again with torch"
    )


def _storage_sizes(persistent: list[Persistent]) -> dict[str, tuple[int, int]]:
    """Bytes and number of values of every storage."""
    sizes: dict[str, tuple[int, int]] = {}
    for each in persistent:
        match each.reference:
            case ("storage", Global(name), str(key), _, int(count), *_) if count >= 0:
                kind = name.rpartition(".")[2].removesuffix("Storage")
                sizes[key] = (count * _ITEM_BYTES.get(kind, 0), count)
    return sizes


def _interpret(data: bytes, at: int = 0, is_whole: bool = True) -> Interpreted:
    try:
        return interpret(data, at)
    except ForeignPickle as error:
        raise CheckpointError(f"the file {error}; give a PyTorch checkpoint") from error
    except PickleFault as error:
        if not is_whole:
            raise CheckpointError(
                f"its objects fill more than {LARGEST_PICKLE:,} bytes, or {error}; "
                "save the model's state_dict alone"
            ) from error
        raise CheckpointError(
            f"the file's pickle is damaged: {error}; copy or save it again"
        ) from error


def _once(storage: Callable[[str], Array]) -> Storages:
    """Read every storage once: many tensors can be views of one."""
    kept: dict[str, Array] = {}

    def read(key: str) -> Array:
        if key not in kept:
            kept[key] = storage(key)
        return kept[key]

    return read
