"""Lock the wallet that holds an account's tokens now, whatever merge goes on meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from buddy_core.accounts import AccountNotFound, AccountsTx, resolve_each_in
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import TokensTx


class LockWalletTx(AccountsTx, TokensTx, Protocol):
    """What locking the right wallet needs of a transaction."""


async def lock_wallet_in(tx: LockWalletTx, account_id: AccountId) -> AccountId:
    """Lock the wallet of the account, or of the member it went to, and return whose it is.

    Raises:
        AccountNotFound: there is no such account.
        Contention: a merge came first; the next try finds the member.
    """
    owners = await lock_wallets_in(tx, [account_id])
    if account_id not in owners:
        raise AccountNotFound(account_id)
    return owners[account_id]


async def lock_wallets_in(tx: LockWalletTx, accounts: Collection[AccountId]) -> dict[AccountId, AccountId]:
    """Lock the wallets of all these accounts, and return whose each is; an account that is none is left out.

    A merge may commit while we wait for a lock; the guest's wallet that we then hold is
    empty for ever, and what is written there would be lost.

    Raises:
        Contention: a merge came first; the next try finds the member.
    """
    owners = await _owners_in(tx, accounts)
    await tx.wallets.lock(sorted(set(owners.values())))
    if await _owners_in(tx, accounts) != owners:
        raise Contention("account")
    return owners


async def _owners_in(tx: LockWalletTx, accounts: Collection[AccountId]) -> dict[AccountId, AccountId]:
    return {account: owner.id for account, owner in (await resolve_each_in(tx, accounts)).items()}
