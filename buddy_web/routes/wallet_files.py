"""A wallet's statement as a file: one row for each kind that an entry moved, newest first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from buddy_core.kernel.canonical import instant_text
from buddy_core.views.wallet_lines import LedgerLine
from buddy_web.routes.statement_files import safe_cell

PAGE = 500
"""Entries that are read at once, and held in memory while a file is sent."""
MEDIA_TYPE = "text/csv"
COLUMNS = (
    "number", "reference", "effective_at", "recorded_at", "operation", "kind", "tokens", "held",
    "balance_after", "title_type", "title_id", "title", "source", "rule_version", "corrects", "hold_until",
)  # fmt: skip
"""Their names and order stay; new ones are added at the end. Instants are UTC, numbers whole."""


def csv_head() -> bytes:
    """Return the first row, in UTF-8 marked as spreadsheets need it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow(COLUMNS)
    return out.getvalue().encode("utf-8-sig")


def csv_rows(lines: Iterable[LedgerLine]) -> bytes:
    """Return the rows of entries; one that moved nothing has a row without a kind."""
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, COLUMNS, restval="")
    for line in lines:
        common = _common(line)
        for kind in sorted({*line.tokens, *line.held}):
            rows.writerow(
                {
                    **common,
                    "kind": safe_cell(kind),
                    "tokens": line.tokens.get(kind, 0),
                    "held": line.held.get(kind, 0),
                    "balance_after": line.after.get(kind, 0),
                }
            )
        if not line.tokens and not line.held:
            rows.writerow(common)
    return out.getvalue().encode()


def _common(line: LedgerLine) -> Mapping[str, object]:
    title = line.title
    return {
        "number": line.number,
        "reference": line.reference,
        "effective_at": instant_text(line.at),
        "recorded_at": instant_text(line.recorded_at),
        "operation": line.operation,
        "title_type": title.type.value if title else "",
        "title_id": safe_cell(title.short_id) if title else "",
        "title": safe_cell(title.name) if title else "",
        "source": safe_cell(line.source),
        "rule_version": "" if line.rule_version is None else line.rule_version,
        "corrects": line.corrects.reference if line.corrects else "",
        "hold_until": instant_text(line.hold_until) if line.hold_until else "",
    }
