"""Wallets, entries and value versions of tokens in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import evolve
from sqlalchemy import RowMapping, Select, Table, and_, delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import (
    insert_ignoring,
    insert_rows,
    integrity_as,
    is_postgresql,
    update_rows,
)
from buddy_adapters.sql.tokens_tables import (
    balance_to_row,
    balances,
    entries,
    entry_from_row,
    entry_to_row,
    hold_from_row,
    holds,
    lot_from_row,
    lots,
    open_hold_to_row,
    open_holds,
    parts_to_rows,
    posting_from_row,
    postings,
    value_versions,
    version_from_row,
    version_to_row,
    wallet_from_row,
    wallet_to_row,
    wallets,
)
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId
from buddy_core.tokens import (
    WALLET,
    Entries,
    Entry,
    HeldLot,
    Hold,
    Lot,
    OpenHold,
    OpenLot,
    Posted,
    TokenKind,
    ValueVersion,
    ValueVersions,
    Wallet,
    Wallets,
)

_LOT_COLUMNS = tuple(column.label(f"lot_{column.name}") for column in lots.c)
# Never a join: a plan that is made while the table is empty must stay good when it is not.
_HAS_HOLDS = (
    select(literal(1)).where(open_holds.c.account_id == wallets.c.account_id).limit(1).scalar_subquery()
)
_OPEN_LOTS = (
    select(wallets, _HAS_HOLDS.label("has_holds"), balances.c.remaining, *_LOT_COLUMNS)
    .select_from(wallets)
    .outerjoin(balances, and_(balances.c.account_id == wallets.c.account_id, balances.c.remaining > 0))
    .outerjoin(lots, lots.c.id == balances.c.lot_id)
)
_OPEN_HOLDS = (
    select(
        open_holds.c.account_id.label("owner"),
        holds.c.id.label("hold_id"),
        holds.c.amount.label("hold_amount"),
        holds.c.expires_at.label("hold_expires_at"),
        postings.c.amount.label("drawn"),
        postings.c.version.label("version"),
        *_LOT_COLUMNS,
    )
    .select_from(open_holds)
    .join(holds, holds.c.id == open_holds.c.hold_id)
    .join(postings, and_(postings.c.entry_id == holds.c.entry_id, postings.c.account == WALLET))
    .join(lots, lots.c.id == postings.c.lot_id)
    .order_by(holds.c.id, postings.c.position)
)


def _contention() -> Contention:
    return Contention("wallet")


class SqlWallets:
    """Wallets in a few statements for any number of them; it lives as long as its transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._locked: set[AccountId] = set()
        self._stored: set[AccountId] = set()

    async def lock(self, accounts: Sequence[AccountId]) -> None:
        """Lock the wallets' rows in id order, making those that are missing.

        A lock is held to the end of the transaction, so a second call for the same
        wallets asks nothing. A writer of SQLite has the whole database already.
        """
        wanted = sorted(set(accounts) - self._locked)
        if not wanted or not is_postgresql(self._connection):
            return
        query = (
            select(wallets.c.account_id)
            .where(wallets.c.account_id.in_(wanted))
            .order_by(wallets.c.account_id)
            .with_for_update()
        )
        found = set((await self._connection.execute(query)).scalars())
        missing = [account for account in wanted if account not in found]
        if missing:
            await self._make(missing)
            # Where another transaction made the row, ours does not hold it yet.
            await self._connection.execute(query)
        self._locked.update(wanted)
        self._stored.update(wanted)

    async def load(self, accounts: Sequence[AccountId]) -> dict[AccountId, Wallet]:
        query = _OPEN_LOTS.where(wallets.c.account_id.in_(sorted(set(accounts))))
        rows: dict[AccountId, list[RowMapping]] = defaultdict(list)
        for row in (await self._connection.execute(query)).mappings():
            rows[row["account_id"]].append(row)
        self._stored.update(rows)
        holding = sorted(account for account, found in rows.items() if found[0]["has_holds"])
        held = await self._open_holds(holding)
        return {
            account: _wallet(rows[account], held.get(account, ())) if account in rows else Wallet(account)
            for account in accounts
        }

    async def _open_holds(self, accounts: Sequence[AccountId]) -> dict[AccountId, tuple[OpenHold, ...]]:
        """Return the open holds of accounts that have some; for no account nothing is asked."""
        if not accounts:
            return {}
        query = _OPEN_HOLDS.where(open_holds.c.account_id.in_(accounts))
        parts: dict[tuple[AccountId, Hold], list[HeldLot]] = defaultdict(list)
        for row in (await self._connection.execute(query)).mappings():
            hold = Hold(HoldId(row["hold_id"]), row["hold_amount"], row["hold_expires_at"])
            parts[row["owner"], hold].append(HeldLot(_lot(row), -row["drawn"], row["version"]))
        found: dict[AccountId, tuple[OpenHold, ...]] = {}
        for (account, hold), kept in parts.items():
            found[account] = (*found.get(account, ()), OpenHold(hold, tuple(kept)))
        return found

    async def append(self, posted: Sequence[Posted]) -> None:
        """Write entries, postings, lots, holds, balances and wallets, a statement for each that has rows."""
        if not posted:
            return
        await self._make([item.entry.account_id for item in posted])
        with integrity_as(_contention):
            await self._advance(posted)
            made = [item.entry for item in posted]
            of_entry, opened, held = parts_to_rows(made)
            await insert_rows(self._connection, entries, [entry_to_row(entry) for entry in made])
            await insert_rows(self._connection, postings, of_entry)
            await insert_rows(self._connection, lots, opened)
            await insert_rows(self._connection, holds, held)
            await self._settle(posted)
            await self._open_and_end(made)

    async def to_sweep(self, at: datetime, *, after: AccountId | None, limit: int) -> list[AccountId]:
        """Ask for each by its own index; either list may hold the next account."""
        expired = (
            select(balances.c.account_id)
            .join(lots, lots.c.id == balances.c.lot_id)
            .where(balances.c.remaining > 0, lots.c.expires_at <= at)
        )
        lapsed = select(open_holds.c.account_id).where(open_holds.c.expires_at <= at)
        found: set[AccountId] = set()
        for query in (expired, lapsed):
            [account] = query.selected_columns
            page = query if after is None else query.where(account > after)
            page = page.distinct().order_by(account).limit(limit)
            found.update((await self._connection.execute(page)).scalars())
        return sorted(found)[:limit]

    async def _open_and_end(self, made: Sequence[Entry]) -> None:
        """Store which holds are open; one that has ended already is somebody else's doing."""
        opened = [open_hold_to_row(entry.account_id, hold) for entry in made for hold in entry.holds]
        await insert_rows(self._connection, open_holds, opened)
        ended = [entry.hold_id for entry in made if entry.hold_id is not None]
        if not ended:
            return
        gone = delete(open_holds).where(open_holds.c.hold_id.in_(ended))
        if (await self._connection.execute(gone)).rowcount != len(ended):
            raise _contention()

    async def _make(self, accounts: Sequence[AccountId]) -> None:
        missing = sorted(set(accounts) - self._stored)
        empty = [wallet_to_row(Wallet(account)) for account in missing]
        await insert_ignoring(self._connection, wallets, empty, ["account_id"])
        self._stored.update(missing)

    async def _advance(self, posted: Sequence[Posted]) -> None:
        """Move each wallet on from the sequence and head that its first entry here follows."""
        before: dict[AccountId, dict[str, Any]] = {}
        rows: dict[AccountId, dict[str, Any]] = {}
        for item in posted:
            entry = item.entry
            first = {"old_sequence": entry.sequence - 1, "old_head": entry.previous_hash}
            rows[entry.account_id] = wallet_to_row(item.wallet) | before.setdefault(entry.account_id, first)
        moved = await update_rows(
            self._connection,
            wallets,
            list(rows.values()),
            ["account_id", "old_sequence", "old_head"],
            ["sequence", "head", "is_frozen"],
        )
        if moved != len(rows):
            raise _contention()

    async def _settle(self, posted: Sequence[Posted]) -> None:
        """Store what is left of every lot that was opened or drawn on."""
        last = {item.entry.account_id: item.wallet for item in posted}
        left = {open_lot.lot.id: open_lot.remaining for wallet in last.values() for open_lot in wallet.lots}
        opened = {lot.id for item in posted for lot in item.entry.lots}
        touched = {
            posting.lot_id: item.entry.account_id
            for item in posted
            for posting in item.entry.postings
            if posting.account == WALLET and posting.lot_id is not None
        }
        rows = {lot: balance_to_row(account, lot, left.get(lot, 0)) for lot, account in touched.items()}
        await insert_rows(self._connection, balances, [row for lot, row in rows.items() if lot in opened])
        drawn = [row for lot, row in sorted(rows.items()) if lot not in opened]
        if await update_rows(self._connection, balances, drawn, ["lot_id"], ["remaining"]) != len(drawn):
            raise _contention()


