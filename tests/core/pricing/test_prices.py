"""Price rules in money: the most specific wins in any order, and what cannot be is refused by place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.ids import WindowId
from buddy_core.kernel.money import Money
from buddy_core.kernel.territories import members
from buddy_core.pricing import (
    HOURS,
    WINDOWS,
    Ask,
    BadCurrency,
    BadPriceRule,
    BadTerritory,
    PriceBook,
    PriceRule,
    PricesInPast,
    PricesTooFar,
    Quote,
    QuoteKind,
    SameRank,
    TokenCosts,
    Way,
    next_prices,
    price_rule,
    quote_offers,
    rule_from_plain,
    rule_to_plain,
)
from buddy_core.pricing.data import HORIZON, NOTICE
from buddy_core.rights import Window, WindowType, sells
from tests.contracts.cases import AT, title, uid

FILM = title(1)
DAY = timedelta(days=1)
COSTS = TokenCosts(3, AT - DAY, {"film": 10})
RENTAL = price_rule("rental-in", "rental", "IN", "INR", 4900, hours=48)

_dates = st.one_of(st.none(), st.integers(-3, 3).map(lambda days: AT + days * DAY))


@st.composite
def rules(draw: st.DrawFn) -> PriceRule:
    """Draw a rule from small pools, so that many apply to one viewer."""
    kind = draw(st.sampled_from(["rental", "est", "pvod", "subscription"]))
    where = draw(st.sampled_from(["*", "EU", "IN", "DE", ("IN", "EU")]))
    besides = draw(st.sampled_from([(), ("IN",), ("FR",), ("EU", "IN")])) if where == "*" else ()
    scope = draw(st.sampled_from(["any", "type", "title"]))
    start, end = draw(_dates), draw(_dates)
    if start is not None and end is not None and end <= start:
        end = start + DAY
    return price_rule(
        f"r{draw(st.integers(0, 10**6))}",
        kind,
        where,
        draw(st.sampled_from(["INR", "EUR"])),
        draw(st.integers(1, 100)),
        excluding=besides,
        title_type=draw(st.sampled_from(["film", "short"])) if scope == "type" else None,
        title_id=title(draw(st.integers(1, 2))) if scope == "title" else None,
        window=draw(st.sampled_from([None, "tvod", "pvod", "svod"])),
        plan=draw(st.sampled_from([None, "gold", "silver"])),
        hours=draw(st.sampled_from(HOURS[:2])) if kind == "rental" else None,
        tier=draw(st.sampled_from(["basic", "gold"])) if kind == "subscription" else None,
        period="P1M" if kind == "subscription" else None,
        starts_at=start,
        ends_at=end,
    )


@st.composite
def rule_lists(draw: st.DrawFn) -> list[PriceRule]:
    """Draw rules that make a book: those that would be as specific as another are left out."""
    kept: list[PriceRule] = []
    for rule in draw(st.lists(rules(), max_size=12, unique_by=lambda rule: rule.id)):
        try:
            PriceBook(1, AT, [*kept, rule])
        except SameRank:
            continue
        kept.append(rule)
    return kept


asks = st.builds(
    Ask,
    st.sampled_from([title(1), title(2), title(3)]),
    st.sampled_from(["film", "short"]),
    st.lists(
        st.builds(
            Way,
            st.sampled_from(["tokens", "rental", "est", "pvod", "subscription"]),
            st.sampled_from([None, *WINDOWS]),
        ),
        max_size=4,
    ).map(tuple),
    st.sampled_from(["IN", "DE", "FR", "US"]),
    st.sets(st.sampled_from(["gold", "silver"])),
    st.sampled_from([None, "INR", "EUR"]),
)
CURRENCIES = {"*": "EUR", "IN": "INR"}


def applies(rule: PriceRule, ask: Ask, at: datetime) -> bool:
    """Say whether a rule is for this viewer, told once more and apart from the rules."""
    currency = ask.currency or ("INR" if ask.country == "IN" else "EUR")
    return (
        rule.currency == currency
        and ask.country in rule.territories.countries
        and (rule.title_id in (None, ask.title_id) and rule.title_type in (None, ask.title_type))
        and (rule.plan is None or rule.plan in ask.plans)
        and any(way.kind == rule.kind and rule.window in (None, way.window) for way in ask.ways)
        and (rule.starts_at or at) <= at < (rule.ends_at or at + DAY)
    )


def beats(one: PriceRule, other: PriceRule, country: str) -> bool:
    """Say which rule is the more specific, step by step as the README tells it."""

    def scope(rule: PriceRule) -> int:
        return 2 if rule.title_id else 1 if rule.title_type else 0

    def size(rule: PriceRule) -> int:
        return min(len(members(code)) for code in rule.territories.included if country in members(code))

    if scope(one) != scope(other):
        return scope(one) > scope(other)
    if size(one) != size(other):
        return size(one) < size(other)
    if bool(one.plan) != bool(other.plan):
        return bool(one.plan)
    if bool(one.window) != bool(other.window):
        return bool(one.window)
    if one.starts_at != other.starts_at:
        return other.starts_at is None or (one.starts_at is not None and one.starts_at > other.starts_at)
    if one.amount_minor != other.amount_minor:
        return one.amount_minor < other.amount_minor
    return one.id < other.id


@given(rule_lists(), asks, st.integers(-4, 4), st.randoms())
@settings(max_examples=200)
def test_the_most_specific_wins_in_any_order(
    given: list[PriceRule], ask: Ask, days: int, random: Any
) -> None:
    """One quote a product, of the rule that beats all others that apply; shuffled rules quote the same."""
    at = AT + days * DAY
    book = PriceBook(7, AT, given, CURRENCIES)
    offers = quote_offers(book, COSTS, ask, at)
    shuffled = random.sample(given, len(given))
    turned = evolve(ask, ways=tuple(reversed(ask.ways)))
    assert quote_offers(PriceBook(7, AT, shuffled, CURRENCIES), COSTS, turned, at) == offers
    fit = [rule for rule in given if applies(rule, ask, at)]
    in_money = [item for item in offers if item.price is not None]
    assert {item.product for item in in_money} == {rule.product for rule in fit}
    assert len({item.product for item in offers}) == len(offers)
    for item in in_money:
        [winner] = [rule for rule in fit if rule.id == item.rule]
        assert (item.price, item.rule_version, item.expires_at) == (
            winner.price,
            7,
            at + timedelta(minutes=15),
        )
        others = [rule for rule in fit if rule.product == winner.product and rule is not winner]
        assert all(beats(winner, other, ask.country or "") for other in others)


@given(rules())
def test_a_rule_comes_back_from_plain_data(rule: PriceRule) -> None:
    """What is written of a rule is read as the same rule."""
    assert rule_from_plain(rule_to_plain(rule)) == rule


def test_a_quote_names_its_rule_and_its_end() -> None:
    """A rental in India costs what the rule says, under its version, for a quarter of an hour."""
    book = PriceBook(2, AT, [RENTAL], {"IN": "INR"})
    ask = Ask(FILM, "film", (Way("rental", "tvod"), "tokens"), "IN")
    tokens, rental = quote_offers(book, COSTS, ask, AT)
    assert (tokens.tokens, tokens.price, tokens.rule) == (10, None, "type:film")
    assert (rental.price, rental.hours, rental.rule, rental.rule_version) == (
        Money(4900, "INR"),
        48,
        "rental-in",
        2,
    )
    assert (rental.window, rental.country, rental.quoted_at) == ("tvod", "IN", AT)
    assert rental.expires_at == tokens.expires_at == AT + timedelta(minutes=15)


@pytest.mark.parametrize("country", [None, "", "in", "XX", "EU", "*"])
def test_an_unknown_country_is_offered_nothing(country: str | None) -> None:
    """Neither money nor tokens are asked of somebody of whom it is not known where they are."""
    book = PriceBook(1, AT, [price_rule("r", "rental", "*", "USD", 1, hours=24)], {"*": "USD"})
    assert quote_offers(book, COSTS, Ask(FILM, "film", ("rental", "tokens"), country), AT) == []


def test_nothing_is_converted() -> None:
    """What has no price in the viewer's currency is not sold; asked for in another, it is."""
    book = PriceBook(1, AT, [RENTAL], {"*": "USD"})
    assert quote_offers(book, None, Ask(FILM, "film", ("rental",), "IN"), AT) == []
    [found] = quote_offers(book, None, Ask(FILM, "film", ("rental",), "IN", currency="INR"), AT)
    assert found.price == Money(4900, "INR")
    assert quote_offers(evolve(book, currencies={}), None, Ask(FILM, "film", ("rental",), "IN"), AT) == []


