"""The token ledger as it is stored, for `buddy verify`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from attrs import Factory, define
from sqlalchemy import ColumnElement, Table, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.ledger_glances import read_glances
from buddy_adapters.sql.raw import (
    RawRow,
    Unreadable,
    decoded,
    decoded_value,
    fault,
    not_an_id,
    raw_distinct,
    raw_rows,
    readable,
    rebuilt,
)
from buddy_adapters.sql.tokens_tables import (
    balance_to_row,
    balances,
    entries,
    entry_from_row,
    entry_to_row,
    hold_from_row,
    hold_to_row,
    holds,
    lot_from_row,
    lot_to_row,
    lots,
    open_holds,
    value_versions,
    version_from_row,
    version_to_row,
    wallet_from_row,
    wallet_to_row,
    wallets,
)
from buddy_core.kernel.ids import AccountId, HoldId, LotId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import AccountBooks, Entry, Glance, LedgerBooks, Mark, ValueVersion, Wallet

T = TypeVar("T")
Parts = dict[Any, list[RawRow]]


@define
class _Rows:
    """The raw rows of one account."""

    wallet: RawRow | None = None
    balances: list[RawRow] = Factory(list)
    entries: list[RawRow] = Factory(list)
    open_holds: list[RawRow] = Factory(list)


class SqlLedgerBooks:
    """Everything of the ledger, row by row; a row that cannot be read becomes a fault."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._ahead: asyncio.Task[list[Glance]] | None = None

    async def marks(self) -> dict[AccountId, Mark]:
        found: dict[AccountId, Mark] = {}
        for row in await raw_rows(self._connection, wallets):
            # A row that cannot be read is told of when its account is.
            with suppress(Unreadable):
                found[_account(row)] = (row["sequence"], row["head"])
        return found

    async def glances(self, accounts: Sequence[AccountId], batch: int) -> AsyncIterator[Sequence[Glance]]:
        """Read each batch while the one before is looked at."""
        starts = range(0, len(accounts), batch)
        try:
            for start in starts:
                glances = await self._reading(accounts[start : start + batch])
                self._ahead = None
                if start + batch < len(accounts):
                    self._ahead = self._reading(accounts[start + batch : start + 2 * batch])
                    # It asks now, and the database works while we do.
                    await asyncio.sleep(0)
                yield glances
        finally:
            await self._idle()

    def _reading(self, accounts: Sequence[AccountId]) -> asyncio.Task[list[Glance]]:
        return self._ahead or asyncio.create_task(read_glances(self._connection, accounts))

    async def _idle(self) -> None:
        """Wait until nothing is being read: a connection answers one at a time."""
        if self._ahead is not None:
            await asyncio.wait([self._ahead])

    async def accounts(self) -> list[AccountId]:
        found: set[AccountId] = set()
        for table in _BY_ACCOUNT:
            for value in await raw_distinct(self._connection, table.c.account_id):
                # What is no id is told of by `strays`.
                with suppress(Unreadable):
                    found.add(AccountId(decoded_value(table.c.account_id, value)))
        return sorted(found)

    async def of_accounts(self, accounts: Sequence[AccountId]) -> list[AccountBooks]:
        """Read six statements for any number of accounts."""
        await self._idle()
        by_account: dict[Any, _Rows] = defaultdict(_Rows)
        for row in await self._of(wallets, accounts):
            by_account[_account(row)].wallet = row
        for row in await self._of(balances, accounts):
            by_account[_account(row)].balances.append(row)
        for row in await self._of(entries, accounts, entries.c.account_id, entries.c.sequence):
            by_account[_account(row)].entries.append(row)
        for row in await self._of(open_holds, accounts):
            by_account[_account(row)].open_holds.append(row)
        parts = {table: await self._parts(table, accounts) for table in (lots, holds)}
        return [_books(account, by_account[account], parts) for account in accounts]

    async def strays(self) -> list[Fault]:
        entry = entries.alias("entry")
        faults: list[Fault] = []
        for table in (lots, holds):
            nowhere = ~exists(select(entry.c.id).where(entry.c.id == table.c.entry_id))
            faults += await self._all(table, nowhere, "inserted, or its entry is missing: it has none")
        no_lot = ~exists(select(lots.c.id).where(lots.c.id == balances.c.lot_id))
        faults += await self._all(balances, no_lot, "inserted, or its lot is missing: it has none")
        no_balance = ~exists(select(balances.c.lot_id).where(balances.c.lot_id == lots.c.id))
        faults += await self._all(lots, no_balance, "its balance is missing")
        for table in _BY_ACCOUNT:
            nobody = not_an_id(self._connection, table.c.account_id)
            faults += await self._all(table, nobody, "altered: its account is no id")
        return faults

    async def value_versions(self) -> tuple[list[ValueVersion], list[bytes], list[Fault]]:
        order = (value_versions.c.kind, value_versions.c.version)
        rows = await raw_rows(self._connection, value_versions, order_by=order)
        versions, kept, faults = readable(value_versions, rows, _version)
        return versions, [row["hash"] for row in kept], faults

    async def _of(
        self, table: Table, accounts: Sequence[AccountId], *order_by: ColumnElement[Any]
    ) -> list[RawRow]:
        mine = table.c.account_id.in_(accounts)
        return await raw_rows(self._connection, table, mine, order_by=order_by)

    async def _parts(self, table: Table, accounts: Sequence[AccountId]) -> Parts:
        mine = select(entries.c.id).where(entries.c.account_id.in_(accounts))
        rows = await raw_rows(
            self._connection,
            table,
            table.c.entry_id.in_(mine),
            order_by=(table.c.entry_id, table.c.position),
        )
        parts: Parts = defaultdict(list)
        for row in rows:
            parts[row["entry_id"]].append(row)
        return parts

    async def _all(self, table: Table, condition: ColumnElement[bool], problem: str) -> list[Fault]:
        return [fault(table, row, problem) for row in await raw_rows(self._connection, table, condition)]


