"""What a code is, which promotion may be, and who may claim it when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.errors import BuddyError
from buddy_core.promotions import (
    HORIZON,
    MOST_CLAIMS,
    MOST_DAYS,
    MOST_TOKENS,
    AddPromotion,
    AlreadyClaimed,
    BadCode,
    BadPromotion,
    Claimant,
    DeviceClaimed,
    NotBegun,
    NotForGuests,
    Over,
    Promotion,
    PromotionState,
    UnknownCode,
    UsedUp,
    claim,
    end,
    fold_code,
    plan,
    state_of,
)

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
MEMBER, GUEST = Claimant(is_guest=False), Claimant(is_guest=True)


def command(**changes: Any) -> AddPromotion:
    """Return a promotion that is wanted: 5 tokens for 3 accounts, for a day from now."""
    values: dict[str, Any] = {
        "code": "MONSOON26",
        "tokens": 5,
        "days": 30,
        "limit": 3,
        "ends_at": AT + DAY,
        "for_guests": True,
        "reason": "posters",
        "idempotency_key": "k",
    }
    return AddPromotion(**{**values, **changes})


def promotion(**changes: Any) -> Promotion:
    """Return a promotion that runs at AT."""
    return plan(command(**changes), "me", AT)


@pytest.mark.parametrize("text", ["monsoon26", " Mon soon-26 ", "MONSOON\t26", "m-o-n-s-o-o-n-2-6"])
def test_a_code_is_compared_without_case_blanks_and_hyphens(text: str) -> None:
    """However it is typed, it is one code."""
    assert fold_code(text) == "MONSOON26"


@pytest.mark.parametrize(
    "text",
    ["", "abc", "a" * 33, "mönsoon", "ＭＯＮＳＯＯＮ", "mon_soon", "½½½½", "a\x00bcd", "ﬁfty", " " * 200],
)
def test_what_cannot_be_a_code_is_refused(text: str) -> None:
    """Too short, too long, and letters that only look the same are no code."""
    with pytest.raises(BadCode):
        fold_code(text)


@given(st.text(max_size=60))
def test_folding_a_code_twice_is_folding_it_once(text: str) -> None:
    """What was folded is its own fold; everything else is refused by name."""
    try:
        folded = fold_code(text)
    except BadCode:
        return
    assert fold_code(folded) == fold_code(folded.lower()) == folded
    assert 4 <= len(folded) <= 32


@pytest.mark.parametrize(
    "changes",
    [
        {name: number}
        for name, most in (("tokens", MOST_TOKENS), ("days", MOST_DAYS), ("limit", MOST_CLAIMS))
        for number in (0, -1, most + 1, True, 1.0, "1", None)
    ]
    + [{"ends_at": AT}, {"ends_at": AT - DAY}, {"ends_at": AT + HORIZON + TICK}]
    + [{"starts_at": AT + DAY}, {"starts_at": AT + 2 * DAY}],
)
def test_a_promotion_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    """A number out of range and a time that is none have one code, and name the field."""
    with pytest.raises(BadPromotion):
        promotion(**changes)


def test_a_promotion_begins_when_it_is_recorded_at_the_soonest() -> None:
    """A start that has passed, while two people talked about it, is the instant of recording."""
    assert promotion().starts_at == promotion(starts_at=AT - DAY).starts_at == AT
    assert promotion(starts_at=AT + TICK).starts_at == AT + TICK
    assert promotion(ends_at=AT + HORIZON).budget == 15


def test_a_promotion_counts_from_its_start_up_to_not_at_its_end() -> None:
    """To the microsecond, and members are told which of both it is."""
    found = promotion(starts_at=AT + TICK)
    with pytest.raises(NotBegun):
        claim(found, 0, MEMBER, AT)
    assert claim(found, 0, MEMBER, AT + TICK) == 1
    assert claim(found, 2, MEMBER, AT + DAY - TICK) == 3
    with pytest.raises(Over):
        claim(found, 0, MEMBER, AT + DAY)
    with pytest.raises(UsedUp):
        claim(found, 3, MEMBER, AT + TICK)


@pytest.mark.parametrize(("at", "claimed"), [(AT - TICK, 0), (AT + DAY, 0), (AT, 3)])
def test_a_stranger_hears_of_a_code_without_use_what_they_hear_of_none(at: datetime, claimed: int) -> None:
    """A guest who guesses learns nothing of what was, will be or has been used up."""
    for found in (promotion(), None):
        with pytest.raises(UnknownCode):
            claim(found, claimed, GUEST, at)


def test_a_code_works_once_for_each_account_and_for_guests_once_on_a_device() -> None:
    """A member on a device where somebody had it gets it; who had it hears so whatever else is in the way."""
    here = {"device_has_claimed": True}
    assert claim(promotion(), 1, evolve(MEMBER, **here), AT) == 2
    with pytest.raises(DeviceClaimed):
        claim(promotion(), 1, evolve(GUEST, **here), AT)
    for at, claimed in ((AT, 1), (AT + DAY, 1), (AT, 3)):
        with pytest.raises(AlreadyClaimed):
            claim(promotion(), claimed, Claimant(is_guest=at > AT, has_claimed=True), at)


def test_guests_are_told_to_join_where_a_code_is_for_members() -> None:
    """Only while it brings something."""
    with pytest.raises(NotForGuests):
        claim(promotion(for_guests=False), 0, GUEST, AT)


def test_ending_early_is_another_version_and_is_done_once() -> None:
    """All else stays; one that had not begun never does."""
    found = promotion(starts_at=AT + 2 * TICK)
    ended = end(found, "you", "too dear", AT + 3 * TICK)
    now = AT + 3 * TICK
    assert ended == evolve(
        found, version=2, ends_at=now, recorded_at=now, recorded_by="you", reason="too dear"
    )
    never = end(found, "you", "too dear", AT)
    assert never.starts_at == never.ends_at
    for over in (ended, never):
        with pytest.raises(Over):
            end(over, "you", "again", AT + 3 * TICK)


def test_a_state_says_what_a_claim_would_hear() -> None:
    """Over beats used up: what was used up and has ended is over."""
    found = promotion(starts_at=AT + TICK)
    states = [(AT, 0), (AT + TICK, 2), (AT + TICK, 3), (AT + DAY, 3)]
    assert [state_of(found, claimed, at) for at, claimed in states] == [
        PromotionState.COMING,
        PromotionState.RUNNING,
        PromotionState.USED_UP,
        PromotionState.OVER,
    ]


_TRIES = st.lists(
    st.tuples(st.integers(0, 7), st.booleans(), st.integers(0, 3), st.integers(-2, 30)), max_size=60
)


@given(_TRIES, st.integers(1, 5), st.booleans(), st.integers(0, 30))
def test_whoever_tries_in_whatever_order_a_promotion_gives_no_more_than_it_may(
    tries: list[tuple[int, bool, int, int]], limit: int, for_guests: bool, ended_after: int
) -> None:
    """Never more than the limit, never twice an account, never two guests of a device, never out of time."""
    found = promotion(limit=limit, for_guests=for_guests)
    ended = end(found, "me", "enough", AT + timedelta(hours=min(ended_after, 23)))
    claims: list[tuple[int, bool, int]] = []
    for account, is_guest, device, hours in tries:
        at = AT + timedelta(hours=hours)
        version = ended if at >= ended.recorded_at else found
        here = any(item[2] == device for item in claims)
        has = any(item[0] == account for item in claims)
        try:
            number = claim(version, len(claims), Claimant(is_guest, has, here), at)
        except BuddyError:
            continue
        assert version.starts_at <= at < version.ends_at
        claims.append((account, is_guest, device))
        assert number == len(claims)
    assert len(claims) <= limit
    assert len({account for account, _, _ in claims}) == len(claims)
    guests = [device for _, is_guest, device in claims if is_guest]
    assert len(set(guests)) == len(guests)
    assert for_guests or not guests
