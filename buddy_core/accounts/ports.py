"""What accounts need: storage, and a slow password hash that does not block the loop."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.accounts.model import Account, Credential
from buddy_core.kernel.events import Outbox
from buddy_core.kernel.ids import AccountId


class Accounts(Protocol):
    """Accounts by id and by e-mail address."""

    async def add(self, account: Account, credential: Credential | None = None) -> None:
        """Store an account.

        Raises:
            EmailTaken: another account has this e-mail address.
        """
        ...

    async def get(self, account: AccountId) -> Account | None:
        """Return an account, or None."""
        ...

    async def get_all(self, accounts: Collection[AccountId]) -> dict[AccountId, Account]:
        """Return the accounts that exist among these."""
        ...

    async def lock(self, accounts: Sequence[AccountId]) -> dict[AccountId, Account]:
        """Return the accounts that exist and keep other writers off them, in id order."""
        ...

    async def by_email(self, email: str) -> tuple[Account, Credential] | None:
        """Return the member with this folded address, or None."""
        ...

    async def search(self, email: str, *, after: AccountId | None, limit: int) -> list[Account]:
        """Return members whose address begins like this, newest first; of these, those older than `after`."""
        ...

    async def guests_of(self, member: AccountId) -> list[AccountId]:
        """Return the guests that became this member, in id order."""
        ...

    async def mark_merged(self, guest: AccountId, member: AccountId, at: datetime) -> None:
        """Make a guest a pointer to a member; done once."""
        ...


class AccountsTx(Protocol):
    """A transaction that account steps can work in."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def outbox(self) -> Outbox: ...


class Passwords(Protocol):
    """Hashes passwords slowly on purpose."""

    async def hash(self, password: str) -> str:
        """Return the hash to store."""
        ...

    async def matches(self, password: str, stored: str | None) -> bool:
        """Tell whether a password fits; with None it takes as long and answers False."""
        ...
