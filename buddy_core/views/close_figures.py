"""The figures of a stated month as staff review them: who is paid what, and where all money went."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from uuid import UUID

from attrs import frozen

from buddy_core.catalog import CatalogTx
from buddy_core.kernel.ids import PartnerId
from buddy_core.kernel.money import Money
from buddy_core.royalty import PeriodReconciliation
from buddy_core.views.stated import Stated, StatedPlatform, WholeMonth

_CAME = ("gross", "stamped", "brought", "rounding")
_WENT = ("tax", "refunds", "chargebacks", "fees", "holders", "platform", "fund", "carried")


@frozen
class ClosePayout:
    """One producer's month in one currency; `adjusts` are the closed months that it puts right."""

    producer: str
    earned: Money
    paid: Money
    titles: int
    adjusts: tuple[str, ...] = ()
    statement_url: str | None = None


@frozen
class MoneyRow:
    """One row of the reconciliation, in exact minor units; `name` is that of the engine's own column."""

    name: str
    amount: Fraction


@frozen
class CloseFund:
    """The token fund: what rewarded ads brought in against what spent tokens are worth; exact minor units."""

    paid_in: Fraction
    attributed: Fraction
    result: Fraction
    """Surplus, or deficit below zero."""


@frozen
class ClosePool:
    """What became of a pool; exact minor units."""

    name: str
    method: str
    net: Fraction
    attributed: Fraction
    kept: Fraction
    carried: Fraction
    note: str


@frozen
class CloseCurrency:
    """Where all money of one currency went; what came in is what went out, and `left_over` is 0."""

    currency: str
    came: tuple[MoneyRow, ...]
    went: tuple[MoneyRow, ...]
    left_over: Fraction
    platform: Money
    fund: CloseFund | None = None
    pools: tuple[ClosePool, ...] = ()


@frozen
class CloseFigures:
    """What closing a month writes, or has written; `statements` counts the platform's as well."""

    payouts: tuple[ClosePayout, ...] = ()
    currencies: tuple[CloseCurrency, ...] = ()
    statements: int = 0

    @property
    def is_paid_as_earned(self) -> bool:
        """Tell whether all are paid what they earned: nothing recouped, held back, withheld or carried."""
        return all(item.paid == item.earned for item in self.payouts)

    @property
    def paid(self) -> tuple[Money, ...]:
        """Return what all producers together are paid, by currency."""
        sums: dict[str, int] = {}
        for item in self.payouts:
            sums[item.paid.currency] = sums.get(item.paid.currency, 0) + item.paid.minor
        return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))


async def figures_in(tx: CatalogTx, whole: WholeMonth) -> CloseFigures:
    """Return a stated month's figures, producers by name."""
    return CloseFigures(
        await _payouts_in(tx, whole.holders),
        tuple(_currency(item) for item in whole.platform),
        len(whole.holders) + len(whole.platform),
    )


async def _payouts_in(tx: CatalogTx, stated: Sequence[Stated]) -> tuple[ClosePayout, ...]:
    producers = await tx.producers.get([PartnerId(UUID(item.holder)) for item in stated])
    found = []
    for item in stated:
        producer = producers[PartnerId(UUID(item.holder))]
        found.append(
            ClosePayout(
                producer.name,
                Money(item.earned, item.currency),
                Money(item.payable, item.currency),
                len({line.title for line in item.lines}),
                tuple(sorted({line.adjusts for line in item.lines if line.adjusts})),
                f"/producer/{item.month}?producer={producer.short_id}&currency={item.currency}",
            )
        )
    return tuple(sorted(found, key=lambda payout: (payout.producer, payout.paid.currency)))


def _currency(stated: StatedPlatform) -> CloseCurrency:
    statement = stated.statement
    whole, fund = statement.reconciliation, statement.fund
    return CloseCurrency(
        statement.currency,
        _rows(whole, _CAME),
        _rows(whole, _WENT),
        whole.residual,
        Money(whole.platform, statement.currency),
        CloseFund(Fraction(fund.paid_in), fund.attributed, fund.result) if fund else None,
        tuple(
            ClosePool(
                pool.name,
                pool.method,
                Fraction(pool.net),
                pool.attributed,
                pool.kept,
                pool.carried,
                pool.note,
            )
            for pool in statement.pools
        ),
    )


def _rows(whole: PeriodReconciliation, names: Sequence[str]) -> tuple[MoneyRow, ...]:
    """Return the rows that are not zero; what never happened this month is not printed."""
    rows = [MoneyRow(name, Fraction(getattr(whole, name))) for name in names]
    return tuple(row for row in rows if row.amount)
