"""Bytes of any model file -> Contents: named arrays and what lies beside them. Nothing is run.

This front is all that other rooms import.
"""

from .contents import Contents, FoundScaler
from .in_memory import contents_of, scaler_in_memory
from .read import read_contents, read_scalers
from .stored_models import CHECKPOINT_FORMAT_VERSION

__all__ = [
    "CHECKPOINT_FORMAT_VERSION",
    "Contents",
    "FoundScaler",
    "contents_of",
    "read_contents",
    "read_scalers",
    "scaler_in_memory",
]
