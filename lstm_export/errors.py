"""Every error that a user can meet, as one tree.

::

    LstmExportError
    ├── CheckpointError      a model file that cannot be read, or is not what it claims
    ├── UnsupportedModel     a model that is read but that this tool or target cannot express
    ├── MissingDependency    an optional package is not installed
    ├── InputError           data, an option or an output path that cannot be used
    ├── ParityError          an artifact that does not compute what its model computes
    ├── BundleError          a bundle or an artifact that is damaged, unsafe or of another format
    └── SignatureError       a file that the key asked for did not sign

The library raises them, the command line prints them as one line and exits with 1.
Messages give what was expected, what was got, and the next step.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# From 1.30 on the Linux packages of ONNX Runtime write a device id and a queued event to the user's
# cache folder when they are imported, and look up their maker's host. This keeps them from it.
TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY"

LONGEST_QUOTED = 80  # characters
LONGEST_MESSAGE = 4000  # characters; the longest that we write lists the names of a large model
MESSAGE_END = 400  # characters of it that hold the next step


class LstmExportError(Exception):
    """Base of every error raised on purpose; its text is one printable line for people.

    Messages quote names out of files, which can hold anything: what a terminal could obey is
    written as an escape, and of what nobody reads to its end the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        if len(message) > LONGEST_MESSAGE:
            message = f"{message[: LONGEST_MESSAGE - MESSAGE_END]}...{message[-MESSAGE_END:]}"
        super().__init__(printable(message, len(message)))


class CheckpointError(LstmExportError):
    """A model file that cannot be read, or is not what it claims."""


class UnsupportedModel(LstmExportError):
    """A model that cannot be expressed as a chain, or not by this target."""


class MissingDependency(LstmExportError):
    """An optional package is needed and not installed."""


class InputError(LstmExportError):
    """Data, an option or an output path that cannot be used."""


class ParityError(LstmExportError):
    """An artifact does not compute what its model does; `report`, a ParityReport, says where."""

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        self.report = report


class BundleError(LstmExportError):
    """A bundle or an artifact that is damaged, unsafe, or of another format version."""


class SignatureError(LstmExportError):
    """A file whose signature was asked for, and is absent, wrong, or of another key."""


@contextmanager
def naming(file: object) -> Iterator[None]:
    """Put a file's name before what is wrong with its contents, which are checked without one."""
    try:
        yield
    except BundleError as error:
        raise BundleError(f"{file}: {error}") from error


def with_step(reason: str, step: str) -> str:
    """A message with the next step, unless the error that it quotes has named one already.

    >>> with_step("the chain is damaged", "copy it again")
    'the chain is damaged; copy it again'
    >>> with_step("the model is not valid: fc is missing; export it again", "copy it again")
    'the model is not valid: fc is missing; export it again'
    """
    return reason if "; " in reason else f"{reason}; {step}"


def cause_of(error: object) -> str:
    """What an error says is wrong, without its next step, for a message that knows a better one.

    >>> cause_of(InputError("the file is cut; copy it again"))
    'the file is cut'
    """
    return str(error).partition("; ")[0]


def printable(text: str, longest: int = LONGEST_QUOTED) -> str:
    r"""Text out of a file as people may see it: no control characters, no half of a character.

    >>> printable("volume\n[t+1] °C")
    'volume\\n[t+1] °C'
    """
    shown = text if len(text) <= longest else f"{text[:longest]}..."
    if shown.isprintable():
        return shown
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in shown
    )


def quoted(name: str) -> str:
    """A name that came out of a file, as a message may show it: in quotes, ASCII, not too long."""
    return ascii(name if len(name) <= LONGEST_QUOTED else f"{name[:LONGEST_QUOTED]}...")


def imported(module: str) -> ModuleType:
    """Import an optional package; ONNX Runtime with its telemetry off, unless the user chose.

    Raises:
        ImportError: it is absent or broken.
    """
    if module.partition(".")[0] == "onnxruntime":
        os.environ.setdefault(TELEMETRY_SWITCH, "1")
    return importlib.import_module(module)


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Raises:
        MissingDependency: it is absent; the message names the pip command that brings it, of the
            package alone where `extra` is empty.
    """
    try:
        return imported(module)
    except ImportError as error:
        package = module.partition(".")[0]
        wanted = f'"lstm-export[{extra}]"' if extra else package
        raise MissingDependency(
            f"{purpose} needs the package {package}, which cannot be imported here ({error}); "
            f"install it with: pip install {wanted}"
        ) from error
