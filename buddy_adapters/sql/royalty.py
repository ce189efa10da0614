"""Token spends as royalty facts, closed months and their statements in SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import asdict
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import insert_ignoring, insert_rows, integrity_as, is_postgresql
from buddy_adapters.sql.metadata import metadata
from buddy_adapters.sql.raw import raw_rows, readable, rebuilt
from buddy_adapters.sql.triggers import APPEND_ONLY
from buddy_adapters.sql.types import Hash, Id, Instant
from buddy_adapters.sql.writes import Writes
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.ids import EntityId, EntryId, TitleId
from buddy_core.kernel.periods import Period
from buddy_core.royalty import (
    AWAITED,
    ClosedMonth,
    Input,
    InputHead,
    InputKind,
    Inputs,
    PeriodAlreadyClosed,
    RoyaltyBooks,
    RoyaltyRecords,
    Statements,
    StoredStatement,
    TokenSpend,
    TokenSpends,
    count_facts,
)

token_spends = Table(
    "royalty_token_spends",
    metadata,
    Column("entry_id", Id, primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("value_numerator", BigInteger, nullable=False),
    Column("value_denominator", BigInteger, nullable=False),
    Column("title_id", Id, nullable=False),
    Column("entity", Text, nullable=False),
    Column("country", String(2), nullable=False),
    Column("at", Instant, nullable=False),
    Column("spent_at", Instant),
    CheckConstraint("tokens <> 0", "tokens"),
    CheckConstraint("version >= 1", "version"),
    CheckConstraint("value_denominator >= 1", "value_denominator"),
    CheckConstraint(
        "(tokens > 0 AND value_numerator >= 0 AND spent_at IS NULL) "
        "OR (tokens < 0 AND value_numerator <= 0 AND spent_at IS NOT NULL)",
        "spent_at",
    ),
    Index("ix_royalty_token_spends_period", "entity", "at"),
    info=APPEND_ONLY,
)

statements = Table(
    "royalty_statements",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("month", String(7), nullable=False),
    Column("holder", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("closed_at", Instant, nullable=False),
    Column("previous_hash", Hash, nullable=False),
    Column("hash", Hash, nullable=False),
    UniqueConstraint("entity", "month", "holder", "currency"),
    CheckConstraint("sequence >= 1", "sequence"),
    CheckConstraint("length(previous_hash) = 32 AND length(hash) = 32", "hashes"),
    Index("ix_royalty_statements_holder", "holder"),
    info=APPEND_ONLY,
)

periods = Table(
    "royalty_periods",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("month", String(7), primary_key=True),
    Column("ends_at", Instant, nullable=False),
    Column("cut", BigInteger, nullable=False),
    Column("terms", LargeBinary, nullable=False),
    Column("closing", LargeBinary, nullable=False),
    UniqueConstraint("entity", "ends_at"),
    CheckConstraint("cut >= 0", "cut"),
    info=APPEND_ONLY,
)

inputs = Table(
    "royalty_inputs",
    metadata,
    Column("entity", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("key", Text, nullable=False),
    Column("month", String(7), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", Instant, nullable=False),
    Column("facts", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("sequence >= 1", "sequence"),
    CheckConstraint("(kind = 'facts') = (month <> '')", "month"),
    Index("ix_royalty_inputs_key", "entity", "kind", "key", "sequence"),
    info=APPEND_ONLY,
)

_HEAD = (
    inputs.c.sequence,
    inputs.c.key,
    inputs.c.month,
    inputs.c.at,
    inputs.c.facts,
    func.length(inputs.c.body).label("size"),
    (inputs.c.body == AWAITED).label("is_awaited"),
)
"""Neither length nor comparison brings a body out of the database."""

ClosedMonths = dict[EntityId, datetime | None]
"""Until when each entity is closed, for entities whose months this transaction holds open."""


class SqlTokenSpends:
    """Royalty facts; a closed month takes no more of them."""

    def __init__(
        self, connection: AsyncConnection, writes: Writes, held_open: ClosedMonths | None = None
    ) -> None:
        self._connection = connection
        self._writes = writes
        self._held_open: ClosedMonths = {} if held_open is None else held_open

    async def add(self, spends: Sequence[TokenSpend]) -> None:
        first: dict[EntityId, datetime] = {}
        for spend in spends:
            first[spend.entity] = min(spend.at, first.get(spend.entity, spend.at))
        for entity, at in first.items():
            if entity in self._held_open:
                closed = self._held_open[entity]
            else:
                closed = await _closed_until(self._connection, entity)
            if closed is not None and at < closed:
                raise PeriodAlreadyClosed(entity, await self._closed_month(entity, at))
        self._writes.insert(token_spends, map(spend_to_row, spends), lambda: Contention("token spend"))

    async def of_period(self, entity: EntityId, period: Period) -> list[TokenSpend]:
        await self._writes.flush()
        query = (
            select(token_spends)
            .where(token_spends.c.entity == entity)
            .where(token_spends.c.at >= period.start, token_spends.c.at < period.end)
            .order_by(token_spends.c.at, token_spends.c.entry_id, token_spends.c.kind)
        )
        return [spend_from_row(row) for row in (await self._connection.execute(query)).mappings()]

    async def count(self, entity: EntityId, until: datetime) -> int:
        await self._writes.flush()
        query = select(func.count()).where(token_spends.c.entity == entity, token_spends.c.at < until)
        found: int = (await self._connection.execute(query)).scalar_one()
        return found

    async def first_at(self, entity: EntityId, since: datetime | None) -> datetime | None:
        await self._writes.flush()
        query = select(func.min(token_spends.c.at)).where(token_spends.c.entity == entity)
        if since is not None:
            query = query.where(token_spends.c.at >= since)
        found: datetime | None = (await self._connection.execute(query)).scalar_one()
        return found

    async def _closed_month(self, entity: EntityId, at: datetime) -> str:
        later = select(periods.c.month).where(periods.c.entity == entity, periods.c.ends_at > at)
        return str((await self._connection.execute(later.order_by(periods.c.ends_at).limit(1))).scalar_one())


class SqlStatements:
    """Closed statements by entity, and the lock between those who close and those who add facts."""

    def __init__(self, connection: AsyncConnection, held_open: ClosedMonths | None = None) -> None:
        self._connection = connection
        self._held_open: ClosedMonths = {} if held_open is None else held_open

    async def hold_months_open(self, entity: EntityId, at: datetime) -> None:
        await self._advise(func.pg_advisory_xact_lock_shared, entity)
        # Asked after the lock and in a statement of its own: its snapshot shows every month that was closed
        # before the lock was had, and none can be closed until this transaction ends.
        closed = await _closed_until(self._connection, entity)
        if closed is not None and at < closed:
            raise Contention("month")
        self._held_open[entity] = closed

    async def lock_for_close(self, entity: EntityId) -> None:
        await self._advise(func.pg_advisory_xact_lock, entity)

    async def closed_until(self, entity: EntityId) -> datetime | None:
        return await _closed_until(self._connection, entity)

    async def of_month(self, entity: EntityId, month: str) -> list[StoredStatement]:
        query = select(statements).where(statements.c.entity == entity, statements.c.month == month)
        rows = await self._connection.execute(query.order_by(statements.c.sequence))
        return [statement_from_row(row) for row in rows.mappings()]

    async def of_holder(self, holder: str) -> list[StoredStatement]:
        query = select(statements).where(statements.c.holder == holder)
        newest = query.order_by(statements.c.month.desc(), statements.c.entity, statements.c.sequence)
        return [statement_from_row(row) for row in (await self._connection.execute(newest)).mappings()]

    async def last(self, entity: EntityId) -> StoredStatement | None:
        query = select(statements).where(statements.c.entity == entity)
        rows = await self._connection.execute(query.order_by(statements.c.sequence.desc()).limit(1))
        row = rows.mappings().one_or_none()
        return None if row is None else statement_from_row(row)

    async def months(self, entity: EntityId) -> list[str]:
        query = select(periods.c.month).where(periods.c.entity == entity).order_by(periods.c.month)
        return list((await self._connection.execute(query)).scalars())

    async def closed(self, entity: EntityId, months: Sequence[str]) -> list[ClosedMonth]:
        query = select(periods).where(periods.c.entity == entity, periods.c.month.in_(months))
        rows = await self._connection.execute(query.order_by(periods.c.month))
        return [period_from_row(row) for row in rows.mappings()]

    async def close(self, month: ClosedMonth, statements_: Sequence[StoredStatement]) -> None:
        if await insert_ignoring(self._connection, periods, [period_to_row(month)]) != 1:
            raise Contention("month")
        rows = [statement_to_row(statement) for statement in statements_]
        with integrity_as(lambda: Contention("month")):
            await insert_rows(self._connection, statements, rows)
        self._held_open.pop(month.entity, None)

    async def _advise(self, lock: Any, entity: EntityId) -> None:
        """Take an advisory lock named after the entity; a writer of SQLite is alone anyway."""
        if is_postgresql(self._connection):
            await self._connection.execute(select(lock(_lock_key(entity))))


class SqlInputs:
    """Facts and terms that were brought in, numbered by entity."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add(self, item: Input) -> None:
        if await insert_ignoring(self._connection, inputs, [input_to_row(item)]) != 1:
            raise Contention("royalty input")

    async def last(self, entity: EntityId) -> int:
        query = select(func.max(inputs.c.sequence)).where(inputs.c.entity == entity)
        return (await self._connection.execute(query)).scalar_one() or 0

    async def find(self, entity: EntityId, kind: InputKind, key: str) -> Input | None:
        query = select(inputs).where(
            inputs.c.entity == entity, inputs.c.kind == kind.value, inputs.c.key == key
        )
        found = await self._of(query.order_by(inputs.c.sequence.desc()).limit(1))
        return found[0] if found else None

    async def facts(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[Input]:
        return await self._of(_facts(select(inputs), entity, month, since, until))

    async def heads(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[InputHead]:
        query = _facts(select(*_HEAD), entity, month, since, until)
        return [InputHead(**row) for row in (await self._connection.execute(query)).mappings()]

    async def terms(self, entity: EntityId) -> list[Input]:
        newest = (
            select(func.max(inputs.c.sequence))
            .where(inputs.c.entity == entity, inputs.c.kind != InputKind.FACTS.value)
            .group_by(inputs.c.kind, inputs.c.key)
        )
        query = select(inputs).where(inputs.c.entity == entity, inputs.c.sequence.in_(newest))
        return await self._of(query.order_by(inputs.c.kind, inputs.c.key))

    async def _of(self, query: Any) -> list[Input]:
        return [input_from_row(row) for row in (await self._connection.execute(query)).mappings()]


class SqlRoyaltyBooks:
    """Facts, closed months and statements as stored; a row that cannot be read becomes a fault."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> RoyaltyRecords:
        spends, _, faults = readable(
            token_spends,
            await raw_rows(self._connection, token_spends),
            lambda row: rebuilt(token_spends, row, spend_from_row, spend_to_row),
        )
        months, _, broken = readable(
            periods,
            await raw_rows(self._connection, periods),
            lambda row: rebuilt(periods, row, period_from_row, period_to_row),
        )
        faults += broken
        brought, _, broken = readable(
            inputs,
            await raw_rows(self._connection, inputs),
            lambda row: rebuilt(inputs, row, input_from_row, input_to_row),
        )
        faults += broken
        closed, _, broken = readable(
            statements,
            await raw_rows(self._connection, statements),
            lambda row: rebuilt(statements, row, statement_from_row, statement_to_row),
        )
        return RoyaltyRecords(spends, months, closed, brought, [*faults, *broken])


async def _closed_until(connection: AsyncConnection, entity: EntityId) -> datetime | None:
    query = select(func.max(periods.c.ends_at)).where(periods.c.entity == entity)
    found: datetime | None = (await connection.execute(query)).scalar_one()
    return found


def _facts(
    query: Select[Any], entity: EntityId, month: str | None, since: int, until: int | None
) -> Select[Any]:
    """Return the query for facts of one month or of all, after `since`, up to and with `until`, in order."""
    query = query.where(
        inputs.c.entity == entity, inputs.c.kind == InputKind.FACTS.value, inputs.c.sequence > since
    )
    if month is not None:
        query = query.where(inputs.c.month == month)
    if until is not None:
        query = query.where(inputs.c.sequence <= until)
    return query.order_by(inputs.c.sequence)


def _lock_key(entity: EntityId) -> int:
    """Return the entity's number among PostgreSQL's advisory locks: 64 bits, signed."""
    return int.from_bytes(hashlib.sha256(f"royalty.months:{entity}".encode()).digest()[:8], signed=True)


def spend_to_row(spend: TokenSpend) -> dict[str, Any]:
    """Return the fact's row."""
    return {
        "entry_id": spend.entry_id,
        "kind": spend.kind,
        "tokens": spend.tokens,
        "version": spend.version,
        "currency": spend.currency,
        "value_numerator": spend.value.numerator,
        "value_denominator": spend.value.denominator,
        "title_id": spend.title_id,
        "entity": spend.entity,
        "country": spend.country,
        "at": spend.at,
        "spent_at": spend.spent_at,
    }


def spend_from_row(row: Mapping[Any, Any]) -> TokenSpend:
    """Return the fact of a row."""
    return TokenSpend(
        entry_id=EntryId(row["entry_id"]),
        kind=row["kind"],
        tokens=row["tokens"],
        version=row["version"],
        currency=row["currency"],
        value=Fraction(row["value_numerator"], row["value_denominator"]),
        title_id=TitleId(row["title_id"]),
        entity=EntityId(row["entity"]),
        country=row["country"],
        at=row["at"],
        spent_at=row["spent_at"],
    )


def period_to_row(month: ClosedMonth) -> dict[str, Any]:
    """Return the closed month's row."""
    return asdict(month)


def period_from_row(row: Mapping[Any, Any]) -> ClosedMonth:
    """Return the closed month of a row."""
    return ClosedMonth(**{**row, "entity": EntityId(row["entity"])})


def input_to_row(item: Input) -> dict[str, Any]:
    """Return the input's row; that `facts` fits the body is asked wherever a row is written again."""
    facts = count_facts(item.body) if item.kind is InputKind.FACTS else 0
    return {**asdict(item), "kind": item.kind.value, "facts": facts}


def input_from_row(row: Mapping[Any, Any]) -> Input:
    """Return the input of a row."""
    values = {name: value for name, value in row.items() if name != "facts"}
    return Input(**{**values, "entity": EntityId(row["entity"]), "kind": InputKind(row["kind"])})


def statement_to_row(statement: StoredStatement) -> dict[str, Any]:
    """Return the statement's row."""
    return {
        "entity": statement.entity,
        "sequence": statement.sequence,
        "month": statement.month,
        "holder": statement.holder,
        "currency": statement.currency,
        "body": statement.body,
        "closed_at": statement.closed_at,
        "previous_hash": statement.previous_hash,
        "hash": statement.hash,
    }


def statement_from_row(row: Mapping[Any, Any]) -> StoredStatement:
    """Return the statement of a row."""
    return StoredStatement(
        entity=EntityId(row["entity"]),
        sequence=row["sequence"],
        month=row["month"],
        holder=row["holder"],
        currency=row["currency"],
        body=row["body"],
        closed_at=row["closed_at"],
        previous_hash=row["previous_hash"],
        hash=row["hash"],
    )


def _conforms(
    connection: AsyncConnection, writes: Writes
) -> tuple[TokenSpends, Statements, Inputs, RoyaltyBooks]:
    """Hold every class here to its port; read by the type checker alone."""
    return (
        SqlTokenSpends(connection, writes),
        SqlStatements(connection),
        SqlInputs(connection),
        SqlRoyaltyBooks(connection),
    )
