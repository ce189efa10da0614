"""Terms and facts of any kind, for the tests of what is read and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month
from buddy_core.kernel.territories import Territories
from buddy_core.royalty.model.balances import AccountBalance, Balances, DealBalance, Held, WaterfallBalance
from buddy_core.royalty.model.facts import (
    SOLD,
    AdRevenue,
    Expense,
    Facts,
    FxRate,
    Impressions,
    Model,
    Paid,
    Sale,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.terms import (
    Account,
    AdsBy,
    Band,
    Basis,
    Counting,
    Deal,
    Escalator,
    From,
    Guarantee,
    Negative,
    PoolMethod,
    PoolRule,
    Reserve,
    SilentMoney,
    Terms,
    Tiers,
    Withholding,
)
from buddy_core.royalty.model.waterfalls import FilmWaterfall, Step, Takes

ZONE = "Asia/Kolkata"
OCTOBER = Month("2026-10", EntityId("thaja"), ZONE, month("2026-10", ZONE))
START = OCTOBER.period.start

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda text: not text[0].isspace()
)
money = st.integers(-(10**12), 10**12)
amounts = st.integers(0, 10**12)
counts = st.integers(0, 10**6)
parts = st.fractions(0, 1, max_denominator=1000)
exacts = st.fractions(-(10**6), 10**6, max_denominator=10**6)
instants = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
inside = st.integers(0, 30 * 86400 - 1).map(lambda seconds: START + timedelta(seconds=seconds))
maybe_when = st.none() | instants


@st.composite
def tiers(draw: st.DrawFn) -> Tiers:
    """Draw tiers of one to four bands."""
    ends = sorted(draw(st.sets(st.integers(1, 10**6), max_size=3)))
    starts = [0, *ends]
    bands = tuple(Band(low, high, draw(parts)) for low, high in zip(starts, [*ends, None], strict=True))
    return Tiers(bands, draw(st.sampled_from(Basis)), draw(st.sampled_from(Counting)))


@st.composite
def escalators(draw: st.DrawFn) -> Escalator:
    """Draw rates by date."""
    dates = sorted(draw(st.sets(instants, max_size=3)))
    return Escalator(draw(parts), tuple(From(at, draw(parts)) for at in dates))


rates: st.SearchStrategy[Any] = st.dictionaries(st.sampled_from(Model), parts | tiers() | escalators())
territories = st.builds(
    Territories,
    st.lists(st.sampled_from(("*", "EU", "GCC", "IN", "US")), min_size=1).map(tuple),
    st.lists(st.sampled_from(("AE", "FR", "IN", "SAARC"))).map(tuple),
)
deals = st.builds(
    Deal,
    id=names,
    title=names,
    holder=names,
    rates=rates,
    part=parts,
    territories=territories,
    starts_at=maybe_when,
    ends_at=st.none() | instants.map(lambda at: at + timedelta(days=5_000)),
    account=st.none() | names,
    fee=parts,
    expense_cap=st.none() | amounts,
    ads_by=st.sampled_from(AdsBy),
)


def guarantee(minimum: int, one: datetime, other: datetime) -> Guarantee:
    """Return a guarantee between two instants."""
    start, end = sorted((one, other))
    return Guarantee(minimum, start, end + timedelta(microseconds=1))


accounts = st.builds(
    Account,
    id=names,
    holder=names,
    currency=st.sampled_from(("INR", "USD")),
    advance=amounts,
    recoups=st.lists(names, max_size=2).map(tuple),
    guarantees=st.lists(st.builds(guarantee, amounts, instants, instants), max_size=2).map(tuple),
    reserve=st.none() | st.builds(Reserve, parts, counts.map(lambda count: count + 1)),
    threshold=amounts,
    negative=st.sampled_from(Negative),
    withholding=st.lists(st.builds(Withholding, parts, instants, names), max_size=2).map(tuple),
)
name_sets = st.frozensets(names, max_size=3)
pools = st.builds(
    PoolRule,
    plan=names,
    method=st.sampled_from(PoolMethod),
    min_seconds=counts,
    max_seconds=st.none() | counts,
    excluded_accounts=name_sets,
    excluded_titles=name_sets,
    silent=st.sampled_from(SilentMoney),
)


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, ...]:
    """Draw steps of any kind with names of their own."""
    found = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        takes = draw(st.sampled_from(Takes))
        percent = draw(parts) * (1000 if takes is Takes.RECOUP else 100)
        amount = draw(amounts) if takes in (Takes.FIXED, Takes.RECOUP) else None
        cap = None if takes is Takes.RECOUP else draw(st.none() | amounts)
        taken, taker, account = draw(amounts), draw(names), draw(st.none() | names)
        rate = 100 if takes is Takes.FIXED else percent
        found.append(Step(name, takes, rate, amount, cap, taken, taker, account))
    return tuple(found)


waterfalls = st.builds(
    FilmWaterfall,
    id=names,
    title=names,
    currency=st.sampled_from(("INR", "USD")),
    steps=steps(),
    territories=territories,
    models=st.frozensets(st.sampled_from(Model), min_size=1),
)
any_terms = st.builds(
    Terms,
    deals=st.lists(deals, max_size=4).map(tuple),
    accounts=st.lists(accounts, max_size=3).map(tuple),
    pools=st.lists(pools, max_size=2).map(tuple),
    fund_kinds=name_sets,
    own_titles=st.none() | name_sets,
    waterfalls=st.lists(waterfalls, max_size=2).map(tuple),
)
by_step = st.dictionaries(names, exacts.map(abs), max_size=2)
any_balances = st.builds(
    Balances,
    st.dictionaries(
        names,
        st.builds(
            AccountBalance,
            amounts,
            money,
            st.lists(st.builds(Held, st.just("2026-08"), amounts), max_size=2).map(tuple),
            money,
        ),
        max_size=3,
    ),
    st.dictionaries(
        names,
        st.builds(DealBalance, st.dictionaries(st.sampled_from(Model), exacts), amounts, exacts.map(abs)),
        max_size=3,
    ),
    st.dictionaries(names.map("{}/IN/INR".format), exacts, max_size=2),
    st.dictionaries(
        names,
        st.builds(WaterfallBalance, names, st.sampled_from(("INR", "USD")), exacts, exacts, by_step, by_step),
        max_size=2,
    ),
)
paid = st.builds(Paid, money, money, money, money, money)
currencies = st.sampled_from(("INR", "USD", "JPY"))
countries = st.sampled_from(("IN", "US", "AE"))


@st.composite
def token_uses(draw: st.DrawFn) -> TokenUse:
    """Draw a spend or a refund of one."""
    tokens = draw(st.integers(-100, 100))
    spent_at = draw(instants) if tokens < 0 else None
    at, version = draw(instants), draw(counts)
    name, title, kind = draw(names), draw(names), draw(names)
    country, currency = draw(countries), draw(currencies)
    return TokenUse(name, title, country, kind, tokens, version, currency, draw(exacts), at, spent_at)


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a few of something."""
    return st.lists(of, max_size=3).map(tuple)


