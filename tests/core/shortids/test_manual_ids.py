"""Ids chosen by hand, their folded form, the word list and the values behind them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.errors import InvalidValue
from buddy_core.shortids import (
    ALPHABET,
    DEFAULT_WORDS,
    NO_WORDS,
    Assignment,
    Origin,
    ShortId,
    ShortIdIllegal,
    ShortIdSpace,
    ShortIdTaken,
    WordList,
    check_manual,
    fold,
    generate,
    reserve,
)

LEGAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=4, max_size=8)


@pytest.mark.parametrize("text", ["11aa", "t9k2", "abcde", "o0li1", "longest8"])
def test_legal_by_hand(text: str) -> None:
    """Any four to eight of a-z and 0-9 can be chosen, look-alikes and all."""
    assert check_manual(text).text == text


@pytest.mark.parametrize(
    "text", ["", "abc", "ninechars", "T9K2", "t9-k", "t9 k", "नमस्ते", "t9k２", "t9k2\n", "café"]
)
def test_illegal_by_hand(text: str) -> None:
    """Another symbol or length is refused as illegal, which is not the error of a duplicate."""
    with pytest.raises(ShortIdIllegal) as refused:
        check_manual(text)
    assert refused.value.text == text
    assert refused.value.code != ShortIdTaken.code


@given(LEGAL)
def test_folding_twice_is_folding_once(text: str) -> None:
    """The folded form is a legal id, is its own folded form, and does not depend on capitals."""
    folded = fold(text)
    assert fold(folded) == folded
    assert fold(text.upper()) == folded
    assert check_manual(folded).folded == folded
    assert not set(folded) & set("oli")


@given(LEGAL)
def test_look_alikes_fold_alike(text: str) -> None:
    """Exchanging look-alikes never changes the folded form; exchanging anything else does."""
    swaps = {"0": "o", "o": "0", "1": "l", "l": "i", "i": "1"}
    assert fold("".join(swaps.get(letter, letter) for letter in text)) == fold(text)
    other = "b" if text[0] != "b" else "c"
    assert fold(other + text[1:]) != fold(text)


@given(st.text(ALPHABET, min_size=4, max_size=8))
def test_generated_ids_are_their_own_folded_form(text: str) -> None:
    """What is made of the 31 symbols needs no folding, so only an id by hand can clash with it."""
    assert fold(text) == text


def test_word_list_sees_digits_for_letters() -> None:
    """A word is skipped wherever it stands, and also when digits stand for its letters."""
    words = WordList(("ass", "tard"))
    assert all(words.skips(text) for text in ("assx", "xa55", "4s5z", "x74rd9"))
    assert not any(words.skips(text) for text in ("asts", "trda", "as"))
    assert not NO_WORDS.skips("asstard")


def test_default_words_can_arise() -> None:
    """Every word of the default list is spelt in generated symbols, else it would skip nothing."""
    for word in DEFAULT_WORDS.words:
        assert set(word) <= set(ALPHABET)
        assert DEFAULT_WORDS.skips(word)


def test_words_are_letters() -> None:
    """A word with anything but small letters is refused: digits are understood anyway."""
    with pytest.raises(InvalidValue):
        WordList(("a55",))


def test_skipped_and_taken_use_up_counters() -> None:
    """An id that is skipped or taken advances the counter, and the next one is generated."""
    space = ShortIdSpace("film", bytes(32))
    after_all, every = generate(space, 4, words=NO_WORDS)
    assert every == ["59ha", "75j2", "ack3", "erss"]
    after, ids = generate(space, 2, taken={"59ha"}, words=WordList(("ack",)))
    assert ids == ["75j2", "erss"]
    assert after == after_all


def test_space_is_checked() -> None:
    """A space with a wrong key, type, length or counter is refused, and its key is never printed."""
    for wrong in (
        {"key": b"short"},
        {"type": "Film"},
        {"type": ""},
        {"length": 3},
        {"length": 9},
        {"counter": -1},
        {"counter": 31**4 + 1},
    ):
        with pytest.raises(InvalidValue):
            ShortIdSpace(**({"type": "film", "key": bytes(32)} | wrong))  # type: ignore[arg-type]
    assert "key" not in repr(ShortIdSpace("film", bytes(32)))
    with pytest.raises(InvalidValue):
        reserve(ShortIdSpace("film", bytes(32)), 0)


def test_assignment_is_checked() -> None:
    """A generated id has its counter and a manual one has none; naive instants are refused."""
    at = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(InvalidValue):
        Assignment("film", ShortId("t9k2"), UUID(int=1), Origin.GENERATED, at)
    with pytest.raises(InvalidValue):
        Assignment("film", ShortId("t9k2"), UUID(int=1), Origin.MANUAL, at, counter=1)
    with pytest.raises(InvalidValue):
        Assignment("film", ShortId("t9k2"), UUID(int=1), Origin.MANUAL, at.replace(tzinfo=None))
