"""The example of royalty's pieces runs as a program of its own."""

from __future__ import annotations

from pathlib import Path

from tests.examples.test_examples import EXAMPLES, _run


def test_the_pieces_of_a_month_add_up(tmp_path: Path) -> None:
    """Pools come to what was paid, an advance is recouped before anything is paid, a film to its gross."""
    told = _run(str(EXAMPLES / "royalty_pieces.py"), folder=tmp_path).splitlines()
    assert told[0] == "pro_rata: marigold 4740, blue lantern 57980, platform 26880"
    assert told[1] == "user_centric: marigold 15323, blue lantern 33467, platform 40810"
    assert "marigold: 10000 recouped, 5323 paid" in told
    assert "rentals: [100, 200] units a tier, 1683000 royalty" in told
    film = [int(line.rpartition(" ")[2]) for line in told if line.startswith("film: ")]
    assert sum(film) == 50_000_000
