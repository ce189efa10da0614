"""Grants and the changes of their status in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    String,
    Table,
    Text,
    and_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import (
    any_of,
    insert_ignoring,
    insert_rows,
    integrity_as,
    is_postgresql,
    update_rows,
)
from buddy_adapters.sql.direct import text_of
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.raw import raw_rows, readable, rebuilt
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Id, Instant
from buddy_adapters.sql.writes import Writes
from buddy_core.entitlements import (
    TOKEN_UNLOCK,
    Grant,
    GrantBooks,
    GrantChange,
    GrantKind,
    GrantRecords,
    Grants,
    GrantStatus,
    GrantUse,
    Terms,
    UseKind,
    terms_body,
    terms_from_body,
)
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import AccountId, EntryId, GrantId, SessionId, TitleId

_STATUSES = ", ".join(f"'{status.value}'" for status in GrantStatus)
_USES = ", ".join(f"'{kind.value}'" for kind in UseKind)

grants = Table(
    "entitlement_grants",
    metadata,
    Column("id", Id, primary_key=True),
    Column("origin_id", Id, nullable=False),
    Column("account_id", Id, nullable=False),
    # A subscription is of no title.
    Column("title_id", Id),
    Column("kind", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("ends_at", Instant),
    Column("entry_id", Id),
    Column("terms", Text, nullable=False),
    Column("source", Text, nullable=False),
    # From when it opens, if it had ended before it was given a later end.
    Column("reopened_at", Instant),
    CheckConstraint(f"status IN ({_STATUSES})", "status"),
    Index("ix_entitlement_grants_account", "account_id", "title_id"),
)
_ACTIVE_UNLOCK = and_(grants.c.kind == TOKEN_UNLOCK, grants.c.status == GrantStatus.ACTIVE.value)
# However many requests unlock a title at once, the account pays for it once.
Index(
    "uq_entitlement_grants_active_unlock",
    grants.c.account_id,
    grants.c.title_id,
    unique=True,
    postgresql_where=_ACTIVE_UNLOCK,
    sqlite_where=_ACTIVE_UNLOCK,
)

changes = Table(
    "entitlement_grant_changes",
    metadata,
    # No number of our own: every column is one that verify can derive.
    Column("grant_id", Id, primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    # A refund ends a grant, and no other takes its place.
    Column("successor_id", Id),
    CheckConstraint(f"status IN ({_STATUSES})", "status"),
    info=APPEND_ONLY,
)

uses_table = Table(
    "entitlement_grant_uses",
    metadata,
    # By origin, so that neither a merge nor a later end lets a rental begin again.
    Column("origin_id", Id, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("session_id", Text, nullable=False),
    CheckConstraint(f"kind IN ({_USES})", "kind"),
    info=APPEND_ONLY,
)


_HELD = f"""{text_of(select(grants))}
WHERE account_id = ANY($1::uuid[]) AND (title_id = ANY($2::uuid[]) OR title_id IS NULL)
ORDER BY granted_at, id
"""
_USED = f"{text_of(select(uses_table))} WHERE origin_id = ANY($1::uuid[]) ORDER BY origin_id, kind"
"""Both are read before every play: see `direct`."""


class SqlGrants:
    """Grants by account. The status on a grant's row is what its one recorded change says."""

    def __init__(self, connection: AsyncConnection, writes: Writes) -> None:
        self._connection = connection
        self._writes = writes

    async def of_account(self, account: AccountId, titles: Sequence[TitleId] | None = None) -> list[Grant]:
        await self._writes.flush()
        query = select(grants).where(grants.c.account_id == account)
        if titles is not None:
            query = query.where(grants.c.title_id.in_(titles))
        rows = await self._connection.execute(query.order_by(grants.c.granted_at, grants.c.id))
        return [grant_from_row(row) for row in rows.mappings()]

    async def of_accounts(self, accounts: Sequence[AccountId], titles: Sequence[TitleId]) -> list[Grant]:
        await self._writes.flush()
        if is_postgresql(self._connection):
            held = await self._writes.direct.mapped(grants, _HELD, list(accounts), list(titles))
            return [grant_from_row(row) for row in held]
        query = select(grants).where(
            any_of(self._connection, grants.c.account_id, accounts),
            or_(any_of(self._connection, grants.c.title_id, titles), grants.c.title_id.is_(None)),
        )
        rows = await self._connection.execute(query.order_by(grants.c.granted_at, grants.c.id))
        return [grant_from_row(row) for row in rows.mappings()]

    async def add(self, grants_: Sequence[Grant]) -> None:
        self._writes.insert(grants, map(grant_to_row, grants_), lambda: Contention("unlock"))

    async def change(self, changes_: Sequence[GrantChange]) -> None:
        await self._writes.flush()
        with integrity_as(lambda: Contention("grant")):
            await insert_rows(self._connection, changes, [change_to_row(change) for change in changes_])
        # A grant changes once: one that is not active any more is not found here.
        rows = [
            {"id": change.grant_id, "old_status": GrantStatus.ACTIVE.value, "status": change.status.value}
            for change in changes_
        ]
        if await update_rows(self._connection, grants, rows, ["id", "old_status"], ["status"]) != len(rows):
            raise Contention("grant")

    async def changes_of(self, grants: Sequence[GrantId]) -> list[GrantChange]:
        await self._writes.flush()
        query = select(changes).where(any_of(self._connection, changes.c.grant_id, grants))
        rows = await self._connection.execute(query.order_by(changes.c.grant_id))
        return [change_from_row(row) for row in rows.mappings()]

    async def uses(self, origins: Sequence[GrantId]) -> list[GrantUse]:
        if is_postgresql(self._connection):
            used = await self._writes.direct.mapped(uses_table, _USED, list(origins))
            return [use_from_row(row) for row in used]
        query = select(uses_table).where(any_of(self._connection, uses_table.c.origin_id, origins))
        rows = await self._connection.execute(query.order_by(uses_table.c.origin_id, uses_table.c.kind))
        return [use_from_row(row) for row in rows.mappings()]

    async def use(self, use: GrantUse) -> bool:
        return bool(await insert_ignoring(self._connection, uses_table, [use_to_row(use)]))


