"""The example of rights runs as a program of its own."""

from __future__ import annotations

from pathlib import Path

from tests.examples.test_examples import EXAMPLES, _run


def test_a_release_gets_its_ladder_and_a_gap_is_told(tmp_path: Path) -> None:
    """The calendar of India has the usual days, and the Emirates are told why not."""
    told = _run(str(EXAMPLES / "rights_ladder.py"), folder=tmp_path)
    assert "2026-12-30 cinema (nothing to sell or see)" in told
    assert "2027-03-30 collector, tvod" in told
    assert told.splitlines()[-1].startswith("Not available in AE: ")
