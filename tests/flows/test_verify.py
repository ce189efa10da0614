"""Verify: clean after a whole life, and each planted change is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.access import AUDIT
from buddy_adapters.memory.entitlements import CHANGES, GRANTS
from buddy_adapters.memory.royalty import CLOSED, SPENDS, STATEMENTS
from buddy_adapters.memory.tables import Table, TableName, Tables
from buddy_adapters.memory.tokens import BALANCES, ENTRIES, HASHES, VALUES, WALLETS
from buddy_adapters.memory.unit_of_work import MemoryTx
from buddy_core.catalog import TitleType
from buddy_core.flows import month_for, verify
from buddy_core.kernel import EntityId
from buddy_core.royalty import ClosedMonth
from buddy_core.tokens import BONUS, PAID
from buddy_web.reference import NEWTACT, SELLER_ROUTES
from tests.flows.world import World

pytestmark = pytest.mark.anyio

OCTOBER = month_for(NEWTACT, "2026-10").period


async def live(world: World) -> None:
    """Let a guest and a member do what there is to do, and close a month."""
    film, short = await world.add_title(TitleType.FILM), await world.add_title(TitleType.SHORT)
    guest, member = await world.guest(), await world.member()
    for who in (guest, member):
        for _ in range(3):
            await world.watch_ad(who)
        await world.earn(who, 20, PAID)
    await world.earn(guest, 18, earned_as_guest=True)
    await world.unlock(guest, film)
    world.clock.advance(timedelta(days=1))
    await world.unlock(member, film, country="AE")
    await world.unlock(member, short)
    await world.revalue(BONUS, Fraction(75), Fraction(1))
    await world.freeze(guest)
    await world.merge(guest, member)
    await world.freeze(member, False)
    world.clock.set(OCTOBER.end + timedelta(days=1))
    await world.close("2026-10")
    await world.unlock(member, await world.add_title())


async def test_a_whole_life_is_clean(world: World) -> None:
    """After ads, spends, a merge, a freeze and a close nothing is wrong; the counts say what was read."""
    await live(world)
    told: list[tuple[int, int]] = []
    report = await verify(
        uow=world.uow, routes=SELLER_ROUTES, progress=lambda done, total: told.append((done, total))
    )
    assert report.is_clean, report.faults
    assert report.checked["wallets"] == 2 == told[-1][0] == told[-1][1]
    assert report.checked["grants"] == 5, "four unlocks, one of them moved"
    assert report.checked["statements"] == 4
    assert report.checked["audit_records"] == 8, "of which the value alone has four"
    assert report.checked["approvals"] == 1
    assert {space.type for space in report.short_ids} >= {"film", "short", "producer"}


async def test_an_empty_store_is_clean(world: World) -> None:
    """With nothing but the reference data there is nothing wrong."""
    report = await world.verify()
    assert report.is_clean
    assert report.checked["audit_records"] == 0


def _first(table: Table[Any, Any], change: Callable[[Any], Any]) -> None:
    key = min(table, key=str)
    table.put(key, change(table.get(key)))


def _drop(table: Table[Any, Any]) -> None:
    table.drop(min(table, key=str))


def _more(lots: Any) -> dict[Any, int]:
    key = max(lots, key=str)
    return {**lots, key: lots[key] + 1}


PLANTED: dict[str, tuple[TableName[Any, Any], Callable[[Table[Any, Any]], None]]] = {
    "an altered balance": (BALANCES, lambda table: _first(table, _more)),
    "an altered wallet": (
        WALLETS,
        lambda table: _first(table, lambda row: evolve(row, is_frozen=not row.is_frozen)),
    ),
    "a missing wallet": (WALLETS, _drop),
    "an altered entry": (ENTRIES, lambda table: _first(table, lambda row: evolve(row, source="forged"))),
    "an altered posting": (
        ENTRIES,
        lambda table: _first(
            table,
            lambda row: evolve(
                row, postings=tuple(evolve(item, amount=item.amount * 2) for item in row.postings)
            ),
        ),
    ),
    "an altered hash": (HASHES, lambda table: _first(table, lambda row: b"\0" * len(row))),
    "an altered value": (
        VALUES,
        lambda table: _first(table, lambda rows: (evolve(rows[0], values={"INR": 1, "USD": 1}), *rows[1:])),
    ),
    "an altered grant": (
        GRANTS,
        lambda table: _first(table, lambda row: evolve(row, granted_at=row.granted_at - timedelta(1))),
    ),
    "a missing grant": (GRANTS, _drop),
    "a missing change": (CHANGES, _drop),
    "an altered fact": (SPENDS, lambda table: _first(table, lambda row: evolve(row, value=row.value + 1))),
    "a missing fact": (SPENDS, _drop),
    "an inserted fact": (
        SPENDS,
        lambda table: table.put(("x", "bonus"), evolve(table.rows()[0], kind="gold")),
    ),
    "an altered statement": (
        STATEMENTS,
        lambda table: _first(table, lambda row: evolve(row, body=row.body.replace(b"payable", b"Payable"))),
    ),
    "a missing statement": (STATEMENTS, _drop),
    "a missing month": (CLOSED, _drop),
    "an inserted month": (
        CLOSED,
        lambda table: table.put(
            EntityId("ghost"), (ClosedMonth(EntityId("ghost"), "2026-10", OCTOBER.end, 0, b"{}", b"{}"),)
        ),
    ),
    "an altered record": (AUDIT, lambda table: _first(table, lambda row: evolve(row, actor="nobody"))),
    "a missing record": (AUDIT, _drop),
}


class Draft:
    """A memory store read as it lies there, with what is not committed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def begin(self) -> Any:
        """Refuse to write."""
        raise NotImplementedError

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryTx]:
        """Read what was planted."""
        yield MemoryTx(self._tables)


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_what_was_planted_is_found(world: World) -> None:
    """Each alteration of a table, tried on its own and undone, is found; without it all is clean."""
    await live(world)
    assert isinstance(world.uow, MemoryUnitOfWork)
    tables = world.uow._tables
    for name, (table, plant) in PLANTED.items():
        plant(tables[table])
        report = await verify(uow=Draft(tables), routes=SELLER_ROUTES)
        assert not report.is_clean, name
        tables.rollback()
