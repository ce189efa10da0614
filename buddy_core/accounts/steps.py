"""Find the account that is meant, inside a transaction that is given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from buddy_core.accounts.errors import AccountNotFound
from buddy_core.accounts.events import GuestArrived, MemberRegistered
from buddy_core.accounts.model import Account, AccountType, Credential
from buddy_core.accounts.ports import AccountsTx
from buddy_core.kernel.events import envelope
from buddy_core.kernel.ids import AccountId, EventId, IdSource


async def resolve_in(tx: AccountsTx, account: AccountId) -> Account:
    """Return the account, or the member it was merged into.

    Raises:
        AccountNotFound: there is none.
    """
    found = (await resolve_each_in(tx, [account])).get(account)
    if found is None:
        raise AccountNotFound(account)
    return found


async def resolve_each_in(tx: AccountsTx, accounts: Collection[AccountId]) -> dict[AccountId, Account]:
    """Return for each account that exists the account itself, or the member it was merged into."""
    known = await tx.accounts.get_all(set(accounts))
    owners = {account: known[account] for account in accounts if account in known}
    while further := {owner.merged_into for owner in owners.values() if owner.merged_into is not None}:
        known = await tx.accounts.get_all(further)
        owners = {
            account: owner if owner.merged_into is None else known[owner.merged_into]
            for account, owner in owners.items()
        }
    return owners


async def add_guest_in(tx: AccountsTx, account: AccountId, at: datetime, ids: IdSource) -> Account:
    """Store a new guest."""
    guest = Account(account, AccountType.GUEST, at)
    await tx.accounts.add(guest)
    event = GuestArrived(account)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(account), at=at)])
    return guest


async def add_member_in(
    tx: AccountsTx, account: AccountId, email: str, password_hash: str, at: datetime, ids: IdSource
) -> Account:
    """Store a new member; `email` is folded already.

    Raises:
        EmailTaken: another account has this e-mail address.
    """
    member = Account(account, AccountType.REGISTERED, at, email)
    await tx.accounts.add(member, Credential(account, password_hash))
    event = MemberRegistered(account)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(account), at=at)])
    return member
