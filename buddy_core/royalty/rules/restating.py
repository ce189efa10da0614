"""What became known after a close: labelled adjustments in the next period, never another past."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from attrs import evolve, frozen

from buddy_core.kernel.periods import next_month
from buddy_core.royalty.model.balances import Balances
from buddy_core.royalty.model.facts import Facts, Paid
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import Fund, Line, PeriodResult
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.rules.book import Book, Exchange, Problems
from buddy_core.royalty.rules.earned import NOTHING, Attributed
from buddy_core.royalty.rules.sharing import Shared
from buddy_core.royalty.rules.stating import drafted, line_key, stated


@frozen
class Past:
    """A closed period: what it was stated from, and what has become known of it since its close.

    `facts` holds what earlier closes have adjusted already, so that nothing is adjusted twice.
    """

    month: Month
    terms: Terms
    facts: Facts
    late: Facts


def state_with_late(
    month: Month,
    terms: Terms,
    facts: Facts,
    before: Balances,
    past: Sequence[Past],
    first: Balances,
) -> PeriodResult:
    """State a period with what became known late of earlier ones.

    `past` are the closed periods from the first one of which facts ever came late, also where they
    were adjusted already, up to the one before this, in order: what tiers, pools and waterfalls
    carry on from there is in no closing balance before that. `first` is what the first of them
    began with. Each is calculated
    twice, without and with its late facts, by its own terms; the exact difference of every
    line stands in this period's statements, named after the month that it adjusts. So what
    comes late is, over both periods and before rounding, as if it had come in time. Money is
    exchanged at the rate of the month that it adjusts. Settling is not repeated: a guarantee
    whose term has ended stays as it was met.

    Raises:
        TermsProblems: as `state_period`; or a month of the entity is missing between them.
    """
    _check_chain(month, past)
    then = now = first
    flows: list[tuple[Attributed, Attributed]] = []
    lines: list[Line] = []
    platform: list[Line] = []
    books: list[Book] = []
    exchanges: dict[str, Exchange] = {}
    for period in past:
        was, was_shared, _, _ = drafted(period.month, period.terms, period.facts, then)
        is_, is_shared, book, exchanges[period.month.name] = drafted(
            period.month, period.terms, period.facts + period.late, now
        )
        name = period.month.name
        lines += _differences(name, was_shared.lines, is_shared.lines)
        platform += _differences(name, was_shared.platform, is_shared.platform)
        flows.append((was, is_))
        books.append(book)
        then, now = _after(was, was_shared), _after(is_, is_shared)
    begun = evolve(
        before,
        deals={**before.deals, **now.deals},
        pools=now.pools if past else before.pools,
        waterfalls={**before.waterfalls, **now.waterfalls},
    )
    attributed, shared, book, exchanges[""] = drafted(month, terms, facts, begun)
    for known in books:
        book.adopt(known)
    for was, is_ in flows:
        _add_difference(attributed, was, is_)
    shared = evolve(shared, lines=shared.lines + lines, platform=shared.platform + platform)
    return stated(month, before, attributed, shared, book, exchanges)


def _check_chain(month: Month, past: Sequence[Past]) -> None:
    """Refuse months that do not follow each other: what one carries would not reach the next."""
    months = [*(period.month for period in past), month]
    problems = Problems()
    for one, other in pairwise(months):
        if (other.entity, other.name) != (one.entity, next_month(one.name)):
            problems.add(
                f"{one.name} of {one.entity} is followed by {other.name} of {other.entity}; give every "
                "month from the first with late facts on, in order"
            )
    problems.refuse()


def _after(attributed: Attributed, shared: Shared) -> Balances:
    return Balances(deals=shared.deals, pools=attributed.carried, waterfalls=shared.waterfalls)


def _differences(month: str, was: Iterable[Line], now: Iterable[Line]) -> list[Line]:
    """Return a line for each that is not what it was."""
    before, after = _by_key(was), _by_key(now)
    found: list[Line] = []
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        line = new or old
        assert line is not None, "a key comes from one of the two"
        change: dict[str, Any] = {
            name: _amount(new, name) - _amount(old, name)
            for name in ("net", "fee", "expenses", "base", "amount")
        }
        if any(change.values()):
            inputs = {
                **line.inputs,
                "was": _amount(old, "amount"),
                "was_of": _amount(old, "net"),
                "is": _amount(new, "amount"),
                "is_of": _amount(new, "net"),
            }
            found.append(evolve(line, **change, inputs=inputs, adjusts=month))
    return found


def _amount(line: Line | None, name: str) -> Fraction:
    return NOTHING if line is None else getattr(line, name)


def _by_key(lines: Iterable[Line]) -> dict[tuple[str, ...], Line]:
    found: dict[tuple[str, ...], Line] = {}
    for line in lines:
        key = line_key(line)
        other = found.get(key)
        if other is not None:
            sums: dict[str, Any] = {
                name: _amount(other, name) + _amount(line, name) for name in ("net", "fee", "expenses")
            }
            line = evolve(line, **sums, base=other.base + line.base, amount=other.amount + line.amount)
        found[key] = line
    return found


def _add_difference(to: Attributed, was: Attributed, now: Attributed) -> None:
    for currency in was.flows.keys() | now.flows.keys():
        to.flows[currency] += now.flows.get(currency, Paid()) - was.flows.get(currency, Paid())
    for currency, amount in _less(now.stamped, was.stamped).items():
        to.stamped[currency] += amount
    for currency, amount in _less(now.kept, was.kept).items():
        to.kept[currency] += amount
    for currency in was.funds.keys() | now.funds.keys():
        old, new = was.funds.get(currency, _NO_FUND), now.funds.get(currency, _NO_FUND)
        there = to.funds.get(currency, _NO_FUND)
        to.funds[currency] = Fund(
            there.paid_in + new.paid_in - old.paid_in,
            there.attributed + new.attributed - old.attributed,
            there.result + new.result - old.result,
        )


_NO_FUND = Fund(0, NOTHING, NOTHING)


def _less(one: Mapping[str, Fraction], other: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: one.get(name, NOTHING) - other.get(name, NOTHING) for name in one.keys() | other.keys()}
