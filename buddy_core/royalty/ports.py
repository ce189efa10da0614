"""What royalty needs from storage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from attrs import frozen

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import Period
from buddy_core.kernel.proof import Fault
from buddy_core.royalty.model.facts import Paid
from buddy_core.royalty.model.months import (
    ClosedMonth,
    Input,
    InputHead,
    InputKind,
    Month,
    StoredStatement,
    TokenSpend,
)
from buddy_core.royalty.model.terms import PoolRule
from buddy_core.royalty.rules.scale.scaling import PoolName, PoolTotals, WatchMonth


class TokenSpends(Protocol):
    """The royalty facts of token spends; only ever added to."""

    async def add(self, spends: Sequence[TokenSpend]) -> None:
        """Store facts.

        Raises:
            PeriodAlreadyClosed: a fact falls into a month that is closed.
        """
        ...

    async def of_period(self, entity: EntityId, period: Period) -> list[TokenSpend]:
        """Return an entity's facts whose instant lies in the half-open period."""
        ...

    async def count(self, entity: EntityId, until: datetime) -> int:
        """Return how many facts an entity has before `until`: while it is the same, so are they."""
        ...

    async def first_at(self, entity: EntityId, since: datetime | None) -> datetime | None:
        """Return the instant of the entity's first fact at or after `since`, or None."""
        ...


class Statements(Protocol):
    """Closed statements, a chain an entity; only ever added to."""

    async def hold_months_open(self, entity: EntityId, at: datetime) -> None:
        """Keep the month that `at` falls in from being closed until this transaction ends.

        Raises:
            Contention: it has been closed already; begin again with a later instant.
        """
        ...

    async def lock_for_close(self, entity: EntityId) -> None:
        """Wait for every transaction that holds the entity's months open, and keep new ones out."""
        ...

    async def closed_until(self, entity: EntityId) -> datetime | None:
        """Return the end of the last closed month, or None when none is closed."""
        ...

    async def of_month(self, entity: EntityId, month: str) -> list[StoredStatement]:
        """Return the statements of a closed month in chain order."""
        ...

    async def of_holder(self, holder: str) -> list[StoredStatement]:
        """Return every statement of a holder, newest month first."""
        ...

    async def last(self, entity: EntityId) -> StoredStatement | None:
        """Return the last statement of the entity's chain."""
        ...

    async def months(self, entity: EntityId) -> list[str]:
        """Return the closed months of an entity in order, those without statements too."""
        ...

    async def closed(self, entity: EntityId, months: Sequence[str]) -> list[ClosedMonth]:
        """Return those of the months that are closed, in order."""
        ...

    async def close(self, month: ClosedMonth, statements: Sequence[StoredStatement]) -> None:
        """Store a month's statements and mark the month closed.

        Raises:
            Contention: another closer was first.
        """
        ...


class Inputs(Protocol):
    """Facts and terms that were brought in, numbered by entity; only ever added to."""

    async def add(self, item: Input) -> None:
        """Store one; its sequence is the next of the entity.

        Raises:
            Contention: the sequence is taken; begin again.
        """
        ...

    async def last(self, entity: EntityId) -> int:
        """Return the entity's last sequence, 0 before the first."""
        ...

    async def find(self, entity: EntityId, kind: InputKind, key: str) -> Input | None:
        """Return the newest of a key."""
        ...

    async def facts(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[Input]:
        """Return facts in order: of one month or of all, after `since`, up to and with `until`."""
        ...

    async def heads(
        self, entity: EntityId, *, month: str | None = None, since: int = 0, until: int | None = None
    ) -> list[InputHead]:
        """Return what `facts` does without their bodies, which may be large."""
        ...

    async def terms(self, entity: EntityId) -> list[Input]:
        """Return the newest of each key of terms, by kind and key; those that were taken away as well."""
        ...


@frozen
class RoyaltyRecords:
    """Every fact, closed month and statement as stored, and the rows that could not be read."""

    spends: Sequence[TokenSpend]
    months: Sequence[ClosedMonth]
    """By entity and month."""
    statements: Sequence[StoredStatement]
    """By entity and sequence."""
    inputs: Sequence[Input]
    """By entity and sequence."""
    unreadable: Sequence[Fault] = ()


class RoyaltyBooks(Protocol):
    """Royalty facts and statements as stored, for `buddy verify`."""

    async def all(self) -> RoyaltyRecords:
        """Return everything there is."""
        ...


T = TypeVar("T")


class Workings(Protocol):
    """Where months are worked out, away from what serves requests, and kept for whoever asks next."""

    async def worked_out(
        self, month: Month, key: bytes, gather: Callable[[], Awaitable[Callable[[], T]]]
    ) -> T:
        """Return what a month comes to: as it is kept under `key`, else worked out by what `gather` answers.

        `key` stands for all that the month is worked out from. `gather` reads that in the transaction
        that asks; what it answers is called in another thread. Whoever else asks for the same key
        meanwhile waits for the same work. That facts and terms do not go together is kept as well.

        Raises:
            BeingWorkedOut: it takes longer than anybody is to wait for; it goes on and is kept.
            Exception: what `gather` or the work raises.
        """
        ...

    async def aside(self, work: Callable[[], T]) -> T:
        """Return what `work` answers, called in another thread: for what takes seconds and is kept nowhere.

        Raises:
            Exception: what the work raises.
        """
        ...

    def last(self, month: Month) -> Any:
        """Return what the month came to when it was worked out last, whatever has come since; or None."""
        ...


class RoyaltyTx(Protocol):
    """A transaction that reads and writes royalty facts and statements."""

    @property
    def token_spends(self) -> TokenSpends: ...

    @property
    def statements(self) -> Statements: ...

    @property
    def royalty_inputs(self) -> Inputs: ...

    @property
    def workings(self) -> Workings: ...


class WatchTotals(Protocol):
    """The watch rows and subscriptions of one period, added up where they are.

    It is sync: what carries it out works for seconds or minutes and belongs into a worker's thread.
    """

    def totals(self, rule: PoolRule, month: WatchMonth) -> tuple[PoolTotals, ...]:
        """Return the sums of the pools of the rule's plan, by name, as `pool_totals` makes them.

        Raises:
            BadInput: files or rows are not as they must be; every problem is listed, and nothing was counted.
            InvalidValue: a funded pool is to be shared by a rule that needs each account's money.
        """
        ...

    def paid(self, month: WatchMonth) -> Mapping[PoolName, Paid]:
        """Return what the subscriptions of each pool brought in, and what left it before it is shared.

        Raises:
            BadInput: as for `totals`.
        """
        ...
