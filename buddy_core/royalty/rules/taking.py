"""Pools that were shared where their rows are: each title's part as what it netted."""

from __future__ import annotations

from fractions import Fraction

from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.model.facts import Model, SharedPool
from buddy_core.royalty.model.statements import PoolReport
from buddy_core.royalty.model.terms import PoolMethod
from buddy_core.royalty.rules.book import Book
from buddy_core.royalty.rules.checking import ADS
from buddy_core.royalty.rules.earned import NOTHING, Attributed, Earned, dated
from buddy_core.royalty.rules.worked import plain


def take_shared(pool: SharedPool, brought: Fraction, book: Book, found: Attributed) -> None:
    """Attribute a shared pool; what it has from the period before goes by all that counted.

    A title's deals and rates must not change within the period: its part has no date.
    """
    name = f"{pool.plan}/{pool.territory}/{pool.currency}"
    model = Model.ADS if pool.plan == ADS else Model.SUBSCRIPTION
    total = exact_sum(part.counted for part in pool.parts)
    found.flows[pool.currency] += pool.paid
    shared = NOTHING
    for part in pool.parts:
        deals = book.deals_in(part.title, pool.territory)
        book.check_one_rate(deals, model, part.title)
        amount = part.amount + (brought * part.counted / total if total else NOTHING)
        shared += amount
        inputs = {
            "pool": name,
            "pool_net": plain(pool.paid.net + brought),
            "method": pool.method,
            "pool_fact": pool.id,
            "pool_part": plain(part.amount),
        }
        # Seconds are told where they lead to the amount: of all money, or of what a month before left.
        by_all = pool.method == PoolMethod.PRO_RATA.value
        if brought and total:
            inputs["to_all"] = plain(brought)
        if (brought or by_all) and total:
            inputs |= {"seconds": plain(part.counted), "pool_seconds": plain(total)}
        since = dated(deals, model, book.period.start)
        found.earned.append(
            Earned(
                part.title,
                pool.territory,
                model,
                pool.currency,
                since,
                deals,
                part.counted,
                amount,
                amount,
                inputs,
            )
        )
    kept = pool.paid.net + brought - shared - pool.carried
    found.kept[pool.currency] += kept
    if pool.carried:
        found.carried[name] = Fraction(pool.carried)
    found.pools.append(
        PoolReport(
            name,
            pool.currency,
            pool.paid.net,
            pool.method,
            shared,
            kept,
            Fraction(pool.carried),
            total,
            "shared where its rows are",
        )
    )