any_facts = st.builds(
    Facts,
    sales=some(
        st.builds(
            Sale,
            id=names,
            model=st.sampled_from(SOLD),
            title=names,
            territory=countries,
            currency=currencies,
            paid=paid,
            at=instants,
            units=money,
            sold_at=maybe_when,
        )
    ),
    subscriptions=some(
        st.builds(SubscriptionRevenue, names, names, countries, currencies, paid, st.none() | names)
    ),
    ads=some(st.builds(AdRevenue, names, countries, currencies, paid, st.booleans())),
    watch=some(st.builds(Watch, names, names, countries, counts, st.none() | names, maybe_when)),
    impressions=some(st.builds(Impressions, names, countries, counts, maybe_when)),
    tokens=some(token_uses()),
    expenses=some(st.builds(Expense, names, names, amounts)),
    rates=some(
        st.builds(
            lambda pair, *others: FxRate(*pair, *others),
            st.permutations(("INR", "USD", "JPY")).map(lambda codes: codes[:2]),
            exacts.filter(lambda rate: rate > 0),
            names,
            instants,
        )
    ),
)


@st.composite
def whole_months(draw: st.DrawFn) -> tuple[Terms, Facts]:
    """Draw terms and facts that fit together: two currencies, several holders and accounts a title."""
    titles, people = ("t1", "t2", "=t3"), ("ada", "bo", "+cy")
    found: list[Deal] = []
    for title in titles:
        holders = draw(st.lists(st.sampled_from(people), min_size=1, max_size=3, unique=True))
        weights = [draw(st.integers(1, 5)) for _ in holders]
        for holder, weight in zip(holders, weights, strict=True):
            flat = {model: draw(parts) for model in Model}
            account = draw(st.sampled_from((None, f"{holder}-inr", f"{holder}-usd")))
            part = Fraction(weight, sum(weights))
            found.append(Deal(f"{title}/{holder}", title, holder, flat, part, account=account))
    own = tuple(
        Account(
            f"{holder}-{currency.lower()}",
            holder,
            currency,
            advance=draw(st.integers(0, 3000)),
            reserve=draw(st.none() | st.just(Reserve(Fraction(1, 10), 2))),
            threshold=draw(st.sampled_from((0, 500))),
            withholding=(Withholding(Fraction(1, 10), START, "IN:194J"),),
        )
        for holder in people
        for currency in ("INR", "USD")
    )
    facts: list[Any] = [FxRate("USD", "INR", Fraction(665, 8), "bank", START)]
    few = st.integers(0, 5000)
    for number in range(draw(st.integers(1, 6))):
        money_of = Paid(
            draw(st.integers(100, 5000)),
            draw(st.integers(0, 50)),
            draw(st.integers(0, 99)),
            0,
            draw(few) // 50,
        )
        title, currency = draw(st.sampled_from(titles)), draw(st.sampled_from(("INR", "USD")))
        facts.append(Sale(f"s{number}", draw(st.sampled_from(SOLD)), title, "IN", currency, money_of, START))
        facts.append(SubscriptionRevenue(f"u{number}", "gold", "IN", currency, money_of, f"v{number}"))
        facts.append(Watch(f"v{number}", title, "IN", draw(few), "gold"))
        tokens = draw(st.integers(1, 9))
        value = Fraction(tokens * 3, 5)
        facts.append(TokenUse(f"k{number}", title, "IN", "bonus", tokens, 1, currency, value, START))
    rule = PoolRule(method=draw(st.sampled_from(PoolMethod)), silent=draw(st.sampled_from(SilentMoney)))
    return Terms(tuple(found), own, (rule,)), Facts.of(facts)
