"""A command whose options are the columns of a table, and whose command line is a row."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from typing import Any

import typer

_ANSWERS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class RowCommand:
    """A command that is given by cells, which are parsed as its own command line is.

    Attributes:
        options: its options by column: `hidden-size` for `--hidden-size`.

    Args:
        function: what is behind the command.
        without: parameters that no row decides, by their names in Python.
    """

    def __init__(self, function: Callable[..., None], without: Collection[str]) -> None:
        self._parser = _parser(function)
        self.options: dict[str, Any] = {}
        for parameter in self._parser.params:
            if parameter.param_type_name == "option" and parameter.name not in without:
                column = _long(parameter.opts).removeprefix("--")
                self.options[column] = parameter

    def values(self, argument: str, cells: Mapping[str, str]) -> dict[str, Any]:
        """The function's parameters, for its one argument and these options.

        Raises:
            typer.BadParameter: a cell is no value of its option, or an option is missing.
        """
        line: list[str] = []
        for column, cell in cells.items():
            line += _spelled(self.options[column], cell)
        arguments = [*line, "--", argument]
        values: dict[str, Any] = self._parser.main(arguments, standalone_mode=False)
        return values


def _parser(function: Callable[..., None]) -> Any:
    """A command with the parameters of `function`, which gives their values back."""

    def values(**parameters: Any) -> dict[str, Any]:
        return parameters

    signature = inspect.signature(function, eval_str=True)
    values.__signature__ = signature  # type: ignore[attr-defined]
    values.__annotations__ = {}
    app = typer.Typer(add_completion=False)
    app.command()(values)
    return typer.main.get_command(app)


def _spelled(option: Any, cell: str) -> list[str]:
    """A cell as it is written on a command line; commas separate what an option is repeated for."""
    if option.is_flag:
        answer = _ANSWERS.get(cell.lower())
        if answer is None:
            raise typer.BadParameter("expected yes or no", param=option)
        names = option.opts if answer else option.secondary_opts
        return [_long(names)] if names else []
    values = cell.split(",") if option.multiple else [cell]
    return [f"{_long(option.opts)}={value.strip()}" for value in values]


def _long(names: Collection[str]) -> str:
    """`--target` of `-t` and `--target`."""
    return next(name for name in names if name.startswith("--"))
