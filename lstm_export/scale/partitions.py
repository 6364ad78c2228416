"""The partitions of a folder: the tables in it, in the order of their names, and their answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..files import is_folder

SUFFIXES = (".csv", ".csv.gz", ".parquet")
RECORDS = "_records"  # as of Spark and Arrow, what begins with _ or . is no data


@dataclass(frozen=True)
class Partition:
    """A table of the folder.

    Attributes:
        name: its path below the folder, with `/` on every system.
        source: the table; absolute, so that a worker finds it.
        output: where its predictions go: `.parquet` for Parquet, else `.csv`.
        record: beside them, what was answered, and by what.
    """

    name: str
    source: Path
    output: Path
    record: Path

    @property
    def has_answer(self) -> bool:
        """Whether there is one, of this run or an earlier one."""
        return self.output.exists() and self.record.exists()

    def set_aside(self) -> None:
        """Make room for an answer; the earlier one is kept until `settle` or `bring_back`."""
        if self.has_answer:
            for path, aside in self._aside:
                path.replace(aside)

    def bring_back(self) -> None:
        """The answer that was set aside in place of what is there; nothing where none was."""
        for path, aside in self._aside:
            if aside.exists():
                aside.replace(path)

    def withdraw(self) -> None:
        """Take this run's answer away again."""
        self.output.unlink()
        self.record.unlink()
        self.bring_back()

    def settle(self) -> None:
        """The answer stays: the earlier one goes."""
        for _, aside in self._aside:
            aside.unlink(missing_ok=True)

    @property
    def _aside(self) -> tuple[tuple[Path, Path], tuple[Path, Path]]:
        kept = self.record.with_suffix(".earlier")
        return (self.output, kept), (self.record, kept.with_suffix(".earlier.json"))


def partitions_of(data: Path, output: Path) -> tuple[Partition, ...]:
    """The tables in a folder and in the folders below it.

    Raises:
        InputError: there is none, two would have the same output, or `output` is a file or lies in
            the folder.
    """
    data = data.resolve()
    output = output.resolve()
    if output.is_relative_to(data) or data.is_relative_to(output):
        raise InputError(
            f"{output} and {data} lie in each other, so that answers would be taken for data; "
            "choose another output with -o"
        )
    if output.exists() and not is_folder(output):
        raise InputError(f"{output} is a file; name a folder with -o")
    partitions = tuple(_partition(path, data, output) for path in _tables(data))
    if not partitions:
        raise InputError(f"{data} holds no table; expected files ending in {', '.join(SUFFIXES)}")
    sources: dict[Path, str] = {}
    for partition in partitions:
        other = sources.setdefault(partition.output, partition.name)
        if other != partition.name:
            raise InputError(
                f"{other} and {partition.name} would both be answered in {partition.output}; "
                "rename one"
            )
    return partitions


def _tables(data: Path) -> Iterator[Path]:
    for path in sorted(data.rglob("*")):
        if not path.name.lower().endswith(SUFFIXES) or is_folder(path):
            continue
        is_hidden = any(part.startswith((".", "_")) for part in path.relative_to(data).parts)
        if not is_hidden:
            yield path


def _partition(source: Path, data: Path, output: Path) -> Partition:
    name = source.relative_to(data).as_posix()
    suffix = next(end for end in SUFFIXES if name.lower().endswith(end))
    stem = name[: -len(suffix)]
    kind = ".parquet" if suffix == ".parquet" else ".csv"  # what was packed is answered unpacked
    return Partition(name, source, output / f"{stem}{kind}", output / RECORDS / f"{name}.json")
