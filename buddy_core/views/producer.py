"""The producer's page: this month in one figure, against the last."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from buddy_core.kernel.money import Money
from buddy_core.views.common import TitleType

MonthState = Literal["running", "ended", "closed"]


@frozen
class MonthFigure:
    """A month (`2026-10`) and what it came to; provisional until `closed`."""

    month: str
    amount: Money
    state: MonthState


@frozen
class ModelFigure:
    """What one way of earning brought in the month: `token_bonus`, `token_paid`, ..."""

    model: str
    amount: Money
    units: int


@frozen
class TitleFigure:
    """One title's month; `line` names its explanation under `/producer/<month>/why/<line>`."""

    line: str
    title: str
    type: TitleType
    unlocks: int
    tokens: int
    amount: Money
    poster_url: str | None = None


@frozen
class ProducerPage:
    """One producer in one currency; `months` run from the oldest to the newest."""

    producer: str
    currency: str
    month: MonthFigure
    last: MonthFigure | None = None
    months: tuple[MonthFigure, ...] = ()
    models: tuple[ModelFigure, ...] = ()
    titles: tuple[TitleFigure, ...] = ()
    currencies: tuple[str, ...] = ()
