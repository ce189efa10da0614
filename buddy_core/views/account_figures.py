"""A producer's account in a month: its balance before and after, every step between, and what is recouped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from attrs import evolve, frozen

from buddy_core.flows.close_period import month_for
from buddy_core.kernel.money import Money
from buddy_core.kernel.periods import Period
from buddy_core.royalty import (
    Account,
    AccountBalance,
    Guarantee,
    Settlement,
    SettlingStep,
    Terms,
    explain_settlement,
)
from buddy_core.views.own_months import OwnMonth
from buddy_core.views.stated import Stated

ProgressKind = Literal["advance", "guarantee", "reserve"]


@frozen
class Progress:
    """How far an advance is recouped or a guarantee met, or what a reserve holds.

    Of a reserve `total` is what was ever held of what is not released, and `left` what is held now.
    """

    kind: ProgressKind
    total: Money
    before: Money
    """Recouped, earned or held when the month began."""
    moved: Money
    """What the month added; of a reserve also what it released, below zero."""
    left: Money
    """To recoup or to earn still, or held now."""


@frozen
class BalanceFigure:
    """An account between two months."""

    recouped: Money
    carried: Money
    held: Money
    in_term: Money


@frozen
class StepFigure:
    """One step of settling: what it added or took, and what was there after it."""

    name: str
    note: str
    amount: Money
    left: Money


@frozen
class AccountFigure:
    """An account's month, from what it opened with to what is paid; `anchor` names it on its page."""

    anchor: str
    account: str
    currency: str
    earned: Money
    opening: BalanceFigure
    steps: tuple[StepFigure, ...]
    payable: Money
    closing: BalanceFigure
    progress: tuple[Progress, ...]
    words: str
    """All of it in sentences."""


def account_figures(
    own: OwnMonth, stated: Iterable[Stated], terms: Terms, name: str
) -> tuple[AccountFigure, ...]:
    """Return the accounts that statements settle; `name` is the producer's for the words."""
    accounts = {account.id: account for account in terms.accounts}
    period = month_for(own.entity, own.month).period
    settlements = [item for one in stated for item in one.statement.settlements]
    return tuple(
        _figure(f"{own.entity.id}-account-{number}", item, accounts.get(item.account), period, name)
        for number, item in enumerate(settlements, start=1)
    )


def _figure(
    anchor: str, item: Settlement, account: Account | None, period: Period, name: str
) -> AccountFigure:
    return AccountFigure(
        anchor=anchor,
        account=item.account,
        currency=item.currency,
        earned=Money(item.earned, item.currency),
        opening=_balance(item.opening, item.currency),
        steps=tuple(_step(step, item.currency) for step in item.steps),
        payable=Money(item.payable, item.currency),
        closing=_balance(item.closing, item.currency),
        progress=progress_of(item, account, period) if account else (),
        words=explain_settlement(evolve(item, holder=name)),
    )


def _balance(balance: AccountBalance, currency: str) -> BalanceFigure:
    return BalanceFigure(
        Money(balance.recouped, currency),
        Money(balance.carried, currency),
        Money(held_in(balance), currency),
        Money(balance.in_term, currency),
    )


def _step(step: SettlingStep, currency: str) -> StepFigure:
    return StepFigure(step.name, step.note, Money(step.amount, currency), Money(step.left, currency))


def progress_of(item: Settlement, account: Account, period: Period) -> tuple[Progress, ...]:
    """Return how far what an account's terms name has come: its advance, its guarantee, its reserve."""
    found: list[tuple[ProgressKind, int, int, int, int]] = []
    if account.advance:
        opened, closed = item.opening.recouped, item.closing.recouped
        left = max(0, account.advance - closed)
        found.append(("advance", account.advance, opened, closed - opened, left))
    for guarantee in account.guarantees:
        if guarantee.starts_at < period.end and period.start < guarantee.ends_at:
            found.append(_guarantee(guarantee, item, period))
    if account.reserve or item.opening.held or item.closing.held:
        opened, closed = held_in(item.opening), held_in(item.closing)
        found.append(("reserve", max(opened, closed), opened, closed - opened, closed))
    return tuple(
        Progress(kind, *(Money(figure, item.currency) for figure in figures)) for kind, *figures in found
    )


def _guarantee(
    guarantee: Guarantee, item: Settlement, period: Period
) -> tuple[ProgressKind, int, int, int, int]:
    before = item.opening.in_term if guarantee.starts_at < period.start else 0
    moved = item.earned + item.forgiven
    topped_up = item.topped_up if guarantee.ends_at <= period.end else 0
    left = max(0, guarantee.minimum - before - moved - topped_up)
    return ("guarantee", guarantee.minimum, before, moved + topped_up, left)


def held_in(balance: AccountBalance) -> int:
    """Return all that a reserve holds back."""
    return sum(held.amount for held in balance.held)
