"""A stored grant with everything recorded about it, as the decision sees it at one time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.entitlements import (
    GIVEN_RIGHTS,
    RENTAL_HOURS,
    TO_START,
    BadGrant,
    Grant,
    GrantChange,
    GrantKind,
    GrantStatus,
    GrantUse,
    Holding,
    PlanState,
    Reason,
    Terms,
    UseKind,
    holdings_of,
)
from buddy_core.entitlements.model.facts import FAR
from buddy_core.kernel import GrantId, SessionId
from tests.contracts.cases import AT, account, grant, title, uid

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MINE = SessionId("ses_9")


def bought(kind: GrantKind, hours: int | None = None, **changes: Any) -> Grant:
    """Return a grant of a kind; its terms may run hours and be to start in ten days."""
    start_by = AT + 10 * DAY if hours else None
    terms = Terms(GIVEN_RIGHTS[kind], hours=hours, start_by=start_by)
    return grant(1, account(1), title(1), **{"kind": kind, "terms": terms, **changes})


def use(kind: UseKind, after: timedelta, of: Grant, late: timedelta = timedelta(0)) -> GrantUse:
    """Return a use some time after the grant, recorded a while later."""
    at = of.granted_at + after
    return GrantUse(of.origin_id, kind, at, at + late, MINE)


def ended(of: Grant, status: GrantStatus, after: timedelta) -> tuple[Grant, GrantChange]:
    """Return a grant whose status changed some time after it was granted, and the change."""
    return evolve(of, status=status), GrantChange(of.id, status, of.granted_at + after, "test", None)


def only(*found: Holding) -> tuple[Any, ...]:
    """Return the end and the reason of the one holding."""
    [item] = found
    return item.ends_at, item.after


@pytest.mark.parametrize("hours", RENTAL_HOURS)
def test_a_rental_runs_from_its_first_play(hours: int) -> None:
    """Started in time it ends so many hours later; not started it ends when the time for it does."""
    rental = bought(GrantKind.RENTAL, hours)
    assert only(*holdings_of([rental])) == (AT + 10 * DAY, Reason.RENTAL_NOT_STARTED)
    played = use(UseKind.STARTED, 3 * DAY, rental)
    end = AT + 3 * DAY + hours * HOUR
    assert only(*holdings_of([rental], uses=[played])) == (end, Reason.RENTAL_ENDED)


def test_a_rental_that_does_not_say_is_to_be_started_within_thirty_days() -> None:
    """Terms without a day to start by do not make a rental last for ever."""
    rental = bought(GrantKind.RENTAL, terms=Terms(GIVEN_RIGHTS[GrantKind.RENTAL], hours=24))
    assert only(*holdings_of([rental])) == (AT + TO_START, Reason.RENTAL_NOT_STARTED)


def test_a_play_after_the_time_to_start_starts_nothing() -> None:
    """What was over does not begin again by a play that should not have been."""
    rental = bought(GrantKind.RENTAL, 24)
    played = use(UseKind.STARTED, 10 * DAY, rental)
    assert only(*holdings_of([rental], uses=[played])) == (AT + 10 * DAY, Reason.RENTAL_NOT_STARTED)


def test_a_rental_is_not_used_up_by_watching() -> None:
    """Only what may be watched once is consumed; a rental plays again until its hours are over."""
    rental = bought(GrantKind.RENTAL, 48)
    uses = [use(UseKind.STARTED, HOUR, rental), use(UseKind.CONSUMED, 3 * HOUR, rental)]
    [item] = holdings_of([rental], uses=uses)
    assert (item.ends_at, item.after, item.goes_on_in) == (AT + 49 * HOUR, Reason.RENTAL_ENDED, None)


def test_hours_beyond_the_end_of_time_have_no_end() -> None:
    """A stored grant that runs longer than there are dates can still be decided about."""
    for hours in (10**9, 10**15):
        pvod = bought(GrantKind.PVOD, hours)
        assert only(*holdings_of([pvod], uses=[use(UseKind.STARTED, HOUR, pvod)])) == (
            FAR,
            Reason.RENTAL_ENDED,
        )


def test_what_opened_again_is_held_since_it_was_granted() -> None:
    """It opens from then on, and is from before whatever came after it was granted."""
    again = bought(GrantKind.GIFT, ends_at=AT + 9 * DAY, reopened_at=AT + 5 * DAY)
    [item] = holdings_of([again])
    assert (item.starts_at, item.held_since, item.ends_at) == (AT + 5 * DAY, AT, AT + 9 * DAY)


def test_watch_once_ends_a_day_after_its_first_play_or_when_watched() -> None:
    """The session that watched it to the end may finish, until the day is over."""
    once = bought(GrantKind.WATCH_ONCE)
    assert only(*holdings_of([once])) == (None, Reason.GRANT_ENDED)
    played, watched = use(UseKind.STARTED, HOUR, once), use(UseKind.CONSUMED, 3 * HOUR, once)
    assert only(*holdings_of([once], uses=[played])) == (AT + 25 * HOUR, Reason.CONSUMED)
    for uses in ([played, watched], [watched, played]):
        [item] = holdings_of([once], uses=uses)
        assert (item.ends_at, item.after) == (AT + 3 * HOUR, Reason.CONSUMED)
        assert (item.goes_on_in, item.goes_on_until) == (MINE, AT + 25 * HOUR)
    [item] = holdings_of([once], uses=[watched])
    assert (item.ends_at, item.goes_on_until) == (AT + 3 * HOUR, AT + 27 * HOUR)


def test_watched_after_the_day_is_over_changes_nothing() -> None:
    """A late record of the end leaves the end that was."""
    once = bought(GrantKind.WATCH_ONCE)
    uses = [use(UseKind.STARTED, HOUR, once), use(UseKind.CONSUMED, 30 * HOUR, once)]
    [item] = holdings_of([once], uses=uses)
    assert (item.ends_at, item.goes_on_in) == (AT + 25 * HOUR, None)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (GrantStatus.REFUNDED, Reason.REFUNDED),
        (GrantStatus.REVOKED, Reason.REVOKED),
        (GrantStatus.TRANSFERRED, None),
        (GrantStatus.SUPERSEDED, None),
        (GrantStatus.EXTENDED, None),
    ],
)
def test_a_change_ends_a_grant(status: GrantStatus, reason: Reason | None) -> None:
    """It ends when it is changed, with the reason; one that carries on elsewhere counts as never held."""
    stored, change = ended(bought(GrantKind.EST), status, DAY)
    assert only(*holdings_of([stored], [change])) == (AT + DAY, reason)
    # Without the change it is over at any time that can still be asked about.
    assert only(*holdings_of([stored])) == (AT, reason)


def test_a_rental_that_was_over_keeps_its_own_reason() -> None:
    """Refunded after it had ended by itself it is still a rental that ended."""
    stored, change = ended(bought(GrantKind.RENTAL, 24), GrantStatus.REFUNDED, 9 * DAY)
    played = use(UseKind.STARTED, DAY, stored)
    assert only(*holdings_of([stored], [change], [played])) == (AT + 2 * DAY, Reason.RENTAL_ENDED)
    stored, change = ended(bought(GrantKind.RENTAL, 24), GrantStatus.EXTENDED, 9 * DAY)
    assert only(*holdings_of([stored], [change], [played])) == (AT + 2 * DAY, None)


def test_a_gift_for_a_later_day_that_is_revoked_is_over_at_once() -> None:
    """Its end lies before its beginning, with its change or without."""
    gift = bought(GrantKind.GIFT, granted_at=AT + 5 * DAY, ends_at=AT + 9 * DAY)
    stored, change = ended(gift, GrantStatus.REVOKED, -3 * DAY)
    assert only(*holdings_of([stored], [change])) == (AT + 2 * DAY, Reason.REVOKED)
    assert only(*holdings_of([stored])) == (AT, Reason.REVOKED)


def test_a_refund_ends_what_the_last_session_may_see() -> None:
    """Whatever was consumed where, money that went back takes the session along."""
    once, change = ended(bought(GrantKind.WATCH_ONCE), GrantStatus.REFUNDED, 2 * HOUR)
    uses = [use(UseKind.STARTED, HOUR, once), use(UseKind.CONSUMED, 3 * HOUR, once)]
    [item] = holdings_of([once], [change], uses)
    assert (item.ends_at, item.after, item.goes_on_in) == (AT + 2 * HOUR, Reason.REFUNDED, None)


def test_what_was_watched_to_its_end_went_on_until_it_was_closed() -> None:
    """Looked back on, the last session could finish before somebody ended the grant, and not after."""
    once, change = ended(bought(GrantKind.WATCH_ONCE), GrantStatus.TRANSFERRED, 5 * HOUR)
    uses = [use(UseKind.STARTED, HOUR, once), use(UseKind.CONSUMED, 3 * HOUR, once)]
    [item] = holdings_of([once], [change], uses, known_at=AT + DAY)
    assert (item.ends_at, item.goes_on_in, item.goes_on_until) == (AT + 3 * HOUR, MINE, AT + 5 * HOUR)
    late = evolve(change, at=AT + 26 * HOUR)
    [item] = holdings_of([once], [late], uses, known_at=AT + 2 * DAY)
    assert (item.goes_on_in, item.goes_on_until) == (MINE, AT + 25 * HOUR)


def test_a_use_belongs_to_every_grant_of_its_origin() -> None:
    """A rental that was moved by a merge runs on from the play before, and does not begin again."""
    rental = bought(GrantKind.RENTAL, 24)
    moved = evolve(rental, id=GrantId(uid(77)), account_id=account(2))
    played = use(UseKind.STARTED, HOUR, rental)
    assert only(*holdings_of([moved], uses=[played])) == (AT + 25 * HOUR, Reason.RENTAL_ENDED)


def test_what_is_known_later_is_not_known_then() -> None:
    """Grants, plays and changes count from the instant at which they were recorded."""
    rental, change = ended(bought(GrantKind.RENTAL, 24), GrantStatus.REFUNDED, 5 * DAY)
    played = use(UseKind.STARTED, DAY, rental, late=DAY)
    stored = [rental], [change], [played]
    assert holdings_of(*stored, known_at=AT - DAY) == []
    assert only(*holdings_of(*stored, known_at=AT + DAY)) == (AT + 10 * DAY, Reason.RENTAL_NOT_STARTED)
    assert only(*holdings_of(*stored, known_at=AT + 2 * DAY)) == (AT + 2 * DAY, Reason.RENTAL_ENDED)
    refunded = bought(GrantKind.EST)
    refunded, change = ended(refunded, GrantStatus.REFUNDED, 5 * DAY)
    assert only(*holdings_of([refunded], [change], known_at=AT + 4 * DAY)) == (None, Reason.GRANT_ENDED)
    assert only(*holdings_of([refunded], [change], known_at=AT + 5 * DAY)) == (AT + 5 * DAY, Reason.REFUNDED)


def test_a_plan_lapses() -> None:
    """A subscription's span ends as its plan; it has a tier, a state and no title."""
    terms = Terms(GIVEN_RIGHTS[GrantKind.SUBSCRIPTION], tier="premium", plan=PlanState.TRIAL)
    stored = bought(GrantKind.SUBSCRIPTION, terms=terms, title_id=None, ends_at=AT + DAY)
    [item] = holdings_of([stored])
    assert (item.of, item.tier, item.plan) == (None, "premium", PlanState.TRIAL)
    assert only(item) == (AT + DAY, Reason.PLAN_LAPSED)


@pytest.mark.parametrize(
    "changes",
    [
        {"title_id": None},
        {"ends_at": AT},
        {"reopened_at": AT},
        {"ends_at": AT + DAY, "reopened_at": AT + DAY},
        {"kind": GrantKind.RENTAL},
        {"kind": GrantKind.SUBSCRIPTION},
        {"terms": Terms(GIVEN_RIGHTS[GrantKind.EST], plan=PlanState.ACTIVE)},
    ],
)
def test_a_grant_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    """A title for all but plans, an end after the beginning, hours for a rental: else the grant is bad."""
    with pytest.raises(BadGrant):
        grant(1, account(1), title(1), **changes)
