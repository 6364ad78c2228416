"""Every finding has the form that findings/README.md gives, and its row there. None is run here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FINDINGS = Path(__file__).resolve().parents[1] / "findings"
README = (FINDINGS / "README.md").read_text(encoding="utf-8")
SHARED = "fresh_venv.sh"
NAMES = sorted(path.stem for path in FINDINGS.glob("*.sh") if path.name != SHARED)


@pytest.mark.parametrize("name", NAMES)
def test_tells_pins_and_checks(name: str) -> None:
    text = (FINDINGS / f"{name}.sh").read_text(encoding="utf-8")
    for part in ("# Behaviour  ", "# Expected   ", "# Seen       ", SHARED, "changed"):
        assert part in text
    pins = re.search(r"^pins=\((.*)\)$", text, re.MULTILINE)
    assert pins
    assert all("==" in pin for pin in pins[1].split())


def test_the_table_has_a_row_for_each() -> None:
    assert re.findall(r"^\| \[(\w+)\]\(\1\.sh\) \|", README, re.MULTILINE) == NAMES


def test_every_test_that_it_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", README)
    assert len(named) > len(NAMES) / 2
    assert all((FINDINGS.parent / path).is_file() for path in named)
