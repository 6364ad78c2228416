"""The git commit of the tree that a model lies in."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..errors import InputError

_SECONDS = 60
# A repository can name a program that git would start to watch its files.
_GIT = ("git", "-c", "core.fsmonitor=false")


def commit_of(folder: Path) -> dict[str, str | bool]:
    """`commit`, and whether there are `uncommitted_changes`, of the git tree around a folder.

    Raises:
        InputError: there is no such tree, or no git.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    # a file that git does not know, such as the model, changes nothing that is committed
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "uncommitted_changes": bool(changes)}


def _git(folder: Path, *arguments: str) -> str:
    command = [*_GIT, "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - git, asked for by the user
            command, capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InputError(
            f"git tells no commit of {folder}: {_reason(error)}; leave out --provenance"
        ) from error
    return done.stdout.strip()


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr).strip()
    return str(error)
