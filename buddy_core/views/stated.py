"""A month as it is stated: read from the final bytes where it is closed, else stated anew and provisional."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal, Protocol, TypeVar

from attrs import frozen

from buddy_core.catalog import CatalogTx, Title, TitleType
from buddy_core.flows.close_period import CloseTx, month_for, names_in, state_month_in
from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month_of, next_month
from buddy_core.royalty import PublicNames, Statement, StoredStatement, split_rounded, statement_body
from buddy_core.tax import SellingEntity
from buddy_core.tokens import ValueVersions

MonthState = Literal["running", "ended", "closed"]
Key = TypeVar("Key", bound=Hashable)


class ValuesTx(Protocol):
    """A transaction that reads value versions."""

    @property
    def token_values(self) -> ValueVersions: ...


@frozen
class StatedLine:
    """One line of a statement, as its bytes say it; amounts are exact minor units."""

    title: str
    """The title's public name, such as `episode/hr36`."""
    kind: str
    version: int
    tokens: int
    unit_value: Fraction
    value: Fraction
    share: Fraction
    amount: Fraction
    refund_of: str | None = None
    """On a line of refunds, whose figures are below zero: the month in which the tokens were spent."""


@frozen
class Stated:
    """One holder's month with one entity in one currency; `closed_at` is None while provisional.

    `holder` is a partner's internal id, or `platform`; `body` names partners by their short ids.
    """

    month: str
    entity: EntityId
    holder: str
    currency: str
    lines: tuple[StatedLine, ...]
    exact: Fraction
    payable: int
    rounding: Fraction
    body: bytes
    closed_at: datetime | None = None

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the final bytes, as anyone can compute it from the downloaded file."""
        return None if self.closed_at is None else f"sha256:{hashlib.sha256(self.body).hexdigest()}"


def read_stored(stored: StoredStatement) -> Stated:
    """Read a closed statement from its final bytes."""
    return _read(stored.holder, stored.body, stored.closed_at)


def read_provisional(statement: Statement, names: PublicNames) -> Stated:
    """Read a statement that is not closed through the bytes it would have."""
    return _read(statement.holder, statement_body(statement, names), None)


async def stated_in(tx: CloseTx, entity: SellingEntity, name: str) -> list[Stated]:
    """Return every holder's month with an entity: the stored one, or what its facts give now."""
    if name in await tx.statements.months(entity.id):
        return [read_stored(item) for item in await tx.statements.of_month(entity.id, name)]
    statements = await state_month_in(tx, month_for(entity, name))
    names = await names_in(tx, statements)
    return [read_provisional(item, names) for item in statements]


async def open_months_in(tx: CloseTx, entity: SellingEntity, at: datetime) -> list[str]:
    """Return the months of an entity that are not closed: from its first open spend to the running one."""
    closed_until = await tx.statements.closed_until(entity.id)
    running = month_of(at, entity.zone)
    if closed_until is not None and month_for(entity, running).period.end <= closed_until:
        return []
    first = await tx.token_spends.first_at(entity.id, closed_until)
    names = [running if first is None else min(running, month_of(first, entity.zone))]
    while names[-1] != running:
        names.append(next_month(names[-1]))
    return names


def state_of(entity: SellingEntity, name: str, closed: Sequence[str], at: datetime) -> MonthState:
    """Say whether a month is closed, has ended in the entity's zone, or still runs."""
    if name in closed:
        return "closed"
    return "ended" if month_for(entity, name).period.end <= at else "running"


def paid_by(stated: Stated, key: Callable[[StatedLine], Key]) -> dict[Key, int]:
    """Split what a statement pays over groups of its lines, by largest remainder of their exact amounts.

    The parts add up to what is paid; a statement itself is only paid as a whole.
    """
    exact: dict[Key, Fraction] = {}
    for line in stated.lines:
        exact[key(line)] = exact.get(key(line), Fraction(0)) + line.amount
    return dict(zip(exact, split_rounded(stated.payable, list(exact.values())), strict=True))


def share_of(lines: Sequence[StatedLine]) -> Fraction | None:
    """Return the holder's share of what lines are about: its average where they differ; None without any."""
    gross = sum((abs(line.value) for line in lines), Fraction(0))
    return sum((abs(line.amount) for line in lines), Fraction(0)) / gross if gross else None


async def titles_in(tx: CatalogTx, stated: Iterable[Stated]) -> dict[str, Title]:
    """Return the titles that statements speak of, by their public names."""
    titles: dict[str, Title] = {}
    for name in {line.title for item in stated for line in item.lines}:
        type, _, short_id = name.partition("/")
        found = await tx.titles.find(TitleType(type), short_id)
        if found is not None:
            titles[name] = found
    return titles


def line_name(title: str) -> str:
    """Return the name of a title's line in links: its type and its short id."""
    return title.replace("/", "-")


def _read(holder: str, body: bytes, closed_at: datetime | None) -> Stated:
    found = json.loads(body)
    return Stated(
        month=found["month"],
        entity=EntityId(found["entity"]),
        holder=holder,
        currency=found["currency"],
        lines=tuple(_line(line) for line in found["lines"]),
        exact=Fraction(found["exact_minor"]),
        payable=found["payable_minor"],
        rounding=Fraction(found["rounding_minor"]),
        body=body,
        closed_at=closed_at,
    )


def _line(found: dict[str, Any]) -> StatedLine:
    return StatedLine(
        title=found["title"],
        kind=found["kind"],
        version=found["value_version"],
        tokens=found["tokens"],
        unit_value=Fraction(found["unit_value_minor"]),
        value=Fraction(found["value_minor"]),
        share=Fraction(found["share"]),
        amount=Fraction(found["amount_minor"]),
        refund_of=found.get("refund_of"),
    )
