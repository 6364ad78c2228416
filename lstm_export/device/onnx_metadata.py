"""The metadata in an ONNX file of this package, beside its graph."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..errors import BundleError, LstmExportError, with_step
from ..model import Signature
from .onnx_schema import EntryField, ModelField
from .protobuf import AGAIN, Field, fields

# Keys of the metadata, written by the ONNX target.
SIGNATURE = "lstm_export.signature"
CHAIN = "lstm_export.chain"
WEIGHTS_SHA256 = "lstm_export.weights_sha256"
VERSION = "lstm_export.version"
STATE = "lstm_export.state"
TAKES_LENGTHS = "lstm_export.takes_lengths"
LENGTHS_BY = "lstm_export.lengths_by"  # one of the next two; not in older files

GATHERING = "gathering"  # each row's own step is gathered
SEQUENCE_LENS = "sequence_lens"  # some recurrent node takes the lengths

LENGTHS = "lengths"  # the input that says how many steps of each row count
FINAL = "_n"  # what a graph that carries state adds to an input's name for its output: h, h_n

MAX_ENTRIES = 64  # that are looked at

_FIRST_BYTE = 0x08  # ModelProto begins with its ir_version, field 1, a varint


def may_be_onnx(data: bytes) -> bool:
    """Whether the bytes begin as an ONNX file does."""
    return len(data) > 2 and data[0] == _FIRST_BYTE


def metadata_of(data: bytes) -> dict[str, str]:
    """The file's metadata, found without looking into its graph; empty for other files."""
    try:
        entries = [field for field in fields(data) if field.number == ModelField.METADATA_PROPS]
        pairs = [_pair(entry) for entry in entries[:MAX_ENTRIES]]
    except (BundleError, UnicodeDecodeError):
        return {}
    return dict(pair for pair in pairs if pair)


def _pair(entry: Field) -> tuple[str, str] | None:
    if not isinstance(entry.value, bytes):
        return None
    by_number = {field.number: field.value for field in fields(entry.value)}
    key = by_number.get(EntryField.KEY)
    value = by_number.get(EntryField.VALUE)
    if not isinstance(key, bytes) or not isinstance(value, bytes):
        return None
    return key.decode(), value.decode()


def stored_signature(metadata: Mapping[str, str]) -> Signature:
    """The signature among what a file says of itself.

    Raises:
        BundleError: it is damaged, or not there.
    """
    try:
        return Signature.from_record(json.loads(metadata.get(SIGNATURE, "null")))
    except (ValueError, RecursionError, LstmExportError) as error:
        reason = f"the file's own signature is damaged: {error}"
        raise BundleError(with_step(reason, AGAIN)) from error


def carries_state(data: bytes) -> bool:
    """Whether the bytes are an ONNX file of this package that carries a state."""
    return may_be_onnx(data) and STATE in metadata_of(data)
