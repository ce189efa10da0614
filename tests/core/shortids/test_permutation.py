"""The keyed permutation: every id once, in no visible order, of legal symbols."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.shortids import (
    ALPHABET,
    BLOCK_SIZE,
    DEFAULT_WORDS,
    NO_WORDS,
    Block,
    ShortIdsExhausted,
    ShortIdSpace,
    capacity,
    fold,
    generate,
    reserve,
)
from buddy_core.shortids.rules.permutation import permutation

KEY = bytes(range(32))
FIRST_THREE = ["4zrw", "8evf", "nqm3"]
"""Counters in databases outlive the code: what they give may never change."""


def test_whole_space_of_four_characters() -> None:
    """All 923,521 ids of four characters come, each once, before the first of five; then five begin."""
    space, ids = ShortIdSpace("film", KEY), []
    while space.counter < capacity(4):
        space, more = generate(space, min(10_000, capacity(4) - space.counter), words=NO_WORDS)
        ids += more
    assert len(ids) == len(set(ids)) == 923_521
    assert {len(text) for text in ids} == {4}
    assert set("".join(ids)) == set(ALPHABET)
    assert len({fold(text) for text in ids}) == 923_521
    space, [five] = generate(space, 1, words=NO_WORDS)
    assert len(five) == 5
    assert (space.length, space.counter) == (5, 1)


def test_a_million_ids_are_legal() -> None:
    """A million generated ids hold only legal symbols, no skipped word, and none comes twice."""
    space, ids = ShortIdSpace("film", KEY), set[str]()
    while len(ids) < 1_000_000:
        space, more = generate(space, min(20_000, 1_000_000 - len(ids)))
        assert ids.isdisjoint(more)
        ids.update(more)
    assert set("".join(ids)) == set(ALPHABET)
    assert {len(text) for text in ids} == {4, 5}
    assert space.length == 5
    assert not DEFAULT_WORDS.pattern.search("\n".join(ids))


@pytest.mark.parametrize("length", [5, 6, 7, 8])
def test_longer_ids_are_distinct(length: int) -> None:
    """Ids from both ends of the longer spaces are legal and distinct."""
    ids = permutation(KEY, "film", length)
    end = capacity(length)
    texts = ids.texts(0, 2_000) + ids.texts(end - 2_000, end)
    assert len(set(texts)) == 4_000
    assert all(len(text) == length and set(text) <= set(ALPHABET) for text in texts)


@given(
    st.binary(min_size=32, max_size=32), st.integers(4, 8), st.sets(st.integers(0, 31**4 - 1), max_size=50)
)
def test_no_two_counters_share_an_id(key: bytes, length: int, counters: set[int]) -> None:
    """Under any key, different counters give different ids."""
    ids = permutation(key, "film", length)
    assert len({ids.text(counter) for counter in counters}) == len(counters)


def test_order_does_not_show() -> None:
    """Neighbouring counters agree in a symbol as seldom as chance, and rise as often as they fall."""
    texts = permutation(KEY, "film", 4).texts(0, 20_000)
    pairs = list(pairwise(texts))
    for place in range(4):
        same = sum(one[place] == next_[place] for one, next_ in pairs)
        assert 500 < same < 800  # Chance is 1 in 31: 645.
    rising = sum(one < next_ for one, next_ in pairs)
    assert 9_500 < rising < 10_500


def test_key_and_type_decide() -> None:
    """Another key or another type gives other ids; the same ones give the same for ever."""
    film = permutation(KEY, "film", 4).texts(0, 100)
    assert film == permutation(KEY, "film", 4).texts(0, 100)
    assert film[:3] == FIRST_THREE
    assert film != permutation(bytes(32), "film", 4).texts(0, 100)
    assert film != permutation(KEY, "genre", 4).texts(0, 100)


@given(st.integers(0, capacity(4)), st.integers(1, 200))
def test_blocks_leave_no_gap(counter: int, count: int) -> None:
    """A block starts where the last ended, is never empty and never crosses a length."""
    space, block = reserve(ShortIdSpace("film", KEY, counter=counter), count)
    assert 0 < block.end - block.start <= count
    assert block.end <= capacity(block.length)
    assert (space.length, space.counter) == (block.length, block.end)
    assert (block.length, block.start) == ((4, counter) if counter < capacity(4) else (5, 0))


def test_end_of_eight_characters() -> None:
    """After the last id of eight characters the type is exhausted, and says so."""
    space = ShortIdSpace("film", KEY, length=8, counter=capacity(8) - 1)
    space, block = reserve(space, BLOCK_SIZE)
    assert block == Block("film", KEY, 8, capacity(8) - 1, capacity(8))
    with pytest.raises(ShortIdsExhausted) as refused:
        generate(space, 1)
    assert refused.value.type == "film"


def test_nearly_full_space_grows_at_once() -> None:
    """With all but one of the last ids taken by hand, the next generated ones have five characters."""
    space = ShortIdSpace("film", KEY, counter=capacity(4) - 40)
    last = set(permutation(KEY, "film", 4).texts(capacity(4) - 40, capacity(4)))
    free = last.pop()
    after, ids = generate(space, 3, taken=last, words=NO_WORDS)
    assert ids[0] == free
    assert [len(text) for text in ids] == [4, 5, 5]
    assert (after.length, after.counter) == (5, 2)
