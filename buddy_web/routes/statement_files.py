"""A statement as a file: the final bytes as JSON, and rows that add up to the bank's figure as CSV."""

from __future__ import annotations

from buddy_core.kernel.canonical import canonical_bytes, instant_text
from buddy_core.royalty import statement_csv
from buddy_core.views.statement import StatementFile

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def statement_json(file: StatementFile) -> bytes:
    """Return the final bytes of a closed statement, exactly; else the figures so far, marked provisional."""
    if file.stated.closed_at is not None:
        return file.stated.body
    return b'{"as_of":%s,"format":"buddy.provisional-statement/2","statement":%s}' % (
        canonical_bytes(instant_text(file.as_of)),
        file.stated.body,
    )


def statement_rows(file: StatementFile) -> bytes:
    """Return the month with the entity in all its currencies, so that every account adds up."""
    return statement_csv(file.month, file.terms).encode()


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe before what would begin one.

    OWASP names the signs: = + - @, tab and line ends.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
