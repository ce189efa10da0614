"""Token spends as royalty facts, the terms that share them, and statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import EntityId, EntryId, LicenceId, PartnerId, TitleId
from buddy_core.kernel.periods import Period

PLATFORM = "platform"
"""The holder of what no licence gives to a partner."""


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
class TokenTerms:
    """A partner's share of the tokens spent on a title, in some countries, from an instant on."""

    licence_id: LicenceId
    title_id: TitleId
    holder: PartnerId
    share: Fraction
    territories: tuple[str, ...]
    excluded: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None


@frozen
class Month:
    """A calendar month of one selling entity in its own zone, as half-open UTC instants."""

    name: str
    """`YYYY-MM`."""
    entity: EntityId
    zone: str
    period: Period


@frozen
class StatementLine:
    """Tokens of one kind and value version, spent on one title under one licence, or refunded.

    Of a refund `tokens`, `value` and `amount` are below zero.
    """

    title_id: TitleId
    licence_id: LicenceId | None
    kind: str
    version: int
    tokens: int
    unit_value: Fraction
    value: Fraction
    share: Fraction
    amount: Fraction
    """`value` x `share`, exact, in minor units of the statement's currency."""
    refund_of: str | None = None
    """On a line of refunds: the month in which the tokens were spent, in the entity's zone."""


@frozen
class Reconciliation:
    """The whole month, on the platform's statement only: all value = all shares + rounding."""

    value: Fraction
    """Exact worth of every token spent."""
    rounded: int
    """That, rounded half up once: what is split."""
    rounding: Fraction
    """`rounded` less `value`: the printed rounding line."""
    holders: int
    platform: int


@frozen
class Statement:
    """One holder's month with one entity in one currency. Amounts are minor units.

    `payable` is the holder's part of the rounded month by largest remainder;
    `rounding` is `payable` less the exact sum of the lines. Both may be below zero
    where more was refunded than spent: the holder owes it to later months.
    """

    month: Month
    holder: str
    """A partner id, or `platform`."""
    currency: str
    lines: tuple[StatementLine, ...]
    exact: Fraction
    payable: int
    reconciliation: Reconciliation | None = None

    @property
    def rounding(self) -> Fraction:
        """What rounding to whole minor units added (or took)."""
        return self.payable - self.exact


@frozen
class PublicNames:
    """What titles and holders are called outside; internal ids never leave the service."""

    titles: Mapping[TitleId, str]
    """Such as `episode/hr36`."""
    holders: Mapping[str, str]
    """By partner id; the platform keeps its name."""


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
