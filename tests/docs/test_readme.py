"""What the documents show runs: each ```python block of README.md and docs/*.md, verbatim."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def python_blocks(path: Path) -> list[str]:
    """Return the bodies of a document's python blocks."""
    return _BLOCK.findall(path.read_text("utf-8"))


DOCUMENTS = [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.exists()]
WITH_BLOCKS = [path for path in DOCUMENTS if python_blocks(path)]


@pytest.mark.parametrize("path", WITH_BLOCKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_blocks_run(path: Path, tmp_path: Path) -> None:
    """A document's blocks, run in order as one program in an empty folder, end without an error."""
    program = tmp_path / "blocks.py"
    program.write_text("\n\n".join(python_blocks(path)), "utf-8")
    done = subprocess.run(
        # ibis 12 asks DuckDB 2 for its answers by the name they had in DuckDB 1.
        [sys.executable, "-W", "error", "-W", "ignore:fetch_arrow_table:DeprecationWarning", str(program)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{path.name} does not run:\n{done.stderr}"


def test_readme_opens_with_the_two_commands() -> None:
    """The README's first shell block is the demo, and the tests' command follows it."""
    text = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^python3 noxfile\.py -s (\w+)", text, re.MULTILINE)
    assert commands[:2] == ["demo", "tests"]


def test_ci_runs_the_readme_s_command() -> None:
    """CI runs the very command that the README gives for the tests."""
    assert "python3 noxfile.py -s tests" in (ROOT / ".ci" / "run").read_text("utf-8")
