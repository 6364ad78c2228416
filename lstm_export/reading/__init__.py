"""Bytes of any model file -> Contents: named arrays and what lies beside them. Nothing in a file is run."""

from .contents import Contents, FoundScaler
from .read import read_contents

__all__ = ["Contents", "FoundScaler", "read_contents"]
