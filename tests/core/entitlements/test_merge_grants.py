"""What a merge does to grants: everything comes along, and of two unlocks the older stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.entitlements import Grant, GrantChange, GrantKind, GrantMerge, GrantStatus, merge_grants
from tests.contracts.cases import AT, LATER, account, grant, title

DAY = timedelta(days=1)
MEMBER = account(9)


def applied(grants: Iterable[Grant], merge: GrantMerge) -> list[Grant]:
    """Return the grants as a store shows them after a merge."""
    status = {change.grant_id: change.status for change in merge.changes}
    return [
        *(evolve(item, status=status.get(item.id, item.status)) for item in grants),
        *merge.grants,
    ]


def active(grants: Iterable[Grant]) -> dict[object, Grant]:
    """Return the active grants of the member by origin."""
    return {
        item.origin_id: item
        for item in grants
        if item.account_id == MEMBER and item.status is GrantStatus.ACTIVE
    }


def test_a_grant_moves_with_its_age_and_origin() -> None:
    """The moved grant is a new one of the member with the first's origin, title, entry and instant."""
    mine = grant(1, account(1), title(1), granted_at=AT - DAY)
    merged = merge_grants([mine], [], MEMBER, LATER)
    [moved] = merged.grants
    assert evolve(moved, id=mine.id, account_id=account(1), recorded_at=AT) == mine
    assert (moved.account_id, moved.recorded_at) == (MEMBER, LATER)
    assert merged.changes == (GrantChange(mine.id, GrantStatus.TRANSFERRED, LATER, "merge", moved.id),)


def test_the_older_unlock_of_the_member_stays() -> None:
    """The guest's younger unlock of the same title is superseded by the member's, and nothing new is made."""
    young = grant(1, account(1), title(1), granted_at=AT)
    old = grant(2, MEMBER, title(1), granted_at=AT - DAY)
    merged = merge_grants([young], [old], MEMBER, LATER)
    assert merged.grants == ()
    assert merged.changes == (GrantChange(young.id, GrantStatus.SUPERSEDED, LATER, "merge", old.id),)


def test_the_older_unlock_of_the_guest_takes_over() -> None:
    """The guest's older unlock moves, and the member's younger one is superseded by it."""
    old = grant(1, account(1), title(1), granted_at=AT - DAY)
    young = grant(2, MEMBER, title(1), granted_at=AT)
    merged = merge_grants([old], [young], MEMBER, LATER)
    [moved] = merged.grants
    assert {(c.grant_id, c.status, c.successor_id) for c in merged.changes} == {
        (old.id, GrantStatus.TRANSFERRED, moved.id),
        (young.id, GrantStatus.SUPERSEDED, moved.id),
    }


def test_rentals_do_not_supersede_unlocks() -> None:
    """A rental of a title that the member has unlocked moves beside it."""
    rental = grant(1, account(1), title(1), kind=GrantKind.RENTAL, ends_at=LATER, granted_at=AT - DAY)
    unlock = grant(2, MEMBER, title(1))
    merged = merge_grants([rental], [unlock], MEMBER, LATER)
    assert [item.kind for item in merged.grants] == ["rental"]
    assert [change.status for change in merged.changes] == [GrantStatus.TRANSFERRED]


def test_what_is_not_active_stays_behind() -> None:
    """Grants that were superseded or moved before are left as they are."""
    past = [grant(n, account(1), title(n), status=s) for n, s in enumerate(GrantStatus) if s != "active"]
    assert merge_grants(past, [], MEMBER, LATER) == GrantMerge((), ())


@st.composite
def unlocks(draw: st.DrawFn, number: int) -> list[Grant]:
    """Return an account's unlocks: at most one active one a title."""
    who = MEMBER if number == 0 else account(number)
    titles = draw(st.sets(st.integers(1, 4)))
    return [
        grant(10 * number + place, who, title(place), granted_at=AT - draw(st.integers(0, 3)) * DAY)
        for place in sorted(titles)
    ]


@given(unlocks(0), unlocks(1), unlocks(2), unlocks(3), st.permutations([0, 1, 2]))
def test_any_order_of_merges_leaves_the_same_grants(
    mine: list[Grant], one: list[Grant], two: list[Grant], three: list[Grant], order: list[int]
) -> None:
    """Guests merged in any order leave the member one active unlock a title: the oldest there ever was."""

    def merged(guests: Sequence[list[Grant]]) -> dict[object, Grant]:
        stored = list(mine)
        for guest in guests:
            stored = applied(stored, merge_grants(guest, stored, MEMBER, LATER))
        return active(stored)

    guests = [one, two, three]
    result = merged(guests)
    assert result == merged([guests[place] for place in order])
    everything = [*mine, *one, *two, *three]
    oldest = {
        min(
            (g for g in everything if g.title_id == name), key=lambda g: (g.granted_at, g.origin_id)
        ).origin_id
        for name in {g.title_id for g in everything}
    }
    assert set(result) == oldest


@given(unlocks(0), unlocks(1))
def test_merging_the_same_grants_again_changes_nothing(mine: list[Grant], guests: list[Grant]) -> None:
    """After a merge the guest has nothing active left, so a second one does nothing."""
    merged = merge_grants(guests, mine, MEMBER, LATER)
    after = applied(guests, merged)
    rest = [item for item in after if item.account_id != MEMBER]
    assert merge_grants(rest, applied(mine, merged), MEMBER, LATER) == GrantMerge((), ())
