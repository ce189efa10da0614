"""From a month's token spends and terms to statements that add up to the last minor unit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from buddy_core.kernel.allocation import AllocationRule, allocate
from buddy_core.kernel.canonical import canonical_bytes, chain_hash
from buddy_core.kernel.countries import country
from buddy_core.kernel.ids import LicenceId, TitleId
from buddy_core.kernel.periods import month_of
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.errors import TermsProblems
from buddy_core.royalty.model.months import (
    PLATFORM,
    Month,
    PublicNames,
    Reconciliation,
    Statement,
    StatementLine,
    StoredStatement,
    TokenSpend,
    TokenTerms,
)


class _Key(NamedTuple):
    """What a statement line is about; spends that agree in all of it share a line, and so do refunds."""

    currency: str
    holder: str
    title_id: TitleId
    licence_id: LicenceId | None
    share: Fraction
    kind: str
    version: int
    refund_of: str
    """The month of the spend on a line of refunds; empty on one of spends."""


def state_month(
    month: Month, spends: Iterable[TokenSpend], terms: Iterable[TokenTerms]
) -> tuple[Statement, ...]:
    """Return a statement per currency and holder, and the platform's with the reconciliation.

    Per currency the month's exact value is rounded half up once and split by
    largest remainder over the exact shares; ties go to the smaller exact share,
    then to the smaller holder id, the platform last. The order of the facts
    makes no difference. A month without facts has no statement.

    A refund is shared by the terms of its spend, and has a line of its own; a month in
    which more was refunded than spent comes to less than nothing.

    Raises:
        TermsProblems: a spend outside the month, or shares above the whole.
    """
    by_title = _by_title(terms)
    totals: dict[_Key, list[TokenSpend]] = defaultdict(list)
    problems: set[str] = set()
    for spend in spends:
        if spend.entity != month.entity or not month.period.contains(spend.at):
            problems.add(f"spend {spend.entry_id} is not of {month.entity} in {month.name}")
            continue
        left = Fraction(1)
        for term in by_title.get(spend.title_id, ()):
            if _applies(term, spend):
                left -= term.share
                totals[_key(month, spend, str(term.holder), term.licence_id, term.share)].append(spend)
        if left < 0:
            problems.add(
                f"the shares of title {spend.title_id} in {spend.country} come to {1 - left}, above 1"
            )
        if left > 0:
            totals[_key(month, spend, PLATFORM, None, left)].append(spend)
    if problems:
        raise TermsProblems(tuple(sorted(problems)))
    lines = {key: _line(key, totals[key]) for key in sorted(totals, key=_line_order)}
    currencies = sorted({key.currency for key in lines})
    return tuple(
        statement
        for currency in currencies
        for statement in _state_currency(month, currency, _by_holder(lines, currency))
    )


def statement_body(statement: Statement, names: PublicNames) -> bytes:
    """Return a statement's final bytes: canonical JSON with the figures that each line was computed from.

    The same facts, terms and names give the same bytes, whenever it is run; so names
    must be ones that never change, such as published short ids.
    """
    month = statement.month
    rules = {
        "line": "tokens x unit_value x share",
        "month": "exact value of the month rounded half up once",
        "split": "largest remainder; ties to the smaller exact share, then holder id, platform last",
    }
    if any(line.refund_of is not None for line in statement.lines):
        rules["refunds"] = "value, terms and share of the spend, taken back in the month of the refund"
    return canonical_bytes(
        {
            "format": "buddy.statement/1",
            "entity": month.entity,
            "month": month.name,
            "zone": month.zone,
            "starts_at": month.period.start,
            "ends_at": month.period.end,
            "holder": PLATFORM if statement.holder == PLATFORM else names.holders[statement.holder],
            "currency": statement.currency,
            "lines": [_line_body(line, names) for line in statement.lines],
            "exact_minor": statement.exact,
            "payable_minor": statement.payable,
            "rounding_minor": statement.rounding,
            "rules": rules,
            "reconciliation": statement.reconciliation,
        }
    )


def seal(
    statements: Sequence[Statement],
    names: PublicNames,
    at: datetime,
    *,
    sequence: int,
    previous_hash: bytes,
) -> tuple[StoredStatement, ...]:
    """Chain statements after the entity's last one, which had `sequence` and `previous_hash`."""
    sealed: list[StoredStatement] = []
    for number, statement in enumerate(statements, start=sequence + 1):
        body = statement_body(statement, names)
        month, holder, currency = statement.month, statement.holder, statement.currency
        link = chain_hash(
            previous_hash, stored_bytes(month.entity, number, month.name, holder, currency, body, at)
        )
        sealed.append(
            StoredStatement(month.entity, number, month.name, holder, currency, body, at, previous_hash, link)
        )
        previous_hash = link
    return tuple(sealed)


