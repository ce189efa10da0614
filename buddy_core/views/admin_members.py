"""Which account staff mean by an e-mail address."""

from __future__ import annotations

from buddy_core.access import Actor, require
from buddy_core.accounts import AccountsTx, MemberNotFound, fold_email
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork


async def find_member(actor: Actor, email: str, *, uow: UnitOfWork[AccountsTx]) -> AccountId:
    """Return the account of the member with this address; what is then seen of it is recorded there.

    Raises:
        NotPermitted: the actor may not see accounts.
        BadEmail, MemberNotFound: nobody registered with this address.
    """
    require(actor, "user:read")
    async with uow.read() as tx:
        found = await tx.accounts.by_email(fold_email(email))
    if found is None:
        raise MemberNotFound
    return found[0].id