class SqlEntries:
    """The ledger's entries with all that hangs on them."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_account(self, account: AccountId, *, before: int | None, limit: int) -> list[Entry]:
        query = select(entries).where(entries.c.account_id == account)
        if before is not None:
            query = query.where(entries.c.sequence < before)
        query = query.order_by(entries.c.sequence.desc()).limit(limit)
        return await self._whole(query)

    async def get(self, ids: Sequence[EntryId]) -> dict[EntryId, Entry]:
        if not ids:
            return {}
        return {entry.id: entry for entry in await self._whole(select(entries).where(entries.c.id.in_(ids)))}

    async def correcting(self, ids: Sequence[EntryId]) -> list[Entry]:
        if not ids:
            return []
        # The second condition follows from the first, and lets the index of corrections be used.
        query = select(entries).where(entries.c.corrects.in_(ids), entries.c.corrects.is_not(None))
        return await self._whole(query.order_by(entries.c.recorded_at, entries.c.id))

    async def lots(self, ids: Sequence[LotId]) -> dict[LotId, tuple[AccountId, Lot]]:
        if not ids:
            return {}
        rows = await self._connection.execute(select(lots).where(lots.c.id.in_(ids)))
        return {LotId(row["id"]): (row["account_id"], lot_from_row(row)) for row in rows.mappings()}

    async def holds(self, ids: Sequence[HoldId]) -> dict[HoldId, tuple[AccountId, Hold]]:
        if not ids:
            return {}
        query = select(holds, entries.c.account_id).join(entries, entries.c.id == holds.c.entry_id)
        rows = await self._connection.execute(query.where(holds.c.id.in_(ids)))
        return {HoldId(row["id"]): (row["account_id"], hold_from_row(row)) for row in rows.mappings()}

    async def _whole(self, query: Select[Any]) -> list[Entry]:
        """Return the entries of a query with all that hangs on them, in its order."""
        found = (await self._connection.execute(query)).mappings().all()
        ids = [row["id"] for row in found]
        of_entry = await self._parts(postings, ids)
        opened = await self._parts(lots, ids)
        held = await self._parts(holds, ids)
        return [
            entry_from_row(
                row,
                tuple(posting_from_row(part) for part in of_entry[row["id"]]),
                tuple(lot_from_row(part) for part in opened[row["id"]]),
                tuple(hold_from_row(part) for part in held[row["id"]]),
            )
            for row in found
        ]

    async def _parts(self, table: Table, ids: Sequence[UUID]) -> dict[UUID, list[RowMapping]]:
        parts: dict[UUID, list[RowMapping]] = defaultdict(list)
        if ids:
            query = select(table).where(table.c.entry_id.in_(ids)).order_by(table.c.position)
            for row in (await self._connection.execute(query)).mappings():
                parts[row["entry_id"]].append(row)
        return parts


class SqlValueVersions:
    """Value versions of all kinds."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def of_kind(self, kind: TokenKind) -> list[ValueVersion]:
        query = select(value_versions).where(value_versions.c.kind == kind)
        rows = await self._connection.execute(query.order_by(value_versions.c.version))
        return [version_from_row(row) for row in rows.mappings()]

    async def in_force(self, at: datetime) -> Mapping[TokenKind, ValueVersion]:
        newer = value_versions.alias("newer")
        last = (
            select(func.max(newer.c.version))
            .where(newer.c.kind == value_versions.c.kind, newer.c.effective_from <= at)
            .scalar_subquery()
        )
        rows = await self._connection.execute(select(value_versions).where(value_versions.c.version == last))
        return {version.kind: version for version in map(version_from_row, rows.mappings())}

    async def add(self, version: ValueVersion) -> None:
        if await insert_ignoring(self._connection, value_versions, [version_to_row(version)]) != 1:
            raise Contention("token value")


def _wallet(rows: Sequence[RowMapping], held: tuple[OpenHold, ...]) -> Wallet:
    open_lots = [OpenLot(_lot(row), row["remaining"]) for row in rows if row["lot_id"] is not None]
    open_lots.sort(key=lambda item: item.lot.id)
    return evolve(wallet_from_row(rows[0]), lots=tuple(open_lots), holds=held)


def _lot(row: RowMapping) -> Lot:
    """Return the lot of a row in which its columns have the names that joins give them."""
    return lot_from_row({name: row[f"lot_{name}"] for name in lots.c.keys()})  # noqa: SIM118


def _conforms(connection: AsyncConnection) -> tuple[Wallets, Entries, ValueVersions]:
    """Hold every class here to its port; read by the type checker alone."""
    return SqlWallets(connection), SqlEntries(connection), SqlValueVersions(connection)
