"""A month's statements: exact shares, one rounding, and not a minor unit lost."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from buddy_core.kernel import GENESIS, EntityId, EntryId, LicenceId, PartnerId, chain_hash, month
from buddy_core.royalty import (
    PLATFORM,
    Month,
    PublicNames,
    Statement,
    TermsProblems,
    TokenSpend,
    TokenTerms,
    seal,
    state_month,
    statement_body,
    stored_bytes,
)
from tests.contracts.cases import NEWTACT, title, uid

PERIOD = month("2026-11", "Asia/Kolkata")
NOVEMBER = Month("2026-11", NEWTACT, "Asia/Kolkata", PERIOD)
TICK = timedelta(microseconds=1)
NAMES = PublicNames(
    {title(1): "film/t9k1", title(2): "film/t9k2"},
    {str(PartnerId(uid(number))): f"pr{number}" for number in range(90, 130)},
)


def holder(number: int) -> PartnerId:
    """Return a partner id."""
    return PartnerId(uid(100 + number))


def fact(number: int, tokens: int = 2, **changes: Any) -> TokenSpend:
    """Return a fact of tokens worth 50 paise each."""
    values: dict[str, Any] = {
        "entry_id": EntryId(uid(number)),
        "kind": "bonus",
        "tokens": tokens,
        "version": 1,
        "currency": "INR",
        "value": Fraction(50) * tokens,
        "title_id": title(1),
        "entity": NEWTACT,
        "country": "IN",
        "at": PERIOD.start + timedelta(hours=number),
    }
    return TokenSpend(**{**values, **changes})


def term(number: int, share: Fraction = Fraction(3, 5), **changes: Any) -> TokenTerms:
    """Return worldwide terms of a partner on title 1."""
    values: dict[str, Any] = {
        "licence_id": LicenceId(uid(500 + number)),
        "title_id": title(1),
        "holder": holder(number),
        "share": share,
        "territories": ("*",),
        "excluded": (),
        "starts_at": PERIOD.start - timedelta(days=300),
        "ends_at": None,
    }
    return TokenTerms(**{**values, **changes})


def payable(statements: tuple[Statement, ...]) -> dict[str, int]:
    """Return what each holder is paid."""
    return {item.holder: item.payable for item in statements}


def test_a_month_is_shared_by_its_terms() -> None:
    """Three tokens at 50 paise with a share of 60 %: 90 to the producer, 60 to the platform, no rounding."""
    statements = state_month(NOVEMBER, [fact(1, 2), fact(2, 1)], [term(1)])
    assert payable(statements) == {str(holder(1)): 90, PLATFORM: 60}
    [line] = statements[0].lines
    assert (line.tokens, line.unit_value, line.value, line.share, line.amount) == (
        3,
        Fraction(50),
        Fraction(150),
        Fraction(3, 5),
        Fraction(90),
    )
    assert line.licence_id == uid(501)
    platform = statements[-1]
    assert platform.reconciliation is not None
    assert (platform.reconciliation.rounded, platform.reconciliation.rounding) == (150, 0)
    assert (platform.reconciliation.holders, platform.reconciliation.platform) == (90, 60)


def test_a_month_is_rounded_half_up_once() -> None:
    """An exact month of 12.5 becomes 13; the difference stands on the platform's statement as rounding."""
    spends = [fact(1, 1, value=Fraction(25, 4)), fact(2, 1, value=Fraction(25, 4), kind="paid")]
    statements = state_month(NOVEMBER, spends, [term(1, Fraction(1, 2))])
    assert sum(payable(statements).values()) == 13
    reconciliation = statements[-1].reconciliation
    assert reconciliation is not None
    assert (reconciliation.value, reconciliation.rounded, reconciliation.rounding) == (
        Fraction(25, 2),
        13,
        Fraction(1, 2),
    )
    assert sum(item.rounding for item in statements) == Fraction(1, 2)


def test_a_tie_goes_to_the_smaller_share_then_id_platform_last() -> None:
    """A spare unit between equal fractions goes to the smaller share, then smaller id, platform last."""
    equal = [term(1, Fraction(1, 3)), term(2, Fraction(1, 3))]
    statements = state_month(NOVEMBER, [fact(1, 1, value=Fraction(100))], equal)
    assert payable(statements) == {str(holder(1)): 34, str(holder(2)): 33, PLATFORM: 33}
    statements = state_month(NOVEMBER, [fact(1, 1, value=Fraction(101))], equal)
    assert payable(statements) == {str(holder(1)): 34, str(holder(2)): 34, PLATFORM: 33}
    uneven = [term(1, Fraction(5, 8)), term(2, Fraction(3, 8))]
    statements = state_month(NOVEMBER, [fact(1, 1, value=Fraction(4))], uneven)
    assert payable(statements) == {str(holder(1)): 2, str(holder(2)): 2, PLATFORM: 0}


