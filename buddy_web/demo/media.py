"""Makes the demo's media: one packaged clip and two posters a title, only what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from buddy_adapters.media import Clip, Poster, draw_poster, encode_clip
from buddy_web.demo.catalogue import PRODUCERS, TITLES, DemoTitle

_PRODUCER_NAMES = {producer.key: producer.name for producer in PRODUCERS}


@frozen
class Progress:
    """How far the whole set is: the title being made, and thousandths of all seconds of film done."""

    title: str
    done_permille: int


def make_media(root: Path, titles: tuple[DemoTitle, ...] = TITLES) -> Iterator[Progress]:
    """Make what is missing of the demo's media below `root`, yielding how far it is.

    `root/<key>/` holds a packaged clip (see `buddy_adapters.media.hls`),
    `root/posters/<key>-{portrait,hero,art}.svg` the posters; `art` is the hero
    without words. What is already there is kept, so a second run takes no time.
    """
    draw_posters(root / "posters", titles)
    clips = [title for title in titles if title.clip_s > 0 and title.plays is None]
    all_s = sum(title.clip_s for title in clips)
    before_s = 0
    for title in clips:
        for percent in encode_clip(clip_of(title), root / title.key):
            yield Progress(title.title, (before_s * 100 + title.clip_s * percent) * 10 // all_s)
        before_s += title.clip_s


def draw_posters(folder: Path, titles: tuple[DemoTitle, ...] = TITLES) -> None:
    """Write the posters of the titles; they are drawn anew each time, which takes milliseconds."""
    folder.mkdir(parents=True, exist_ok=True)
    for title in titles:
        poster = poster_of(title)
        for name, art in (
            ("portrait", draw_poster(poster, portrait=True)),
            ("hero", draw_poster(poster, portrait=False)),
            ("art", draw_poster(poster, portrait=False, words=False)),
        ):
            (folder / f"{title.key}-{name}.svg").write_text(art, "utf-8")


def clip_of(title: DemoTitle) -> Clip:
    """Return the recipe of a title's clip."""
    return Clip(
        title=title.title,
        subtitle=_credit(title),
        look=title.look,
        palette=title.palette,
        seed=title.seed,
        seconds=title.clip_s,
        captions=title.captions,
    )


def poster_of(title: DemoTitle) -> Poster:
    """Return the recipe of a title's poster."""
    return Poster(title.title, _credit(title), title.look, title.palette, title.seed)


def _credit(title: DemoTitle) -> str:
    """Return the small line: a series' name and number for an episode, else the producer."""
    if title.series is None:
        return _PRODUCER_NAMES[title.producer]
    series = next(other for other in TITLES if other.key == title.series)
    return f"{series.title} · {title.number}"