_BY_ACCOUNT = (wallets, entries, balances, open_holds)


def _account(row: RawRow) -> AccountId:
    return AccountId(decoded_value(wallets.c.account_id, row["account_id"]))


def _books(account: AccountId, rows: _Rows, parts: Mapping[Table, Parts]) -> AccountBooks:
    faults: list[Fault] = []
    wallet_rows = [] if rows.wallet is None else [rows.wallet]
    stored, _, broken = readable(wallets, wallet_rows, _wallet)
    faults += broken
    left, _, broken = readable(balances, rows.balances, _balance)
    faults += broken
    held, _, broken = readable(open_holds, rows.open_holds, _open_hold)
    faults += broken
    made: list[Entry] = []
    hashes: list[bytes] = []
    for row in rows.entries:
        entry, broken = _entry(row, parts)
        faults += broken
        if entry is not None:
            made.append(entry)
            hashes.append(row["hash"])
    return AccountBooks(
        account_id=account,
        stored=stored[0] if stored else None,
        balances=dict(left),
        entries=made,
        hashes=hashes,
        unreadable=faults,
        open_holds=dict(held),
    )


def _entry(row: RawRow, parts: Mapping[Table, Parts]) -> tuple[Entry | None, list[Fault]]:
    """Return the entry of a row, or None and what is wrong with the row or with a part of it."""
    opened, faults = _each(lots, row, parts, lot_from_row, lot_to_row)
    held, broken = _each(holds, row, parts, hold_from_row, hold_to_row)
    faults += broken

    def build(values: Mapping[str, Any]) -> Entry:
        return entry_from_row(values, tuple(opened), tuple(held))

    made, _, broken = readable(entries, [row], lambda raw: rebuilt(entries, raw, build, entry_to_row))
    faults += broken
    return (None if faults else made[0]), faults


def _each(
    table: Table,
    entry: RawRow,
    parts: Mapping[Table, Parts],
    build: Callable[[Mapping[str, Any]], T],
    to_row: Callable[[T], Mapping[str, Any]],
) -> tuple[list[T], list[Fault]]:
    """Read an entry's parts of one table; they are numbered from 0 and belong to the entry's account."""
    rows = parts[table].get(entry["id"], [])
    made, _, faults = readable(table, rows, lambda row: rebuilt(table, row, build, to_row))
    for position, row in enumerate(rows):
        if row["position"] != position:
            faults.append(fault(table, row, f"altered, missing or inserted: {position} comes next"))
        if row.get("account_id", entry["account_id"]) != entry["account_id"]:
            faults.append(fault(table, row, "altered: its account is not that of its entry"))
    return made, faults


def _wallet(row: RawRow) -> Wallet:
    return rebuilt(wallets, row, wallet_from_row, wallet_to_row)


def _balance(row: RawRow) -> tuple[LotId, int]:
    def build(values: Mapping[str, Any]) -> tuple[AccountId, LotId, int]:
        return AccountId(values["account_id"]), LotId(values["lot_id"]), values["remaining"]

    _, lot, remaining = rebuilt(balances, row, build, lambda made: balance_to_row(*made))
    return lot, remaining


def _open_hold(row: RawRow) -> tuple[HoldId, datetime]:
    values = decoded(open_holds, row)
    return HoldId(values["hold_id"]), values["expires_at"]


def _version(row: RawRow) -> ValueVersion:
    return rebuilt(value_versions, row, version_from_row, version_to_row)


def _conforms(connection: AsyncConnection) -> LedgerBooks:
    """Hold the class here to its port; read by the type checker alone."""
    return SqlLedgerBooks(connection)