def test_terms_hold_where_and_when_they_say() -> None:
    """Outside its countries or its half-open time a licence takes nothing: the platform has it all."""
    terms = [
        term(1, territories=("*",), excluded=("CN",), ends_at=PERIOD.start + timedelta(hours=3)),
        term(2, territories=("AE",)),
    ]
    spends = [
        fact(1, country="IN"),
        fact(2, country="CN"),
        fact(3, country="IN"),
        fact(4, country="AE"),
        fact(5, country="IN", title_id=title(2)),
    ]
    statements = state_month(NOVEMBER, spends, terms)
    assert payable(statements) == {str(holder(1)): 60, str(holder(2)): 60, PLATFORM: 380}


def test_currencies_have_statements_of_their_own() -> None:
    """Each currency is rounded and split alone, with its own platform statement."""
    spends = [fact(1), fact(2, 3, currency="USD", value=Fraction(9, 5))]
    statements = state_month(NOVEMBER, spends, [term(1)])
    assert [(item.currency, item.holder == PLATFORM, item.payable) for item in statements] == [
        ("INR", False, 60),
        ("INR", True, 40),
        ("USD", False, 1),
        ("USD", True, 1),
    ]


def test_a_month_without_spends_has_no_statement() -> None:
    """Nothing spent, nothing stated."""
    assert state_month(NOVEMBER, [], [term(1)]) == ()


def test_tokens_that_are_worth_nothing_pay_nothing() -> None:
    """A month whose exact value is zero states zero for everybody and divides by nothing."""
    statements = state_month(NOVEMBER, [fact(1, value=Fraction(0))], [term(1)])
    assert payable(statements) == {str(holder(1)): 0, PLATFORM: 0}


def test_what_does_not_fit_is_listed_whole() -> None:
    """Facts of another month or entity and shares above the whole are all named at once."""
    spends = [
        fact(1, at=PERIOD.end),
        fact(2, at=PERIOD.start - TICK),
        fact(3, entity=EntityId("other")),
        fact(4),
        fact(5, at=PERIOD.end - TICK),
    ]
    with pytest.raises(TermsProblems) as refused:
        state_month(NOVEMBER, spends, [term(1), term(2, Fraction(1, 2))])
    problems = refused.value.problems
    assert len(problems) == 4
    assert any("come to 11/10" in problem for problem in problems)
    assert all(any(str(uid(number)) in problem for problem in problems) for number in (1, 2, 3))


def test_a_body_carries_every_input() -> None:
    """From the bytes alone each line can be recomputed; they hold public names only, and never differ."""
    statements = state_month(NOVEMBER, [fact(1), fact(2, 7)], [term(1)])
    body = json.loads(statement_body(statements[0], NAMES))
    [line] = body["lines"]
    assert (line["tokens"], line["value_version"], line["title"]) == (9, 1, "film/t9k1")
    amount = line["tokens"] * Fraction(line["unit_value_minor"]) * Fraction(line["share"])
    assert amount == Fraction(line["amount_minor"])
    assert body["holder"] == "pr101"
    assert (body["entity"], body["month"], body["zone"]) == (NEWTACT, "2026-11", "Asia/Kolkata")
    assert (body["starts_at"], body["ends_at"]) == (
        "2026-10-31T18:30:00.000000Z",
        "2026-11-30T18:30:00.000000Z",
    )
    assert not any(str(internal) in str(body) for internal in (title(1), holder(1), uid(501)))
    again = state_month(NOVEMBER, [fact(2, 7), fact(1)], [term(1)])
    assert [statement_body(item, NAMES) for item in again] == [
        statement_body(item, NAMES) for item in statements
    ]


def test_sealed_statements_are_one_chain() -> None:
    """Each sealed statement's hash covers the one before and every column of its own."""
    statements = state_month(NOVEMBER, [fact(1)], [term(1)])
    sealed = seal(statements, NAMES, PERIOD.end, sequence=4, previous_hash=bytes(range(32)))
    assert [item.sequence for item in sealed] == [5, 6]
    assert [item.previous_hash for item in sealed] == [bytes(range(32)), sealed[0].hash]
    for item in sealed:
        columns = (
            item.entity,
            item.sequence,
            item.month,
            item.holder,
            item.currency,
            item.body,
            item.closed_at,
        )
        assert item.hash == chain_hash(item.previous_hash, stored_bytes(*columns))
    assert seal((), NAMES, PERIOD.end, sequence=0, previous_hash=GENESIS) == ()


