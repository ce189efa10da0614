"""The rendition ladder: which picture sizes and bit rates a title is offered in, as data."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, frozen


@frozen
class Rendition:
    """One rung: a name, the picture's size in pixels, and the bit rates in kbit/s.

    The ladder's widths are those of 16:9; `renditions_for` fits them to the source.
    """

    name: str
    width: int
    height: int
    video_kbps: int
    audio_kbps: int


DEFAULT_LADDER: tuple[Rendition, ...] = (
    Rendition("144p", 256, 144, 240, 48),
    Rendition("360p", 640, 360, 500, 64),
    Rendition("480p", 854, 480, 1_000, 96),
    Rendition("720p", 1280, 720, 2_500, 128),
    Rendition("1080p", 1920, 1080, 5_000, 128),
)

DEMO_LADDER: tuple[Rendition, ...] = DEFAULT_LADDER[:3]


def renditions_for(ladder: Sequence[Rendition], *, width: int, height: int) -> tuple[Rendition, ...]:
    """Return the rungs that fit a source of this size, lowest first, in the source's own shape.

    A picture is never made larger than it came: bigger files that look no
    better. A source below the lowest rung gets that rung at its own size.
    Widths and heights are even, as 4:2:0 video needs.

    Raises ValueError when the ladder is empty.
    """
    if not ladder:
        raise ValueError("the ladder is empty: give at least one rendition")
    rungs = sorted(ladder, key=lambda rung: rung.height)
    fitting = [rung for rung in rungs if rung.height <= height]
    if not fitting:
        return (evolve(rungs[0], width=_even(width), height=_even(height)),)
    return tuple(evolve(rung, width=_even(width * rung.height // height)) for rung in fitting)


def _even(pixels: int) -> int:
    """Round up to an even number of pixels, at least two."""
    return max(2, pixels + pixels % 2)
