"""The ways entitlements say no to what they are given; a denial is an answer, not an error."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Invalid, NotFound, Rejected
from buddy_core.kernel.ids import GrantId


@attrs.define
class BadFacts(Invalid):
    """Facts that contradict each other."""

    code = "entitlements.bad_facts"

    problem: str

    def message(self) -> str:
        return f"These facts cannot be: {self.problem}."


@attrs.define
class BadGrant(Invalid):
    """A grant's fields contradict each other."""

    code = "entitlements.bad_grant"

    problem: str

    def message(self) -> str:
        return f"The grant cannot be: {self.problem}."


@attrs.define
class GrantNotFound(NotFound):
    """The account has no such grant that is active."""

    code = "entitlements.grant_not_found"

    grant_id: GrantId

    def message(self) -> str:
        return "This account has no such grant, or it has ended. Look at the account's grants again."


@attrs.define
class UsedUp(Rejected):
    """What may be watched once was watched; a later end would open nothing."""

    code = "entitlements.used_up"

    grant_id: GrantId

    def message(self) -> str:
        return "It was watched to its end, and a later end would open nothing. Give access once more."


@attrs.define
class NotExtended(Rejected):
    """A new end must be ahead, and later than the one that stands."""

    code = "entitlements.not_extended"

    wanted: datetime
    ends_at: datetime | None

    def message(self) -> str:
        if self.ends_at is None:
            return "This grant has no end; there is nothing to extend."
        return f"It ends at {self.ends_at.isoformat()}; choose an instant that is later and still ahead."
