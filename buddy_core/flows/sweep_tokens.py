"""Write off what has expired in every wallet, and end the holds whose time is over."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, IdSource
from buddy_core.kernel.outcomes import Outcome, Refused
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import ExpireTokens, Swept, TokensTx, expire_in, own_key

PAGE = 200
"""Wallets a transaction: few enough that whoever waits for one of them hardly notices."""


@frozen
class SweptTokens:
    """How many wallets had something to write off, and what it was."""

    wallets: int
    expired: int
    """Tokens."""
    voided: int
    """Holds."""
    left: int = 0
    """Wallets that could not be swept now; the next sweep finds them again."""


async def sweep_tokens(
    *,
    uow: UnitOfWork[TokensTx],
    clock: Clock,
    ids: IdSource,
    page: int = PAGE,
    progress: Callable[[int], None] = lambda wallets: None,
) -> SweptTokens:
    """Sweep all wallets, page by page; `progress` is told the wallets done so far.

    Nothing depends on it: what has expired counts for nothing before. Each page is a
    transaction of its own, and what is swept is not found again, so that a sweep which
    breaks off is gone on with by the next, and two at once do the work once.
    """
    at = clock.now()
    wallets = expired = voided = left = 0
    last: AccountId | None = None
    while True:
        async with uow.read() as tx:
            accounts = await tx.wallets.to_sweep(at, after=last, limit=page)
        if not accounts:
            return SweptTokens(wallets, expired, voided, left)
        for outcome in await _sweep_page(accounts, uow, clock, ids):
            if isinstance(outcome, Refused):
                left += 1
                continue
            swept = outcome.value
            wallets += bool(swept.expired or swept.voided)
            expired += swept.expired
            voided += swept.voided
        last = accounts[-1]
        progress(wallets)


async def _sweep_page(
    accounts: list[AccountId], uow: UnitOfWork[TokensTx], clock: Clock, ids: IdSource
) -> list[Outcome[Swept]]:
    async def sweep(tx: TokensTx) -> list[Outcome[Swept]]:
        await tx.wallets.lock(accounts)
        # Read after the locks, so that no entry is dated before one that it follows.
        at = clock.now()
        key = own_key("sweep", instant_text(at))
        commands = [ExpireTokens(account, key) for account in accounts]
        return await expire_in(tx, commands, at, ids)

    return await retried(uow, sweep)
