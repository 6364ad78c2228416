"""Two bundles compared: can the new one take the place of the old one?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..bundle import Bundle
from ..errors import BundleError, LstmExportError
from ..model import Array, Column, Signature, forward
from ..model.category import Category
from ..parity import ParityReport, asked_of, check
from .artifact import ArtifactFile
from .opened_file import OpenedFile, open_file
from .permission import NO_PERMISSION, Permission

# What a caller of a bundle relies on: fields of its signature, and those told in other words.
FIELDS = (
    "input_size",
    "output_size",
    "window",
    "horizon",
    "shortest",
    "time",
    "time_step",
    "calendar_step",
    "country",
    "time_tolerance",
    "calendar",
    "group",
    "quantiles",
)
TEXTS = ("features", "targets", "categories", "table_format")


@dataclass
class Difference:
    """The changes from an old bundle to a new one, one sentence each.

    Attributes:
        breaking: a device that worked with the old bundle gets errors or other numbers from the new
            one.
        compatible: changes that such a device does not notice.
    """

    breaking: list[str] = field(default_factory=list)
    compatible: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing is breaking."""
        return not self.breaking

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self) | {"ok": self.ok}

    def add(self, sentence: str, *, breaks: bool) -> None:
        """Note a change."""
        changes = self.breaking if breaks else self.compatible
        changes.append(sentence)


def diff(
    old: Path | str,
    new: Path | str,
    permission: Permission = NO_PERMISSION,
    key: Path | str | None = None,
) -> Difference:
    """Compare interface and numbers; the new artifacts are run here on the old bundle's golden
    sets.

    Args:
        old: the bundle that devices have.
        new: the bundle that is to replace it.
        permission: what the user said that lets code in `new` run.
        key: the public key that must have signed both.

    Raises:
        SignatureError: `key` did not sign one of them.
        BundleError: one of the two is damaged, unsafe, or no bundle.
    """
    opened = open_file(new, permission, key)
    before = _bundle_of(open_file(old, key=key))
    after = _bundle_of(opened)
    difference = Difference(list(_interface(before.model.signature, after.model.signature)))
    # Else the old inputs cannot be asked, and no change can be called compatible.
    comparable = difference.ok
    if _ranges(before.model.signature) != _ranges(after.model.signature):
        difference.add("the training ranges of the features changed", breaks=False)
    _compare_models(before, after, comparable, difference)
    for name in before.artifacts:
        if name not in after.artifacts:
            difference.add(f"the {name} artifact is gone", breaks=True)
    for name, artifact in opened.artifacts.items():
        if name not in before.artifacts:
            difference.add(f"there is a {name} artifact now", breaks=False)
        elif comparable:
            _compare_artifacts(before, artifact, after.artifacts[name], difference)
    return difference


def _bundle_of(opened: OpenedFile) -> Bundle:
    if opened.bundle is None:
        raise BundleError(
            f"{opened.path} is an artifact of {opened.artifact.target}, not a bundle; "
            "name two files that `lstm-export package` wrote"
        )
    return opened.bundle


def _interface(old: Signature, new: Signature) -> Iterator[str]:
    """Changes of what a caller of the old bundle relies on, a sentence each."""
    before = _relied_on(old)
    after = _relied_on(new)
    for name in (*FIELDS, *TEXTS):
        if before[name] != after[name]:
            is_plural = name in ("features", "targets", "categories")
            now, then = ("are", "were") if is_plural else ("is", "was")
            yield f"{name} {now} {after[name]}, {then} {before[name]}"


def _relied_on(signature: Signature) -> dict[str, object]:
    fields: dict[str, object] = {name: vars(signature)[name] for name in FIELDS}
    table_format = signature.table_format
    fields["table_format"] = table_format.to_record() if table_format else "the usual"
    fields["features"] = _names(signature.features)
    fields["targets"] = _names(signature.targets)
    fields["categories"] = "; ".join(map(_category, signature.categories)) or "none"
    return fields


def _category(category: Category) -> str:
    others = "others answered" if category.has_other else "others refused"
    return f"{category.name}: {', '.join(category.levels)}, {others}"


def _names(columns: tuple[Column, ...]) -> str:
    names = [f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns]
    return ", ".join(names) or "unnamed"


def _ranges(signature: Signature) -> list[tuple[float | None, float | None]]:
    return [(column.low, column.high) for column in signature.features]


def _compare_models(old: Bundle, new: Bundle, comparable: bool, difference: Difference) -> None:
    """Whether chain or weights changed; whether that breaks, the new model's float64 answers to the
    old inputs tell."""
    changes = old.model.differences(new.model)
    if not changes:
        return
    sentence = changes[0]
    if old.model.describe() != new.model.describe():
        sentence = f"the chain is '{new.model.describe()}', was '{old.model.describe()}'"
    elif len(changes) > 1:
        sentence += f", and {len(changes) - 1} more arrays"
    if not comparable:
        difference.add(sentence, breaks=True)
        return

    def definition(x: Array) -> Array:
        return forward(new.model, x).y

    report = check(definition, asked_of(definition, old.golden), subject="definition")
    verdict = f"on the old golden sets the new model {_verdict(report)}"
    difference.add(f"{sentence}; {verdict}", breaks=not report.ok)


def _compare_artifacts(
    old: Bundle, artifact: ArtifactFile, data: bytes, difference: Difference
) -> None:
    """The new artifact on the old inputs, against the old answers."""
    name = artifact.target
    if old.artifacts[name] == data:
        return
    changed = f"the {name} artifact is another file"
    reason = artifact.why_not_run()
    if reason:
        difference.add(f"{changed}, not run here: {reason}", breaks=False)
        return
    try:
        runner = artifact.runner()
    except LstmExportError as error:
        difference.add(f"{changed}, and cannot be opened: {error}", breaks=True)
        return
    report = check(runner, asked_of(runner, old.golden), subject=name)
    difference.add(f"{changed}; on the old golden sets it {_verdict(report)}", breaks=not report.ok)


def _verdict(report: ParityReport) -> str:
    """The summary without the name in front of it."""
    return report.summary().partition(": ")[2]