def stored_bytes(
    entity: str, sequence: int, month: str, holder: str, currency: str, body: bytes, closed_at: datetime
) -> bytes:
    """Return what a stored statement's hash covers besides the hash before it: every column."""
    return canonical_bytes([entity, sequence, month, holder, currency, body, closed_at])


def split_rounded(rounded: int, exact: Sequence[Fraction]) -> tuple[int, ...]:
    """Split a rounded sum over the exact amounts that it was rounded from, by largest remainder.

    Amounts that are all below zero are the mirror of the same above it. Where there are
    both, each is rounded down, and the units that are left go to the largest fractional
    parts; ties to the earlier. An amount of zero gets nothing.
    """
    if not any(exact):
        return (0,) * len(exact)
    if min(exact) >= 0 or max(exact) <= 0:
        weights = [abs(amount) for amount in exact]
        return allocate(rounded, weights, AllocationRule.LARGEST_REMAINDER).shares
    shares = [math.floor(amount) for amount in exact]
    largest_first = sorted(
        (place for place, amount in enumerate(exact) if amount),
        key=lambda place: shares[place] - exact[place],
    )
    # One unit each is enough where the sum was rounded once; a part of such a sum may be off by more.
    each, spare = divmod(rounded - sum(shares), len(largest_first))
    for count, place in enumerate(largest_first):
        shares[place] += each + (count < spare)
    return tuple(shares)


def _line_body(line: StatementLine, names: PublicNames) -> dict[str, Any]:
    body = {
        "title": names.titles[line.title_id],
        "kind": line.kind,
        "value_version": line.version,
        "tokens": line.tokens,
        "unit_value_minor": line.unit_value,
        "value_minor": line.value,
        "share": line.share,
        "amount_minor": line.amount,
    }
    # Told where there is something to tell: the bytes of statements without refunds stay what they were.
    return body if line.refund_of is None else {**body, "refund_of": line.refund_of}


def _by_title(terms: Iterable[TokenTerms]) -> Mapping[TitleId, list[TokenTerms]]:
    found: dict[TitleId, list[TokenTerms]] = defaultdict(list)
    for term in terms:
        found[term.title_id].append(term)
    return found


def _applies(term: TokenTerms, spend: TokenSpend) -> bool:
    at = spend.terms_at
    in_time = term.starts_at <= at and (term.ends_at is None or at < term.ends_at)
    place = country(spend.country)
    named = place in term.territories or "*" in term.territories
    return in_time and named and place not in term.excluded


def _key(month: Month, spend: TokenSpend, holder: str, licence: LicenceId | None, share: Fraction) -> _Key:
    refund_of = "" if spend.spent_at is None else month_of(spend.spent_at, month.zone)
    return _Key(spend.currency, holder, spend.title_id, licence, share, spend.kind, spend.version, refund_of)


def _line_order(key: _Key) -> tuple[str, str, str, str, Fraction, str, int, str]:
    return (
        key.currency,
        key.holder,
        str(key.title_id),
        str(key.licence_id),
        key.share,
        key.kind,
        key.version,
        key.refund_of,
    )


def _line(key: _Key, spends: Sequence[TokenSpend]) -> StatementLine:
    tokens = sum(spend.tokens for spend in spends)
    value = sum((spend.value for spend in spends), Fraction(0))
    return StatementLine(
        title_id=key.title_id,
        licence_id=key.licence_id,
        kind=key.kind,
        version=key.version,
        tokens=tokens,
        unit_value=value / tokens,
        value=value,
        share=key.share,
        amount=value * key.share,
        refund_of=key.refund_of or None,
    )


def _by_holder(lines: Mapping[_Key, StatementLine], currency: str) -> dict[str, tuple[StatementLine, ...]]:
    holders: dict[str, list[StatementLine]] = {PLATFORM: []}
    for key, line in lines.items():
        if key.currency == currency:
            holders.setdefault(key.holder, []).append(line)
    return {holder: tuple(found) for holder, found in holders.items()}


def _state_currency(
    month: Month, currency: str, holders: Mapping[str, tuple[StatementLine, ...]]
) -> list[Statement]:
    exact = {holder: sum((line.amount for line in lines), Fraction(0)) for holder, lines in holders.items()}
    value = sum(exact.values(), Fraction(0))
    rounded = round_fraction(value, Rounding.HALF_UP)
    order = sorted(exact, key=lambda holder: (abs(exact[holder]), holder == PLATFORM, holder))
    payable = dict(zip(order, split_rounded(rounded, [exact[holder] for holder in order]), strict=True))
    reconciliation = Reconciliation(
        value=value,
        rounded=rounded,
        rounding=rounded - value,
        holders=rounded - payable[PLATFORM],
        platform=payable[PLATFORM],
    )
    return [
        Statement(
            month=month,
            holder=holder,
            currency=currency,
            lines=holders[holder],
            exact=exact[holder],
            payable=payable[holder],
            reconciliation=reconciliation if holder == PLATFORM else None,
        )
        for holder in sorted(exact, key=lambda holder: (holder == PLATFORM, holder))
    ]
