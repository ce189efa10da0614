"""Add the windows of a CSV file: every fault is told with its line, and nothing is written by halves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, frozen

from buddy_core.access import Actor, afresh_in, check_reason, require_anywhere
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows.catalogue import find_title_in
from buddy_core.flows.rights import EDIT, RightsEditTx, check_reach, revise_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError, Forbidden
from buddy_core.kernel.idempotency import once, request_key
from buddy_core.kernel.ids import IdSource, TitleId, WindowId, derived_uuid
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    AddWindow,
    BadSheet,
    LineFault,
    Sheet,
    SheetRow,
    TitleRights,
    Window,
    overlaps,
    read_windows,
    revise,
)

MAX_TOLD = 100
"""How many faults of a sheet are told; the others are counted."""


@frozen
class AddSheet:
    """Add the windows of a CSV file; with `takes_good_lines` those that can be, where others cannot."""

    sheet: bytes
    reason: str
    idempotency_key: str
    takes_good_lines: bool = False


@frozen
class SheetAdded:
    """What came of a sheet: how many windows of how many titles were added, and which lines were left out."""

    windows: int
    titles: int
    faults: tuple[str, ...] = ()
    more: int = 0
    """How many faults of what was read there are besides those told."""


@frozen
class SheetForeseen:
    """What adding a sheet would do: the windows that can be with their titles, and the lines that cannot."""

    windows: tuple[tuple[Title, Window], ...]
    faults: tuple[str, ...] = ()
    more: int = 0
    """How many faults of what was read there are besides those told."""


async def add_windows_from_csv(
    actor: Actor,
    command: AddSheet,
    *,
    correlation_id: str,
    uow: UnitOfWork[RightsEditTx],
    clock: Clock,
    ids: IdSource,
) -> SheetAdded:
    """Add a sheet's windows in one transaction, once per idempotency key.

    Nothing is written unless every line can be; with `takes_good_lines`, unless one can.

    Raises:
        NotPermitted, SecondFactorNeeded, ReasonMissing, IdempotencyMismatch.
        BadSheet: lines cannot be; each is named with its column, problem and fix.
    """
    require_anywhere(actor, EDIT)
    command = evolve(command, reason=check_reason(command.reason))
    sheet = read_windows(command.sheet)

    async def work(tx: RightsEditTx, at: datetime) -> SheetAdded:
        now = await afresh_in(tx, actor)
        require_anywhere(now, EDIT)
        added, books, first, more = await _plan_in(tx, now, command, sheet, at)
        if first and not (command.takes_good_lines and added):
            raise BadSheet(first, more)
        for title_id, edits in added.items():
            await revise_in(
                tx,
                now,
                title_id,
                books.get(title_id),
                edits,
                command.reason,
                at,
                ids,
                action="rights.import",
                correlation_id=correlation_id,
            )
        return SheetAdded(sum(map(len, added.values())), len(added), first, more)

    request = request_key(f"rights.import:{actor.name}", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=_from_bytes)


async def check_sheet(
    actor: Actor, command: AddSheet, *, uow: UnitOfWork[RightsEditTx], clock: Clock
) -> SheetForeseen:
    """Return what adding a sheet would do: the windows that can be, and every fault; nothing is written.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may change no rights.
    """
    require_anywhere(actor, EDIT)
    sheet = read_windows(command.sheet)
    async with uow.read() as tx:
        added, _, first, more = await _plan_in(tx, actor, command, sheet, clock.now())
        titles = await tx.titles.get(list(added))
    found = tuple((titles[title_id], edit.window) for title_id, edits in added.items() for edit in edits)
    return SheetForeseen(found, first, more)


async def _plan_in(
    tx: RightsEditTx, actor: Actor, command: AddSheet, sheet: Sheet, at: datetime
) -> tuple[dict[TitleId, list[AddWindow]], dict[TitleId, TitleRights], tuple[str, ...], int]:
    """Return what can be added by title with the books there are, the first faults, and how many more."""
    faults = list(sheet.faults)
    by_title = await _by_title_in(tx, sheet.rows, faults)
    books = await tx.rights.of_titles(list(by_title))
    added: dict[TitleId, list[AddWindow]] = {}
    reach = _Reach(actor)
    for title_id, rows in by_title.items():
        windows = _windows(reach, command.idempotency_key, title_id, rows, faults)
        fitting = _fitting(title_id, books.get(title_id), windows, at, faults)
        if fitting:
            added[title_id] = fitting
    ordered = sorted(faults, key=lambda fault: fault.line)
    first = ordered[:MAX_TOLD]
    if sheet.stop is not None and sheet.stop not in first:
        # Where the reading stopped is always told: the faults counted are not all there are.
        first[-1] = sheet.stop
    return added, books, tuple(map(str, first)), len(ordered) - len(first)


async def _by_title_in(
    tx: RightsEditTx, rows: Sequence[SheetRow], faults: list[LineFault]
) -> dict[TitleId, list[SheetRow]]:
    """Return the rows of each title, in title order; those of no title become faults."""
    named: dict[str, TitleId | None] = {}
    found: dict[TitleId, list[SheetRow]] = {}
    for row in rows:
        if row.title not in named:
            type, _, short_id = row.title.partition("/")
            try:
                named[row.title] = (await find_title_in(tx, type, short_id)).id
            except TitleNotFound:
                named[row.title] = None
        title_id = named[row.title]
        if title_id is None:
            problem = f"there is no title {row.title}; write its type and short id, such as film/ab2d"
            faults.append(LineFault(row.line, "title", problem))
        else:
            found.setdefault(title_id, []).append(row)
    return dict(sorted(found.items()))


class _Reach:
    """Where an actor may change rights, asked once a country, however many lines name it."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._within: set[str] = set()

    def check(self, countries: frozenset[str]) -> None:
        """Go on only if the actor may change rights in every one of these countries.

        Raises:
            NotPermitted, SecondFactorNeeded: as `require`.
        """
        for country in sorted(countries - self._within):
            check_reach(self.actor, EDIT, (country,))
            self._within.add(country)


