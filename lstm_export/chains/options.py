"""What a user says about how a file is to be read and understood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from .outline import Readout


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
        input_scaler: name of the scaler found in the file that scales inputs.
        output_scaler: name of the one that outputs are scaled back by.
    """

    key: str | None = None
    forward: str | None = None
    readout: Readout | None = None
    batch_first: bool | None = None
    module: str | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    trust: bool = False
    reference: Path | None = None
    input_scaler: str | None = None
    output_scaler: str | None = None

    def __post_init__(self) -> None:
        if self.forward is not None and self.readout is not None:
            said = "--forward says which step is read out (last, hidden, or neither)"
            raise InputError(f"{said}; leave out --readout")
        proofs = [self.module is not None, self.trust, self.reference is not None]
        if sum(proofs) > 1:
            names = "--module, --trust and --reference"
            raise InputError(f"{names} each prove the chain; give one of them")
        if self.kwargs and self.module is None:
            what = "--kwargs are the arguments of the class that --module names"
            raise InputError(f"{what}; name it too")

    @property
    def about_chain(self) -> tuple[str, ...]:
        """Those that were given and that only a file without a stored chain can use."""
        values = {
            "--forward": self.forward,
            "--readout": self.readout,
            "--batch-first": self.batch_first,
            "--module": self.module,
            "--reference": self.reference,
        }
        return tuple(option for option, value in values.items() if value is not None)


ASSUME = ReadingOptions()
