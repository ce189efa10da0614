"""Why a member may or may not do something, asked by their address and written down."""

from __future__ import annotations

from buddy_core.access import Actor, Change, record_in, require
from buddy_core.accounts import MemberNotFound, fold_email
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.views.admin_users import AdminUsersTx, Explained, ExplainWanted, explained_in


async def explain_access(
    actor: Actor,
    email: str,
    wanted: ExplainWanted,
    *,
    correlation_id: str,
    uow: UnitOfWork[AdminUsersTx],
    clock: Clock,
) -> Explained:
    """Explain whether the member with this address may do something; that somebody asked is recorded.

    Raises:
        NotPermitted: the actor may not see who has which role.
        BadEmail, MemberNotFound: nobody registered with this address.
        InvalidValue: there is no such permission.
        ProducerNotFound: no producer has this short id.
    """
    require(actor, "role:read")

    async def work(tx: AdminUsersTx) -> Explained:
        found = await tx.accounts.by_email(fold_email(email))
        if found is None:
            raise MemberNotFound
        account = found[0].id
        explained = await explained_in(tx, account, wanted, await tx.producers.all())
        after = {"permission": wanted.permission, "granted": explained.is_granted}
        change = Change("role.explain", str(account), None, after, correlation_id)
        await record_in(tx, actor, change, clock.now())
        return explained

    return await retried(uow, work)
