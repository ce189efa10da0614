"""Verify and closed months: facts, terms, cuts and balances are held against the audit, and stated again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.royalty import CLOSED, INPUTS, STATEMENTS
from buddy_adapters.memory.tables import Table, TableName
from buddy_core.catalog import TitleType
from buddy_core.flows import month_for, verify
from buddy_core.royalty import ClosedMonth, Facts, Input, InputKind
from buddy_web.reference import NEWTACT, SELLER_ROUTES
from tests.flows.months import bring, close, number_of, sale, set_terms
from tests.flows.test_verify import Draft
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio

NOVEMBER = month_for(NEWTACT, "2026-11").period


async def live(world: World) -> None:
    """Set terms, bring in facts in time and late, close two months, and begin a third."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    account = {"holder": world.producer.short_id, "currency": "INR", "advance": 100}
    await set_terms(world, InputKind.ACCOUNT, "main", account)
    await set_terms(world, InputKind.LICENCE, await number_of(world, title), {"account": "main"})
    equity = {"name": "equity", "takes": "recoup", "amount": 100, "taker": world.producer.short_id}
    steps = {"currency": "INR", "steps": [equity]}
    await set_terms(world, InputKind.WATERFALL, f"film/{title.short_id}", steps)
    await bring(world, "2026-10", "october", Facts(sales=(sale("s1", title, 1000, START),)))
    await close(world, "2026-10")
    await bring(world, "2026-10", "late", Facts(sales=(sale("s2", title, 500, START),)))
    await close(world, "2026-11")
    await set_terms(world, InputKind.ACCOUNT, "main", {**account, "advance": 200})
    await bring(world, "2026-12", "december", Facts(sales=(sale("s3", title, 50, NOVEMBER.end),)))


async def test_months_with_facts_and_terms_are_clean(world: World) -> None:
    """Every closed month is stated again as it was, with late facts and after its terms changed."""
    await live(world)
    report = await world.verify()
    assert report.is_clean, report.faults
    assert report.checked["royalty_inputs"] == 7
    assert report.checked["statements"] == 4


def _months(change: Callable[[ClosedMonth], ClosedMonth]) -> Callable[[Table[Any, Any]], None]:
    def plant(table: Table[Any, Any]) -> None:
        first, second = table.get(NEWTACT.id)
        table.put(NEWTACT.id, (change(first), second))

    return plant


def _input(number: int, change: Callable[[Input], Input]) -> Callable[[Table[Any, Any]], None]:
    def plant(table: Table[Any, Any]) -> None:
        table.put((NEWTACT.id, number), change(table.get((NEWTACT.id, number))))

    return plant


def _copy(change: Callable[[Input], Input]) -> Callable[[Table[Any, Any]], None]:
    def plant(table: Table[Any, Any]) -> None:
        copied = change(table.get((NEWTACT.id, 1)))
        table.put((copied.entity, copied.sequence), copied)

    return plant


