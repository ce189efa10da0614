"""The numbers behind the small SVG charts: whole units, so that a template only draws them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from buddy_core.views import MonthFigure, Progress

_WIDE, _NARROW = 60, 30
"""Units a month: of a few, and of a year, so that either is read on a phone."""
_FEW = 6


@frozen
class Part:
    """One model's part of a column; `fill` is the place of the model among all."""

    fill: int
    y: int
    height: int


@frozen
class Bar:
    """One column of a chart, y growing downwards; its parts lie on each other."""

    figure: MonthFigure
    x: int
    width: int
    parts: tuple[Part, ...]
    top: int
    """Where the highest part ends; the foot of the chart where there is none."""
    is_wide: bool
    """There is room for its amount."""


def bars(months: Sequence[MonthFigure], models: Sequence[str], height: int = 100) -> list[Bar]:
    """Return one column a month, its models on each other, the tallest as high as the chart.

    What a model owes, since more was refunded than came in, is no part of a column.
    """
    top = max((_above_zero(figure) for figure in months), default=0)
    step = _WIDE if len(months) <= _FEW else _NARROW
    width = step * 3 // 5
    found = []
    for place, figure in enumerate(months):
        parts = _parts(figure, models, top, height)
        highest = min((part.y for part in parts), default=height)
        x = place * step + (step - width) // 2
        found.append(Bar(figure, x, width, parts, highest, step == _WIDE))
    return found


def change(now: MonthFigure, before: MonthFigure | None) -> Fraction | None:
    """Return the change against the month before as a share of it; None where there is nothing to compare."""
    if before is None or before.earned.minor <= 0 or before.earned.currency != now.earned.currency:
        return None
    return Fraction(now.earned.minor - before.earned.minor, before.earned.minor)


def covered(progress: Progress) -> Fraction:
    """Return how much of an advance is recouped, or of a guarantee met, from 0 to 1."""
    if progress.total.minor <= 0:
        return Fraction(1)
    return max(Fraction(0), 1 - Fraction(progress.left.minor, progress.total.minor))


def _above_zero(figure: MonthFigure) -> int:
    return sum(max(0, part.amount.minor) for part in figure.models)


def _parts(figure: MonthFigure, models: Sequence[str], top: int, height: int) -> tuple[Part, ...]:
    """Return the parts from the bottom up; ends are rounded, so that nothing lies between two."""
    found: list[Part] = []
    done = 0
    for part in figure.models:
        if part.amount.minor > 0:
            low, high = done * height // top, (done + part.amount.minor) * height // top
            found.append(Part(models.index(part.model), height - high, high - low))
            done += part.amount.minor
    return tuple(found)
