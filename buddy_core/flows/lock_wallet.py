"""Lock the wallet that holds an account's tokens now, whatever merge goes on meanwhile."""

from __future__ import annotations

from typing import Protocol

from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import TokensTx


class LockWalletTx(AccountsTx, TokensTx, Protocol):
    """What locking the right wallet needs of a transaction."""


async def lock_wallet_in(tx: LockWalletTx, account_id: AccountId) -> AccountId:
    """Lock the wallet of the account, or of the member it went to, and return whose it is.

    A merge may commit while we wait for the lock; the guest's wallet that we then
    hold is empty for ever, and what is written there would be lost.

    Raises:
        AccountNotFound: there is no such account.
        Contention: a merge came first; the next try finds the member.
    """
    owner = (await resolve_in(tx, account_id)).id
    await tx.wallets.lock([owner])
    if (await resolve_in(tx, account_id)).id != owner:
        raise Contention("account")
    return owner