def test_the_closest_territory_says_the_currency() -> None:
    """A country beats its region, which beats the world."""
    book = PriceBook(1, AT, [], {"*": "USD", "EU": "EUR", "SE": "SEK"})
    assert [book.currency_of(country) for country in ("SE", "DE", "IN")] == ["SEK", "EUR", "USD"]


def test_a_plan_lowers_the_price_for_members_alone() -> None:
    """A member price wins for who has the plan, of two plans the cheaper, and nobody else sees it."""
    given = [
        RENTAL,
        evolve(RENTAL, id="gold", plan="gold", amount_minor=3900),
        evolve(RENTAL, id="silver", plan="silver", amount_minor=4500),
    ]
    book = PriceBook(1, AT, given, {"IN": "INR"})

    def rule(*plans: str) -> str:
        [found] = quote_offers(book, None, Ask(FILM, "film", ("rental",), "IN", plans), AT)
        return found.rule

    assert (rule(), rule("basic"), rule("silver"), rule("gold", "silver")) == (
        "rental-in",
        "rental-in",
        "silver",
        "gold",
    )


def test_a_window_offers_its_tiers_alone() -> None:
    """A title in the window of one tier does not offer the others."""
    given = [
        price_rule(tier, "subscription", "*", "USD", 900, tier=tier, period="P1M")
        for tier in ("basic", "premium")
    ]
    book = PriceBook(1, AT, given, {"*": "USD"})
    ways = (Way("subscription", "svod", frozenset({"premium"})),)
    assert [item.tier for item in quote_offers(book, None, Ask(FILM, "film", ways, "US"), AT)] == ["premium"]


