"""Months of an entity: the facts and terms that were brought in, and what is final once one is closed."""

from __future__ import annotations

import json
from datetime import datetime
from enum import Enum
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import EntityId, EntryId, TitleId
from buddy_core.kernel.periods import Period, month

PLATFORM = "platform"
"""The holder of what no licence gives to a partner."""
AWAITED = b"null"
"""The body of facts that were announced and have not come."""


@frozen
class TokenSpend:
    """Tokens of one kind spent on a title, worth an exact amount when they were spent.

    A refund is such a fact too: the spend's own stamp with tokens and value below zero,
    dated when it was taken back.
    """

    entry_id: EntryId
    """The ledger entry; with `kind` it names the fact."""
    kind: str
    tokens: int
    version: int
    """The value version that was in force."""
    currency: str
    value: Fraction
    """Exact minor units of `currency` for all `tokens` together."""
    title_id: TitleId
    entity: EntityId
    country: str
    at: datetime
    """The month it belongs to is the one that has this instant."""
    spent_at: datetime | None = field(default=None)
    """On a refund: when the tokens were spent. None on a spend."""

    @spent_at.validator
    def _told_on_refunds_alone(self, _: object, value: Any) -> None:
        if (self.tokens < 0) != (value is not None):
            raise InvalidValue("spent_at", "says when the tokens of a refund were spent, and of nothing else")

    @property
    def terms_at(self) -> datetime:
        """The instant whose terms count: a refund takes from those who got it."""
        return self.at if self.spent_at is None else self.spent_at


@frozen
class Month:
    """A calendar month of one selling entity in its own zone, as half-open UTC instants."""

    name: str
    """`YYYY-MM`."""
    entity: EntityId
    zone: str
    period: Period = field()

    @period.validator
    def _is_the_months(self, _: object, value: Period) -> None:
        if value != month(self.name, self.zone):
            raise InvalidValue(
                "period",
                f"is not {self.name} in {self.zone}; give month({self.name!r}, {self.zone!r})",
            )


class InputKind(Enum):
    """What was brought in from outside."""

    FACTS = "facts"
    """A file of facts for a month, by its name; `null` announces one that the close then waits for."""
    LICENCE = "licence"
    """The royalty terms of a licence; its key is the licence's number."""
    ACCOUNT = "account"
    """An account of a holder, by its id."""
    POOL = "pool"
    """How the pools of a plan are shared, by the plan."""
    WATERFALL = "waterfall"
    """The waterfall of a title, by its public name such as `film/ab2d`."""


@frozen
class Input:
    """Facts or terms as they were given; later ones of a key replace terms, and nothing is ever changed."""

    entity: EntityId
    sequence: int
    """Its place among all inputs of the entity, from 1 on without a gap."""
    kind: InputKind
    key: str
    month: str
    """The month that facts are of; empty on terms."""
    body: bytes
    """Canonical JSON; `null` takes terms away."""
    at: datetime


@frozen
class InputHead:
    """What is known of facts without reading them."""

    sequence: int
    key: str
    month: str
    at: datetime
    facts: int
    """How many there are; none while they are awaited."""
    size: int
    """Of their body, in bytes."""
    is_awaited: bool

    @classmethod
    def of(cls, item: Input) -> InputHead:
        """Return what an input that was read would say of itself."""
        return cls(
            item.sequence,
            item.key,
            item.month,
            item.at,
            count_facts(item.body),
            len(item.body),
            item.body == AWAITED,
        )


def count_facts(body: bytes) -> int:
    """Return how many facts a stored file has; none while it is awaited, or where it is no such file."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return 0
    if not isinstance(found, dict):
        return 0
    return sum(len(items) for items in found.values() if isinstance(items, list))


@frozen
class ClosedMonth:
    """A closed month: what it was stated from besides facts, and what it carries on."""

    entity: EntityId
    month: str
    ends_at: datetime
    cut: int
    """The last input that it knew; what came after it is late."""
    terms: bytes
    """All terms of the month, as a file of terms."""
    closing: bytes
    """What is carried to the next month, as a file of closing balances."""


@frozen
class StoredStatement:
    """A closed statement: the bytes that are final, and their place in the entity's chain."""

    entity: EntityId
    sequence: int
    month: str
    holder: str
    currency: str
    body: bytes
    closed_at: datetime
    previous_hash: bytes
    hash: bytes
