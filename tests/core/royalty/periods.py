"""Random periods: deals, accounts, pools and facts that fit together, for the laws of a period."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from attrs import evolve, frozen

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month
from buddy_core.royalty.model.balances import AccountBalance, Balances, DealBalance, Held, WaterfallBalance
from buddy_core.royalty.model.facts import (
    SOLD,
    AdRevenue,
    Expense,
    Fact,
    Facts,
    FxRate,
    Impressions,
    Model,
    Paid,
    PoolPart,
    Sale,
    SharedPool,
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
    Rate,
    Reserve,
    SilentMoney,
    Terms,
    Tiers,
    Withholding,
)
from buddy_core.royalty.model.waterfalls import FilmWaterfall, Step, Takes

ZONE = "Asia/Dubai"
OCTOBER = Month("2026-10", EntityId("thaja"), ZONE, month("2026-10", ZONE))
NOVEMBER = Month("2026-11", EntityId("thaja"), ZONE, month("2026-11", ZONE))
DECEMBER = Month("2026-12", EntityId("thaja"), ZONE, month("2026-12", ZONE))
TITLES = ("film/a", "film/b", "short/c", "own/d")
HOLDERS = ("anna", "bela", "chen")
TERRITORIES = ("US", "AE")
CURRENCIES = ("USD", "AED", "JPY")
ACCOUNTS = ("v", "w", "x", "y", "z")


@frozen
class World:
    """All that a period is calculated from."""

    terms: Terms
    facts: Facts
    before: Balances


def fraction(chance: Random, most: int = 1) -> Fraction:
    """Return a fraction from 0 to `most` with a denominator of at most 12."""
    below = chance.randint(1, 12)
    return Fraction(chance.randint(0, most * below), below)


def flip(chance: Random) -> bool:
    """Return heads or tails."""
    return chance.random() < 0.5


def rates(chance: Random, has_account: bool = True) -> Rate:
    """Return a flat rate, tiers or an escalator; tiers of money need an account to count in."""
    kind = chance.randint(0, 4)
    if kind == 0:
        bounds = sorted(chance.sample(range(1, 31), chance.randint(1, 3)))
        edges = [0, *bounds]
        bands = tuple(
            Band(low, high, fraction(chance)) for low, high in zip(edges, [*bounds, None], strict=True)
        )
        return Tiers(
            bands, chance.choice(list(Basis) if has_account else [Basis.UNITS]), chance.choice(list(Counting))
        )
    if kind == 1:
        return Escalator(
            fraction(chance),
            (From(OCTOBER.period.start + timedelta(days=chance.randint(1, 40)), fraction(chance)),),
        )
    return fraction(chance)


def terms(chance: Random, advances: bool = True) -> Terms:
    """Return deals of three titles by one to three holders; the fourth title is the platform's own."""
    accounts = tuple(
        Account(
            f"{holder}-main",
            holder,
            chance.choice(CURRENCIES),
            advance=chance.randint(0, 3_000) if advances else 0,
            guarantees=(
                (Guarantee(chance.randint(0, 500), OCTOBER.period.start, NOVEMBER.period.start),)
                if flip(chance)
                else ()
            ),
            reserve=Reserve(fraction(chance), chance.randint(1, 3)) if flip(chance) else None,
            threshold=chance.choice((0, 0, 200)),
            negative=chance.choice(list(Negative)),
            withholding=(
                (Withholding(fraction(chance), OCTOBER.period.start, "IN:194J"),) if flip(chance) else ()
            ),
        )
        for holder in HOLDERS
    )
    deals: list[Deal] = []
    for title in TITLES[:3]:
        holders = chance.sample(HOLDERS, chance.randint(1, 3))
        left = Fraction(1)
        changes = flip(chance)
        for number, holder in enumerate(holders):
            part = left if number == len(holders) - 1 else left * fraction(chance)
            left -= part
            has_account = flip(chance)
            values: dict[str, Any] = {
                "rates": {model: rates(chance, has_account) for model in Model},
                "part": part,
                "account": f"{holder}-main" if has_account else None,
                "fee": chance.choice((Fraction(0), Fraction(1, 10))),
                "expense_cap": chance.choice((None, 100)),
                "ads_by": chance.choice(list(AdsBy)),
            }
            if changes:
                half = OCTOBER.period.start + timedelta(days=15)
                deals.append(Deal(f"{title}:{holder}:1", title, holder, ends_at=half, **values))
                values["rates"] = {model: fraction(chance) for model in Model}
                deals.append(Deal(f"{title}:{holder}:2", title, holder, starts_at=half, **values))
            else:
                deals.append(Deal(f"{title}:{holder}", title, holder, **values))
    pools = (
        PoolRule(
            "*",
            chance.choice(list(PoolMethod)),
            min_seconds=chance.choice((0, 0, 10)),
            max_seconds=chance.choice((None, None, 25)),
            excluded_accounts=frozenset[str](("u4",) if flip(chance) else ()),
            silent=chance.choice(list(SilentMoney)),
        ),
    )
    return Terms(
        tuple(deals), accounts, pools, own_titles=frozenset(TITLES[3:]), waterfalls=waterfalls(chance)
    )


