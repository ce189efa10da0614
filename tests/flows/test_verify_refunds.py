"""Verify and refunds: a refunded unlock has its royalty fact below zero and a grant that has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.entitlements import CHANGES, GRANTS
from buddy_adapters.memory.royalty import SPENDS
from buddy_adapters.memory.tables import Table, TableName, Tables
from buddy_adapters.memory.unit_of_work import MemoryTx
from buddy_core.entitlements import GrantStatus
from buddy_core.flows import verify
from buddy_core.tokens import PAID, RefundTokens, refund_tokens
from buddy_web.reference import SELLER_ROUTES
from tests.flows.world import World

pytestmark = pytest.mark.anyio


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


async def refunded_life(world: World) -> None:
    """Unlock as a guest, join, unlock one more, and have both refunded."""
    guest, member = await world.guest(), await world.member()
    await world.earn(guest, 3)
    await world.earn(guest, 20, PAID)
    first = await world.unlock(guest, await world.add_title())
    await world.merge(guest, member)
    second = await world.unlock(member, await world.add_title())
    world.clock.advance(timedelta(days=1))
    await world.refund(member, first.entry_id)
    await world.refund(member, second.entry_id)


async def test_refunds_are_clean(world: World) -> None:
    """Refunds before and after a merge are derived from the ledger; none is without royalty."""
    await refunded_life(world)
    report = await world.verify()
    assert report.is_clean, report.faults
    assert "refunds_without_royalty" not in report.checked
    assert report.checked["grants"] == 3


def _change(wanted: Callable[[Any], bool], change: Callable[[Any], Any]) -> Callable[[Table[Any, Any]], None]:
    def plant(table: Table[Any, Any]) -> None:
        key = min((key for key in table if wanted(table.get(key))), key=str)
        row = change(table.get(key))
        if row is None:
            table.drop(key)
        else:
            table.put(key, row)

    return plant


def _is_back(fact: Any) -> bool:
    return bool(fact.tokens < 0)


def _is_refunded(row: Any) -> bool:
    return row.status is GrantStatus.REFUNDED


PLANTED: dict[str, tuple[TableName[Any, Any], Callable[[Table[Any, Any]], None], str]] = {
    "royalty not taken back": (SPENDS, _change(_is_back, lambda _: None), "royalty_token_spends"),
    "less royalty taken back": (
        SPENDS,
        _change(_is_back, lambda fact: evolve(fact, value=fact.value / 2)),
        "royalty_token_spends",
    ),
    "royalty taken back from others": (
        SPENDS,
        _change(_is_back, lambda fact: evolve(fact, spent_at=fact.spent_at - timedelta(days=40))),
        "royalty_token_spends",
    ),
    "a title that stays open": (
        GRANTS,
        _change(_is_refunded, lambda row: evolve(row, status=GrantStatus.ACTIVE)),
        "entitlement_grants",
    ),
    "an end without a refund": (
        CHANGES,
        _change(_is_refunded, lambda row: evolve(row, at=row.at + timedelta(seconds=1))),
        "entitlement_grant_changes",
    ),
    "an end for another reason": (
        CHANGES,
        _change(_is_refunded, lambda row: evolve(row, reason="merge")),
        "entitlement_grant_changes",
    ),
    "a successor of what was refunded": (
        CHANGES,
        _change(_is_refunded, lambda row: evolve(row, successor_id=row.grant_id)),
        "entitlement_grant_changes",
    ),
}


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_what_was_planted_is_found(world: World) -> None:
    """Each alteration, tried on its own and undone, is named in its table."""
    await refunded_life(world)
    assert isinstance(world.uow, MemoryUnitOfWork)
    tables = world.uow._tables
    for name, (table, plant, told) in PLANTED.items():
        plant(tables[table])
        report = await verify(uow=Draft(tables), routes=SELLER_ROUTES)
        assert told in {fault.table for fault in report.faults}, name
        tables.rollback()


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_a_refund_past_the_flow_is_found(world: World) -> None:
    """Tokens of an unlock that were given back alone are a fault: its grant and royalty are still there."""
    guest = await world.guest()
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, await world.add_title())
    wanted = RefundTokens(guest, unlocked.entry_id, "host", "h1", "k")
    await refund_tokens(wanted, uow=world.uow, clock=world.clock, ids=world.ids)
    report = await world.verify()
    assert {fault.table for fault in report.faults} == {"entitlement_grants", "royalty_token_spends"}
    # What is left of it is nothing: the flow cannot finish such a refund, and the books keep saying so.
    world.uow = MemoryUnitOfWork()
