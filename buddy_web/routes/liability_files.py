"""What is owed for tokens as a file, and in words where nothing is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from buddy_core.views.token_liability import GivenMonth, LiabilityMonth, LiabilityRow, TokenLiability
from buddy_web.routes.statement_files import safe_cell

MEDIA_TYPE = "text/csv"
COLUMNS = (
    "row", "month", "state", "zone", "currency", "kind", "line", "tokens", "amount_minor", "amount",
)  # fmt: skip
"""`line` rows of a month add up from opening to closing; `note` rows stand beside them.

Their names and order stay; new ones are added at the end. Promotional tokens have a kind and no
currency, and cost nothing.
"""

Cells = dict[str, object]


def liability_csv(found: TokenLiability) -> bytes:
    """Return one row a line of each month; UTF-8 marked as spreadsheets need it."""
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, COLUMNS, restval="")
    rows.writeheader()
    for month in found.months:
        rows.writerows(_bought(month))
    for given in found.given:
        rows.writerows(_given(given))
    return out.getvalue().encode("utf-8-sig")


def liability_note(found: TokenLiability) -> str | None:
    """Say what there is nothing of, and None where there is something."""
    if found.months:
        return None
    if found.currency is not None:
        return f"No tokens had been sold in {found.currency} by the end of {found.month}."
    return f"No tokens had been sold by the end of {found.month}: nothing is owed for any."


def _bought(month: LiabilityMonth) -> Iterator[Cells]:
    common = _common(month) | {"currency": month.roll.currency}
    for row in month.rows:
        yield common | {"row": "line"} | _cells(row)
    yield common | {"row": "note", "line": "on_hold", "tokens": month.roll.on_hold}
    for row in month.notes:
        yield common | {"row": "note"} | _cells(row)


def _given(month: GivenMonth) -> Iterator[Cells]:
    for number, roll in enumerate(month.rolls):
        common = _common(month) | {"kind": safe_cell(roll.kind), "amount_minor": 0, "amount": 0}
        for name, tokens in month.rows:
            yield common | {"row": "line", "line": name, "tokens": tokens[number]}
        yield common | {"row": "note", "line": "on_hold", "tokens": roll.on_hold}
        yield common | {"row": "note", "line": "uncollectable", "tokens": roll.uncollectable}


def _common(month: LiabilityMonth | GivenMonth) -> Cells:
    return {"month": month.month, "state": month.state, "zone": month.zone}


def _cells(row: LiabilityRow) -> Cells:
    return {
        "line": row.name,
        "tokens": "" if row.tokens is None else row.tokens,
        "amount_minor": row.amount.minor,
        "amount": row.amount.major_text(),
    }