def test_the_names_are_those_of_rights() -> None:
    """Windows and ways are called the same here and in rights, which neither may import."""
    windows = [Window(WindowId(uid(1)), FILM, kind, ("*",), AT) for kind in WindowType]
    assert [window.type for window in windows] == list(WINDOWS)
    assert {way for window in windows for way in sells(window)} == set(QuoteKind)


Break = Callable[[PriceRule, Callable[[st.SearchStrategy[Any]], Any]], object]


def _plain(rule: PriceRule, **changes: Any) -> object:
    return rule_from_plain({**rule_to_plain(rule), **changes})


def _typo(text: str) -> bool:
    return text not in COUNTRIES and text not in ("*", "EU", "EEA", "GCC", "SAARC") and bool(text)


_BAD_AMOUNTS = st.one_of(
    st.integers(max_value=-1), st.integers(10**12 + 1), st.floats(), st.booleans(), st.text(), st.just(49.0)
)
BREAKS: dict[str, Break] = {
    "pricing.bad_amount": lambda rule, draw: _plain(rule, amount_minor=draw(_BAD_AMOUNTS)),
    "pricing.bad_amount zero": lambda rule, draw: _plain(RENTAL, amount_minor=0),
    "pricing.bad_currency": lambda rule, draw: _plain(
        rule,
        currency=draw(st.one_of(st.sampled_from(["inr", "RS", "XXX", "XAU", 7, ""]), st.text(max_size=3))),
    ),
    "pricing.bad_territory": lambda rule, draw: _plain(
        rule, territories=["IN", draw(st.text(max_size=5).filter(_typo))]
    ),
    "pricing.bad_territory excluding": lambda rule, draw: _plain(
        rule, excluding=[draw(st.one_of(st.integers(), st.sampled_from(["IND", "in", "UK", "EU27"])))]
    ),
    "pricing.bad_hours": lambda rule, draw: _plain(
        RENTAL, hours=draw(st.one_of(st.integers().filter(lambda n: n not in HOURS), st.floats(), st.text()))
    ),
    "pricing.bad_hours none": lambda rule, draw: _plain(RENTAL, hours=None),
    "pricing.bad_dates": lambda rule, draw: evolve(
        rule, starts_at=AT, ends_at=AT - timedelta(microseconds=draw(st.integers(0, 10**12)))
    ),
    "pricing.same_rank": lambda rule, draw: PriceBook(
        1, AT, [rule, evolve(rule, id="twin", amount_minor=draw(st.integers(1, 10**6)))]
    ),
    "pricing.bad_price_rule kind": lambda rule, draw: _plain(
        rule, kind=draw(st.text().filter(lambda kind: kind not in set(QuoteKind) - {"tokens"}))
    ),
    "pricing.bad_price_rule field": lambda rule, draw: _plain(rule, colour=draw(st.text())),
    "pricing.bad_price_rule window": lambda rule, draw: _plain(rule, window=draw(st.text().filter(bool))),
    "pricing.bad_price_rule tier": lambda rule, draw: _plain(RENTAL, tier="gold"),
    "pricing.bad_price_rule start": lambda rule, draw: _plain(
        rule,
        starts_at=draw(
            st.sampled_from(["soon", "2026-12-01", "2026-12-01T00:00:00", 5, "2026-13-01T00:00Z"])
        ),
    ),
    "pricing.bad_price_rule nowhere": lambda rule, draw: _plain(
        rule, territories=["EU"], excluding=[draw(st.sampled_from(["EU", "EEA"])), "EU"]
    ),
    "pricing.bad_price_rule twice": lambda rule, draw: PriceBook(1, AT, [rule, rule]),
}


