"""Giving a role to somebody who has registered, on the record."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from buddy_core.access import ROLES, Actor, Assignment, Assignments, AuditTx, Change, record_in, require
from buddy_core.accounts import AccountsTx, MemberNotFound, fold_email
from buddy_core.catalog import ProducerNotFound, Producers
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import PartnerId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.shortids import fold

_SCOPED = "producer"


class AssignTx(AccountsTx, AuditTx, Protocol):
    """What assigning a role needs of a transaction."""

    @property
    def assignments(self) -> Assignments: ...

    @property
    def producers(self) -> Producers: ...


@frozen
class AssignRole:
    """A role for the member with this e-mail address; a producer's names the producer by short id."""

    email: str
    role: str
    producer: str | None = None


async def assign_role(
    actor: Actor, command: AssignRole, *, correlation_id: str, uow: UnitOfWork[AssignTx], clock: Clock
) -> Assignment:
    """Give the role; given already, nothing changes and nothing is recorded.

    Raises:
        NotPermitted: the actor may not.
        BadEmail, MemberNotFound: nobody registered with this address.
        InvalidValue: there is no such role, or it does not go with a producer, or needs one.
        ProducerNotFound: no producer has this short id.
    """
    require(actor, "role:assign")
    email = fold_email(command.email)
    _check(command)

    async def work(tx: AssignTx) -> Assignment:
        found = await tx.accounts.by_email(email)
        if found is None:
            raise MemberNotFound
        account = found[0]
        partner = await _partner_in(tx, command.producer) if command.producer else None
        wanted = Assignment(account.id, command.role, partner)
        before = await tx.assignments.of(account.id)
        if wanted in before:
            return wanted
        await tx.assignments.add(wanted)
        change = Change(
            "role.assign",
            str(account.id),
            sorted(item.role for item in before),
            {"role": command.role, "producer": command.producer},
            correlation_id,
        )
        await record_in(tx, actor, change, clock.now())
        return wanted

    return await retried(uow, work)


def _check(command: AssignRole) -> None:
    roles = sorted(ROLES.keys() - {"viewer"})
    if command.role not in roles:
        raise InvalidValue("role", f"must be one of {', '.join(roles)}; everybody is a viewer")
    if (command.role == _SCOPED) != bool(command.producer):
        raise InvalidValue("producer", "goes with the role producer, which needs one, and with no other")


async def _partner_in(tx: AssignTx, short_id: str) -> PartnerId:
    for producer in await tx.producers.all():
        if fold(producer.short_id) == fold(short_id):
            return producer.id
    raise ProducerNotFound(short_id)
