"""The command that was given, spelled out: every option that was said, no other."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator
from enum import Enum
from typing import Any

import typer


def command_again(context: typer.Context, without: Collection[str] = (), **more: object) -> str:
    """The running command as a line for a shell.

    Args:
        context: the command as it was parsed.
        without: parameters that are left out, by their names in Python, such as those that write
            files.
        more: options that are added, such as `replay=path` for `--replay path`.
    """
    arguments = ["lstm-export", *_command(context)]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in without or name in more or not _was_said(context, name):
            continue
        arguments += _spelled(parameter, context.params[name])
    for name, value in more.items():
        arguments += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(arguments)


def _command(context: typer.Context) -> list[str]:
    """The name of the command, after that of its group where it is in one: `fleet verify`."""
    names = [context.info_name or ""]
    group = context.parent
    while group and group.parent:  # the last is lstm-export itself
        names.insert(0, group.info_name or "")
        group = group.parent
    return names


def _was_said(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _spelled(parameter: Any, value: object) -> Iterator[str]:
    """One parameter as it is written on a command line."""
    values = value if isinstance(value, list | tuple) else [value]
    for entry in values:
        if parameter.param_type_name == "argument":
            yield str(entry)
        elif isinstance(entry, bool):
            names = parameter.opts if entry else parameter.secondary_opts
            yield names[0]
        else:
            yield parameter.opts[0]
            yield str(entry.value if isinstance(entry, Enum) else entry)
