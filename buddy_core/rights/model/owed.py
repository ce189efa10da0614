"""What a takedown leaves owed: to whom, and for what they had paid."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, TakedownId, TitleId


@frozen
class Owed:
    """An account had paid for something that a takedown stopped; once a takedown and grant.

    A grant is named by its origin, so that one that moved to another account is not owed twice.
    """

    takedown_id: TakedownId
    origin_id: GrantId
    grant_id: GrantId
    account_id: AccountId
    """Whose the grant was when the row was written."""
    title_id: TitleId
    """What the grant is of: the title that was taken down, or the series that holds it."""
    kind: str
    """The grant's kind, such as `rental`."""
    country: str | None
    """Where it was sold, if that is known."""
    tokens: int | None
    """What was paid in tokens; None if it was something else."""
    entry_id: EntryId | None
    """The ledger entry of the tokens."""
    source: str
    """What else it came from, such as an order."""
    recorded_at: datetime = field(converter=utc)
