"""Statements as final bytes: they carry every figure, are read again as they were, and form a chain."""

from __future__ import annotations

import json
from fractions import Fraction
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buddy_core.kernel import GENESIS, InvalidValue, chain_hash
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.royalty import (
    PLATFORM,
    Document,
    Facts,
    Model,
    Paid,
    PeriodInput,
    PeriodResult,
    Sale,
    Terms,
    Whose,
    check_statements,
    closing_json,
    explain,
    is_same_statement,
    read_input,
    read_platform,
    read_statement,
    seal,
    state_period,
    statement_bodies,
    statement_csv,
)
from buddy_core.royalty.rules.files.sealing import platform_statements, stored_bytes
from buddy_core.royalty.rules.files.shapes import MOST_DIGITS_OF_RESULTS, UNREAD, Exact, Source
from buddy_core.royalty.rules.scale.scaling import MOST_COMMON
from tests.core.royalty.periods import OCTOBER, world
from tests.core.royalty.test_period_cases import deal, sale

LAW = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def stated(seed: int) -> PeriodResult:
    """Return a random October."""
    found = world(Random(seed))
    return state_period(OCTOBER, found.terms, found.facts, found.before)


def small() -> PeriodResult:
    """Return an October of one sale."""
    return state_period(OCTOBER, Terms((deal(rates={"rental": Fraction(1, 3)}),)), Facts(sales=(sale(100),)))


def long(subscribers: int) -> PeriodInput:
    """Return an October whose exact figures have thousands of digits: each subscriber has a divisor."""
    random = Random(7)
    tiers = {
        "bands": [{"over": 0, "up_to": 100, "rate": "40%"}, {"over": 100, "rate": "50%"}],
        "basis": "net",
    }
    terms = {
        "month": {"name": "2026-10", "entity": "newtact", "zone": "Asia/Kolkata"},
        "deals": [
            {"id": f"deal-{title}", "title": title, "holder": "asha", "rates": {"subscription": tiers}}
            for title in ("one", "two")
        ],
        "pools": [{"plan": "gold", "method": "user_centric"}],
    }
    place = {"plan": "gold", "territory": "IN"}
    facts = {
        "subscriptions": [
            {"id": f"s{number}", "account": f"a{number}", "currency": "INR", "gross": 29900, **place}
            for number in range(subscribers)
        ],
        "watch": [
            {"account": f"a{number}", "title": title, "seconds": random.randrange(100, 7200), **place}
            for number in range(subscribers)
            for title in ("one", "two")
        ],
    }
    files = [Document("facts.json", json.dumps(facts).encode())]
    return read_input(Document("terms.json", json.dumps(terms).encode()), files)


@pytest.mark.parametrize("subscribers", [40, 4000])
def test_figures_of_many_subscribers_are_read_again(subscribers: int) -> None:
    """A user-centric pool of many has shares that people can carry along: they come back, and go on."""
    given = long(subscribers)
    result = given.state()
    bodies = statement_bodies(given.month, result)
    [statement] = result.statements
    assert 10**6 < statement.lines[0].net.denominator <= MOST_COMMON
    found = read_statement(bodies[Whose("asha", "INR")])
    assert (found.exact, found.earned) == (statement.exact, statement.earned)
    assert [line.amount for line in found.lines] == [line.amount for line in statement.lines]
    [platform] = platform_statements(result)
    assert read_platform(bodies[Whose(PLATFORM, "INR")]).pools == platform.pools
    for line in found.lines:
        assert len(explain(line)) < 800
    assert statement_csv(result.statements, given.terms)
    terms = {"month": {"name": "2026-11", "entity": "newtact", "zone": "Asia/Kolkata"}, "own_titles": "*"}
    closing = Document("closing.json", closing_json(given.month, result).encode())
    after = read_input(Document("terms.json", json.dumps(terms).encode()), [], closing)
    assert after.before.deals["deal-one"].counted == result.balances.deals["deal-one"].counted


def test_figures_of_any_length_are_read_again() -> None:
    """What was worked out may have thousands of digits, and comes back; what is given may not."""
    value = Fraction(-(7**9_000), 3**9_000)
    found, source = Exact(most=MOST_DIGITS_OF_RESULTS), Source("result.json", None)
    assert found.read(found.write(value), source.root) == value
    assert Exact().read(found.write(value), source.root) is UNREAD


@LAW
@given(st.integers(0, 2**64))
def test_what_is_sealed_is_read_as_it_was(seed: int) -> None:
    """Every holder's and the platform's figures come back from the bytes, exact, and again the same bytes."""
    result = stated(seed)
    bodies = statement_bodies(OCTOBER, result)
    for item in result.statements:
        found = read_statement(bodies[Whose(item.holder, item.currency)])
        assert (found.exact, found.earned, found.shares, found.settlements) == (
            item.exact,
            item.earned,
            item.shares,
            item.settlements,
        )
        assert [(line.net, line.rate, line.amount) for line in found.lines] == [
            (line.net, line.rate, line.amount) for line in item.lines
        ]
    for whole in platform_statements(result):
        again = read_platform(bodies[Whose(PLATFORM, whole.currency)])
        assert (again.reconciliation, again.fund, again.pools) == (
            whole.reconciliation,
            whole.fund,
            whole.pools,
        )
        assert again.reconciliation.residual == 0
    assert list(bodies)[-len(result.reconciliations) :] == [
        Whose(PLATFORM, item.currency) for item in result.reconciliations
    ]
    assert statement_bodies(OCTOBER, stated(seed)) == bodies


