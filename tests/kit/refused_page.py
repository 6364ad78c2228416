"""docs/refused_checkpoints.md, made of the tests' bad files: a row and a sentence each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lstm_export.reading import (
    found_objects,
    json_files,
    pickle_stack,
    plain_weights,
    safetensors,
    tensor_values,
    torch_files,
    zip_entries,
)
from lstm_export.reading.frameworks import FRAMEWORKS
from tests.kit.bad_files import CASES, GROUPS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "refused_checkpoints.md"

INTRODUCTION = """# Files that are refused

Look up why a file was refused, and what to do about it. `lstm-export` reads a model file without
running it: pickles are read as data by a small machine that builds records instead of objects,
and zip and safetensors files by readers of its own. torch is not imported for it. What cannot be
read, or must not be, is refused with one sentence, as listed here. The page is made from the
tests by `scripts/docs/make_refused.py`, which makes each of these {count} files and reads it.

Objects that only lie beside the weights (optimizers, schedulers, scalers of scikit-learn,
metrics, `argparse` and OmegaConf configurations) do not stop a file from being read. They are
listed, their plain values are kept, and fitted scalers are understood by their attributes.

A whole pickled module holds references to code. Open it in the project that made it, and save the
weights alone:

<!-- not run: FILE is yours -->
```python
import torch
model = torch.load("FILE", weights_only=False)
torch.save(model.state_dict(), "model.pt")
```

## Bounds

| what | at most |
|---|---|
{bounds}

## Frameworks

What is known of a framework's files, whether they are read or refused:

| framework | the file | next step |
|---|---|---|
{frameworks}
"""

BOUNDS = {
    "opcodes of a pickle": pickle_stack.MOST_OPCODES,
    "bytes of a pickle without its storages": torch_files.LARGEST_PICKLE,
    "objects looked at": found_objects.MOST_OBJECTS,
    "bytes of all weights together, as float32": tensor_values.LARGEST_WEIGHTS,
    "tensors": tensor_values.MOST_TENSORS,
    "times that tensors may use a stored byte, as float32": tensor_values.MOST_REPEATS,
    "entries of a zip archive": zip_entries.MOST_ENTRIES,
    "bytes of a zip archive's directory": zip_entries.LARGEST_DIRECTORY,
    "bytes of a safetensors header": safetensors.LARGEST_HEADER,
    "bytes of a JSON file": json_files.LARGEST_JSON,
    "numbers of weights in numpy arrays and lists": plain_weights.MOST_NUMBERS,
}


def page(sentence_of: Callable[[str], str]) -> str:
    """The page, of the sentence that each case gets."""
    bounds = "\n".join(f"| {what} | {bound:,} |" for what, bound in BOUNDS.items())
    frameworks = "\n".join(
        f"| {each.name} | {each.leaves_out} | {in_table(each.next_step)} |" for each in FRAMEWORKS
    )
    parts = [INTRODUCTION.format(count=len(CASES), bounds=bounds, frameworks=frameworks)]
    for group, cases in GROUPS.items():
        rows = [f"| {what} | {in_table(sentence_of(what))} |" for what, _, _ in cases]
        parts.append(
            "\n".join([f"## {group}", "", "| the file is | the sentence |", "|---|---|", *rows, ""])
        )
    return "\n".join(parts)


def in_table(text: str) -> str:
    """A sentence as a table takes it."""
    return text.replace("|", "\\|").replace("<", "&lt;")
