"""Between the stages: what titles netted falls through the steps of their waterfalls, all to date; exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from attrs import define, evolve, field, frozen

from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.balances import WaterfallBalance
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line
from buddy_core.royalty.model.terms import Terms
from buddy_core.royalty.model.waterfalls import FilmWaterfall, Step, Takes
from buddy_core.royalty.rules.book import NOT_HOLDERS, Book, Exchange, Problems, is_currency
from buddy_core.royalty.rules.earned import NOTHING, Earned
from buddy_core.royalty.rules.pieces.waterfall import run_exactly, step_problems

ONE = Fraction(1)


@define
class Fallen:
    """What waterfalls leave of what titles netted, the lines of their steps, and where each stands then."""

    left: list[Earned] = field(factory=list)
    lines: list[Line] = field(factory=list)
    platform: list[Line] = field(factory=list)
    waterfalls: dict[str, WaterfallBalance] = field(factory=dict)


def fall(
    earned: Sequence[Earned],
    terms: Terms,
    before: Mapping[str, WaterfallBalance],
    book: Book,
    exchange: Exchange,
    problems: Problems,
) -> Fallen:
    """Let the steps of waterfalls take their parts of what titles netted.

    The steps are run on all that a title netted to date, once with and once without this
    period; each has the difference. So caps, recoupment, refunds and periods below zero
    follow one rule, and a step never takes more than remains. Each row gives each step the
    same proportion. A title without a waterfall is left as it is.
    """
    found = Fallen(waterfalls=dict(before))
    if not terms.waterfalls:
        found.left = list(earned)
        return found
    check_waterfalls(terms, before, book, problems)
    by_title: dict[str, list[FilmWaterfall]] = defaultdict(list)
    for waterfall in terms.waterfalls:
        by_title[waterfall.title].append(waterfall)
    rows: dict[str, list[Earned]] = defaultdict(list)
    for row in earned:
        its = [one for one in by_title.get(row.title, ()) if one.takes_of(row.territory, row.model)]
        if len(its) > 1:
            problems.add(
                f"waterfall {its[0].id} and {its[1].id} both take of {row.title} in {row.territory} by "
                f"{row.model.value}; give them different countries or models",
                about("waterfalls", title=row.title),
            )
        if its and its[0].steps:
            rows[its[0].id].append(row)
        else:
            found.left.append(row)
    for waterfall in terms.waterfalls:
        if rows[waterfall.id]:
            _run(waterfall, rows.pop(waterfall.id), before.get(waterfall.id), exchange, found)
    return found


@frozen
class _Month:
    """One waterfall's period: what each step has of it, by its place."""

    opening: WaterfallBalance
    closing: WaterfallBalance
    takes: tuple[Fraction, ...]
    there: Mapping[str, Fraction]
    """What earlier steps leave each step to date, by its name: since the steps are as they are."""


def _run(
    waterfall: FilmWaterfall,
    rows: Sequence[Earned],
    before: WaterfallBalance | None,
    exchange: Exchange,
    found: Fallen,
) -> None:
    where, of = f"waterfall {waterfall.id}", about("waterfalls", id=waterfall.id)
    received = exact_sum(
        row.net * _shared(row) * exchange.factor(row.currency, waterfall.currency, where, of) for row in rows
    )
    month = _taken(waterfall, before or WaterfallBalance(waterfall.title, waterfall.currency), received)
    found.waterfalls[waterfall.id] = month.closing
    rates = [taken / received if received else NOTHING for taken in month.takes]
    left = ONE - exact_sum(rates)
    for row in rows:
        for step, rate in zip(waterfall.steps, rates, strict=True):
            if rate and row.net:
                line = _line(waterfall, step, row, rate, month)
                (found.platform if line.holder == PLATFORM else found.lines).append(line)
        inputs = {**row.inputs, "waterfall": waterfall.id, "netted": row.net, "left": left}
        found.left.append(evolve(row, net=row.net * left, inputs=inputs))


def _shared(row: Earned) -> Fraction:
    """Return what part of a row its deals are about: all, but where others measure ads in another way."""
    return exact_sum(row.part(deal) for deal in row.deals) if row.deals else ONE


def _taken(waterfall: FilmWaterfall, opening: WaterfallBalance, received: Fraction) -> _Month:
    """Run the steps on all to date without and with what was received, and carry where they stand.

    Where the steps, as they are now, would have taken otherwise before, they begin anew:
    what each has taken stays taken and counts toward its cap or what it recoups, and
    percentages are of what comes from now on.
    """
    was, _ = _to_date(waterfall.steps, opening)
    if _something(was) != _something(opening.taken):
        since = max(opening.since, opening.received)
        opening = evolve(opening, since=since, before=dict(opening.taken))
        was, _ = _to_date(waterfall.steps, opening)
    closing = evolve(opening, received=opening.received + received)
    now, there = _to_date(waterfall.steps, closing)
    takes = tuple(now[step.name] - was[step.name] for step in waterfall.steps)
    return _Month(evolve(opening, taken=was), evolve(closing, taken=now), takes, there)


def _something(taken: Mapping[str, Fraction]) -> dict[str, Fraction]:
    return {name: amount for name, amount in taken.items() if amount}


