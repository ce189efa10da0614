"""Wallets, entries and value versions of tokens in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import any_of, insert_ignoring, is_postgresql
from buddy_adapters.sql.direct import Direct, text_of
from buddy_adapters.sql.kept import Kept
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
    value_versions,
    version_from_row,
    version_to_row,
    wallet_to_row,
    wallets,
)
from buddy_adapters.sql.types import CanonicalJson, Id, json_from_text
from buddy_adapters.sql.writes import Writes
from buddy_core.kernel.canonical import canonical_text
from buddy_core.kernel.clock import utc
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
    Operation,
    Posted,
    TokenKind,
    ValueVersion,
    ValueVersions,
    Wallet,
    Wallets,
    postings_from_text,
)

Columns = tuple[Any, ...]
_AS_NUMBER = attrgetter("int")
"""Sorts ids as PostgreSQL does, and quicker than they compare themselves."""
_OF_LOT = (
    lots.c.id.label("lot_id"),
    lots.c.origin_id,
    lots.c.kind,
    lots.c.amount.label("lot_amount"),
    lots.c.effective_from,
    lots.c.expires_at,
    lots.c.created_at,
    lots.c.source,
    lots.c.earned_as_guest,
    lots.c.priority,
    type_coerce(lots.c.scopes, Text).label("scopes"),
    lots.c.cost_minor,
    lots.c.cost_currency,
)
"""The columns of a lot in the order of the fields of `Lot`, to be the last of a row."""
_SCOPES = [column.name for column in _OF_LOT].index("scopes")
_ONE: ColumnElement[int] = literal_column("1", Integer)
# Never a join: a plan that is made while the table is empty must stay good when it is not.
_HAS_HOLDS = select(_ONE).where(open_holds.c.account_id == wallets.c.account_id).limit(_ONE).scalar_subquery()
_OPEN_LOTS = (
    select(*wallets.c, _HAS_HOLDS, balances.c.remaining, *_OF_LOT)
    .select_from(wallets)
    .outerjoin(balances, and_(balances.c.account_id == wallets.c.account_id, balances.c.is_open))
    .outerjoin(lots, lots.c.id == balances.c.lot_id)
)
_HOLDING, _LEFT = len(wallets.c), len(wallets.c) + 1
"""Where a row of `_OPEN_LOTS` says whether the wallet has holds, and what is left of the lot that follows."""
_NAMED = any_(bindparam("accounts", type_=ARRAY(Id)))
_LOAD = text_of(_OPEN_LOTS.where(wallets.c.account_id == _NAMED))
_VERSIONS = select(func.count(value_versions.c.version)).scalar_subquery()
_LOCK = text_of(
    select(wallets.c.account_id, wallets.c.sequence, wallets.c.head, wallets.c.is_frozen, _VERSIONS)
    .where(wallets.c.account_id == _NAMED)
    .order_by(wallets.c.account_id)
    .with_for_update()
)
_HEADS_SQLITE = (
    "SELECT account_id, sequence, head, is_frozen FROM token_wallets "
    "WHERE account_id IN (SELECT value FROM json_each(?))"
)
_OPEN_HOLDS = (
    select(
        open_holds.c.account_id,
        holds.c.id,
        holds.c.amount,
        holds.c.expires_at,
        entries.c.postings,
    )
    .select_from(open_holds)
    .join(holds, holds.c.id == open_holds.c.hold_id)
    .join(entries, entries.c.id == holds.c.entry_id)
    .order_by(holds.c.id)
)


_AS_TEXT = tuple(
    type_coerce(column, Text).label(column.name) if isinstance(column.type, CanonicalJson) else column
    for column in value_versions.c
)


_NEWER = value_versions.alias("newer")
_IN_FORCE = select(*_AS_TEXT).where(
    value_versions.c.version
    == select(func.max(_NEWER.c.version))
    .where(
        _NEWER.c.kind == value_versions.c.kind,
        _NEWER.c.effective_from <= bindparam("at", type_=value_versions.c.effective_from.type),
    )
    .scalar_subquery()
)
_IN_FORCE_TEXT = text_of(_IN_FORCE)
_ALL_VERSIONS_TEXT = text_of(select(*_AS_TEXT))


def _contention() -> Contention:
    return Contention("wallet")


class SqlWallets:
    """Wallets in a few statements for any number of them; it lives as long as its transaction."""

    def __init__(self, connection: AsyncConnection, writes: Writes, kept: Kept) -> None:
        self._connection = connection
        self._writes = writes
        self._kept = kept
        self.versions: int | None = None
        """How many value versions there were when wallets were locked; None: not known any more."""
        self._locked: set[AccountId] = set()
        self._stored: set[AccountId] = set()
        self._loaded: dict[AccountId, Wallet] = {}

    async def lock(self, accounts: Sequence[AccountId]) -> None:
        """Lock the wallets' rows in id order, making those that are missing.

        A lock is held to the end of the transaction, so a second call for the same
        wallets asks nothing. A writer of SQLite has the whole database already.
        """
        # Two batches that lock in one order never wait for each other in a circle.
        wanted = sorted(set(accounts) - self._locked, key=_AS_NUMBER)
        if not wanted or not is_postgresql(self._connection):
            return
        for account in wanted:
            # What was read before the lock may have changed meanwhile.
            self._loaded.pop(account, None)
        found = await self._writes.direct.rows(_LOCK, wanted)
        if len(found) < len(wanted):
            there = {row[0] for row in found}
            await self._make([account for account in wanted if account not in there])
            # Where another transaction made the row, ours does not hold it yet.
            found = await self._writes.direct.rows(_LOCK, wanted)
        for account, sequence, head, is_frozen, self.versions in found:
            self._take_kept(account, sequence, head, is_frozen)
        self._locked.update(wanted)
        self._stored.update(wanted)

    async def load(self, accounts: Sequence[AccountId]) -> dict[AccountId, Wallet]:
        """Read wallets once a transaction; what others write meanwhile is found out when ours are stored."""
        await self._writes.flush()
        wanted = [account for account in accounts if account not in self._loaded]
        if wanted and not is_postgresql(self._connection) and self._kept.has_any(wanted):
            names = canonical_text(wanted)
            heads: Iterable[Any] = await self._connection.exec_driver_sql(_HEADS_SQLITE, (names,))
            for account, *stored in heads:
                self._take_kept(AccountId(UUID(account)), *stored)
            wanted = [account for account in wanted if account not in self._loaded]
        if wanted:
            found = _by_account(await self._open_lots(wanted))
            self._stored.update(found)
            held = await self._open_holds([account for account, rows in found.items() if rows[0][_HOLDING]])
            for account in wanted:
                rows = found.get(account)
                self._loaded[account] = _wallet(rows, held.get(account, ())) if rows else Wallet(account)
        return {account: self._loaded[account] for account in accounts}

    def _take_kept(self, account: AccountId, sequence: int, head: bytes, is_frozen: bool) -> None:
        wallet = self._kept.wallet(account, sequence, head, is_frozen)
        if wallet is not None:
            self._loaded[account] = wallet
            self._stored.add(account)

    async def _open_lots(self, accounts: Sequence[AccountId]) -> Iterable[Columns]:
        if is_postgresql(self._connection):
            return map(tuple, await self._writes.direct.rows(_LOAD, accounts))
        query = _OPEN_LOTS.where(wallets.c.account_id.in_(accounts))
        return map(tuple, await self._connection.execute(query))

    async def _open_holds(self, accounts: Sequence[AccountId]) -> dict[AccountId, tuple[OpenHold, ...]]:
        """Return the open holds of accounts that have some; for no account nothing is asked."""
        if not accounts:
            return {}
        query = _OPEN_HOLDS.where(any_of(self._connection, open_holds.c.account_id, accounts))
        rows = [
            (account, Hold(HoldId(hold_id), amount, end), postings_from_text(text))
            for account, hold_id, amount, end, text in await self._connection.execute(query)
        ]
        drawn = {item.lot_id for _, _, moved in rows for item in moved if item.lot_id is not None}
        held = select(*_OF_LOT).where(any_of(self._connection, lots.c.id, sorted(drawn)))
        of_lot = {row[0]: _lot(tuple(row)) for row in await self._connection.execute(held)}
        found: dict[AccountId, tuple[OpenHold, ...]] = {}
        for account, hold, moved in rows:
            parts = tuple(
                HeldLot(of_lot[item.lot_id], -item.amount, item.version)
                for item in moved
                if item.account == WALLET and item.lot_id in of_lot
            )
            found[account] = (*found.get(account, ()), OpenHold(hold, parts))
        return found

    async def moved_away(self, accounts: Sequence[AccountId]) -> set[AccountId]:
        await self._writes.flush()
        last = and_(entries.c.account_id == wallets.c.account_id, entries.c.sequence == wallets.c.sequence)
        query = select(wallets.c.account_id).join(entries, last)
        query = query.where(
            any_of(self._connection, wallets.c.account_id, accounts),
            entries.c.operation == Operation.TRANSFER_OUT.value,
        )
        return set((await self._connection.execute(query)).scalars())

    async def append(self, posted: Sequence[Posted]) -> None:
        """Hand in entries, lots, holds, balances and wallets; they go out together."""
        if not posted:
            return
        # What was handed in before may name the same rows.
        await self._writes.flush()
        await self._make([item.entry.account_id for item in posted])
        made = [item.entry for item in posted]
        opened, held = parts_to_rows(made)
        self._advance(posted)
        self._settle(posted)
        self._writes.insert(entries, map(entry_to_row, made), _contention)
        self._writes.insert(lots, opened, _contention)
        self._writes.insert(holds, held, _contention)
        left = {item.entry.account_id: item.wallet for item in posted}
        for account in left:
            self._loaded.pop(account, None)
        self._kept.keep(left.values())
        await self._open_and_end(made)

    async def to_sweep(self, at: datetime, *, after: AccountId | None, limit: int) -> list[AccountId]:
        """Ask for each by its own index; either list may hold the next account."""
        await self._writes.flush()
        expired = (
            select(balances.c.account_id)
            .join(lots, lots.c.id == balances.c.lot_id)
            .where(balances.c.is_open, lots.c.expires_at <= at)
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
        self._writes.insert(open_holds, opened, _contention)
        ended = [entry.hold_id for entry in made if entry.hold_id is not None]
        if not ended:
            return
        # One that begins and ends in the same batch must be there to be removed.
        await self._writes.flush()
        gone = delete(open_holds).where(any_of(self._connection, open_holds.c.hold_id, ended))
        if (await self._connection.execute(gone)).rowcount != len(ended):
            raise _contention()

    async def _make(self, accounts: Sequence[AccountId]) -> None:
        missing = sorted(set(accounts) - self._stored, key=_AS_NUMBER)
        empty = [wallet_to_row(Wallet(account)) for account in missing]
        await insert_ignoring(self._connection, wallets, empty, ["account_id"])
        self._stored.update(missing)

    def _advance(self, posted: Sequence[Posted]) -> None:
        """Move each wallet on from the sequence and head that its first entry here follows."""
        before: dict[AccountId, dict[str, Any]] = {}
        rows: dict[AccountId, dict[str, Any]] = {}
        for item in posted:
            entry = item.entry
            first = {"old_sequence": entry.sequence - 1, "old_head": entry.previous_hash}
            rows[entry.account_id] = wallet_to_row(item.wallet) | before.setdefault(entry.account_id, first)
        self._writes.update(
            wallets,
            list(rows.values()),
            ["account_id", "old_sequence", "old_head"],
            ["sequence", "head", "is_frozen", "moved_at"],
            _contention,
        )

    def _settle(self, posted: Sequence[Posted]) -> None:
        """Store what is left of every lot that was opened or drawn on."""
        last = {item.entry.account_id: item.wallet for item in posted}
        left = {open_lot.lot.id: open_lot.remaining for wallet in last.values() for open_lot in wallet.lots}
        opened = {lot.id for item in posted for lot in item.entry.lots}
        touched = {
            posting.lot_id: item.entry.account_id
            for item in posted
            for posting in item.entry.postings
            if posting.lot_id is not None and posting.account == WALLET
        }
        new: list[dict[str, Any]] = []
        drawn: list[dict[str, Any]] = []
        for lot, account in touched.items():
            row = balance_to_row(account, lot, left.get(lot, 0))
            (new if lot in opened else drawn).append(row)
        self._writes.insert(balances, new, _contention)
        self._writes.update(balances, drawn, ["lot_id"], ["remaining", "is_open"], _contention)


class SqlEntries:
    """The ledger's entries with all that hangs on them."""

    def __init__(self, connection: AsyncConnection, writes: Writes) -> None:
        self._connection = connection
        self._writes = writes

    async def of_account(self, account: AccountId, *, before: int | None, limit: int) -> list[Entry]:
        query = select(entries).where(entries.c.account_id == account)
        if before is not None:
            query = query.where(entries.c.sequence < before)
        query = query.order_by(entries.c.sequence.desc()).limit(limit)
        return await self._whole(query)

    async def get(self, ids: Sequence[EntryId]) -> dict[EntryId, Entry]:
        if not ids:
            return {}
        query = select(entries).where(any_of(self._connection, entries.c.id, ids))
        return {entry.id: entry for entry in await self._whole(query)}

    async def correcting(self, ids: Sequence[EntryId]) -> list[Entry]:
        if not ids:
            return []
        # The second condition follows from the first, and lets the index of corrections be used.
        corrected = any_of(self._connection, entries.c.corrects, ids)
        query = select(entries).where(corrected, entries.c.corrects.is_not(None))
        return await self._whole(query.order_by(entries.c.recorded_at, entries.c.id))

    async def lots(self, ids: Sequence[LotId]) -> dict[LotId, tuple[AccountId, Lot]]:
        if not ids:
            return {}
        await self._writes.flush()
        query = select(lots).where(any_of(self._connection, lots.c.id, ids))
        rows = await self._connection.execute(query)
        return {LotId(row["id"]): (row["account_id"], lot_from_row(row)) for row in rows.mappings()}

    async def openings(self, ids: Sequence[LotId]) -> dict[LotId, EntryId]:
        if not ids:
            return {}
        await self._writes.flush()
        query = select(lots.c.id, lots.c.entry_id).where(any_of(self._connection, lots.c.id, ids))
        rows = await self._connection.execute(query)
        return {LotId(lot_id): EntryId(entry_id) for lot_id, entry_id in rows}

    async def holds(self, ids: Sequence[HoldId]) -> dict[HoldId, tuple[AccountId, Hold]]:
        if not ids:
            return {}
        await self._writes.flush()
        query = select(holds, entries.c.account_id).join(entries, entries.c.id == holds.c.entry_id)
        rows = await self._connection.execute(query.where(any_of(self._connection, holds.c.id, ids)))
        return {HoldId(row["id"]): (row["account_id"], hold_from_row(row)) for row in rows.mappings()}

    async def _whole(self, query: Select[Any]) -> list[Entry]:
        """Return the entries of a query with all that hangs on them, in its order."""
        await self._writes.flush()
        found = (await self._connection.execute(query)).mappings().all()
        ids = [row["id"] for row in found]
        opened = await self._parts(lots, ids)
        held = await self._parts(holds, ids)
        return [
            entry_from_row(
                row,
                tuple(lot_from_row(part) for part in opened[row["id"]]),
                tuple(hold_from_row(part) for part in held[row["id"]]),
            )
            for row in found
        ]

    async def _parts(self, table: Table, ids: Sequence[UUID]) -> dict[UUID, list[RowMapping]]:
        parts: dict[UUID, list[RowMapping]] = defaultdict(list)
        if ids:
            query = select(table).where(any_of(self._connection, table.c.entry_id, ids))
            for row in (await self._connection.execute(query.order_by(table.c.position))).mappings():
                parts[row["entry_id"]].append(row)
        return parts


