"""Change what may be sold and watched of a title: each change with its permission, audit record and event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from attrs import evolve, field, frozen

from buddy_core.access import (
    AccessTx,
    Actor,
    Change,
    Resource,
    afresh_in,
    check_reason,
    may,
    record_in,
    require,
    require_anywhere,
)
from buddy_core.catalog import TitleNotFound
from buddy_core.flows.catalogue import CatalogueTx
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.events import Outbox, envelope
from buddy_core.kernel.idempotency import ReceiptTx, once, request_key
from buddy_core.kernel.ids import EventId, IdSource, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    AddLicence,
    AddWindow,
    AlterWindow,
    BadRightsChange,
    BookChanged,
    EndLicence,
    EndWindow,
    Licence,
    MoveWindow,
    RemoveLicence,
    RemoveWindow,
    Restore,
    RightsChanged,
    RightsEdit,
    SetRating,
    TakeDown,
    Takedown,
    Territories,
    TitleRights,
    Window,
    book_body,
    book_from_body,
    revise,
)

EDIT, READ = "rights:edit", "rights:read"


class RightsEditTx(CatalogueTx, AccessTx, ReceiptTx, Protocol):
    """What changing rights needs of a transaction."""

    @property
    def outbox(self) -> Outbox: ...


def _edits(value: Iterable[RightsEdit]) -> tuple[RightsEdit, ...]:
    return tuple(value)


@frozen
class ChangeRights:
    """Change a title's windows, licences and certificates, all of it or nothing.

    `base` is the revision that the change began from (0: there was none), where another one
    meanwhile should stop it.
    """

    title_id: TitleId
    changes: tuple[RightsEdit, ...] = field(converter=_edits)
    reason: str
    idempotency_key: str
    base: int | None = None


async def change_rights(
    actor: Actor,
    command: ChangeRights,
    *,
    correlation_id: str,
    uow: UnitOfWork[RightsEditTx],
    clock: Clock,
    ids: IdSource,
) -> TitleRights:
    """Append the next revision of a title's rights and return it, once per idempotency key.

    A role in some territories may change what lies within them, and nothing else.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch, TitleNotFound.
        BookChanged: the last revision is not the one that the change began from.
        Whatever `revise` raises: the rules of rights say no.
    """
    require_anywhere(actor, EDIT)
    command = evolve(command, reason=check_reason(command.reason))
    if any(isinstance(change, TakeDown | Restore) for change in command.changes):
        raise BadRightsChange("a title is taken down and restored by its own act, which keeps what is owed")

    async def work(tx: RightsEditTx, at: datetime) -> TitleRights:
        await _check_title_in(tx, command.title_id)
        before = await book_in(tx, command.title_id)
        if command.base is not None and command.base != (before.revision if before else 0):
            raise BookChanged(command.base, before.revision if before else 0)
        check_reach(await afresh_in(tx, actor), EDIT, reach(before, command.changes))
        return await revise_in(
            tx,
            actor,
            command.title_id,
            before,
            command.changes,
            command.reason,
            at,
            ids,
            action="rights.change",
            correlation_id=correlation_id,
        )

    request = request_key(f"rights.change:{actor.name}", command.idempotency_key, _plain(command))
    return await once(uow, request, clock, work, encode=book_body, decode=book_from_body)


async def rights_of(actor: Actor, title_id: TitleId, *, uow: UnitOfWork[RightsEditTx]) -> TitleRights | None:
    """Return the last revision of a title's rights; None if it has none.

    Raises:
        NotPermitted: the actor may not see rights.
    """
    require_placed(actor, READ)
    async with uow.read() as tx:
        return await book_in(tx, title_id)


async def book_in(tx: RightsEditTx, title_id: TitleId) -> TitleRights | None:
    """Return the last revision of a title's rights; None if it has none."""
    return (await tx.rights.of_titles([title_id])).get(title_id)