class SqlGrantBooks:
    """Grants and their changes as stored; a row that cannot be read becomes a fault."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> GrantRecords:
        found, _, faults = readable(
            grants,
            await raw_rows(self._connection, grants),
            lambda row: rebuilt(grants, row, grant_from_row, grant_to_row),
        )
        changed, _, broken = readable(
            changes,
            await raw_rows(self._connection, changes),
            lambda row: rebuilt(changes, row, change_from_row, change_to_row),
        )
        used, _, lost = readable(
            uses_table,
            await raw_rows(self._connection, uses_table),
            lambda row: rebuilt(uses_table, row, use_from_row, use_to_row),
        )
        return GrantRecords(found, changed, used, [*faults, *broken, *lost])


def grant_to_row(grant: Grant) -> dict[str, Any]:
    """Return the grant's row."""
    return {
        "id": grant.id,
        "origin_id": grant.origin_id,
        "account_id": grant.account_id,
        "title_id": grant.title_id,
        "kind": grant.kind,
        "status": grant.status.value,
        "granted_at": grant.granted_at,
        "recorded_at": grant.recorded_at,
        "ends_at": grant.ends_at,
        "entry_id": grant.entry_id,
        "terms": terms_body(grant.terms),
        "source": grant.source,
        "reopened_at": grant.reopened_at,
    }


def grant_from_row(row: Mapping[Any, Any]) -> Grant:
    """Return the grant of a row."""
    return Grant(
        id=GrantId(row["id"]),
        origin_id=GrantId(row["origin_id"]),
        account_id=AccountId(row["account_id"]),
        title_id=None if row["title_id"] is None else TitleId(row["title_id"]),
        kind=GrantKind(row["kind"]),
        status=GrantStatus(row["status"]),
        granted_at=row["granted_at"],
        recorded_at=row["recorded_at"],
        ends_at=row["ends_at"],
        entry_id=None if row["entry_id"] is None else EntryId(row["entry_id"]),
        terms=_terms(row["terms"]),
        source=row["source"],
        reopened_at=row["reopened_at"],
    )


@lru_cache(maxsize=4096)
def _terms(body: str) -> Terms:
    """Read terms; they never change, and many grants have the same."""
    return terms_from_body(body)


def change_to_row(change: GrantChange) -> dict[str, Any]:
    """Return the row of a change."""
    return {
        "grant_id": change.grant_id,
        "status": change.status.value,
        "at": change.at,
        "reason": change.reason,
        "successor_id": change.successor_id,
    }


def change_from_row(row: Mapping[Any, Any]) -> GrantChange:
    """Return the change of a row."""
    return GrantChange(
        grant_id=GrantId(row["grant_id"]),
        status=GrantStatus(row["status"]),
        at=row["at"],
        reason=row["reason"],
        successor_id=None if row["successor_id"] is None else GrantId(row["successor_id"]),
    )


def use_to_row(use: GrantUse) -> dict[str, Any]:
    """Return the row of a use."""
    return {
        "origin_id": use.origin_id,
        "kind": use.kind.value,
        "at": use.at,
        "recorded_at": use.recorded_at,
        "session_id": use.session_id,
    }


def use_from_row(row: Mapping[Any, Any]) -> GrantUse:
    """Return the use of a row."""
    return GrantUse(
        origin_id=GrantId(row["origin_id"]),
        kind=UseKind(row["kind"]),
        at=row["at"],
        recorded_at=row["recorded_at"],
        session_id=SessionId(row["session_id"]),
    )


def _conforms(connection: AsyncConnection, writes: Writes) -> tuple[Grants, GrantBooks]:
    """Hold every class here to its port; read by the type checker alone."""
    return SqlGrants(connection, writes), SqlGrantBooks(connection)
