"""JSON with weights: a state_dict as nested lists of numbers, alone or beside other values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, BinaryIO

from ..errors import CheckpointError, quoted
from ..model import Array
from .contents import Contents
from .file_kinds import name_kind
from .found_objects import sort_objects
from .frameworks import of_keys
from .state_dicts import read_found
from .torch_files import TorchFile

LARGEST_JSON = 16 * 2**20  # bytes; a number takes about 20 of them


def looks_like_json(head: bytes) -> bool:
    """Whether it begins as a JSON object, over white space and a byte order mark."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read_json(file: BinaryIO, key: str | None) -> Contents:
    """The state_dict in a JSON file.

    Raises:
        CheckpointError: it is no JSON, too large, or holds no weights under their names.
    """
    file.seek(0)
    text = file.read(LARGEST_JSON + 1)
    if len(text) > LARGEST_JSON:
        raise CheckpointError(
            f"the file is JSON of more than {LARGEST_JSON:,} bytes; save it with torch.save"
        )
    root = _parsed(text)
    found = sort_objects(root)
    if not found.states:
        framework = of_keys(root) if isinstance(root, dict) else None
        said = framework.sentence if framework else name_kind(text[:512])
        raise CheckpointError(f"the file {said}")
    contents = read_found(TorchFile(root, _no_storage), found, key)
    return replace(contents, how=f"JSON, {contents.how}")


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"the file {name_kind(text[:512])}, and it is damaged; copy or save it again"
        ) from error


def _no_storage(key: str) -> Array:
    raise CheckpointError(f"JSON holds no storage {quoted(key)}; save the file again")
