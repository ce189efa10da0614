"""Async use cases of accounts alone."""

from __future__ import annotations

from buddy_core.accounts import steps
from buddy_core.accounts.errors import WrongCredentials
from buddy_core.accounts.model import Account
from buddy_core.accounts.ports import AccountsTx, Passwords
from buddy_core.accounts.rules import fold_email
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId, IdSource
from buddy_core.kernel.unit_of_work import UnitOfWork


async def begin_guest(*, uow: UnitOfWork[AccountsTx], clock: Clock, ids: IdSource) -> Account:
    """Make a guest account."""
    async with uow.begin() as tx:
        return await steps.add_guest_in(tx, AccountId(ids.uuid7()), clock.now(), ids)


async def find_account(account: AccountId, *, uow: UnitOfWork[AccountsTx]) -> Account:
    """Return the account, or the member it was merged into.

    Raises:
        AccountNotFound: there is none.
    """
    async with uow.read() as tx:
        return await steps.resolve_in(tx, account)


async def check_credentials(
    email: str, password: str, *, uow: UnitOfWork[AccountsTx], passwords: Passwords
) -> Account:
    """Return the member that e-mail address and password belong to.

    An unknown address costs as much time as a wrong password, and says the same.

    Raises:
        BadEmail: the text is no e-mail address.
        WrongCredentials: they do not belong together.
    """
    folded = fold_email(email)
    async with uow.read() as tx:
        found = await tx.accounts.by_email(folded)
    if not await passwords.matches(password, found[1].password_hash if found else None) or found is None:
        raise WrongCredentials
    return found[0]