def _to_date(steps: Sequence[Step], at: WaterfallBalance) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Return what each step has taken by a balance, and what was there for it.

    What steps took that are gone stays.
    """
    begun = [_begun(step, at.before.get(step.name, NOTHING)) for step in steps]
    ran = run_exactly(at.received - at.since, begun)
    found = dict(at.before)
    there: dict[str, Fraction] = {}
    for step, one in zip(steps, ran, strict=True):
        found[step.name] = at.before.get(step.name, NOTHING) + one.taken
        there[step.name] = one.taken + one.left
    return found, there


def _begun(step: Step, taken: Fraction) -> Step:
    """Return a step that has taken something already; a fixed amount is taken once."""
    if not taken and step.takes is not Takes.FIXED:
        return step
    cap = step.cap
    if step.takes is Takes.FIXED and step.amount is not None:
        cap = step.amount if cap is None else min(cap, step.amount)
    return evolve(step, cap=cap, taken_before=step.taken_before + taken)


def _line(waterfall: FilmWaterfall, step: Step, row: Earned, rate: Fraction, month: _Month) -> Line:
    part = _shared(row)
    base = row.net * part
    asks: dict[str, Any] = {"takes": step.takes.value}
    if step.takes is not Takes.FIXED:
        asks["percent"] = Fraction(step.percent)
    for name in ("amount", "cap"):
        if getattr(step, name) is not None:
            asks[f"step_{name}"] = Fraction(getattr(step, name))
    inputs = {
        **row.inputs,
        "waterfall": waterfall.id,
        "step": step.name,
        **asks,
        "step_currency": waterfall.currency,
        "received": month.closing.received,
        "opening_received": month.opening.received,
        "taken": month.closing.taken[step.name],
        "opening_taken": month.opening.taken[step.name],
    }
    if step.takes is Takes.PERCENT_OF_REMAINING:
        inputs["remained"] = month.there[step.name]
    if step.taken_before:
        inputs["taken_before"] = Fraction(step.taken_before)
    if month.closing.since:
        inputs["since"] = month.closing.since
    return Line(
        step.taker or PLATFORM,
        row.title,
        row.territory,
        row.model,
        row.currency,
        None,
        row.net,
        part,
        NOTHING,
        NOTHING,
        base,
        rate,
        base * rate,
        inputs,
    )


def check_waterfalls(
    terms: Terms, before: Mapping[str, WaterfallBalance], book: Book, problems: Problems
) -> None:
    """Note what is wrong with waterfalls by themselves, and beside deals, accounts and what was carried."""
    names: set[str] = set()
    ids = {waterfall.id for waterfall in terms.waterfalls}
    gone = {one.title: id_ for id_, one in before.items() if one.received and id_ not in ids}
    for waterfall in terms.waterfalls:
        where, of = f"waterfall {waterfall.id}", about("waterfalls", id=waterfall.id)
        if waterfall.id in names:
            problems.add(f"two waterfalls are called {waterfall.id}; give one another id", of)
        names.add(waterfall.id)
        if not book.knows(waterfall.title):
            problems.add(
                f"{where} is of {waterfall.title}, which has no deal; correct the name, add a deal, or name "
                "it among the platform's own titles",
                of,
            )
        if not is_currency(waterfall.currency):
            problems.add(
                f"{where}: {waterfall.currency!r} is no currency; write an ISO 4217 code, such as INR", of
            )
        carried = before.get(waterfall.id)
        if carried is not None and carried.title != waterfall.title:
            problems.add(
                f"{where} is of {waterfall.title}, and what is carried under its name is of {carried.title}; "
                "give it another id",
                of,
            )
        elif carried is not None and carried.currency != waterfall.currency:
            problems.add(
                f"{where} is in {waterfall.currency}, and what it has received is carried in "
                f"{carried.currency}; leave its currency, or give it another id",
                of,
                about("before", waterfall=waterfall.id),
            )
        if carried is None and waterfall.title in gone:
            problems.add(
                f"{where} is new, and what {waterfall.title} has received is carried by waterfall "
                f"{gone[waterfall.title]}; keep its id",
                of,
            )
        for problem in step_problems(waterfall.steps):
            problems.add(f"{where}: {problem}", of)
        for problem in _taker_problems(waterfall.steps, book):
            problems.add(f"{where}: {problem}", of)


def _taker_problems(steps: Iterable[Step], book: Book) -> Iterable[str]:
    for step in steps:
        account = None if step.account is None else book.accounts.get(step.account)
        if step.taker is None:
            yield f"step {step.name} has no taker; write a holder's name, or {PLATFORM}"
        elif step.taker.casefold() in NOT_HOLDERS and step.taker != PLATFORM:
            yield f"step {step.name}: no holder may be called {step.taker}; write {PLATFORM}, or another name"
        elif step.taker == PLATFORM and step.account is not None:
            yield f"step {step.name} is the platform's, which has no account; leave the account out"
        elif step.account is not None and account is None:
            yield f"step {step.name} names the account {step.account}, which is not in the terms; add it"
        elif account is not None and account.holder != step.taker:
            yield (
                f"step {step.name} of {step.taker} names the account {account.id}, which is "
                f"{account.holder}'s; what one holder takes never pays another's advance"
            )
