"""How an amount of a statement came about: of a title, of a model, or of one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from attrs import evolve, frozen

from buddy_core.access import Actor
from buddy_core.catalog import Producer, Title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.digits import fraction_from
from buddy_core.kernel.money import Money
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import PLATFORM, Line, explain, told_inputs
from buddy_core.tax import SellerRoutes
from buddy_core.views.errors import StatementLineNotFound
from buddy_core.views.own_months import currencies_of, state_over
from buddy_core.views.producer import check_sees, model_line, producer_in, stated_of
from buddy_core.views.stated import (
    MonthState,
    Stated,
    earned_by,
    line_name,
    split_over,
    titles_in,
)
from buddy_core.views.statement import (
    NumberedLine,
    StatementTx,
    StatementWanted,
    numbered,
    shown_title,
    wanted_months_in,
)

MOST_EXPLAINED = 12
"""A title with more lines than this lists them; each has its explanation behind it."""
_AMOUNTS = frozenset(
    (
        "gross",
        "tax",
        "refund",
        "chargeback",
        "gateway_fee",
        "pool_net",
        "value",
        "was",
        "was_of",
        "is",
        "is_of",
        "netted",
        "accounts_paid",
        "own",
        "to_all",
        "pool_part",
        "holder_has",
    )
)
_FIRST = (
    "gross", "tax", "refund", "chargeback", "gateway_fee",
    "kind", "tokens", "pool", "pool_net", "method", "accounts", "accounts_paid", "own", "to_all",
    "seconds", "pool_seconds", "was_of", "is_of", "was", "is",
)  # fmt: skip
"""Inputs of a sum in its order."""
_SAID = frozenset(
    (
        "takes",
        "percent",
        "step_amount",
        "step_cap",
        "step_currency",
        "received",
        "opening_received",
        "since",
        "remained",
        "taken",
        "opening_taken",
        "taken_before",
        "left",
    )
)
"""Inputs of a waterfall that the words say, those of a step in its own currency."""
_NUMBERS = frozenset(("tokens", "seconds", "pool_seconds", "count", "of", "accounts"))
_TOLD = ("expenses_", "tier_", "band_", "fx_")
"""What `told_inputs` puts into words begins so."""


@frozen
class WhyInput:
    """What a line was worked out from, by name: an amount in exact minor units, a number, or a text."""

    name: str
    amount: Fraction | None = None
    number: Fraction | None = None
    text: str = ""


@frozen
class WhyLine:
    """One line in full: in words, by its inputs, and as the sum that a person would do by hand.

    `net`, `owned`, `fee`, `expenses`, `base` and `exact` are exact minor units.
    """

    territory: str
    model: str
    adjusts: str
    """On an adjustment: the closed month; its figures are differences, so no sum is shown."""
    words: str
    inputs: tuple[WhyInput, ...]
    net: Fraction
    part: Fraction
    owned: Fraction
    """`net` times `part`."""
    fee: Fraction
    expenses: Fraction
    base: Fraction
    rate: Fraction
    exact: Fraction
    rules: str
    step: str = ""
    """The step of a waterfall that takes it; empty on a deal's line."""
    plan: str = ""


@frozen
class WhyPart:
    """A part of the amount that has an explanation of its own: a title's, or a line's."""

    line: str
    entity: str
    title: str
    territory: str
    model: str
    adjusts: str
    amount: Money


@frozen
class WhyPage:
    """How one amount was computed: `lines` in full, or the `parts` that it is made of.

    `exact` is in minor units; `amount` is what stands in the statement, after the month was
    rounded once and split by largest remainder.
    """

    month: str
    state: MonthState
    producer: str
    currency: str
    entity: str | None
    """The entity that was asked for; None: all of them."""
    title: str | None
    model: str | None
    exact: Fraction
    amount: Money
    lines: tuple[WhyLine, ...] = ()
    parts: tuple[WhyPart, ...] = ()


@frozen
class _Asked:
    """Which lines an amount is of."""

    model: str | None
    title: str | None
    """As in links, such as `film-ab2d`."""
    place: str
    """Of one line: its whole name."""

    @classmethod
    def of(cls, text: str) -> _Asked:
        """Read `film-ab2d`, `film-ab2d.3`, `model-rental` or `model-rental.film-ab2d`."""
        first, _, second = text.partition(".")
        if first.startswith(model_line("")):
            return cls(first.removeprefix(model_line("")), second or None, "")
        return cls(None, first, text if second else "")

    def takes(self, item: NumberedLine) -> bool:
        """Say whether a line is one of those."""
        return (
            self.model in (None, item.line.model.value)
            and self.title in (None, line_name(item.line.title))
            and self.place in ("", item.name)
        )