SHARES = st.fractions(0, Fraction(1, 3), max_denominator=12)
COUNTRIES = st.sampled_from(["IN", "AE", "CN"])


@st.composite
def months(draw: st.DrawFn) -> tuple[list[TokenSpend], list[TokenTerms]]:
    """Return facts of two titles, kinds, currencies and versions, and up to three terms a title."""
    units = {
        (kind, version, currency): draw(st.fractions(0, 100, max_denominator=9))
        for kind in ("bonus", "paid")
        for version in (1, 2)
        for currency in ("INR", "USD")
    }
    spends = []
    for number in range(draw(st.integers(1, 7))):
        key = draw(st.sampled_from(sorted(units)))
        tokens = draw(st.integers(1, 40))
        kind, version, currency = key
        spends.append(
            fact(
                number,
                tokens,
                kind=kind,
                version=version,
                currency=currency,
                value=units[key] * tokens,
                title_id=title(draw(st.integers(1, 2))),
                country=draw(COUNTRIES),
            )
        )
    terms = [
        term(number, draw(SHARES), title_id=title(on), excluded=draw(st.sampled_from([(), ("CN",)])))
        for on in (1, 2)
        for number in range(draw(st.integers(0, 3)))
    ]
    return spends, terms


@given(months())
def test_all_that_is_paid_is_the_rounded_month(case: tuple[list[TokenSpend], list[TokenTerms]]) -> None:
    """Per currency: payables sum to the value rounded half up; each is near its exact share.

    Near: less than one unit away for the split, and at most half a unit more for the rounding of the month.
    """
    spends, terms = case
    statements = state_month(NOVEMBER, spends, terms)
    for currency in {spend.currency for spend in spends}:
        mine = [item for item in statements if item.currency == currency]
        value = sum((spend.value for spend in spends if spend.currency == currency), Fraction(0))
        rounded = math.floor(value + Fraction(1, 2))
        assert sum(item.payable for item in mine) == rounded
        assert sum((item.exact for item in mine), Fraction(0)) == value
        assert all(item.payable >= 0 for item in mine)
        assert all(abs(item.rounding) < 1 + abs(rounded - value) for item in mine if item.exact)
        for item in mine:
            assert item.exact == sum((line.amount for line in item.lines), Fraction(0))
            assert all(line.tokens * line.unit_value == line.value for line in item.lines)
        platform = mine[-1]
        assert platform.holder == PLATFORM
        assert platform.reconciliation is not None
        assert platform.reconciliation.holders + platform.reconciliation.platform == rounded
        assert platform.reconciliation.value + platform.reconciliation.rounding == rounded


@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_facts_and_terms_makes_no_difference(
    case: tuple[list[TokenSpend], list[TokenTerms]], chance: Any
) -> None:
    """Facts and terms in any order give the same statements, byte for byte."""
    spends, terms = case
    first = [statement_body(item, NAMES) for item in state_month(NOVEMBER, spends, terms)]
    chance.shuffle(spends)
    chance.shuffle(terms)
    assert [statement_body(item, NAMES) for item in state_month(NOVEMBER, spends, terms)] == first


@given(months(), st.integers(0, 6), st.integers(1, 39))
def test_splitting_a_fact_in_two_changes_nothing(
    case: tuple[list[TokenSpend], list[TokenTerms]], which: int, part: int
) -> None:
    """The same tokens told as one fact or as two give the same statements."""
    spends, terms = case
    whole = spends[which % len(spends)]
    assume(part < whole.tokens)
    unit = whole.value / whole.tokens
    halves = [
        evolve(whole, entry_id=EntryId(uid(900 + n)), tokens=tokens, value=unit * tokens)
        for n, tokens in enumerate((part, whole.tokens - part))
    ]
    rest = [spend for spend in spends if spend is not whole]
    assert state_month(NOVEMBER, [*rest, *halves], terms) == state_month(NOVEMBER, spends, terms)


@given(months(), st.integers(1, 30))
def test_a_later_value_version_changes_no_stated_figure(
    case: tuple[list[TokenSpend], list[TokenTerms]], tokens: int
) -> None:
    """Spends under a new version add lines of their own; every line of the old version stays as it was."""
    spends, terms = case
    before = state_month(NOVEMBER, spends, terms)
    new = fact(80, tokens, version=9, value=Fraction(77) * tokens)
    after = state_month(NOVEMBER, [*spends, new], terms)
    old_lines = {(item.holder, line) for item in before for line in item.lines}
    kept = {(item.holder, line) for item in after for line in item.lines if line.version != 9}
    assert kept == old_lines
