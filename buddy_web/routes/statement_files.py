"""A statement as a file: the final bytes as JSON, and one row a line as CSV."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from buddy_core.kernel.canonical import canonical_bytes, instant_text
from buddy_core.kernel.currencies import minor_digits
from buddy_core.views.statement import StatementFile

COLUMNS = (
    "row", "state", "month", "entity", "producer", "currency", "title_type", "title_id", "title", "kind",
    "value_version", "tokens", "unit_value_minor", "unit_value", "value_minor", "value", "share",
    "share_decimal", "amount_minor", "amount", "refund_of",
)  # fmt: skip
"""`share` and the columns in `_minor` are exact fractions; the others decimals, money in major units."""
_DECIMALS = 12
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def statement_json(file: StatementFile) -> bytes:
    """Return the final bytes of a closed statement, exactly; else the figures so far, marked provisional."""
    if file.stated.closed_at is not None:
        return file.stated.body
    return b'{"as_of":%s,"format":"buddy.provisional-statement/1","statement":%s}' % (
        canonical_bytes(instant_text(file.as_of)),
        file.stated.body,
    )


def statement_csv(file: StatementFile) -> bytes:
    """Return one row a line, then the rounding and what is paid; UTF-8 marked as spreadsheets need it."""
    stated = file.stated
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, COLUMNS, restval="")
    rows.writeheader()
    common = {
        "state": "closed" if stated.closed_at else "provisional",
        "month": stated.month,
        "entity": stated.entity,
        "producer": safe_cell(file.producer.name),
        "currency": stated.currency,
    }
    for line in stated.lines:
        title_type, _, title_id = line.title.partition("/")
        title = file.titles.get(line.title)
        rows.writerow(
            {
                **common,
                "row": "line",
                "refund_of": line.refund_of or "",
                "title_type": title_type,
                "title_id": safe_cell(title_id),
                "title": safe_cell(title.name if title else ""),
                "kind": line.kind,
                "value_version": line.version,
                "tokens": line.tokens,
                "share": fraction_text(line.share),
                "share_decimal": decimal_text(line.share),
                **_money("unit_value", line.unit_value, stated.currency),
                **_money("value", line.value, stated.currency),
                **_money("amount", line.amount, stated.currency),
            }
        )
    rows.writerow({**common, "row": "rounding", **_money("amount", stated.rounding, stated.currency)})
    rows.writerow({**common, "row": "payable", **_money("amount", Fraction(stated.payable), stated.currency)})
    return out.getvalue().encode("utf-8-sig")


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe before what would begin one.

    OWASP names the signs: = + - @, tab and line ends.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def fraction_text(value: Fraction) -> str:
    """Return an exact number as `n/d`."""
    return f"{value.numerator}/{value.denominator}"


def decimal_text(value: Fraction) -> str:
    """Return a number in decimals: all of them where they end within twelve, else rounded half up there."""
    with localcontext(prec=80):
        exact = Decimal(value.numerator) / Decimal(value.denominator)
        rounded = exact.quantize(Decimal(1).scaleb(-_DECIMALS), rounding=ROUND_HALF_UP)
        whole, _, part = f"{rounded:f}".partition(".")
        part = part.rstrip("0")
        return f"{whole}.{part}" if part else whole


def _money(name: str, minor: Fraction, currency: str) -> dict[str, str]:
    major = minor / 10 ** minor_digits(currency)
    return {f"{name}_minor": fraction_text(minor), name: decimal_text(major)}