def _windows(
    reach: _Reach, key: str, title_id: TitleId, rows: Sequence[SheetRow], faults: list[LineFault]
) -> dict[WindowId, tuple[int, Window]]:
    """Return the windows of a title's rows with their lines; those beyond the actor's reach become faults."""
    found: dict[WindowId, tuple[int, Window]] = {}
    for row in rows:
        try:
            reach.check(row.territories.countries)
        except Forbidden as error:
            faults.append(LineFault(row.line, "territories", error.message()))
            continue
        id = WindowId(derived_uuid("sheet", reach.actor.name, key, str(row.line)))
        found[id] = row.line, row.window(id, title_id)
    return found


def _fitting(
    title_id: TitleId,
    book: TitleRights | None,
    windows: dict[WindowId, tuple[int, Window]],
    at: datetime,
    faults: list[LineFault],
) -> list[AddWindow]:
    """Return the windows that go with each other and with what is there; the others become faults."""
    left = dict(windows)
    while left:
        held = book.windows if book else ()
        clashes = list(overlaps([*held, *(window for _, window in left.values())]))
        if not clashes:
            break
        for clash in clashes:
            second = clash.second if clash.second in left else clash.first
            if second not in left:
                continue
            other = clash.first if second == clash.second else clash.second
            line, _ = left.pop(WindowId(second))
            where = f" (line {windows[WindowId(other)][0]})" if other in windows else ""
            problem = (
                f"in {clash.territory} it overlaps the {clash.type.upper()} window {other}{where} "
                f"from {clash.at.isoformat()}; let one end before the other begins, or exclude "
                f"{clash.territory}"
            )
            faults.append(LineFault(line, "starts", problem))
    edits = [AddWindow(window) for _, window in left.values()]
    try:
        if edits:
            revise(book, edits, title_id=title_id, at=at, by="", reason="")
    except BuddyError as error:
        faults.append(LineFault(min(line for line, _ in left.values()), "title", error.message()))
        return []
    return edits


def _from_bytes(raw: bytes) -> SheetAdded:
    stored = json.loads(raw)
    return SheetAdded(stored["windows"], stored["titles"], tuple(stored["faults"]), stored["more"])
