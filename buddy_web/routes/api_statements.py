"""The API's statements of a producer."""

from __future__ import annotations

from typing import Any

from buddy_core.catalog import ProducerNotFound
from buddy_core.kernel import money
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.views.errors import StatementNotFound
from buddy_core.views.stated import StatedLine
from buddy_core.views.statement import StatementFile, StatementSummary, StatementWanted
from buddy_web.app import web
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
    errors=(ProducerNotFound, ProducerNotNamed, StatementNotFound, InvalidMonth),
)
def statement(path: schema.MonthPath, query: schema.StatementQuery) -> dict[str, Any]:
    """Return a month's statement; provisional until it is closed."""
    w = web()
    partner = partner_of(w, current_actor(), query.producer)
    wanted = StatementWanted(partner, path.month, query.currency, query.entity)
    file: StatementFile = w.call(w.container.statement_file, current_actor(), wanted)
    return _statement(file).model_dump(mode="json")


def _summary(item: StatementSummary, producer: str | None) -> schema.StatementSummary:
    base = f"/producer/{item.month}/statement"
    query = f"?currency={item.amount.currency}&entity={item.entity}"
    query += f"&producer={producer}" if producer else ""
    return schema.StatementSummary(
        month=item.month,
        entity=item.entity,
        payable=Money.of(item.amount),
        closed_at=item.closed_at,
        digest=item.digest,
        json_url=f"{base}.json{query}",
        csv_url=f"{base}.csv{query}",
    )


def _statement(file: StatementFile) -> schema.Statement:
    stated = file.stated
    return schema.Statement(
        month=stated.month,
        entity=stated.entity,
        producer=file.producer.short_id,
        currency=stated.currency,
        state=file.state,
        lines=[_line(line, file) for line in stated.lines],
        exact_minor=stated.exact,
        rounding_minor=stated.rounding,
        payable=Money.of(money.Money(stated.payable, stated.currency)),
        closed_at=stated.closed_at,
        digest=stated.digest,
    )


def _line(line: StatedLine, file: StatementFile) -> schema.StatementLine:
    title = file.titles[line.title]
    return schema.StatementLine(
        title_type=title.type.value,
        title_id=title.short_id,
        title=title.name,
        kind=line.kind,
        value_version=line.version,
        tokens=line.tokens,
        unit_value_minor=line.unit_value,
        value_minor=line.value,
        share=line.share,
        amount_minor=line.amount,
        refund_of=line.refund_of,
    )
