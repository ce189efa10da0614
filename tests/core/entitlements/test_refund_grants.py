"""Which grants a refund ends."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from buddy_core.entitlements import Grant, GrantStatus, merge_grants, refunded_grants
from buddy_core.kernel import EntryId
from tests.contracts.cases import LATER, account, grant, title, uid

ENTRY = EntryId(uid(70))


def paid(**changes: Any) -> Grant:
    """Return a grant that the entry paid for."""
    return grant(1, account(1), title(1), entry_id=ENTRY, **changes)


def test_the_grant_that_was_paid_for_ends() -> None:
    """Of an account's grants the active one of the refunded entry ends, and no other."""
    mine, other = paid(), grant(2, account(1), title(2))
    other = evolve(other, entry_id=EntryId(uid(77)))
    assert refunded_grants([mine, other], ENTRY) == [mine]
    assert refunded_grants([mine, other], EntryId(uid(78))) == []


def test_what_has_ended_ends_no_more() -> None:
    """A grant that was moved, gave way or was refunded before is left as it is."""
    for status in GrantStatus:
        ended = paid(status=status)
        assert refunded_grants([ended], ENTRY) == ([ended] if status is GrantStatus.ACTIVE else [])


def test_a_moved_grant_ends_at_its_new_owner() -> None:
    """After a merge the member's grant is the one that the guest's entry paid for; it is not moved again."""
    mine = paid()
    [moved] = merge_grants([mine], [], account(2), LATER).grants
    assert refunded_grants([moved], ENTRY) == [moved]
    refunded = evolve(moved, status=GrantStatus.REFUNDED)
    assert merge_grants([refunded], [], account(3), LATER).grants == ()
