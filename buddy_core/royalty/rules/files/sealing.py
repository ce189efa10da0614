"""A month's statements as bytes that are final, in a chain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from attrs import frozen

from buddy_core.kernel.canonical import canonical_bytes, chain_hash
from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty.model.months import PLATFORM, Month, StoredStatement
from buddy_core.royalty.model.statements import (
    Fund,
    HolderStatement,
    Line,
    PeriodReconciliation,
    PeriodResult,
    PoolReport,
)
from buddy_core.royalty.rules.files.forms import FUND, LINE, POOL_REPORT, RECONCILIATION, STATEMENT
from buddy_core.royalty.rules.files.shapes import Many, Source

FORMAT = "buddy.statement/3"
"""What is written. `/2` lacks some of the figures that lines are worked out from; it is read as well."""
_OLDER = ("buddy.statement/2",)
_TOLD = frozenset(("format", "inputs", "note", "fx", "silent", "silent_accounts"))
"""What later formats say more of, or in other words; none of it is an amount that somebody has."""


@frozen
class PlatformStatement:
    """The platform's month in one currency: its own lines, and where everybody's money went."""

    currency: str
    lines: tuple[Line, ...]
    pools: tuple[PoolReport, ...]
    fund: Fund | None
    reconciliation: PeriodReconciliation


class Whose(NamedTuple):
    """Whose statement it is, and in which currency."""

    holder: str
    currency: str


def platform_statements(result: PeriodResult) -> tuple[PlatformStatement, ...]:
    """Return the platform's statement of each currency that money came in."""
    return tuple(
        PlatformStatement(
            item.currency,
            tuple(line for line in result.platform if line.currency == item.currency),
            tuple(pool for pool in result.pools if pool.currency == item.currency),
            result.funds.get(item.currency),
            item,
        )
        for item in result.reconciliations
    )


def statement_bodies(month: Month, result: PeriodResult) -> dict[Whose, bytes]:
    """Return every statement of a month as its final bytes: holders by name, the platform last.

    They are canonical JSON with the figures that each line was worked out from. The same
    facts and terms give the same bytes, whenever it is run.
    """
    found = {
        Whose(item.holder, item.currency): _body(month, STATEMENT.write(item)) for item in result.statements
    }
    for item in platform_statements(result):
        written = {
            "holder": PLATFORM,
            "currency": item.currency,
            "lines": [LINE.write(line) for line in item.lines],
            "pools": [POOL_REPORT.write(pool) for pool in item.pools],
            "fund": None if item.fund is None else FUND.write(item.fund),
            "reconciliation": RECONCILIATION.write(item.reconciliation),
        }
        found[Whose(PLATFORM, item.currency)] = _body(month, written)
    return found


def read_statement(body: bytes) -> HolderStatement:
    """Read a holder's statement from its final bytes."""
    whole = json.loads(body)
    found: HolderStatement = _read(STATEMENT, {name: whole[name] for name in STATEMENT.keys})
    return found


def read_platform(body: bytes) -> PlatformStatement:
    """Read a statement of the platform from its final bytes."""
    found = json.loads(body)
    return PlatformStatement(
        found["currency"],
        _read(Many(LINE), found["lines"]),
        _read(Many(POOL_REPORT), found["pools"]),
        None if found["fund"] is None else _read(FUND, found["fund"]),
        _read(RECONCILIATION, found["reconciliation"]),
    )


def is_same_statement(stored: bytes, fresh: bytes) -> bool:
    """Say whether a month that is stated again comes to what is stored: the same bytes.

    Of a statement in an older format it is the same figures: holders, lines, accounts, payments.
    """
    if stored == fresh:
        return True
    old = json.loads(stored)
    return old.get("format") in _OLDER and _figures(old) == _figures(json.loads(fresh))


def _figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _figures(item) for name, item in value.items() if name not in _TOLD}
    return [_figures(item) for item in value] if isinstance(value, list) else value


def seal(
    month: Month,
    bodies: Mapping[Whose, bytes],
    at: datetime,
    *,
    sequence: int,
    previous_hash: bytes,
) -> tuple[StoredStatement, ...]:
    """Chain statements after the entity's last one, which had `sequence` and `previous_hash`."""
    sealed: list[StoredStatement] = []
    for number, ((holder, currency), body) in enumerate(bodies.items(), start=sequence + 1):
        covered = stored_bytes(month.entity, number, month.name, holder, currency, body, at)
        link = chain_hash(previous_hash, covered)
        sealed.append(
            StoredStatement(month.entity, number, month.name, holder, currency, body, at, previous_hash, link)
        )
        previous_hash = link
    return tuple(sealed)


def stored_bytes(
    entity: str, sequence: int, month: str, holder: str, currency: str, body: bytes, closed_at: datetime
) -> bytes:
    """Return what a stored statement's hash covers besides the hash before it: every column."""
    return canonical_bytes([entity, sequence, month, holder, currency, body, closed_at])


def _body(month: Month, statement: Mapping[str, Any]) -> bytes:
    whole = {
        "format": FORMAT,
        "entity": month.entity,
        "month": month.name,
        "zone": month.zone,
        "starts_at": month.period.start,
        "ends_at": month.period.end,
        **statement,
    }
    return canonical_bytes(whole)


def _read(shape: Any, value: Any) -> Any:
    source = Source("statement")
    found = shape.read(value, source.root)
    if source.problems:
        raise InvalidValue("body", f"is no statement: {source.problems[0].text()}")
    return found
