"""The demo's catalogue and the media made from it."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from buddy_adapters.media.clips import LOOKS
from buddy_adapters.media.posters import MOTIFS
from buddy_web.demo.catalogue import PRODUCERS, TITLES, title_of
from buddy_web.demo.media import make_media


def test_catalogue_is_eight_films_a_series_of_three_and_two_shorts() -> None:
    """By two producers, with clips of 12 to 40 seconds; a series has none, and some show another's."""
    kinds = [title.type for title in TITLES]
    assert {kind: kinds.count(kind) for kind in kinds} == {"film": 8, "series": 1, "episode": 3, "short": 2}
    assert {title.producer for title in TITLES} == {producer.key for producer in PRODUCERS}
    for title in TITLES:
        assert title.clip_s == 0 if title.type == "series" else 12 <= title.clip_s <= 40
    for title in TITLES:
        shown = title_of(title.plays) if title.plays else title
        assert (shown.plays, shown.clip_s) == (None, title.clip_s)


def test_catalogue_hangs_together() -> None:
    """Keys are unique, episodes count up in a series that exists, and every look is drawn."""
    assert len({title.key for title in TITLES}) == len(TITLES)
    episodes = [title for title in TITLES if title.type == "episode"]
    assert [episode.number for episode in episodes] == [1, 2, 3]
    for episode in episodes:
        assert episode.series is not None
        assert title_of(episode.series).type == "series"
    assert {title.look for title in TITLES} <= set(LOOKS) & set(MOTIFS)


def test_synopses_are_two_sentences() -> None:
    """Each title is told in two sentences."""
    for title in TITLES:
        assert title.synopsis.count(". ") + 1 == 2, title.key
        assert title.synopsis.endswith(".")


def test_media_are_made_once_and_progress_reaches_the_end(tmp_path: Path) -> None:
    """Clips and posters appear where the web looks for them; a second run ends at once, all done."""
    titles = tuple(evolve(title, clip_s=1, captions=()) for title in TITLES if title.type == "short")
    steps = list(make_media(tmp_path, titles))
    assert [step.done_permille for step in steps] == sorted(step.done_permille for step in steps)
    assert steps[-1].done_permille == 1000
    for title in titles:
        assert (tmp_path / title.key / "master.m3u8").is_file()
        assert (tmp_path / "posters" / f"{title.key}-portrait.svg").is_file()
    assert len(list(make_media(tmp_path, titles))) == len(titles)
