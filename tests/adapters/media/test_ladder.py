"""The rendition ladder fitted to a source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.media import DEFAULT_LADDER, renditions_for


def test_full_hd_gets_the_whole_ladder() -> None:
    """A 1080p source is offered in all five sizes, each at the ladder's own width."""
    assert renditions_for(DEFAULT_LADDER, width=1920, height=1080) == DEFAULT_LADDER


def test_a_small_source_is_not_made_larger() -> None:
    """A 480p source gets nothing above 480 lines."""
    names = [rung.name for rung in renditions_for(DEFAULT_LADDER, width=854, height=480)]
    assert names == ["144p", "360p", "480p"]


def test_a_tiny_source_keeps_its_own_size() -> None:
    """A source below the lowest rung is offered once, at its own size made even."""
    (only,) = renditions_for(DEFAULT_LADDER, width=101, height=75)
    assert (only.width, only.height, only.video_kbps) == (102, 76, 240)


def test_a_tall_source_keeps_its_shape() -> None:
    """A portrait source stays portrait on every rung."""
    sizes = [(rung.width, rung.height) for rung in renditions_for(DEFAULT_LADDER, width=1080, height=1920)]
    assert sizes[:2] == [(82, 144), (202, 360)]


def test_an_empty_ladder_is_refused() -> None:
    """Without a rung there is nothing to choose from, and the caller is told so."""
    with pytest.raises(ValueError, match="ladder is empty"):
        renditions_for((), width=640, height=360)


@given(width=st.integers(16, 8000), height=st.integers(16, 5000))
def test_rungs_are_even_rising_and_never_larger(width: int, height: int) -> None:
    """For any source the rungs have even sides, rise, and exceed the source by no more than rounding."""
    rungs = renditions_for(DEFAULT_LADDER, width=width, height=height)
    assert [rung.height for rung in rungs] == sorted({rung.height for rung in rungs})
    for rung in rungs:
        assert rung.width % 2 == 0
        assert rung.height % 2 == 0
        assert rung.width <= width + 1
        assert rung.height <= height + 1
