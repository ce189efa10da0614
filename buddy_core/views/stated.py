"""A month as it is stated: read from the final bytes where it is closed, else stated anew and provisional."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal, Protocol, TypeVar

from attrs import frozen

from buddy_core.catalog import CatalogTx, Title, TitleType
from buddy_core.flows.close_period import CloseTx, digest, month_for
from buddy_core.flows.royalty_book import StatedMonth, first_month_in, state_month_in
from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month_of, next_month
from buddy_core.royalty import (
    PLATFORM,
    HolderStatement,
    Line,
    PlatformStatement,
    StoredStatement,
    read_platform,
    read_statement,
    split_by_exact,
)
from buddy_core.tax import SellingEntity
from buddy_core.tokens import ValueVersions

MonthState = Literal["running", "ended", "closed"]
Key = TypeVar("Key", bound=Hashable)


class ValuesTx(Protocol):
    """A transaction that reads value versions."""

    @property
    def token_values(self) -> ValueVersions: ...


@frozen
class Stated:
    """One holder's month with one entity in one currency; `closed_at` is None while provisional.

    `holder` is a partner's internal id; `body` names partners by their short ids.
    """

    month: str
    entity: EntityId
    holder: str
    currency: str
    statement: HolderStatement
    body: bytes
    closed_at: datetime | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """What each title earned."""
        return self.statement.lines

    @property
    def earned(self) -> int:
        """All lines together, rounded once, in minor units."""
        return self.statement.earned

    @property
    def payable(self) -> int:
        """What the accounts of this currency pay out."""
        return sum(item.payable for item in self.statement.settlements)

    @property
    def digest(self) -> str | None:
        """The SHA-256 of the final bytes, as anyone can compute it from the downloaded file."""
        return None if self.closed_at is None else digest(self.body)


@frozen
class StatedPlatform:
    """The platform's month with one entity in one currency."""

    month: str
    entity: EntityId
    statement: PlatformStatement
    body: bytes
    closed_at: datetime | None = None


@frozen
class WholeMonth:
    """Everybody's month with one entity."""

    holders: tuple[Stated, ...]
    platform: tuple[StatedPlatform, ...]


def read_stored(stored: StoredStatement) -> Stated:
    """Read a holder's closed statement from its final bytes."""
    return _read(stored.entity, stored.month, stored.holder, stored.body, stored.closed_at)


async def stated_in(tx: CloseTx, entity: SellingEntity, name: str) -> WholeMonth:
    """Return everybody's month with an entity: as it is stored, or what its facts give now."""
    if name in await tx.statements.months(entity.id):
        return closed_month(await tx.statements.of_month(entity.id, name))
    return provisional(await state_month_in(tx, month_for(entity, name)))


def closed_month(stored: Iterable[StoredStatement]) -> WholeMonth:
    """Read a closed month from its statements."""
    return _whole([(item.entity, item.month, item.holder, item.body, item.closed_at) for item in stored])


def provisional(stated: StatedMonth) -> WholeMonth:
    """Return a month that is not closed, read through the bytes that it would have."""
    month = stated.month
    return _whole(
        [(month.entity, month.name, whose.holder, body, None) for whose, body in stated.bodies.items()]
    )


async def open_months_in(tx: CloseTx, entity: SellingEntity, at: datetime) -> list[str]:
    """Return the months of an entity that are not closed: from the first with facts to the running one.

    After the first closed month there is no gap.
    """
    closed = await tx.statements.months(entity.id)
    running = month_of(at, entity.zone)
    if closed:
        names = [next_month(closed[-1])]
    else:
        names = [min(running, await first_month_in(tx, entity.id, entity.zone) or running)]
    while names[-1] < running:
        names.append(next_month(names[-1]))
    return [name for name in names if name <= running]


def state_of(entity: SellingEntity, name: str, closed: Sequence[str], at: datetime) -> MonthState:
    """Say whether a month is closed, has ended in the entity's zone, or still runs."""
    if name in closed:
        return "closed"
    return "ended" if month_for(entity, name).period.end <= at else "running"


def earned_by(stated: Stated, key: Callable[[Line], Key]) -> dict[Key, int]:
    """Split what a statement comes to over groups of its lines, by largest remainder of their exact amounts.

    The parts add up to what was earned; accounts are only paid as a whole.
    """
    return split_over(stated.lines, stated.earned, key)


def split_over(lines: Iterable[Line], total: int, key: Callable[[Line], Key]) -> dict[Key, int]:
    """Split what some lines come to over groups of them, by largest remainder of their exact amounts."""
    exact: dict[Key, Fraction] = {}
    for line in lines:
        exact[key(line)] = exact.get(key(line), Fraction(0)) + line.amount
    figures = split_by_exact(exact.values(), total)
    return {name: figure.minor for name, figure in zip(exact, figures, strict=True)}


async def titles_in(tx: CatalogTx, stated: Iterable[Stated]) -> dict[str, Title]:
    """Return the titles that statements speak of, by their public names."""
    names: dict[tuple[TitleType, str], str] = {}
    for name in {line.title for item in stated for line in item.lines}:
        type, _, short_id = name.partition("/")
        names[TitleType(type), short_id] = name
    found = await tx.titles.named(names)
    return {names[key]: title for key, title in found.items()}


def line_name(title: str) -> str:
    """Return the name of a title's line in links: its type and its short id."""
    return title.replace("/", "-")


def _whole(found: Sequence[tuple[EntityId, str, str, bytes, datetime | None]]) -> WholeMonth:
    return WholeMonth(
        tuple(_read(*item) for item in found if item[2] != PLATFORM),
        tuple(
            StatedPlatform(month, entity, read_platform(body), body, closed_at)
            for entity, month, holder, body, closed_at in found
            if holder == PLATFORM
        ),
    )


def _read(entity: EntityId, month: str, holder: str, body: bytes, closed_at: datetime | None) -> Stated:
    statement = read_statement(body)
    return Stated(month, entity, holder, statement.currency, statement, body, closed_at)
