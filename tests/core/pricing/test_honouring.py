"""What was shown is held until it expires, whatever changes meanwhile, and never after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel.money import Money
from buddy_core.pricing import (
    HONOUR,
    Ask,
    PriceBook,
    PriceChanged,
    PriceRule,
    Quote,
    QuoteKind,
    Seen,
    TokenCosts,
    check_quote,
    check_seen,
    in_force,
    offers_lately,
    price_rule,
    quote,
    quote_offers,
    quotes_lately,
)
from tests.contracts.cases import AT, title

FILM = title(1)
MOMENT = timedelta(microseconds=1)
ASK = Ask(FILM, "film", ("tokens", "rental", "est"), "IN")
_gaps = st.one_of(
    st.sampled_from([timedelta(), MOMENT, HONOUR - MOMENT, HONOUR, HONOUR + MOMENT]),
    st.integers(0, 30).map(lambda minutes: timedelta(minutes=minutes)),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[PriceBook], list[TokenCosts], list[datetime]]:
    """Draw versions of prices and costs that follow each other closely, and instants around them."""
    books: list[PriceBook] = []
    costs: list[TokenCosts] = []
    instants = [AT]
    for number in range(1, draw(st.integers(1, 4)) + 1):
        start = instants[-1] + draw(_gaps) + MOMENT
        begins, ends = (draw(st.one_of(st.none(), _gaps)) for _ in range(2))
        given = [
            _rule("rental", draw(st.integers(1, 3)), None),
            _rule("sale", draw(st.integers(1, 3)), begins),
        ]
        if begins is not None and ends is not None:
            given[1] = evolve(given[1], ends_at=AT + begins + ends + MOMENT)
        books.append(PriceBook(number, start, given if begins is not None else given[:1], {"IN": "INR"}))
        tokens = draw(st.integers(1, 3))
        costs.append(TokenCosts(number, start, {"film": tokens} if tokens > 1 else {}))
        instants += [start, *(date for rule in given for date in (rule.starts_at, rule.ends_at) if date)]
        instants.sort()
        instants.append(max(*instants, start))
    return books, costs, instants


def _rule(name: str, amount: int, begins: timedelta | None) -> PriceRule:
    rule = price_rule(name, "rental", "IN", "INR", amount, hours=48)
    return rule if begins is None else evolve(rule, starts_at=AT + begins)


def _now(books: Sequence[PriceBook], costs: Sequence[TokenCosts], at: datetime) -> list[Quote]:
    return quote_offers(in_force(books, at), in_force(costs, at), ASK, at)


def test_every_quote_is_held_until_it_expires_and_never_after() -> None:
    """Bought in time it costs what was quoted, under that version; afterwards only what it costs then."""
    seen: Counter[str] = Counter()

    @given(histories(), st.data())
    @settings(max_examples=600)
    def run(history: tuple[list[PriceBook], list[TokenCosts], list[datetime]], data: st.DataObject) -> None:
        books, costs, instants = history
        quoted_at = data.draw(st.sampled_from(instants)) - data.draw(st.sampled_from([MOMENT, HONOUR / 2]))
        at = quoted_at + data.draw(_gaps)
        current, before = _now(books, costs, at), offers_lately(books, costs, ASK, at)
        assert all(item.expires_at is not None and at < item.expires_at for item in before)
        assert not {item.seen for item in before} & {item.seen for item in current}
        for shown in _now(books, costs, quoted_at):
            assert shown.expires_at == quoted_at + HONOUR
            still = next((item for item in current if shown.seen.is_of(item)), None)
            if at < shown.expires_at or still is not None:
                held = check_quote(shown, current, before, at)
                assert shown.seen.is_of(held)
                # Somebody who does not say when they saw it is held to the version.
                assert evolve(shown.seen, expires_at=None).is_of(
                    check_quote(evolve(shown.seen, expires_at=None), current, before, at)
                )
                seen["held" if still is None else "stands"] += 1
                continue
            with pytest.raises(PriceChanged) as refused:
                check_quote(shown, current, before, at)
            same = next((item for item in current if item.product == shown.product), None)
            assert refused.value.price == (same.price if same else None)
            assert refused.value.tokens == (same.tokens if same else 0)
            seen["changed"] += 1

    run()
    assert min(seen["held"], seen["stands"], seen["changed"]) >= 50, seen


def test_a_price_that_was_never_shown_is_refused() -> None:
    """Another amount, currency, version, length or kind than what was quoted is not what it costs."""
    refused = 0
    [shown] = quote_offers(_book(1, 49), None, evolve(ASK, ways=("rental",)), AT)
    assert shown.price is not None

    @given(st.integers(1, 99), st.sampled_from(["INR", "USD"]), st.integers(1, 2), st.sampled_from([24, 48]))
    @settings(max_examples=300)
    def run(minor: int, currency: str, version: int, hours: int) -> None:
        nonlocal refused
        seen = Seen(QuoteKind.RENTAL, version, price=Money(minor, currency), hours=hours)
        if seen.is_of(shown):
            assert check_quote(seen, [shown], [], AT) == shown
            return
        with pytest.raises(PriceChanged):
            check_quote(seen, [shown], [], AT)
        refused += 1

    run()
    assert refused >= 50


def _book(version: int, minor: int, starts: datetime = AT) -> PriceBook:
    return PriceBook(version, starts, [_rule("rental", minor, None)], {"IN": "INR"})


def test_the_words_of_a_price_that_changed() -> None:
    """It says the new price, that it is the same under a new list, or that it is not sold so any more."""
    ask = evolve(ASK, ways=("rental",))
    [shown] = quote_offers(_book(1, 4900), None, ask, AT)
    said = []
    for later in (_book(2, 5900), _book(2, 4900), PriceBook(2, AT, [], {})):
        with pytest.raises(PriceChanged) as refused:
            check_quote(shown, quote_offers(later, None, ask, AT), [], AT)
        said.append(refused.value.message())
    assert said == [
        "The cost is now 59.00 INR, not 49.00 INR. Nothing was spent; look at the new cost and confirm it.",
        "There is a new price list; the cost is still 49.00 INR. Confirm it once more.",
        "This is not sold like that any more. Nothing was spent; look at what is offered now.",
    ]


def test_token_costs_that_were_shown_are_held_for_a_quarter_of_an_hour() -> None:
    """The old cost is charged up to 15 minutes after the new one began, to the microsecond."""
    since = AT + timedelta(hours=1)
    costs = [TokenCosts(1, AT, {"film": 10}), TokenCosts(2, since, {"film": 12})]

    def charge(at: datetime) -> int:
        before = quotes_lately(FILM, "film", costs, at)
        return check_seen(quote(FILM, "film", costs[1], at), 10, 1, before, at).tokens

    assert charge(since) == charge(since + HONOUR - 2 * MOMENT) == 10
    with pytest.raises(PriceChanged):
        charge(since + HONOUR - MOMENT)
    assert quotes_lately(FILM, "film", costs, since - MOMENT) == []
    assert quotes_lately(FILM, "series", costs, since) == []


def test_without_the_quotes_of_before_only_the_cost_of_now_holds() -> None:
    """Who asks without them gets what the check always did: the cost of now, or a refusal."""
    current = quote(FILM, "film", TokenCosts(2, AT, {"film": 12}))
    assert check_seen(current, 12, 2) == current
    with pytest.raises(PriceChanged):
        check_seen(current, 10, 1)
