"""How sessions begin, when their access tokens are accepted, and how they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue, LoginSessionId, whole_second
from buddy_core.sessions import (
    MAX_SKEW,
    POLICY,
    AccessClaims,
    BeginImpersonation,
    CannotImpersonate,
    Dead,
    DeadReason,
    EndReason,
    Live,
    LoginSession,
    LoginSessionNotFound,
    NotWhileImpersonating,
    SessionPolicy,
    StartSession,
    claims_for,
    end,
    impersonate,
    is_live,
    is_proven,
    judge,
    own,
    start,
    touch,
)
from tests.contracts.cases import AT, account

SECOND = timedelta(seconds=1)
STAFF, OWNER = account(1), account(2)
PARENT = start(StartSession(STAFF, "Firefox"), LoginSessionId("sgn_1"), AT, POLICY)
ENTER = BeginImpersonation(STAFF, PARENT.id, OWNER, "ticket 12")


def entered(**changes: Any) -> LoginSession:
    """Return the staff's session in the owner's account."""
    return impersonate(evolve(ENTER, **changes), PARENT, LoginSessionId("sgn_2"), AT, POLICY)


def claims(session: LoginSession = PARENT) -> AccessClaims:
    """Return what an access token made at the start says."""
    return claims_for(session, AT, POLICY)


def test_a_session_lives_for_a_week_unless_renewed() -> None:
    """It is live up to, but without, the instant of its expiry."""
    week = AT + timedelta(days=7)
    assert PARENT.over_at == week
    assert is_live(PARENT, week - timedelta(microseconds=1))
    assert not is_live(PARENT, week)


def test_claims_are_in_whole_seconds() -> None:
    """An access token lasts 15 minutes from the second in which it was made."""
    made = claims()
    assert made.issued_at == whole_second(AT)
    assert made.expires_at == made.issued_at + timedelta(minutes=15)
    assert (made.session_id, made.account_id, made.generation) == (PARENT.id, STAFF, 1)


def test_a_token_is_accepted_until_it_expires() -> None:
    """The last microsecond of 15 minutes is accepted, the instant after it is not."""
    made = claims()
    last = made.expires_at - timedelta(microseconds=1)
    assert judge(made, PARENT, None, last, POLICY) == Live(PARENT)
    assert judge(made, PARENT, None, made.expires_at, POLICY) == Dead(DeadReason.EXPIRED)


@pytest.mark.parametrize("reason", EndReason)
def test_no_token_outlives_its_session(reason: EndReason) -> None:
    """However young the token, the end of the session is the end of it, whatever the reason."""
    assert judge(claims(), end(PARENT, reason, AT), None, AT, POLICY) == Dead(DeadReason.ENDED)


def test_a_token_is_good_for_its_own_session_and_account() -> None:
    """A session that is gone, another one, or another account's is unknown."""
    made = claims()
    for found in (
        None,
        evolve(PARENT, id=LoginSessionId("sgn_9")),
        evolve(PARENT, account_id=OWNER),
    ):
        assert judge(made, found, None, AT, POLICY) == Dead(DeadReason.UNKNOWN)


def test_a_session_that_is_over_by_itself_has_no_live_token() -> None:
    """A token made in the last minutes of a session dies with it."""
    late = PARENT.over_at - SECOND
    made = claims_for(PARENT, late, POLICY)
    assert judge(made, PARENT, None, late, POLICY) == Live(PARENT)
    assert judge(made, PARENT, None, PARENT.over_at, POLICY) == Dead(DeadReason.ENDED)


def test_a_token_of_the_future_is_not_accepted() -> None:
    """After the clock was set back by more than a minute, a token has to be refreshed."""
    made = claims()
    assert judge(made, PARENT, None, made.issued_at - MAX_SKEW, POLICY) == Live(PARENT)
    before = made.issued_at - MAX_SKEW - SECOND
    assert judge(made, PARENT, None, before, POLICY) == Dead(DeadReason.NOT_YET)


