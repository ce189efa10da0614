"""What becomes of a session when a refresh token is presented."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import LoginSessionId
from buddy_core.sessions import (
    NO_LEEWAY,
    POLICY,
    EndReason,
    LoginSession,
    RefreshRefused,
    Repeated,
    Reused,
    Rotated,
    StartSession,
    end,
    hash_token,
    issue,
    rotate,
    start,
)
from tests.contracts.cases import AT, LATER, account

TEN = timedelta(seconds=10)
SESSION = start(StartSession(account(1)), LoginSessionId("sgn_1"), AT, POLICY)
TOKEN = issue(SESSION, hash_token("rft_1"), AT)
USED = evolve(TOKEN, used_at=LATER)


def rotated(times: int = 1) -> LoginSession:
    """Return the session after so many rotations."""
    return evolve(SESSION, generation=1 + times, last_used_at=LATER)


def test_a_token_is_kept_as_its_hash() -> None:
    """Only the SHA-256 of the text is stored, and any text at all has one."""
    assert hash_token("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(hash_token("lone \ud800 surrogate")) == 32


def test_an_unused_token_renews_the_session() -> None:
    """The session has its next generation and a new week; the token is used up."""
    outcome = rotate(SESSION, TOKEN, LATER, POLICY, NO_LEEWAY)
    renewed = evolve(SESSION, generation=2, last_used_at=LATER, renew_by=LATER + timedelta(days=7))
    assert outcome == Rotated(renewed)
    assert issue(renewed, hash_token("rft_2"), LATER).expires_at == LATER + timedelta(days=7)


def test_a_used_token_ends_the_session() -> None:
    """A token that comes a second time ends the whole family."""
    outcome = rotate(rotated(), USED, LATER, POLICY, NO_LEEWAY)
    assert isinstance(outcome, Reused)
    assert (outcome.session.ended_at, outcome.session.end_reason) == (LATER, EndReason.REUSED)


@pytest.mark.parametrize("seconds", [-9, 0, 9])
def test_another_tab_goes_on_within_the_leeway(seconds: int) -> None:
    """The token just before the newest changes nothing within ten seconds of its use, on either side."""
    at = LATER + timedelta(seconds=seconds)
    assert rotate(rotated(), USED, at, POLICY, TEN) == Repeated(rotated())


@pytest.mark.parametrize("seconds", [-10, 10, 3600])
def test_after_the_leeway_it_is_reuse(seconds: int) -> None:
    """The leeway ends before its last instant, and after it the session does."""
    assert isinstance(rotate(rotated(), USED, LATER + timedelta(seconds=seconds), POLICY, TEN), Reused)


def test_an_older_token_is_reuse_even_within_the_leeway() -> None:
    """Only the token just before the newest has a leeway."""
    assert isinstance(rotate(rotated(2), USED, LATER, POLICY, TEN), Reused)


@given(st.integers(-100, 100))
def test_without_a_leeway_no_token_works_twice(microseconds: int) -> None:
    """Whatever the clocks say, a used token never gives anything."""
    at = LATER + timedelta(microseconds=microseconds)
    assert isinstance(rotate(rotated(), USED, at, POLICY, NO_LEEWAY), Reused)


@pytest.mark.parametrize("used", [False, True])
def test_an_expired_token_is_refused_and_ends_nothing(used: bool) -> None:
    """From the instant of its expiry a token is refused, used or not; old copies cannot sign anyone out."""
    renewed = evolve(rotated(), renew_by=TOKEN.expires_at + timedelta(days=1))
    token = USED if used else TOKEN
    with pytest.raises(RefreshRefused) as refused:
        rotate(renewed, token, TOKEN.expires_at, POLICY, TEN)
    assert refused.value.reason == "expired"


@pytest.mark.parametrize("reason", EndReason)
def test_a_session_that_has_ended_is_not_renewed(reason: EndReason) -> None:
    """Neither an unused nor a used token gives anything once the session has ended."""
    for token in (TOKEN, USED):
        with pytest.raises(RefreshRefused) as refused:
            rotate(end(SESSION, reason, AT), token, LATER, POLICY, TEN)
        assert refused.value.reason == "ended"


def test_an_unknown_token_is_refused() -> None:
    """No token, no session, or one of another session."""
    for session, token in ((None, None), (SESSION, None), (SESSION, evolve(TOKEN, session_id="sgn_9"))):
        with pytest.raises(RefreshRefused) as refused:
            rotate(session, token, LATER, POLICY, TEN)
        assert refused.value.reason == "unknown"


def test_a_clock_that_was_set_back_moves_nothing_back() -> None:
    """The session's last use is never dated before an earlier one."""
    outcome = rotate(SESSION, TOKEN, AT - timedelta(days=1), POLICY, NO_LEEWAY)
    assert isinstance(outcome, Rotated)
    assert outcome.session.last_used_at == AT


def test_a_session_with_a_hard_end_has_no_refresh_token() -> None:
    """No token can be made for an impersonation."""
    entered = evolve(
        SESSION,
        renew_by=None,
        ends_at=LATER,
        impersonator=account(2),
        parent_id=LoginSessionId("sgn_2"),
        reason="ticket 12",
    )
    with pytest.raises(RefreshRefused):
        issue(entered, hash_token("rft_1"), AT)