class SqlValueVersions:
    """Value versions of all kinds."""

    def __init__(self, connection: AsyncConnection, direct: Direct, kept: Kept, wallets_: SqlWallets) -> None:
        self._connection = connection
        self._direct = direct
        self._kept = kept
        self._wallets = wallets_

    async def of_kind(self, kind: TokenKind) -> list[ValueVersion]:
        query = select(value_versions).where(value_versions.c.kind == kind)
        rows = await self._connection.execute(query.order_by(value_versions.c.version))
        return [version_from_row(row) for row in rows.mappings()]

    async def in_force(self, at: datetime) -> Mapping[TokenKind, ValueVersion]:
        count = self._wallets.versions
        if count is not None:
            known = self._kept.in_force(count, utc(at))
            if known is None:
                stored = await self._direct.rows(_ALL_VERSIONS_TEXT)
                self._kept.keep_versions([_version(*row) for row in stored])
                known = self._kept.in_force(len(stored), utc(at))
            if known is not None:
                return known
        if is_postgresql(self._connection):
            rows: Iterable[Any] = await self._direct.rows(_IN_FORCE_TEXT, utc(at))
        else:
            rows = await self._connection.execute(_IN_FORCE, {"at": at})
        return {version.kind: version for version in (_version(*row) for row in rows)}

    async def add(self, version: ValueVersion) -> None:
        self._wallets.versions = None
        if await insert_ignoring(self._connection, value_versions, [version_to_row(version)]) != 1:
            raise Contention("token value")