def test_a_stricter_policy_counts_at_once() -> None:
    """A token made under a policy of 15 minutes dies after 5 when that is the policy."""
    strict = evolve(POLICY, access_life=timedelta(minutes=5))
    at = claims().issued_at + timedelta(minutes=5)
    assert judge(claims(), PARENT, None, at - SECOND, strict) == Live(PARENT)
    assert judge(claims(), PARENT, None, at, strict) == Dead(DeadReason.EXPIRED)


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_what_is_accepted_is_young_and_live(made_after_s: int, later_s: int) -> None:
    """Nothing is ever accepted whose session is not live, or that is older than 15 minutes."""
    made_at = AT + made_after_s * SECOND
    at = made_at + later_s * SECOND
    verdict = judge(claims_for(PARENT, made_at, POLICY), PARENT, None, at, POLICY)
    assert isinstance(verdict, Live) == (is_live(PARENT, at) and at - whole_second(made_at) < 900 * SECOND)


def test_staff_enter_an_account_for_half_an_hour() -> None:
    """An impersonation has a hard end, one access token that lasts to it, and no way to be renewed."""
    session = entered()
    assert (session.account_id, session.impersonator, session.parent_id) == (OWNER, STAFF, PARENT.id)
    assert session.renew_by is None
    assert session.ends_at == whole_second(AT) + timedelta(minutes=30)
    made = claims(session)
    assert made.expires_at == session.ends_at
    last = session.ends_at - timedelta(microseconds=1)
    assert judge(made, session, PARENT, last, POLICY) == Live(session)
    assert judge(made, session, PARENT, session.ends_at, POLICY) == Dead(DeadReason.ENDED)


@pytest.mark.parametrize(("minutes", "lasts"), [(5, 5), (30, 30), (31, 30), (10_000, 30)])
def test_staff_may_ask_for_less_but_not_for_more(minutes: int, lasts: int) -> None:
    """A shorter stay is granted, a longer one cut to half an hour."""
    session = entered(life=timedelta(minutes=minutes))
    assert session.ends_at == whole_second(AT) + timedelta(minutes=lasts)


@pytest.mark.parametrize("found", ["none", "ended", "over", "another", "another's"])
def test_staff_who_are_not_signed_in_act_for_nobody(found: str) -> None:
    """When the staff's own session is gone or over, so is every session that came of it."""
    parents = {
        "none": None,
        "ended": end(PARENT, EndReason.REVOKED, AT),
        "over": evolve(PARENT, renew_by=AT),
        "another": evolve(PARENT, id=LoginSessionId("sgn_9")),
        "another's": evolve(PARENT, account_id=OWNER),
    }
    session = entered()
    assert judge(claims(session), session, parents[found], AT, POLICY) == Dead(DeadReason.PARENT_ENDED)


@pytest.mark.parametrize(
    ("changes", "parent"),
    [
        ({}, None),
        ({}, end(PARENT, EndReason.SIGNED_OUT, AT)),
        ({}, evolve(PARENT, account_id=account(3))),
        ({"account_id": STAFF}, PARENT),
        ({"reason": " \n"}, PARENT),
        ({"life": timedelta()}, PARENT),
        ({"impersonator": OWNER, "account_id": account(3)}, entered()),
    ],
    ids=["no session", "signed out", "another's", "own account", "no reason", "no time", "twice"],
)
def test_staff_are_refused(changes: dict[str, Any], parent: LoginSession | None) -> None:
    """Staff who are not signed in, have no reason, or would go from account to account are refused."""
    command = evolve(ENTER, **changes)
    with pytest.raises(CannotImpersonate):
        impersonate(command, parent, LoginSessionId("sgn_3"), AT, POLICY)