def waterfalls(chance: Random) -> tuple[FilmWaterfall, ...]:
    """Return waterfalls of some titles: none, one, or one for each country."""
    found: list[FilmWaterfall] = []
    for title in TITLES:
        kind = chance.randint(0, 3)
        currency = chance.choice(CURRENCIES)
        if kind == 1:
            found.append(FilmWaterfall(f"{title}:all", title, currency, steps(chance)))
        if kind == 2:
            found += [
                FilmWaterfall(f"{title}:{country}", title, currency, steps(chance), (country,))
                for country in TERRITORIES
            ]
        if kind == 3:
            some = frozenset(chance.sample(list(Model), 3))
            found.append(FilmWaterfall(f"{title}:some", title, currency, steps(chance), models=some))
    return tuple(found)


def steps(chance: Random) -> tuple[Step, ...]:
    """Return up to four steps of any kind, of holders and of the platform."""
    found: list[Step] = []
    for number in range(chance.randint(0, 4)):
        takes, taker = chance.choice(list(Takes)), chance.choice((*HOLDERS, "dora", "platform"))
        of_amount = takes in (Takes.FIXED, Takes.RECOUP)
        most = 130 if takes is Takes.RECOUP else 60
        found.append(
            Step(
                f"step {number}",
                takes,
                100 if takes is Takes.FIXED else Fraction(chance.randint(0, most * 4), 4),
                chance.randint(0, 1_500) if of_amount else None,
                chance.choice((None, chance.randint(0, 600))) if takes is not Takes.RECOUP else None,
                chance.choice((0, 0, chance.randint(0, 300))),
                taker,
                f"{taker}-main" if taker in HOLDERS and flip(chance) else None,
            )
        )
    return tuple(found)


