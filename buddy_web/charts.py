"""The numbers behind the small SVG charts: whole units, so that a template only draws them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from attrs import frozen

from buddy_core.views import ModelFigure, MonthFigure


@frozen
class Bar:
    """One column of a chart that is `height` units high, y growing downwards."""

    figure: MonthFigure
    x: int
    y: int
    width: int
    height: int


@frozen
class Share:
    """One part of a bar that is `width` units wide."""

    figure: ModelFigure
    x: int
    width: int
    share: Fraction


def bars(months: Sequence[MonthFigure], height: int = 100, step: int = 60, width: int = 36) -> list[Bar]:
    """Return one column a month, the tallest as high as the chart; a nought keeps a line of two units."""
    top = max((figure.amount.minor for figure in months), default=0)
    found = []
    for index, figure in enumerate(months):
        tall = max(2, figure.amount.minor * height // top) if top > 0 else 2
        found.append(Bar(figure, index * step + (step - width) // 2, height - tall, width, tall))
    return found


def shares(models: Sequence[ModelFigure], width: int = 1000) -> list[Share]:
    """Return each model's part of the whole, side by side; parts of nothing are left out."""
    # What was refunded beyond what came in is no part of a bar.
    total = sum(max(0, figure.amount.minor) for figure in models)
    found: list[Share] = []
    done = 0
    for figure in models:
        if total <= 0 or figure.amount.minor <= 0:
            continue
        end = (done + figure.amount.minor) * width // total
        start = done * width // total
        found.append(Share(figure, start, end - start, Fraction(figure.amount.minor, total)))
        done += figure.amount.minor
    return found


def change(now: MonthFigure, before: MonthFigure | None) -> Fraction | None:
    """Return the change against the month before as a share of it; None where there is nothing to compare."""
    if before is None or before.amount.minor <= 0 or before.amount.currency != now.amount.currency:
        return None
    return Fraction(now.amount.minor - before.amount.minor, before.amount.minor)