def test_a_session_ends_once() -> None:
    """The first end stands: instant and reason stay when it is ended again."""
    ended = end(PARENT, EndReason.SUSPENDED, AT + SECOND)
    assert (ended.ended_at, ended.end_reason) == (AT + SECOND, EndReason.SUSPENDED)
    assert end(ended, EndReason.REVOKED, AT + 2 * SECOND) is ended


def test_to_sign_out_of_another_s_account_is_to_leave_it() -> None:
    """Signing out ends an impersonation as such; revoking it stays revoking."""
    assert end(entered(), EndReason.SIGNED_OUT, AT).end_reason is EndReason.IMPERSONATION_ENDED
    assert end(entered(), EndReason.REVOKED, AT).end_reason is EndReason.REVOKED


def test_a_clock_that_was_set_back_ends_no_session_before_its_start() -> None:
    """The end is never dated before the start."""
    assert end(PARENT, EndReason.SIGNED_OUT, AT - timedelta(days=1)).ended_at == AT


def test_use_is_known_to_the_minute() -> None:
    """A second use within a minute changes nothing, a later one does, and one that is over is left alone."""
    minute = timedelta(minutes=1)
    assert touch(PARENT, AT + minute - SECOND) is PARENT
    assert touch(PARENT, AT - minute) is PARENT
    assert touch(PARENT, AT + minute).last_used_at == AT + minute
    assert touch(PARENT, PARENT.over_at) is PARENT
    ended = end(PARENT, EndReason.REVOKED, AT)
    assert touch(ended, AT + minute) is ended


def test_only_the_owner_s_own_live_session_will_do() -> None:
    """What belongs to the owner alone is refused to strangers, to ended sessions and to staff inside."""
    assert own(PARENT, STAFF, AT) is PARENT
    for session in (None, end(PARENT, EndReason.REVOKED, AT), evolve(PARENT, account_id=OWNER)):
        with pytest.raises(LoginSessionNotFound):
            own(session, STAFF, AT)
    with pytest.raises(NotWhileImpersonating):
        own(entered(), OWNER, AT)


def test_a_proof_lasts_twelve_hours() -> None:
    """A second factor counts for less than 12 hours, and not when it is dated in the future."""
    hours = timedelta(hours=12)
    proven = evolve(PARENT, second_factor_at=AT)
    assert not is_proven(PARENT, AT, POLICY)
    assert is_proven(proven, AT, POLICY)
    assert is_proven(proven, AT + hours - SECOND, POLICY)
    assert not is_proven(proven, AT + hours, POLICY)
    assert not is_proven(proven, AT - MAX_SKEW - SECOND, POLICY)


@pytest.mark.parametrize(
    "changes",
    [
        {"renew_by": None},
        {"ended_at": AT},
        {"end_reason": EndReason.REVOKED},
        {"impersonator": OWNER},
        {"parent_id": LoginSessionId("sgn_9")},
        {"ends_at": AT + SECOND},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_session_s_fields_fit_each_other(changes: dict[str, Any]) -> None:
    """A session without an end, half ended, or half an impersonation cannot be made."""
    with pytest.raises(InvalidValue):
        evolve(PARENT, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"access_life": timedelta()},
        {"refresh_life": -SECOND},
        {"second_factor_life": timedelta()},
        {"impersonation_life": timedelta()},
        {"lock_after": 0},
        {"lock_window": timedelta()},
        {"lock_for": timedelta(minutes=14)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_policy_makes_sense(changes: dict[str, Any]) -> None:
    """No life of nothing, no lock without a try, and none that is shorter than its window."""
    with pytest.raises(InvalidValue):
        evolve(POLICY, **changes)
    assert isinstance(POLICY, SessionPolicy)


@given(st.text(max_size=300))
def test_a_label_is_short_and_printable(text: str) -> None:
    """Whatever a browser calls itself, what is kept has at most 120 printable characters."""
    label = evolve(PARENT, label=text).label
    assert len(label) <= 120
    assert label.isprintable()