def _by_account(rows: Iterable[Columns]) -> dict[AccountId, list[Columns]]:
    found: dict[AccountId, list[Columns]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _wallet(rows: Sequence[Columns], held: tuple[OpenHold, ...]) -> Wallet:
    """Return the wallet of its rows: its columns, whether it has holds, what is left, and of which lot."""
    account, sequence, head, is_frozen, moved_at = rows[0][:_HOLDING]
    open_lots = [OpenLot(_lot(row[_LEFT + 1 :]), row[_LEFT]) for row in rows if row[_LEFT] is not None]
    if len(open_lots) > 1:
        open_lots.sort(key=lambda item: item.lot.id)
    return Wallet(AccountId(account), sequence, head, is_frozen, tuple(open_lots), held, moved_at)


def _lot(row: Columns) -> Lot:
    """Return the lot of columns that are in the order of its fields."""
    values = list(row)
    values[_SCOPES] = _scopes(values[_SCOPES])
    return Lot(*values)


@lru_cache(1024)
def _version(*columns: Any) -> ValueVersion:
    """Return a value version of its columns; versions are never altered, so that one is read once."""
    row = dict(zip(value_versions.c.keys(), columns, strict=True))
    return version_from_row(row | {"values": json_from_text(row["values"])})


@lru_cache(1024)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(json_from_text(text))


def _conforms(
    connection: AsyncConnection, writes: Writes, kept: Kept
) -> tuple[Wallets, Entries, ValueVersions]:
    """Hold every class here to its port; read by the type checker alone."""
    found = SqlWallets(connection, writes, kept)
    versions = SqlValueVersions(connection, writes.direct, kept, found)
    return found, SqlEntries(connection, writes), versions
