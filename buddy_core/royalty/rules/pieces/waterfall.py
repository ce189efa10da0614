"""The film waterfall: ordered steps take from gross until nothing is left, then net profits are shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fractions import Fraction

from attrs import field, frozen

from buddy_core.kernel.allocation import AllocationRule, allocate
from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty.errors import BadWaterfall, decimal_text
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, half_up


class Takes(Enum):
    """What a step asks for."""

    PERCENT_OF_GROSS = "percent_of_gross"
    PERCENT_OF_REMAINING = "percent_of_remaining"
    FIXED = "fixed"
    """The same amount each time."""
    RECOUP = "recoup"
    """An amount once, over as many runs as it needs; with a percent, that percent of it (equity at 120)."""

    @classmethod
    def _missing_(cls, value: object) -> Takes | None:
        names = ", ".join(kind.value for kind in cls)
        raise InvalidValue("takes", f"{value!r} is not one of {names}")


@frozen
class Step:
    """One step: what it asks for, and who takes it; money in minor units.

    `of_gross`, `of_remaining`, `fixed`, `recoup` and `premium` make one.
    """

    name: str
    takes: Takes = field(converter=Takes)
    percent: Exact = 100
    amount: Exact | None = None
    """Fixed, or to be recouped."""
    cap: Exact | None = None
    """The most it takes over all runs."""
    taken_before: Exact = 0
    """In earlier runs, towards the cap or what is to be recouped."""
    taker: str | None = None
    """Who gets it; without one, the step's own name."""

    @classmethod
    def of_gross(
        cls,
        name: str,
        percent: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
    ) -> Step:
        """Return a step that asks for a percent of the gross, such as an exhibitor's share."""
        return cls(name, Takes.PERCENT_OF_GROSS, percent, None, cap, taken_before, taker)

    @classmethod
    def of_remaining(
        cls,
        name: str,
        percent: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
    ) -> Step:
        """Return a step that asks for a percent of what the steps before it leave."""
        return cls(name, Takes.PERCENT_OF_REMAINING, percent, None, cap, taken_before, taker)

    @classmethod
    def fixed(
        cls,
        name: str,
        amount: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
    ) -> Step:
        """Return a step that asks for an amount in each run."""
        return cls(name, Takes.FIXED, 100, amount, cap, taken_before, taker)

    @classmethod
    def recoup(
        cls, name: str, amount: Exact, recouped_before: Exact = 0, *, taker: str | None = None
    ) -> Step:
        """Return a step that asks for what is left of an amount over all runs, such as debt."""
        return cls(name, Takes.RECOUP, 100, amount, None, recouped_before, taker)

    @classmethod
    def premium(
        cls,
        name: str,
        principal: Exact,
        percent: Exact,
        recouped_before: Exact = 0,
        *,
        taker: str | None = None,
    ) -> Step:
        """Return a step that recoups a percent of a principal over all runs: equity at 120."""
        return cls(name, Takes.RECOUP, percent, principal, None, recouped_before, taker)


@frozen
class StepTaken:
    """What a step asked for, took and left."""

    step: Step
    asked: Figure
    taken: Figure
    left: Figure
    still_owed: Figure
    """Of what it recoups: what later runs still have to bring; of other steps 0."""


@frozen
class Waterfall:
    """A run: what is taken, net profits and what is carried make the gross, exactly and in minor units."""

    gross: Figure
    steps: tuple[StepTaken, ...]
    net_profit: Figure
    """What the last step leaves."""
    net_shares: Mapping[str, Figure] = field(hash=False)
    """Each participant's part of the net profit."""
    unshared: Figure
    """Net profit that no participant has."""
    carried: Figure
    """A gross below zero: nobody takes of it, and it is to be added to the next one."""
    takers: Mapping[str, Figure] = field(hash=False)
    """By participant: all that they take in steps and net profits."""


