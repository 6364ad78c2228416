"""What a user says about how a file is to be read and understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from ..errors import InputError
from ..series import TableSource
from .outline import Readout

# A name, a path, an object of scikit-learn, or a pair of arrays: its class is the user's to choose.
Scaler: TypeAlias = Any


@dataclass(frozen=True)
class ReadingOptions:
    """How to read a model that is not ours. What is not said is assumed, and said to be.

    Attributes:
        key: which state_dict of a file with several.
        forward: the chain, such as `lstm, last, relu, fc1`.
        readout: which step is read out, where the chain is assumed otherwise: `last`, `hidden` or
            `all`.
        batch_first: whether the module and recorded answers take `(batch, seq, input_size)`; None
            to find out.
        module: the user's class to prove the chain against, `mypkg.models:LSTMModel`. Importing
            it runs its code.
        kwargs: what to make it with.
        trust: run a TorchScript archive, which runs its code, in a process of its own, to prove
            the chain against.
        reference: a .npz with x and y to prove the chain against.
        input_scaler: what scales inputs: the name of a scaler in the file, a file of its own such
            as `scaler.joblib` (`scalers.joblib:x` where it holds several), a fitted scaler of
            scikit-learn, or a pair `(offset, scale)`.
        output_scaler: what outputs are scaled back by, given in the same ways.
        features: names of the columns of x.
        outputs: names of the columns of y; of the targets, where each has a step of the horizon.
        units: units of columns by name.
        window: steps of the windows seen in training.
        data: real inputs in raw units, a table or a .npz, on which a live module is compared with
            its translation and every artifact with its model.
    """

    key: str | None = None
    forward: str | None = None
    readout: Readout | None = None
    batch_first: bool | None = None
    module: str | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    trust: bool = False
    reference: Path | None = None
    input_scaler: Scaler | None = None
    output_scaler: Scaler | None = None
    features: Sequence[str] = ()
    outputs: Sequence[str] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    window: int | None = None
    data: TableSource | None = None

    def __post_init__(self) -> None:
        if self.forward is not None and self.readout is not None:
            said = "--forward says which step is read out (last, hidden, or neither)"
            raise InputError(f"{said}; leave out --readout")
        proofs = [self.module is not None, self.trust, self.reference is not None]
        if sum(proofs) > 1:
            names = "--module, --trust and --reference"
            raise InputError(f"{names} each prove the chain; give one of them")
        _check_names("--features", self.features)
        _check_names("--outputs", self.outputs)
        if self.kwargs and self.module is None:
            what = "--kwargs are the arguments of the class that --module names"
            raise InputError(f"{what}; name it too")

    @property
    def about_chain(self) -> tuple[str, ...]:
        """Those that were given and that only a file without a stored chain can use."""
        values = {
            "--key": self.key,
            "--forward": self.forward,
            "--readout": self.readout,
            "--batch-first": self.batch_first,
            "--module": self.module,
            "--reference": self.reference,
        }
        return tuple(option for option, value in values.items() if value is not None)

    @property
    def given(self) -> tuple[str, ...]:
        """Names of those that say something."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return tuple(name for name, value in values.items() if not _says_nothing(value))

    @classmethod
    def among(cls, keywords: Mapping[str, Any]) -> tuple[ReadingOptions, dict[str, Any]]:
        """What of a call's keywords says how a model is read, and the rest."""
        names = {each.name for each in fields(cls)}
        own = {key: value for key, value in keywords.items() if key in names}
        rest = {key: value for key, value in keywords.items() if key not in names}
        return cls(**own), rest


def _check_names(option: str, names: Sequence[str]) -> None:
    if isinstance(names, str) or len(set(names)) < len(names) or not all(names):
        got = f"{option} is {names!r}, expected a list of names that differ"
        raise InputError(f"{got}, such as temperature and pressure")


def _says_nothing(value: Any) -> bool:
    is_empty = isinstance(value, Mapping | tuple | list) and not value
    return value is None or value is False or is_empty


ASSUME = ReadingOptions()
