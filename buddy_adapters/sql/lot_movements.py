"""How tokens came to lots and left them, added up by the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.tokens_tables import entries, holds, lots, postings
from buddy_core.kernel.ids import LotId
from buddy_core.tokens import (
    ADJUSTED,
    WALLET,
    BoughtLot,
    GivenLots,
    LotMovement,
    LotMovements,
    Operation,
    TokenKind,
)

BATCH = 1000
"""How many sums are in memory at once."""

_ORIGINS = lots.alias("origins")
_MADE, _ENDED = holds.alias("made"), holds.alias("ended")
_ALIKE = ("recorded_by", "hold_over_by", "operation", "is_valued", "account", "comes_in")


class SqlLotMovements:
    """One statement adds up the movements of all lots; what it answers is read in batches."""

    def __init__(self, connection: AsyncConnection, batch: int = BATCH) -> None:
        self._connection, self._batch = connection, batch

    async def sold_in(self) -> dict[str, datetime]:
        first = (
            select(
                lots.c.cost_currency.label("currency"),
                func.min(lots.c.created_at, type_=lots.c.created_at.type).label("at"),
            )
            .where(lots.c.cost_currency.is_not(None))
            .group_by(lots.c.cost_currency)
        )
        return {row.currency: row.at for row in await self._connection.execute(first)}

    async def bought(self, currency: str, instants: Sequence[datetime]) -> AsyncIterator[Sequence[BoughtLot]]:
        of_lot = ("id", "amount", "cost_minor", "created_at", "expired_by")
        moved = _moved(instants, _ORIGINS.c.cost_currency == currency)
        sums = _sums(moved, of_lot).order_by(moved.c.id)
        pending: list[Row[Any]] = []
        async with self._connection.stream(sums) as found:
            async for rows in found.partitions(self._batch):
                # The last lot of a batch may go on in the next one.
                pending += rows
                last = pending[-1].id
                yield _bought([row for row in pending if row.id != last])
                pending = [row for row in pending if row.id == last]
        yield _bought(pending)

    async def given(self, instants: Sequence[datetime]) -> list[GivenLots]:
        moved = _moved(instants, _ORIGINS.c.cost_currency.is_(None))
        together: dict[tuple[TokenKind, int], list[LotMovement]] = {}
        for row in await self._connection.execute(_sums(moved, ("kind", "expired_by"))):
            together.setdefault((TokenKind(row.kind), row.expired_by), []).append(_movement(row))
        return [GivenLots(*key, tuple(movements)) for key, movements in together.items()]


def _moved(instants: Sequence[datetime], of_which: ColumnElement[bool]) -> Subquery:
    """Return what each posting moved, with the lot that its tokens were first in."""
    in_time = and_(entries.c.recorded_at <= instants[-1], of_which)
    of_wallets = (
        _columns(instants)
        .select_from(postings)
        .join(entries, entries.c.id == postings.c.entry_id)
        .join(lots, lots.c.id == postings.c.lot_id)
        .join(_ORIGINS, _ORIGINS.c.id == lots.c.origin_id)
        .outerjoin(_MADE, and_(_MADE.c.entry_id == entries.c.id, _MADE.c.position == 0))
        .outerjoin(_ENDED, _ENDED.c.id == entries.c.hold_id)
        # Of system accounts only what a refund took back to a withdrawn lot names that lot.
        .where(postings.c.account.in_((WALLET, ADJUSTED)), in_time)
    )
    # What a reversal could not collect is in no lot; the entry that it corrects opened the one it is about.
    of_reversals = (
        _columns(instants)
        .select_from(postings)
        .join(entries, entries.c.id == postings.c.entry_id)
        .join(_ORIGINS, _ORIGINS.c.entry_id == entries.c.corrects)
        .outerjoin(_MADE, literal(False))
        .outerjoin(_ENDED, literal(False))
        .where(postings.c.account == ADJUSTED, entries.c.operation == Operation.REVERSE.value, in_time)
    )
    return union_all(of_wallets, of_reversals).subquery("moved")


def _columns(instants: Sequence[datetime]) -> Select[Any]:
    hold_ends = func.coalesce(_MADE.c.expires_at, _ENDED.c.expires_at)
    return select(
        _ORIGINS.c.id,
        _ORIGINS.c.amount,
        _ORIGINS.c.kind,
        _ORIGINS.c.cost_minor,
        _ORIGINS.c.created_at,
        _index(instants, _ORIGINS.c.expires_at).label("expired_by"),
        _index(instants, entries.c.recorded_at).label("recorded_by"),
        case((hold_ends.is_not(None), _index(instants, hold_ends))).label("hold_over_by"),
        entries.c.operation,
        postings.c.currency.is_not(None).label("is_valued"),
        postings.c.account,
        (postings.c.amount > 0).label("comes_in"),
        postings.c.amount.label("tokens"),
    )


def _index(instants: Sequence[datetime], at: ColumnElement[Any]) -> ColumnElement[int]:
    """Return the index of the first instant that is not before `at`; past the last for later, or never."""
    known = [
        (at <= literal(instant, lots.c.created_at.type), number) for number, instant in enumerate(instants)
    ]
    return case(*known, else_=len(instants))


def _sums(moved: Subquery, of_lot: Sequence[str]) -> Select[Any]:
    # The labels are computed inside, for PostgreSQL takes no two expressions with parameters for the same.
    keys = [moved.c[name] for name in (*of_lot, *_ALIKE)]
    return select(*keys, func.sum(moved.c.tokens, type_=BigInteger).label("tokens")).group_by(*keys)


def _movement(row: Row[Any]) -> LotMovement:
    return LotMovement(
        operation=Operation(row.operation),
        tokens=int(row.tokens),
        recorded_by=row.recorded_by,
        is_valued=bool(row.is_valued),
        hold_over_by=row.hold_over_by,
        account=row.account,
    )


def _bought(rows: Sequence[Row[Any]]) -> list[BoughtLot]:
    """Return the lots of rows that are in order of their lots."""
    made: list[BoughtLot] = []
    for _, of_lot in groupby(rows, key=lambda row: row.id):
        alike = list(of_lot)
        first = alike[0]
        made.append(
            BoughtLot(
                id=LotId(first.id),
                amount=first.amount,
                cost_minor=first.cost_minor,
                opened_at=first.created_at,
                expired_by=first.expired_by,
                movements=tuple(_movement(row) for row in alike),
            )
        )
    return made


def _conforms(connection: AsyncConnection) -> LotMovements:
    """Hold the class here to its port; read by the type checker alone."""
    return SqlLotMovements(connection)
