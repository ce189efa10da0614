"""A month with every kind of fact, pool, rate and account: what comes out is as it was, byte for byte.

Statements that were sent must come out the same by every later version; a change of what
stands here is a change of rules, and needs a new name for them (`RULES`). In the folder:
`python -m buddy_core.royalty terms.json facts.json --before before.json --out expected`.
"""

from __future__ import annotations

from pathlib import Path

from buddy_core.royalty.__main__ import main

FOLDER = Path(__file__).parent / "full_month"


def test_a_month_of_everything_comes_out_as_it_was(tmp_path: Path) -> None:
    """All five files are the same, from what is said in words to the last fraction."""
    given = [str(FOLDER / name) for name in ("terms.json", "facts.json", "before.json")]
    assert main([*given[:2], "--before", given[2], "--out", str(tmp_path)]) == 0
    expected = {path.name: path.read_bytes() for path in (FOLDER / "expected").iterdir()}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == expected
    assert len(expected) == 5
