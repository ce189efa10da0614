"""What entitlements need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import frozen

from buddy_core.entitlements.model.grants import Grant, GrantChange, GrantUse
from buddy_core.kernel.events import Outbox
from buddy_core.kernel.ids import AccountId, GrantId, TitleId
from buddy_core.kernel.proof import Fault


class Grants(Protocol):
    """Grants by account; a status changes only by a recorded change."""

    async def of_account(self, account: AccountId, titles: Sequence[TitleId] | None = None) -> list[Grant]:
        """Return the account's grants, oldest first; of all titles, or of those named."""
        ...

    async def of_accounts(self, accounts: Sequence[AccountId], titles: Sequence[TitleId]) -> list[Grant]:
        """Return these accounts' grants of these titles, and their plans, oldest first."""
        ...

    async def changes_of(self, grants: Sequence[GrantId]) -> list[GrantChange]:
        """Return the recorded changes of these grants."""
        ...

    async def uses(self, origins: Sequence[GrantId]) -> list[GrantUse]:
        """Return what viewers did with the grants of these origins."""
        ...

    async def use(self, use: GrantUse) -> bool:
        """Record a use once for its origin and kind; tell whether it was the first."""
        ...

    async def add(self, grants: Sequence[Grant]) -> None:
        """Store new grants.

        Raises:
            Contention: the account has an active token unlock of the title already.
        """
        ...

    async def change(self, changes: Sequence[GrantChange]) -> None:
        """Record changes of status and let the grants show them."""
        ...


@frozen
class GrantRecords:
    """Every grant and change as stored, and the rows that could not be read."""

    grants: Sequence[Grant]
    changes: Sequence[GrantChange]
    uses: Sequence[GrantUse] = ()
    unreadable: Sequence[Fault] = ()


class GrantBooks(Protocol):
    """Grants as stored, for `buddy verify`."""

    async def all(self) -> GrantRecords:
        """Return everything there is."""
        ...


class EntitlementsTx(Protocol):
    """A transaction that entitlement steps can work in."""

    @property
    def grants(self) -> Grants: ...

    @property
    def outbox(self) -> Outbox: ...