async def revise_in(
    tx: RightsEditTx,
    actor: Actor,
    title_id: TitleId,
    before: TitleRights | None,
    changes: Sequence[RightsEdit],
    reason: str,
    at: datetime,
    ids: IdSource,
    *,
    action: str,
    correlation_id: str,
) -> TitleRights:
    """Append a revision, record what it changed, and tell of it.

    Raises:
        Whatever `revise` raises. Contention: somebody else appended that revision first.
    """
    after = revise(before, changes, title_id=title_id, at=at, by=actor.name, reason=reason)
    await tx.rights.append(after)
    old, new = difference(before, after)
    new["reason"] = reason
    await record_in(tx, actor, Change(action, str(title_id), old, new, correlation_id), at)
    event = RightsChanged(title_id, after.revision)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=str(title_id), at=at)])
    return after


def difference(before: TitleRights | None, after: TitleRights) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is in one revision and not in the other, by kind; for the audit."""
    old: dict[str, Any] = {"revision": before.revision if before else 0}
    new: dict[str, Any] = {"revision": after.revision}
    for kind in ("licences", "windows", "ratings", "takedowns"):
        was: Sequence[Any] = getattr(before, kind) if before else ()
        now: Sequence[Any] = getattr(after, kind)
        gone = [item for item in was if item not in now]
        come = [item for item in now if item not in was]
        if gone or come:
            old[kind], new[kind] = gone, come
    return old, new


def check_reach(actor: Actor, permission: str, countries: Collection[str]) -> None:
    """Go on only if the actor may do this in every one of these countries.

    Raises:
        NotPermitted, SecondFactorNeeded: as `require`.
    """
    if not countries:
        require(actor, permission)
    for country in sorted(countries):
        require(actor, permission, Resource(territory=country))


def require_placed(actor: Actor, permission: str) -> None:
    """Go on only if the actor may do this in some country; a role for one partner reaches into none.

    Raises:
        NotPermitted, SecondFactorNeeded: as `require`.
    """
    for country in sorted(COUNTRIES):
        if may(actor, permission, Resource(territory=country)):
            return
    require(actor, permission, Resource(territory=min(COUNTRIES)))


def reach(before: TitleRights | None, changes: Iterable[RightsEdit]) -> frozenset[str]:
    """Return the countries in which any of these changes changes anything."""
    held: dict[UUID, Territories] = {}
    if before is not None:
        items: tuple[Window | Licence | Takedown, ...] = (
            *before.windows,
            *before.licences,
            *before.takedowns,
        )
        held = {item.id: item.territories for item in items}
    found: set[str] = set()
    for change in changes:
        touched: list[Territories | None]
        match change:
            case AddWindow(window):
                touched = [window.territories]
            case AlterWindow(window):
                touched = [window.territories, held.get(window.id)]
            case MoveWindow(window_id, _, _, places):
                touched = [places, held.get(window_id)]
            case AddLicence(licence):
                touched = [licence.territories]
            case EndWindow(id) | RemoveWindow(id) | EndLicence(id) | RemoveLicence(id) | Restore(id):
                touched = [held.get(id)]
            case SetRating(territories):
                # A certificate takes the place of the one of its code, wherever that one counted.
                ratings = before.ratings if before is not None else ()
                replaced = [item.territories for item in ratings]
                touched = [territories, *(item for item in replaced if _shares_code(item, territories))]
            case TakeDown(_, territories):
                touched = [territories]
        found.update(*(item.countries for item in touched if item is not None))
    return frozenset(found)


def _shares_code(one: Territories, other: Territories) -> bool:
    return not set(one.included).isdisjoint(other.included)


async def _check_title_in(tx: RightsEditTx, title_id: TitleId) -> None:
    if not await tx.titles.get([title_id]):
        raise TitleNotFound("title", str(title_id))


def _plain(command: ChangeRights) -> dict[str, Any]:
    """Return a command for its fingerprint: each change with its name, for two may have the same fields."""
    return {
        "title_id": command.title_id,
        "changes": [[type(change).__name__, change] for change in command.changes],
        "reason": command.reason,
        "base": command.base,
    }
