"""The choices of options, which the command line repeats, are the library's."""

from __future__ import annotations

from enum import Enum, EnumMeta
from typing import get_args

import pytest

from lstm_export.bundle import manifest
from lstm_export.chains import outline
from lstm_export.cli.options import choices
from lstm_export.device import row_stream
from lstm_export.evaluation.evaluate import Part
from lstm_export.scale.sharing import Engine
from lstm_export.training import option_values

LIBRARY: dict[type[Enum], object] = {
    choices.Missing: option_values.Missing,
    choices.UnknownLevel: option_values.UnknownLevel,
    choices.Scaler: option_values.Scaler,
    choices.SplitBy: option_values.SplitBy,
    choices.Loss: option_values.Loss,
    choices.Predict: option_values.Predict,
    choices.Readout: outline.Readout,
    choices.Mode: manifest.Mode,
    choices.Late: row_stream.Late,
    choices.Duplicate: row_stream.Duplicate,
    choices.On: Engine,
    choices.Part: Part,
}


@pytest.mark.parametrize("offered", LIBRARY, ids=lambda offered: offered.__name__)
def test_an_option_offers_what_the_library_takes(offered: type[Enum]) -> None:
    assert tuple(choice.value for choice in offered) == get_args(LIBRARY[offered])


def test_every_choice_is_compared() -> None:
    defined = {value for value in vars(choices).values() if isinstance(value, EnumMeta)}
    assert defined - {Enum} == LIBRARY.keys()
