"""The API's accounting view: what is owed for tokens that members bought."""

from __future__ import annotations

from typing import Any

from flask import Response

from buddy_core.kernel.currencies import NoMinorUnit, UnknownCurrency
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.tokens import AtCost, GivenRoll, LiabilityLine
from buddy_core.views.errors import MonthNotBegun
from buddy_core.views.token_liability import GivenMonth, LiabilityMonth, LiabilityWanted, TokenLiability
from buddy_web.app import web
from buddy_web.operations import Api, File
from buddy_web.permissions import current_actor
from buddy_web.routes import liability_files
from buddy_web.schemas import liability as schema

api = Api("liability", "What is owed for tokens that members bought, by currency and month.")

READ = "period:read"
_ERRORS = (InvalidMonth, MonthNotBegun, InvalidValue, UnknownCurrency, NoMinorUnit)
_CSV = File(
    liability_files.MEDIA_TYPE,
    f"One row a line of each month. Columns: {', '.join(liability_files.COLUMNS)}.",
)


@api.get("/admin/tokens/liability", may=READ, answer=schema.TokenLiability, errors=_ERRORS)
def liability(query: schema.LiabilityQuery) -> dict[str, Any]:
    """Return what is owed for tokens: a roll-forward a currency and month, and counts of promotional ones."""
    found = _found(query)
    answer = schema.TokenLiability(
        month=found.month,
        since=found.since,
        as_of=found.as_of,
        liabilities=[_month(month) for month in found.months],
        promotional=[_given(month, roll) for month in found.given for roll in month.rolls],
        note=liability_files.liability_note(found),
    )
    return answer.model_dump(mode="json")


@api.get("/admin/tokens/liability.csv", may=READ, answer=_CSV, errors=_ERRORS)
def liability_as_csv(query: schema.LiabilityQuery) -> Response:
    """Return the same as a file: rows that add up, one below the other."""
    found = _found(query)
    name = f"token-liability-{found.since}-{found.month}.csv"
    body = liability_files.liability_csv(found)
    response = Response(body, content_type=f"{liability_files.MEDIA_TYPE}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _found(query: schema.LiabilityQuery) -> TokenLiability:
    w = web()
    wanted = LiabilityWanted(query.month, query.since, query.currency)
    found: TokenLiability = w.call(w.container.token_liability, current_actor(), wanted)
    return found


def _month(month: LiabilityMonth) -> schema.LiabilityMonth:
    roll = month.roll
    lines = {line.value: _at_cost(at_cost) for line, at_cost in roll.lines.items()}
    return schema.LiabilityMonth(
        currency=roll.currency,
        month=month.month,
        zone=month.zone,
        state=month.state,
        starts_at=month.starts_at,
        ends_at=month.ends_at,
        opening=_at_cost(roll.opening),
        sold=lines["sold"],
        redeemed=lines["redeemed"],
        expired=lines["expired"],
        reversed=lines["reversed"],
        adjusted=lines["adjusted"],
        breakage_minor=roll.breakage,
        closing=_at_cost(roll.closing),
        recognised_ahead_minor=roll.recognised_ahead,
        on_hold_tokens=roll.on_hold,
        uncollectable=_at_cost(roll.uncollectable),
        revenue_minor=roll.revenue,
        breakage_method=roll.policy.method,
        expected_unredeemed=roll.policy.expected_unredeemed,
        is_entitled=roll.policy.is_entitled,
    )


def _at_cost(at_cost: AtCost) -> schema.AtCost:
    return schema.AtCost(tokens=at_cost.tokens, minor=at_cost.minor)


def _given(month: GivenMonth, roll: GivenRoll) -> schema.PromotionalMonth:
    return schema.PromotionalMonth(
        kind=roll.kind,
        month=month.month,
        zone=month.zone,
        state=month.state,
        opening=roll.opening,
        given=roll.lines[LiabilityLine.SOLD],
        spent=roll.lines[LiabilityLine.REDEEMED],
        expired=roll.lines[LiabilityLine.EXPIRED],
        reversed=roll.lines[LiabilityLine.REVERSED],
        adjusted=roll.lines[LiabilityLine.ADJUSTED],
        closing=roll.closing,
        on_hold=roll.on_hold,
        uncollectable=roll.uncollectable,
    )