def run_waterfall(
    gross: Exact, steps: Iterable[Step], net_profit: Mapping[str, Exact] | None = None
) -> Waterfall:
    """Run gross (minor units) through steps in order, and share what is left by percents.

    A step takes what it asks for, and never more than is left. In minor units what it takes
    is rounded half up, never more than is left there either; a step that takes all takes
    all there too. The net profit left in minor units is split by largest remainder, ties to
    the order given, what is unshared last.

    Raises:
        BadWaterfall: names that come twice, or figures that cannot be; all are listed.
        InvalidValue: a float, or anything else that is not exact.
    """
    money, ordered, percents = checked("gross", gross), list(steps), dict(net_profit or {})
    problems = [*_problems(ordered), *_net_problems(percents)]
    if problems:
        raise BadWaterfall(tuple(problems))
    exact, minor = max(Fraction(0), money), max(0, half_up(money))
    runs: list[StepTaken] = []
    takers: dict[str, Figure] = {}
    for step in ordered:
        asked, still = _asked(step, max(Fraction(0), money), exact)
        taken = min(asked, exact)
        whole = minor if taken == exact else min(half_up(taken), minor)
        exact, minor = exact - taken, minor - whole
        found = Figure(taken, whole)
        owed = figure(still - taken if step.takes is Takes.RECOUP else Fraction(0))
        runs.append(StepTaken(step, figure(asked), found, Figure(exact, minor), owed))
        _add(takers, step.taker or step.name, found)
    net = Figure(exact, minor)
    shares, unshared = _net_shares(net, percents)
    for name, share in shares.items():
        _add(takers, name, share)
    return Waterfall(
        gross=figure(money),
        steps=tuple(runs),
        net_profit=net,
        net_shares=shares,
        unshared=unshared,
        carried=figure(min(Fraction(0), money)),
        takers=takers,
    )


def _asked(step: Step, gross: Fraction, left: Fraction) -> tuple[Fraction, Fraction]:
    """Return what a step asks for, and how much of that is owed until it has been taken."""
    rate, before = Fraction(step.percent) / 100, Fraction(step.taken_before)
    if step.takes is Takes.RECOUP:
        owed = max(Fraction(0), Fraction(step.amount or 0) * rate - before)
        return owed, owed
    bases = {Takes.PERCENT_OF_GROSS: gross, Takes.PERCENT_OF_REMAINING: left}
    asked = Fraction(step.amount or 0) if step.takes is Takes.FIXED else bases[step.takes] * rate
    return asked if step.cap is None else min(asked, max(Fraction(0), step.cap - before)), Fraction(0)


def _net_shares(net: Figure, percents: Mapping[str, Exact]) -> tuple[dict[str, Figure], Figure]:
    parts = [Fraction(percent) / 100 for percent in percents.values()]
    weights = [*parts, 1 - sum(parts, Fraction(0))]
    *wholes, rest = allocate(net.minor, weights, AllocationRule.LARGEST_REMAINDER).shares
    amounts = zip(percents, parts, wholes, strict=True)
    return {name: Figure(net.exact * one, whole) for name, one, whole in amounts}, Figure(
        net.exact * weights[-1], rest
    )


def _add(takers: dict[str, Figure], name: str, more: Figure) -> None:
    had = takers.get(name, Figure(Fraction(0), 0))
    takers[name] = Figure(had.exact + more.exact, had.minor + more.minor)


def _problems(steps: Sequence[Step]) -> Iterable[str]:
    names: set[str] = set()
    for number, step in enumerate(steps, start=1):
        where = f"step {number} ({step.name})"
        if step.name in names:
            yield f"{where} has the name of an earlier step"
        names.add(step.name)
        most = None if step.takes is Takes.RECOUP else 100
        percent = checked(f"{where}, percent", step.percent)
        if percent < 0 or (most is not None and percent > most):
            limits = "0 or more" if most is None else f"from 0 to {most}"
            yield f"{where} takes {decimal_text(percent)} percent; write {limits}"
        needs_amount = step.takes in (Takes.FIXED, Takes.RECOUP)
        if needs_amount and step.amount is None:
            yield f"{where} has no amount; write how much it takes"
        if not needs_amount and step.amount is not None:
            yield f"{where} takes a percent, and has an amount as well; write one of them"
        if step.takes is Takes.FIXED and percent != 100:
            yield f"{where} takes an amount, and has a percent as well; write one of them"
        if step.takes is Takes.RECOUP and step.cap is not None:
            yield f"{where} recoups its amount and no more; leave its cap out"
        for name in ("amount", "cap", "taken_before"):
            value = getattr(step, name)
            if value is not None and checked(f"{where}, {name}", value) < 0:
                yield f"{where}: {name} is {value}; write 0 or more"


def _net_problems(percents: Mapping[str, Exact]) -> Iterable[str]:
    values = {name: checked(f"net profit of {name}", percent) for name, percent in percents.items()}
    for name, percent in values.items():
        if percent < 0:
            yield f"{name} has {decimal_text(percent)} percent of the net profit; write 0 or more"
    total = sum(values.values(), Fraction(0))
    if total > 100:
        yield f"the net profit percents come to {decimal_text(total)}; they may make at most 100"
