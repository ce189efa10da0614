"""Turn feature flags on and off, on the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.flags import Flags
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.unit_of_work import UnitOfWork


class FlagsTx(AuditTx, Protocol):
    """What turning flags needs of a transaction."""

    @property
    def flags(self) -> Flags: ...


async def list_flags(*, uow: UnitOfWork[FlagsTx]) -> dict[str, bool]:
    """Return every flag and how it stands."""
    async with uow.read() as tx:
        return await tx.flags.all()


async def switch_flags(
    actor: Actor, wanted: Mapping[str, bool], *, correlation_id: str, uow: UnitOfWork[FlagsTx], clock: Clock
) -> dict[str, bool]:
    """Make flags stand as wanted and return them all; what stands so already leaves no record.

    Raises:
        NotPermitted: the actor may not.
        UnknownFlag: no flag has one of the names; then none is changed.
    """
    require(actor, "flag:set")

    async def work(tx: FlagsTx) -> dict[str, bool]:
        at = clock.now()
        before = await tx.flags.all()
        for name, is_on in wanted.items():
            if before.get(name) == is_on:
                continue
            await tx.flags.set(name, is_on)
            change = Change("flag.set", name, before.get(name), is_on, correlation_id)
            await record_in(tx, actor, change, at)
        return await tx.flags.all()

    return await retried(uow, work)
