"""The tutorial of the royalty calculator: its files, its command and its output are the real ones."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/royalty_calculator"
PAGE = (ROOT / "docs/royalty-calculator.md").read_text("utf-8")
FILES = ("terms.json", "facts.json")


def _run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _calculated(*options: str) -> str:
    return _run("-m", "buddy_core.royalty", *(str(EXAMPLE / name) for name in FILES), *options)


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_tutorial_shows_the_files_that_run() -> None:
    """The two JSON blocks are the example's files to the byte."""
    assert _blocks("json")[:2] == [(EXAMPLE / name).read_text("utf-8") for name in FILES]


def test_the_tax_is_that_of_what_was_kept() -> None:
    """The tax of a refund is no longer owed: 18 parts in 118 of what was paid and not given back."""
    [sale] = json.loads((EXAMPLE / "facts.json").read_text("utf-8"))["sales"]
    assert sale["tax"] * 118 == (sale["gross"] - sale["refund"]) * 18


def test_the_tutorial_shows_what_is_printed() -> None:
    """The first block of output is what the command prints."""
    assert _blocks("text")[0] == _calculated()


def test_the_script_comes_to_the_bank_figures_of_the_tutorial(tmp_path: Path) -> None:
    """The CSV adds up to what the tutorial says is paid, by a script that imports nothing of ours."""
    (tmp_path / "statements.csv").write_text(_calculated("--csv"), "utf-8")
    script = EXAMPLE.parent / "statement_to_bank.py"
    assert _run("-I", str(script), str(tmp_path / "statements.csv")) == _blocks("text")[1]
    assert "buddy" not in script.read_text("utf-8").partition('"""\n')[2]


@pytest.mark.parametrize("name", ["amount", "payable"])
def test_the_script_notices_one_minor_unit(tmp_path: Path, name: str) -> None:
    """A statement that is changed by one minor unit no longer adds up."""
    text = _calculated("--csv")
    changed = (
        text.replace("8247,8247.000000", "8248,8247.000000")
        if name == "amount"
        else text.replace(",48766,,,", ",48767,,,")
    )
    assert changed != text
    (tmp_path / "statements.csv").write_text(changed, "utf-8")
    script = str(EXAMPLE.parent / "statement_to_bank.py")
    done = subprocess.run(
        [sys.executable, script, str(tmp_path / "statements.csv")], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"AssertionError" in done.stderr