def test_a_body_carries_every_input() -> None:
    """From the bytes alone each amount can be worked out; they say whose, of when, and by which rules."""
    bodies = statement_bodies(OCTOBER, small())
    body = json.loads(bodies[Whose("h", "INR")])
    [line] = body["lines"]
    base = Fraction(line["net"]) * Fraction(line["part"]) - Fraction(line["fee"]) - Fraction(line["expenses"])
    assert base * Fraction(line["rate"]) == Fraction(line["amount"]) == Fraction(100, 3)
    assert (line["inputs"]["gross"], line["rules"]) == (100, "royalty/1")
    assert (body["format"], body["entity"], body["month"], body["zone"], body["holder"]) == (
        "buddy.statement/3",
        "thaja",
        "2026-10",
        "Asia/Dubai",
        "h",
    )
    assert (body["starts_at"], body["ends_at"]) == (
        "2026-09-30T20:00:00.000000Z",
        "2026-10-31T20:00:00.000000Z",
    )
    whole = json.loads(bodies[Whose(PLATFORM, "INR")])["reconciliation"]
    assert (whole["gross"], whole["holders"], whole["platform"]) == (100, 33, 67)


def _older(body: bytes) -> bytes:
    """Return a statement as the format before wrote it: without the figures that came later."""
    whole = json.loads(body)
    whole["format"] = "buddy.statement/2"
    for share in whole.get("shares", ()):
        del share["fx"]
    for pool in whole.get("pools", ()):
        del pool["silent"], pool["silent_accounts"]
    return canonical_bytes(whole)


def test_statements_of_the_format_before_are_read_and_stand() -> None:
    """What was closed before a figure more was printed is read, and closing again finds it the same."""
    result = stated(7)
    for whose, body in statement_bodies(OCTOBER, result).items():
        old = _older(body)
        if whose.holder == PLATFORM:
            assert read_platform(old).lines == read_platform(body).lines
        else:
            assert read_statement(old).lines == read_statement(body).lines
        assert is_same_statement(old, body)
        assert not is_same_statement(body, old)


def test_other_figures_are_another_statement_in_any_format() -> None:
    """A changed amount is told apart, in an older format too."""
    body = statement_bodies(OCTOBER, small())[Whose("h", "INR")]
    changed = body.replace(b'"earned":33', b'"earned":34')
    assert not is_same_statement(changed, body)
    assert not is_same_statement(_older(changed), body)
    assert is_same_statement(body, body)


def test_sealed_statements_are_one_chain() -> None:
    """Each sealed statement's hash covers the one before and every column of its own."""
    at = OCTOBER.period.end
    sealed = seal(OCTOBER, statement_bodies(OCTOBER, small()), at, sequence=4, previous_hash=bytes(range(32)))
    assert [(item.sequence, item.holder) for item in sealed] == [(5, "h"), (6, PLATFORM)]
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
    assert seal(OCTOBER, {}, at, sequence=0, previous_hash=GENESIS) == ()
    first = seal(OCTOBER, statement_bodies(OCTOBER, small()), at, sequence=0, previous_hash=GENESIS)
    assert check_statements(first) == []
    assert [fault.row.split()[1] for fault in check_statements(first[1:])] == ["2"]


def test_other_bytes_are_no_statement() -> None:
    """A body with a key missing or a figure that is none is refused, and says where."""
    body = statement_bodies(OCTOBER, small())[Whose("h", "INR")]
    with pytest.raises(InvalidValue, match="is no statement"):
        read_statement(body.replace(b'"earned":33', b'"earned":"many"'))


def test_a_month_without_facts_has_no_statement() -> None:
    """Nothing came in, nothing is stated, for the platform neither."""
    assert statement_bodies(OCTOBER, state_period(OCTOBER, Terms((deal(),)), Facts())) == {}


def test_a_refund_alone_is_stated_below_zero() -> None:
    """Of a month with nothing but a refund the bytes say what is owed, and nothing is paid."""
    back = Sale("x", Model.RENTAL, "a", "IN", "INR", Paid(refund=90), OCTOBER.period.start)
    result = state_period(OCTOBER, Terms((deal(),)), Facts(sales=(back,)))
    found = read_statement(statement_bodies(OCTOBER, result)[Whose("h", "INR")])
    assert (found.earned, found.settlements[0].payable, found.settlements[0].closing.carried) == (-90, 0, -90)