def facts(chance: Random, month_: Month = OCTOBER, name: str = "", most: int = 8) -> Facts:
    """Return facts of every kind, with rates between all currencies."""
    found: list[Fact] = []

    def at() -> datetime:
        return month_.period.start + timedelta(days=chance.randint(0, 29), hours=1)

    def paid() -> Paid:
        gross = chance.choice((0, 1, 2, *(chance.randint(3, 2_000) for _ in range(9))))
        back, disputed = chance.choice((0, 0, 100)), chance.choice((0, 0, 0, 50))
        if gross:
            back, disputed = min(back, gross), min(disputed, gross)
            return Paid(gross, gross * 15 // 115, back, disputed, chance.randint(0, 30))
        # What went back of sales of other months, with the tax and fees that are no longer owed.
        return Paid(0, -((back + disputed) * 15 // 115), back, disputed, -chance.randint(0, back // 10))

    for number in range(chance.randint(0, most)):
        money = paid()
        found.append(
            Sale(
                f"{name}s{number}",
                chance.choice(SOLD),
                chance.choice(TITLES),
                chance.choice(TERRITORIES),
                chance.choice(CURRENCIES),
                money,
                at(),
                units=chance.randint(0 if money.gross else -3, 9),
            )
        )
    for number in range(chance.randint(1, most)):
        found.append(
            SubscriptionRevenue(
                f"{name}p{number}",
                "gold",
                chance.choice(TERRITORIES),
                chance.choice(CURRENCIES),
                paid(),
                f"u{number % 5}",
            )
        )
    for number in range(chance.randint(0, most // 2)):
        found.append(
            AdRevenue(
                f"{name}a{number}",
                chance.choice(TERRITORIES),
                chance.choice(CURRENCIES),
                paid(),
                flip(chance),
            )
        )
    for _ in range(chance.randint(0, most * 2)):
        plan = chance.choice(("gold", "gold", None))
        found.append(
            Watch(
                f"u{chance.randint(0, 4)}",
                chance.choice(TITLES),
                chance.choice(TERRITORIES),
                chance.randint(0, 40),
                plan,
                at(),
            )
        )
    for _ in range(chance.randint(0, most)):
        found.append(
            Impressions(chance.choice(TITLES), chance.choice(TERRITORIES), chance.randint(0, 40), at())
        )
    for number in range(chance.randint(0, most)):
        tokens = chance.randint(1, 9)
        kind = chance.choice(("bonus", "paid"))
        value = tokens * fraction(chance, 90)
        found.append(
            TokenUse(
                f"{name}t{number}",
                chance.choice(TITLES),
                chance.choice(TERRITORIES),
                kind,
                tokens,
                1,
                chance.choice(CURRENCIES),
                value,
                at(),
            )
        )
    found += _rates(month_)
    return Facts.of(found)


def _rates(month_: Month) -> list[FxRate]:
    worth = {"USD": Fraction(1), "AED": Fraction("3.6725"), "JPY": Fraction("151.3")}
    return [
        FxRate(one, other, worth[other] / worth[one], "central bank", month_.period.start)
        for one in CURRENCIES
        for other in CURRENCIES
        if one != other
    ]


def balances(chance: Random, terms_: Terms) -> Balances:
    """Return what was left by the period before."""
    accounts = {
        account.id: AccountBalance(
            chance.randint(0, account.advance),
            chance.choice((0, -300, -300, 150)),
            tuple(Held(month_, chance.randint(1, 99)) for month_ in ("2026-07", "2026-09")),
            chance.randint(0, 200),
        )
        for account in terms_.accounts
        if flip(chance)
    }
    deals = {
        deal.id: DealBalance(
            {Model.RENTAL: Fraction(chance.randint(0, 40))},
            chance.randint(0, 300),
            Fraction(chance.randint(0, 50)),
        )
        for deal in terms_.deals
        if deal.account is not None and flip(chance)
    }
    pools = {"gold/US/USD": fraction(chance, 99)} if flip(chance) else {}
    return Balances(accounts, deals, pools, {one.id: _stands(chance, one) for one in terms_.waterfalls})


def _stands(chance: Random, waterfall: FilmWaterfall) -> WaterfallBalance:
    """Return where a waterfall stands: what it has received, by steps as they are or as they were."""
    since = chance.choice((0, 0, chance.randint(0, 500)))
    received = Fraction(chance.choice((0, since - 200, since + chance.randint(0, 3_000))))
    taken = {step.name: Fraction(chance.randint(0, 200)) for step in waterfall.steps if flip(chance)}
    return WaterfallBalance(
        waterfall.title, waterfall.currency, received, since, taken if since else {}, taken
    )


def expenses(chance: Random, terms_: Terms) -> tuple[Expense, ...]:
    """Return what was laid out under some deals."""
    return tuple(
        Expense(f"x{number}", deal.id, chance.randint(0, 400))
        for number, deal in enumerate(terms_.deals)
        if deal.account is not None and chance.randint(0, 1)
    )


def shared_pools(chance: Random, terms_: Terms) -> tuple[SharedPool, ...]:
    """Return pools that were shared where their rows are: of a plan, and of the ads, in a third country."""
    changing = {deal.title for deal in terms_.deals if deal.starts_at or deal.ends_at}
    changing |= {
        deal.title
        for deal in terms_.deals
        for model in (Model.SUBSCRIPTION, Model.ADS)
        if isinstance(deal.rates[model], Escalator)
    }
    found: list[SharedPool] = []
    for plan in ("silver", "ads"):
        for currency in chance.sample(CURRENCIES, chance.randint(0, 2)):
            parts = tuple(
                PoolPart(title, fraction(chance, 99), Fraction(chance.randint(0, 90), chance.randint(1, 2)))
                for title in TITLES
                if title not in changing and flip(chance)
            )
            carried = chance.randint(0, 9)
            whole = sum((part.amount for part in parts), Fraction(carried))
            kept, net = int(whole) + 1 - whole, int(whole) + 1
            if parts:
                parts = (evolve(parts[0], amount=parts[0].amount + kept), *parts[1:])
                kept = Fraction(0)
            method = chance.choice(list(PoolMethod)).value
            name = f"{plan}-{currency}"
            found.append(
                SharedPool(name, plan, "IN", currency, Paid(net + 5, 5), method, parts, int(kept), carried)
            )
    return tuple(found)


def world(chance: Random) -> World:
    """Return a whole period."""
    terms_ = terms(chance)
    more = Facts(expenses=expenses(chance, terms_), pools=shared_pools(chance, terms_))
    return World(terms_, facts(chance) + more, balances(chance, terms_))
