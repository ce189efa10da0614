"""The film waterfall: ordered steps take from gross until nothing is left, then net profits are shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from attrs import field, frozen

from buddy_core.kernel.allocation import AllocationRule, allocate
from buddy_core.royalty.errors import BadWaterfall, decimal_text
from buddy_core.royalty.model.waterfalls import Step, Takes
from buddy_core.royalty.rules.pieces.figures import Exact, Figure, checked, figure, half_up


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
    problems = [*step_problems(ordered), *_net_problems(percents)]
    if problems:
        raise BadWaterfall(tuple(problems))
    minor = max(0, half_up(money))
    net = Figure(max(Fraction(0), money), minor)
    runs: list[StepTaken] = []
    takers: dict[str, Figure] = {}
    for step, ran in zip(ordered, run_exactly(money, ordered), strict=True):
        whole = minor if not ran.left else min(half_up(ran.taken), minor)
        minor -= whole
        found, net = Figure(ran.taken, whole), Figure(ran.left, minor)
        owed = figure(ran.asked - ran.taken if step.takes is Takes.RECOUP else Fraction(0))
        runs.append(StepTaken(step, figure(ran.asked), found, net, owed))
        _add(takers, step.taker or step.name, found)
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


class Ran(NamedTuple):
    """What a step asked for, took and left; exact."""

    asked: Fraction
    taken: Fraction
    left: Fraction


def run_exactly(gross: Fraction, steps: Iterable[Step]) -> list[Ran]:
    """Return what each step takes of a gross; of less than nothing none takes.

    More gross is more, or the same, for every step and for what is left.
    """
    left = gross = max(Fraction(0), gross)
    found: list[Ran] = []
    for step in steps:
        asked = _asked(step, gross, left)
        taken = min(asked, left)
        left -= taken
        found.append(Ran(asked, taken, left))
    return found


def _asked(step: Step, gross: Fraction, left: Fraction) -> Fraction:
    rate, before = Fraction(step.percent) / 100, Fraction(step.taken_before)
    if step.takes is Takes.RECOUP:
        return max(Fraction(0), Fraction(step.amount or 0) * rate - before)
    bases = {Takes.PERCENT_OF_GROSS: gross, Takes.PERCENT_OF_REMAINING: left}
    asked = Fraction(step.amount or 0) if step.takes is Takes.FIXED else bases[step.takes] * rate
    return asked if step.cap is None else min(asked, max(Fraction(0), step.cap - before))


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


def step_problems(steps: Sequence[Step]) -> Iterable[str]:
    """Return what is wrong with steps; each problem begins with the place of its step."""
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