Planted = dict[str, tuple[TableName[Any, Any], Callable[[Table[Any, Any]], None], str]]
PLANTED: Planted = {
    "another cut": (CLOSED, _months(lambda row: evolve(row, cut=row.cut + 1)), "royalty_periods"),
    "a cut before its facts": (CLOSED, _months(lambda row: evolve(row, cut=0)), "royalty_periods"),
    "other terms": (
        CLOSED,
        _months(lambda row: evolve(row, terms=row.terms.replace(b'"1/2"', b'"1/3"'))),
        "royalty_periods",
    ),
    "terms written otherwise": (
        CLOSED,
        _months(lambda row: evolve(row, terms=row.terms + b" ")),
        "royalty_periods",
    ),
    "terms of another holder": (
        CLOSED,
        _months(lambda row: evolve(row, terms=row.terms.replace(b'"holder":"', b'"holder":"x'))),
        "royalty_periods",
    ),
    "terms that are none": (CLOSED, _months(lambda row: evolve(row, terms=b"\xff{")), "royalty_periods"),
    "another balance": (
        CLOSED,
        _months(lambda row: evolve(row, closing=row.closing.replace(b'"recouped": 100', b'"recouped": 99'))),
        "royalty_periods",
    ),
    "another taking of a step": (
        CLOSED,
        _months(
            lambda row: evolve(row, closing=row.closing.replace(b'"equity": "100/1"', b'"equity": "99/1"'))
        ),
        "royalty_periods",
    ),
    "a balance of nobody": (
        CLOSED,
        _months(lambda row: evolve(row, closing=row.closing.replace(b'"main"', b'"else"'))),
        "royalty_periods",
    ),
    "another end": (
        CLOSED,
        _months(lambda row: evolve(row, ends_at=row.ends_at - timedelta(seconds=1))),
        "royalty_periods",
    ),
    "a missing month": (CLOSED, lambda table: table.put(NEWTACT.id, ()), "royalty_periods"),
    "other facts": (
        INPUTS,
        _input(4, lambda row: evolve(row, body=row.body.replace(b"1000", b"9000"))),
        "royalty_inputs",
    ),
    "other facts, which change the month": (
        INPUTS,
        _input(4, lambda row: evolve(row, body=row.body.replace(b"1000", b"9000"))),
        "royalty_statements",
    ),
    "other facts of a month that is open": (
        INPUTS,
        _input(7, lambda row: evolve(row, body=row.body.replace(b"50", b"60"))),
        "royalty_inputs",
    ),
    "facts that are no JSON": (INPUTS, _input(4, lambda row: evolve(row, body=b"\xff")), "royalty_inputs"),
    "facts of another month": (
        INPUTS,
        _input(7, lambda row: evolve(row, month="2026-11")),
        "royalty_inputs",
    ),
    "facts of another name": (INPUTS, _input(7, lambda row: evolve(row, key="x")), "royalty_inputs"),
    "facts that are terms": (
        INPUTS,
        _input(7, lambda row: evolve(row, kind=InputKind.POOL)),
        "royalty_inputs",
    ),
    "facts of another time": (
        INPUTS,
        _input(7, lambda row: evolve(row, at=row.at + timedelta(seconds=1))),
        "royalty_inputs",
    ),
    "other terms that count from now on": (
        INPUTS,
        _input(6, lambda row: evolve(row, body=row.body.replace(b"200", b"300"))),
        "royalty_inputs",
    ),
    "missing facts": (INPUTS, lambda table: table.drop((NEWTACT.id, 7)), "royalty_inputs"),
    "missing terms": (INPUTS, lambda table: table.drop((NEWTACT.id, 6)), "royalty_inputs"),
    "inserted terms": (INPUTS, _copy(lambda row: evolve(row, sequence=9)), "royalty_inputs"),
    "inserted terms of another": (
        INPUTS,
        _copy(lambda row: evolve(row, entity="ghost")),
        "royalty_inputs",
    ),
    "another statement": (
        STATEMENTS,
        lambda table: table.put(
            (NEWTACT.id, 1),
            evolve(
                table.get((NEWTACT.id, 1)),
                body=table.get((NEWTACT.id, 1)).body.replace(b'"earned":550', b'"earned":551'),
            ),
        ),
        "royalty_statements",
    ),
    "a missing statement": (STATEMENTS, lambda table: table.drop((NEWTACT.id, 4)), "royalty_statements"),
}


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_what_was_planted_is_named(world: World) -> None:
    """Each alteration, tried on its own and undone, is named in its table."""
    await live(world)
    assert isinstance(world.uow, MemoryUnitOfWork)
    tables = world.uow._tables
    assert (await verify(uow=Draft(tables), routes=SELLER_ROUTES)).is_clean
    for name, (table, plant, told) in PLANTED.items():
        before = list(tables[table].rows())
        plant(tables[table])
        assert list(tables[table].rows()) != before, name
        report = await verify(uow=Draft(tables), routes=SELLER_ROUTES)
        assert told in {fault.table for fault in report.faults}, name
        tables.rollback()
