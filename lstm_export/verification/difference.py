"""Two bundles compared: can the new one take the place of the old one?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..bundle import Bundle, open_bundle
from ..errors import naming
from ..model import Runner, Signature, forward
from ..parity import asked_of, check
from .artifact import bundle_runner, not_run


@dataclass(frozen=True)
class Difference:
    """What changed from an old bundle to a new one, one sentence each.

    Attributes:
        breaking: a device that worked with the old bundle gets errors or other numbers from the new one.
        compatible: changes that such a device does not notice.
    """

    breaking: tuple[str, ...]
    compatible: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is breaking."""
        return not self.breaking

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self) | {"ok": self.ok}


def diff(old: Path | str, new: Path | str) -> Difference:
    """Compare interface and numbers; the new artifacts are run here on the old bundle's golden sets.

    Raises:
        BundleError: one of the two is damaged or unsafe.
    """
    before, after = _opened(Path(old)), _opened(Path(new))
    breaking = list(_interface(before.model.signature, after.model.signature))
    compatible = list(_ranges(before.model.signature, after.model.signature))
    comparable = not breaking
    for sentence, is_breaking in _model(before, after, comparable):
        (breaking if is_breaking else compatible).append(sentence)
    for name in before.artifacts:
        if name not in after.artifacts:
            breaking.append(f"the {name} artifact is gone")
    for name in after.artifacts:
        if name not in before.artifacts:
            compatible.append(f"there is a {name} artifact now")
        elif comparable:
            (broken, fine) = _numbers(name, before, after)
            breaking += broken
            compatible += fine
    return Difference(tuple(breaking), tuple(compatible))


def _opened(path: Path) -> Bundle:
    with naming(path):
        return open_bundle(path)


def _interface(old: Signature, new: Signature) -> Iterator[str]:
    """Whatever a caller of the old bundle relies on."""
    for field in ("input_size", "output_size", "window", "horizon", "time", "time_step", "calendar", "group"):
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield f"{field} is {after}, was {before}"
    for field in ("features", "targets"):
        before, after = ([(column.name, column.unit) for column in getattr(side, field)] for side in (old, new))
        if before != after:
            yield f"{field} are {_names(after)}, were {_names(before)}"


def _names(columns: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} [{unit}]" if unit else name for name, unit in columns) or "unnamed"


def _ranges(old: Signature, new: Signature) -> Iterator[str]:
    ranges = [[(column.low, column.high) for column in side.features] for side in (old, new)]
    if ranges[0] != ranges[1]:
        yield "the training ranges of the features changed"


def _model(old: Bundle, new: Bundle, comparable: bool) -> Iterator[tuple[str, bool]]:
    """Whether chain or weights changed, and whether that is breaking: its own float64 answers to the old inputs tell.

    Where the interface changed the old inputs cannot be asked, and nothing can be called compatible.
    """
    changes = old.model.differences(new.model)
    if not changes:
        return
    said = changes[0] + (f", and {len(changes) - 1} more arrays" if len(changes) > 1 else "")
    if old.model.describe() != new.model.describe():
        said = f"the chain is '{new.model.describe()}', was '{old.model.describe()}'"
    if not comparable:
        yield said, True
        return
    runner: Runner = lambda x: forward(new.model, x).y  # noqa: E731
    report = check(runner, asked_of(runner, old.golden), subject="definition")
    yield f"{said}; on the old golden sets the new model {report.summary().partition(': ')[2]}", not report.ok


def _numbers(name: str, old: Bundle, new: Bundle) -> tuple[list[str], list[str]]:
    """The new artifact on the old inputs, against the old answers."""
    if old.artifacts[name] == new.artifacts[name]:
        return [], []
    if reason := not_run(name, trusted=False):
        return [], [f"the {name} artifact is another file, not run here: {reason}"]
    runner = bundle_runner(new, name)
    report = check(runner, asked_of(runner, old.golden), subject=name)
    said = f"the {name} artifact is another file; on the old golden sets it {report.summary().partition(': ')[2]}"
    return ([], [said]) if report.ok else ([said], [])