async def why_page(
    actor: Actor,
    wanted: StatementWanted,
    line: str,
    *,
    uow: UnitOfWork[StatementTx],
    clock: Clock,
    routes: SellerRoutes,
) -> WhyPage:
    """Explain the amount of a title, of one of its lines, of a model, or of a title by one model.

    With no entity named it is what all entities together have of it in the currency.

    Raises:
        StatementNotFound, StatementLineNotFound, InvalidMonth.
    """
    check_sees(actor, wanted.partner)
    asked = _Asked.of(line)
    async with uow.read() as tx:
        producer = await producer_in(tx, wanted.partner)
        months = await wanted_months_in(tx, wanted, routes, clock.now())
        currency = wanted.currency or currencies_of(months, routes)[0]
        stated = stated_of(months, currency)
        found = [(item, those) for item in stated if (those := list(filter(asked.takes, numbered(item))))]
        if not found:
            raise StatementLineNotFound(wanted.month, line)
        titles = await titles_in(tx, [item for item, _ in found])
        lines = [item.line for _, those in found for item in those]
        is_listed = asked.title is None or len(lines) > MOST_EXPLAINED
        return WhyPage(
            month=wanted.month,
            state=state_over([own for own in months if stated_of([own], currency)]),
            producer=producer.name,
            currency=currency,
            entity=wanted.entity,
            title=shown_title(lines[0].title, titles) if asked.title else None,
            model=lines[0].model.value if asked.model or asked.place else None,
            exact=sum((item.amount for item in lines), Fraction(0)),
            amount=Money(sum(_amount(item, those, asked) for item, those in found), currency),
            lines=() if is_listed else tuple(_why(item, producer, titles) for item in lines),
            parts=tuple(_parts(found, asked, titles)) if is_listed else (),
        )


def _amount(stated: Stated, items: Iterable[NumberedLine], asked: _Asked) -> int:
    if asked.model is None:
        return sum(item.minor for item in items)
    by_title = _model_by_title(stated, asked.model)
    return sum(minor for title, minor in by_title.items() if asked.title in (None, line_name(title)))


def _model_by_title(stated: Stated, model: str) -> dict[str, int]:
    """Split what a model earned over its titles."""
    total = earned_by(stated, lambda line: line.model.value)[model]
    lines = [line for line in stated.lines if line.model.value == model]
    return split_over(lines, total, lambda line: line.title)


def _parts(
    found: Sequence[tuple[Stated, list[NumberedLine]]], asked: _Asked, titles: dict[str, Title]
) -> list[WhyPart]:
    if asked.title is None and asked.model is not None:
        return _title_parts([stated for stated, _ in found], asked.model, titles)
    return [
        WhyPart(
            item.name,
            stated.entity,
            shown_title(item.line.title, titles),
            item.line.territory,
            item.line.model.value,
            item.line.adjusts,
            Money(item.minor, stated.currency),
        )
        for stated, items in found
        for item in items
    ]


def _title_parts(stated: Sequence[Stated], model: str, titles: dict[str, Title]) -> list[WhyPart]:
    sums: Counter[str] = Counter()
    for item in stated:
        sums.update(_model_by_title(item, model))
    currency = stated[0].currency
    parts = [
        WhyPart(
            f"{model_line(model)}.{line_name(title)}",
            "",
            shown_title(title, titles),
            "",
            model,
            "",
            Money(minor, currency),
        )
        for title, minor in sums.items()
    ]
    return sorted(parts, key=lambda part: (-part.amount.minor, part.title))


def _why(line: Line, producer: Producer, titles: dict[str, Title]) -> WhyLine:
    # The name of a holder is what the words say; the platform's own is kept for the platform.
    holder = producer.name if producer.name != PLATFORM else producer.short_id
    named = evolve(line, holder=holder, title=shown_title(line.title, titles))
    return WhyLine(
        territory=line.territory,
        model=line.model.value,
        adjusts=line.adjusts,
        words=explain(named),
        inputs=tuple(_inputs(line.inputs)),
        step=line.step,
        net=line.net,
        part=line.part,
        owned=line.net * line.part,
        fee=line.fee,
        expenses=line.expenses,
        base=line.base,
        rate=line.rate,
        exact=line.amount,
        rules=line.rules,
        plan=line.plan,
    )


def _inputs(inputs: Mapping[str, Any]) -> list[WhyInput]:
    """Return the inputs that say something: those of a sum, then the others by name."""
    others = sorted(name for name in inputs.keys() - set(_FIRST) - _SAID if not name.startswith(_TOLD))
    names = [name for name in _FIRST if name in inputs] + others
    found = [_input(name, inputs[name]) for name in names if inputs[name] not in ("", 0, "0")]
    return found + [WhyInput(name, text=text) for name, text in told_inputs(inputs).items()]


def _input(name: str, value: Any) -> WhyInput:
    if name in _AMOUNTS:
        return WhyInput(name, amount=fraction_from(f"{value}"))
    if name in _NUMBERS:
        return WhyInput(name, number=fraction_from(f"{value}"))
    return WhyInput(name, text=str(value))