def test_each_refusal_names_the_rule() -> None:
    """Every fault of a rule or book has its code, names its rule and what to write; each fired 50 times."""
    fired: Counter[str] = Counter()

    @given(rules(), st.data())
    @settings(max_examples=60)
    def run(rule: PriceRule, data: st.DataObject) -> None:
        for name, broken in BREAKS.items():
            with pytest.raises(BuddyError) as refused:
                broken(rule, data.draw)
            error: Any = refused.value
            assert error.code == name.partition(" ")[0], name
            assert error.rule in error.message()
            assert error.rule in (rule.id, RENTAL.id, "twin")
            assert len(error.message()) < 700
            fired[name] += 1

    run()
    assert {name: count for name, count in fired.items() if count < 50} == {}
    assert set(fired) == set(BREAKS)


@pytest.mark.parametrize(
    "data", [None, [], "rule", 7, {}, {"id": 5}, {"id": "a", "kind": "rental"}, {"id": ["a"]}]
)
def test_what_is_no_rule_is_refused_by_its_place(data: object) -> None:
    """What is no object, or lacks a field, is refused with where it stands."""
    with pytest.raises(BadPriceRule) as refused:
        rule_from_plain(data, "rules[3]")
    assert refused.value.rule in ("rules[3]", "a")


@pytest.mark.parametrize(
    ("currencies", "error"),
    [
        ({"IND": "INR"}, BadTerritory),
        ({"": "INR"}, BadTerritory),
        ({"IN": "inr"}, BadCurrency),
        ({"IN": "XAU"}, BadCurrency),
    ],
)
def test_currencies_that_cannot_be_are_refused(currencies: dict[str, str], error: type[BuddyError]) -> None:
    """A territory or currency with a typo is said with its place."""
    with pytest.raises(error, match=r"currencies\."):
        PriceBook(1, AT, [], currencies)


def test_a_price_is_never_free_but_for_a_tier() -> None:
    """A tier may cost nothing; nothing else may, and a quote of it is still one in money."""
    free = price_rule("free", "subscription", "*", "USD", 0, tier="free", period="P1M")
    book = PriceBook(1, AT, [free], {"*": "USD"})
    [found] = quote_offers(book, None, Ask(FILM, "film", ("subscription",), "US"), AT)
    assert found.price == Money(0, "USD")


def test_a_quote_is_in_tokens_or_in_money() -> None:
    """No quote is in both or in neither."""
    for changes in ({"tokens": 0}, {"tokens": -1}, {"price": Money(1, "INR")}, {"kind": "rental"}):
        with pytest.raises(InvalidValue):
            evolve(Quote(FILM, 10, "type:film", 1), **changes)


def test_new_prices_keep_what_is_not_named() -> None:
    """They have the next number and begin a minute later; None takes away; a whole book keeps nothing."""
    est = price_rule("est-in", "est", "IN", "INR", 19900)
    book = PriceBook(4, AT, [RENTAL], {"IN": "INR"})
    after = next_prices(book, {"est-in": est}, {"*": "USD"}, None, AT)
    assert after == PriceBook(5, AT + NOTICE, [RENTAL, est], {"IN": "INR", "*": "USD"})
    assert next_prices(book, {RENTAL.id: None}, {}, None, AT) == PriceBook(5, AT + NOTICE, [], {"IN": "INR"})
    assert next_prices(book, {"est-in": est}, {}, None, AT, is_whole=True) == PriceBook(5, AT + NOTICE, [est])
    assert next_prices(None, {"est-in": est}, {}, None, AT) == PriceBook(1, AT + NOTICE, [est])
    assert next_prices(book, {RENTAL.id: RENTAL}, {"IN": "INR"}, None, AT, is_whole=True) is None


def test_prices_begin_after_the_last_and_within_a_year() -> None:
    """Within the minute of notice, before what was planned and after a year no prices begin."""
    book = PriceBook(1, AT, [RENTAL], {})
    change: dict[str, PriceRule | None] = {RENTAL.id: evolve(RENTAL, amount_minor=5900)}
    for moment in (AT, AT + NOTICE - timedelta(microseconds=1)):
        with pytest.raises(PricesInPast):
            next_prices(book, change, {}, moment, AT)
    with pytest.raises(PricesInPast):
        next_prices(evolve(book, effective_from=AT + DAY), change, {}, AT + DAY, AT)
    with pytest.raises(PricesTooFar):
        next_prices(book, change, {}, AT + HORIZON + timedelta(microseconds=1), AT)
    assert next_prices(book, change, {}, AT + HORIZON, AT) is not None
