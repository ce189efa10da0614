"""What a takedown leaves owed: to whom, and for what they had paid."""

from __future__ import annotations

from datetime import datetime

from attrs import field, fields, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, TakedownId, TitleId


@frozen
class Owed:
    """An account had paid for something that a takedown stopped; once a grant, however often it is stopped.

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


@frozen
class StillOwed(Owed):
    """A row as it stands now: its `tokens` are what was paid less what was refunded since."""

    refunded: int = 0
    """Tokens that went back."""

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is owed any more, because all that was paid went back."""
        return self.refunded > 0 and self.tokens == 0


def still_owed(row: Owed, refunded: int) -> StillOwed:
    """Return what is left of a row after refunds of its tokens."""
    known = {item.name: getattr(row, item.name) for item in fields(Owed)}
    if row.tokens is not None:
        known["tokens"] = max(0, row.tokens - refunded)
    return StillOwed(**known, refunded=refunded)
