"""The API's statements of a producer."""

from __future__ import annotations

import hashlib
from typing import Any

from buddy_core.catalog import ProducerNotFound
from buddy_core.kernel import money
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.royalty import AccountBalance, AccountShare, BeingWorkedOut, Line, Settlement
from buddy_core.views.account_figures import held_in
from buddy_core.views.errors import StatementChanged, StatementNotFound
from buddy_core.views.producer import title_type
from buddy_core.views.statement import StatementFile, StatementSummary, StatementWanted, shown_title
from buddy_web.app import web
from buddy_web.errors import InvalidRequest
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.routes.producer import READ, ProducerNotNamed, partner_of
from buddy_web.schemas import statements as schema
from buddy_web.schemas.common import Money

api = Api("statements", "What a producer has earned, month by month.")


@api.get(
    "/producer/statements", may=READ, answer=schema.Statements, errors=(ProducerNotFound, ProducerNotNamed)
)
def statements(query: schema.StatementsQuery) -> dict[str, Any]:
    """Return the closed statements, newest month first."""
    w = web()
    partner = partner_of(w, current_actor(), query.producer)
    found: tuple[StatementSummary, ...] = w.call(w.container.list_statements, current_actor(), partner)
    answer = schema.Statements(statements=[_summary(item, query.producer) for item in found])
    return answer.model_dump(mode="json")


@api.get(
    "/producer/statements/<month>",
    may=READ,
    answer=schema.Statement,
    errors=(
        ProducerNotFound,
        ProducerNotNamed,
        StatementNotFound,
        StatementChanged,
        InvalidMonth,
        BeingWorkedOut,
    ),
)
def statement(path: schema.MonthPath, query: schema.LinesQuery) -> dict[str, Any]:
    """Return a month's statement with a page of its lines; provisional until it is closed.

    The file at `json_url` has all lines at once.
    """
    w = web()
    partner = partner_of(w, current_actor(), query.producer)
    wanted = StatementWanted(partner, path.month, query.currency, query.entity)
    file: StatementFile = w.call_long(w.container.statement_file, current_actor(), wanted)
    start = _place(query.cursor, file)
    return _statement(file, start, query.limit).model_dump(mode="json")


def _place(cursor: str | None, file: StatementFile) -> int:
    """Return after how many lines a page begins; a cursor names the figures that it belongs to.

    Raises:
        StatementChanged: they are others by now.
        InvalidRequest: it is no place among the lines.
    """
    if cursor is None:
        return 0
    place, _, figures = cursor.partition("-")
    if figures != _figures(file):
        raise StatementChanged(file.stated.month)
    if int(place) >= len(file.stated.lines):
        raise InvalidRequest(({"field": "cursor", "problem": "is no place in this list"},))
    return int(place)


def _figures(file: StatementFile) -> str:
    return hashlib.sha256(file.stated.body).hexdigest()[:16]


def _summary(item: StatementSummary, producer: str | None) -> schema.StatementSummary:
    base = f"/producer/{item.month}/statement"
    query = f"?currency={item.earned.currency}&entity={item.entity}"
    query += f"&producer={producer}" if producer else ""
    return schema.StatementSummary(
        month=item.month,
        entity=item.entity,
        earned=Money.of(item.earned),
        payable=Money.of(item.payable),
        closed_at=item.closed_at,
        digest=item.digest,
        json_url=f"{base}.json{query}",
        csv_url=f"{base}.csv{query}",
    )


def _statement(file: StatementFile, start: int, limit: int) -> schema.Statement:
    stated, end = file.stated, start + limit
    return schema.Statement(
        month=stated.month,
        entity=stated.entity,
        producer=file.producer.short_id,
        currency=stated.currency,
        state=file.state,
        lines=[_line(line, file) for line in stated.lines[start:end]],
        line_count=len(stated.lines),
        next_cursor=f"{end}-{_figures(file)}" if end < len(stated.lines) else None,
        exact=stated.statement.exact,
        rounding=stated.statement.rounding,
        earned=Money.of(money.Money(stated.earned, stated.currency)),
        shares=[_share(item) for item in stated.statement.shares],
        settlements=[_settlement(item) for item in stated.statement.settlements],
        payable=Money.of(money.Money(stated.payable, stated.currency)),
        closed_at=stated.closed_at,
        digest=stated.digest,
    )


def _line(line: Line, file: StatementFile) -> schema.StatementLine:
    _, _, short_id = line.title.partition("/")
    return schema.StatementLine(
        title_type=title_type(line.title),
        title_id=short_id,
        title=shown_title(line.title, file.titles),
        territory=line.territory,
        model=line.model.value,
        deal=line.deal,
        step=line.step or None,
        net=line.net,
        part=line.part,
        fee=line.fee,
        expenses=line.expenses,
        base=line.base,
        rate=line.rate,
        amount=line.amount,
        inputs=dict(line.inputs),
        adjusts=line.adjusts or None,
        rules=line.rules,
    )


def _share(item: AccountShare) -> schema.StatementShare:
    return schema.StatementShare(
        account=item.account,
        adjusts=item.adjusts or None,
        minor=item.minor,
        rate=item.rate,
        amount=item.amount,
    )


def _settlement(item: Settlement) -> schema.StatementSettlement:
    return schema.StatementSettlement(
        account=item.account,
        currency=item.currency,
        opening=_balance(item.opening),
        earned=item.earned,
        steps=[
            schema.StatementStep(name=step.name, amount=step.amount, left=step.left, note=step.note)
            for step in item.steps
        ],
        withheld=item.withheld,
        topped_up=item.topped_up,
        forgiven=item.forgiven,
        payable=item.payable,
        closing=_balance(item.closing),
    )


def _balance(balance: AccountBalance) -> schema.StatementBalance:
    return schema.StatementBalance(
        recouped=balance.recouped,
        carried=balance.carried,
        held=held_in(balance),
        in_term=balance.in_term,
    )
