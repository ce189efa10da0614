"""The accounting view of the token ledger: months in their zones, final once over, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core import tokens, views
from buddy_core.access import NotPermitted
from buddy_core.kernel import AccountId, EntityId, InvalidValue
from buddy_core.kernel.currencies import NoMinorUnit, UnknownCurrency
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    BONUS,
    PAID,
    AtCost,
    BreakagePolicies,
    BreakagePolicy,
    BuyTokens,
    ExpireTokens,
    HoldTokens,
    LiabilityLine,
    Operation,
)
from buddy_core.views import LiabilityWanted, TokenLiability
from buddy_core.views.errors import MonthNotBegun
from buddy_core.views.token_liability import MOST_MONTHS, SETTLES_AFTER, zone_of
from buddy_web.reference import NEWTACT, SELLER_ROUTES, THAJA
from tests.flows.world import START, TICK, VIEWER, World

pytestmark = pytest.mark.anyio

SOLD, ADJUSTED, REVERSED, REDEEMED, EXPIRED = LiabilityLine
NOVEMBER_IN_INDIA = datetime(2026, 10, 31, 18, 30, tzinfo=UTC)
NOVEMBER_IN_DUBAI = datetime(2026, 10, 31, 20, 0, tzinfo=UTC)
NOVEMBER_IN_UTC = datetime(2026, 11, 1, tzinfo=UTC)


async def buy(
    world: World, who: AccountId, amount: int, cost: int, currency: str = "INR", **more: Any
) -> None:
    """Sell tokens to somebody."""
    key = f"buy-{world.ids.uuid7()}"
    values: dict[str, Any] = {"source": "shop", "source_ref": "1", "expires_at": None} | more
    command = BuyTokens(who, PAID, amount, cost, currency, idempotency_key=key, **values)
    await tokens.buy_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)


async def sweep(world: World, who: AccountId) -> None:
    """Write off what has expired."""
    command = ExpireTokens(who, f"sweep-{world.ids.uuid7()}")
    await tokens.expire_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)


async def ask(
    world: World, month: str | None = None, policies: tuple[BreakagePolicy, ...] = (), **wanted: Any
) -> TokenLiability:
    """Ask as finance, and see that what is answered adds up."""
    found = await views.token_liability(
        await world.staff("finance"),
        LiabilityWanted(month, **wanted),
        uow=world.uow,
        clock=world.clock,
        routes=SELLER_ROUTES,
        policies=BreakagePolicies(policies),
    )
    for item in found.months:
        *parts, closing = item.rows
        assert sum(row.amount.minor for row in parts) == closing.amount.minor
        assert sum(row.tokens or 0 for row in parts) == closing.tokens
    for given in found.given:
        *counts, (_, last) = given.rows
        assert tuple(sum(column) for column in zip(*(row for _, row in counts), strict=True)) == last
    return found


async def test_only_those_who_see_months_see_what_is_owed(world: World) -> None:
    """Finance, royalty operations and the auditor do; support and members do not."""
    ports: dict[str, Any] = {
        "uow": world.uow, "clock": world.clock, "routes": SELLER_ROUTES, "policies": BreakagePolicies(),
    }  # fmt: skip
    for role in ("finance", "royalty_ops", "auditor"):
        await views.token_liability(await world.staff(role), LiabilityWanted(), **ports)
    for actor in (VIEWER, await world.staff("support")):
        with pytest.raises(NotPermitted):
            await views.token_liability(actor, LiabilityWanted(), **ports)


async def test_where_nothing_was_sold_nothing_is_owed(world: World) -> None:
    """An empty store answers with no months; so does a currency that nobody paid in, and an earlier month."""
    found = await ask(world)
    assert (found.month, found.since, found.months, found.given) == ("2026-10", "2026-10", (), ())
    assert (found.earlier, found.later, found.as_of) == ("2026-09", None, START)
    await buy(world, await world.guest(), 10, 999)
    assert (await ask(world, currency="EUR")).months == ()
    assert (await ask(world, "2026-09")).months == ()
    assert (await ask(world, "2026-09")).later == "2026-10"
    assert len((await ask(world)).months) == 1


async def test_a_month_is_told_as_it_runs(world: World) -> None:
    """Bought, spent and held tokens at their cost, and those given for nothing apart, in tokens alone."""
    who, title = await world.guest(), await world.add_title()
    await world.earn(who, 1)
    await buy(world, who, 10, 999)
    await world.unlock(who, title)
    hold = HoldTokens(who, (), 4, START + timedelta(days=1), "play", "1", "hold-1")
    await tokens.hold_tokens(hold, uow=world.uow, clock=world.clock, ids=world.ids)
    found = await ask(world)
    [month] = found.months
    assert (month.month, month.zone, month.state) == ("2026-10", "Asia/Kolkata", "running")
    assert (month.starts_at, month.ends_at) == (
        datetime(2026, 9, 30, 18, 30, tzinfo=UTC),
        NOVEMBER_IN_INDIA,
    )
    roll = month.roll
    assert (roll.opening, roll.closing, roll.on_hold) == (AtCost(), AtCost(9, 899), 4)
    assert (roll.lines[SOLD], roll.lines[REDEEMED]) == (AtCost(10, 999), AtCost(-1, -100))
    assert [row.name for row in month.rows] == [
        "opening", "sold", "redeemed", "expired", "reversed", "adjusted", "breakage", "closing",
    ]  # fmt: skip
    assert [(row.name, row.amount.minor) for row in month.notes] == [
        ("recognised_ahead", 0), ("uncollectable", 0), ("revenue", 100),
    ]  # fmt: skip
    [given] = found.given
    assert (given.zone, given.state, [roll.kind for roll in given.rolls]) == ("UTC", "running", [BONUS])
    assert given.rows[1:3] == (("sold", (1,)), ("redeemed", (-1,)))
    assert given.rows[-1] == ("closing", (0,))


async def test_each_currency_s_month_ends_where_its_seller_is(world: World) -> None:
    """What is sold at midnight in India is November's there, and October's in Dubai and for what is given."""
    who = await world.guest()
    world.clock.set(NOVEMBER_IN_INDIA)
    await buy(world, who, 10, 1_000)
    await buy(world, who, 10, 500, "USD")
    await buy(world, who, 10, 700, "EUR")
    await world.earn(who, 3)
    world.clock.set(NOVEMBER_IN_UTC + timedelta(days=3))
    october, november = await ask(world, "2026-10"), await ask(world, "2026-11")
    assert [(item.roll.currency, item.zone) for item in october.months] == [
        ("EUR", "Asia/Dubai"), ("USD", "Asia/Dubai"),
    ]  # fmt: skip
    assert [(item.roll.currency, item.roll.lines[SOLD].minor) for item in november.months] == [
        ("EUR", 0), ("INR", 1_000), ("USD", 0),
    ]  # fmt: skip
    assert [item.roll.opening.minor for item in november.months] == [700, 0, 500]
    assert [item.rolls[0].lines[SOLD] for item in (*october.given, *november.given)] == [3, 0]


async def test_a_month_that_has_ended_settles_and_is_final(world: World) -> None:
    """To the microsecond: it runs, it settles for a quarter of an hour, and then it does not change."""
    await buy(world, await world.guest(), 10, 1_000)
    states = []
    for at in (
        NOVEMBER_IN_INDIA - TICK,
        NOVEMBER_IN_INDIA,
        NOVEMBER_IN_INDIA + SETTLES_AFTER - TICK,
        NOVEMBER_IN_INDIA + SETTLES_AFTER,
    ):
        world.clock.set(at)
        states += [item.state for item in (await ask(world, "2026-10")).months]
    assert states == ["running", "settling", "settling", "final"]
    assert [item.state for item in (await ask(world, "2026-10")).given] == []
    assert (await ask(world, "2026-10")).later == "2026-11"


async def test_what_happens_later_changes_no_month_that_is_over(world: World) -> None:
    """A late sweep, a late void and whatever else comes in November leave October as it was told."""
    who, title = await world.guest(), await world.add_title()
    await buy(world, who, 10, 999, expires_at=START + timedelta(days=9))
    await buy(world, who, 20, 1_000)
    hold = HoldTokens(who, (), 6, START + timedelta(days=12), "play", "1", "hold-1")
    await tokens.hold_tokens(hold, uow=world.uow, clock=world.clock, ids=world.ids)
    world.clock.set(NOVEMBER_IN_UTC + timedelta(hours=1))
    told = (await ask(world, "2026-10")).months
    assert told[0].roll.lines[EXPIRED] == AtCost(-10, -999)
    assert told[0].roll.closing == AtCost(20, 1_000)
    await sweep(world, who)
    await world.unlock(who, title)
    await buy(world, who, 7, 70)
    assert (await ask(world, "2026-10")).months == told
    [november] = (await ask(world, "2026-11")).months
    assert november.roll.opening == told[0].roll.closing
    assert (november.roll.lines[EXPIRED], november.roll.lines[REDEEMED]) == (AtCost(), AtCost(-2, -100))
    assert november.roll.lines[SOLD] == AtCost(7, 70)


async def test_a_refund_in_a_later_month_is_booked_there(world: World) -> None:
    """October keeps its redemption; November takes it out, and owes the tokens again."""
    who, title = await world.guest(), await world.add_title()
    await buy(world, who, 10, 1_000)
    await world.unlock(who, title)
    [spent] = await world.entries(who, Operation.SPEND)
    world.clock.set(NOVEMBER_IN_UTC + timedelta(days=1))
    told = (await ask(world, "2026-10")).months
    await world.refund(who, spent.id)
    assert (await ask(world, "2026-10")).months == told
    [november] = (await ask(world, "2026-11")).months
    assert november.roll.lines[REDEEMED] == AtCost(2, 200)
    assert november.roll.closing == AtCost(10, 1_000)
    assert november.roll.revenue == -200


async def test_several_months_are_each_what_they_are_alone(world: World) -> None:
    """From August on: nothing before the first sale, then every month as it is told by itself."""
    who, title = await world.guest(), await world.add_title()
    await buy(world, who, 40, 4_321)
    for month in (11, 12):
        world.clock.set(datetime(2026, month, 5, tzinfo=UTC))
        await world.unlock(who, title, key=f"k{month}") if month == 11 else await buy(world, who, 3, 10)
    tenth = BreakagePolicy("INR", START, Fraction(1, 10))
    found = await ask(world, "2026-12", (tenth,), since="2026-08")
    assert [item.month for item in found.months] == ["2026-10", "2026-11", "2026-12"]
    assert (found.since, found.month, found.earlier, found.later) == ("2026-08", "2026-12", "2026-11", None)
    for item in found.months:
        [alone] = (await ask(world, item.month, (tenth,), currency="INR")).months
        assert alone == item
    assert found.months[1].roll.breakage < 0
    assert found.months[1].roll.policy is tenth
    assert (await ask(world, "2026-12", currency="INR")).given == ()


async def test_a_wrong_question_is_refused_in_words(world: World) -> None:
    """No month, one to come, months in the wrong order or too many, and currencies that are none."""
    for text in ("2026-13", "October", "2026-1", "1899-12"):
        with pytest.raises(InvalidMonth):
            await ask(world, text)
        with pytest.raises(InvalidMonth):
            await ask(world, since=text)
    with pytest.raises(MonthNotBegun) as refused:
        await ask(world, "2026-11")
    assert (refused.value.month, refused.value.newest) == ("2026-11", "2026-10")
    assert "2026-10" in refused.value.message()
    with pytest.raises(InvalidValue, match="after 2026-09"):
        await ask(world, "2026-09", since="2026-10")
    with pytest.raises(InvalidValue, match=str(MOST_MONTHS)):
        await ask(world, "2026-10", since="2021-10")
    assert (await ask(world, "2026-10", since="2021-11")).since == "2021-11"
    with pytest.raises(UnknownCurrency):
        await ask(world, currency="ABC")
    with pytest.raises(NoMinorUnit):
        await ask(world, currency="XAU")


async def test_a_month_has_begun_where_it_begins_first(world: World) -> None:
    """From midnight in India on November can be asked for; where it has not begun it is not told."""
    who = await world.guest()
    await buy(world, who, 10, 1_000)
    await buy(world, who, 10, 500, "USD")
    world.clock.set(NOVEMBER_IN_INDIA - TICK)
    with pytest.raises(MonthNotBegun):
        await ask(world, "2026-11")
    assert (await ask(world)).later is None
    world.clock.set(NOVEMBER_IN_INDIA)
    assert [item.roll.currency for item in (await ask(world, "2026-11")).months] == ["INR"]
    assert (await ask(world, "2026-10")).later == "2026-11"
    world.clock.set(NOVEMBER_IN_DUBAI)
    assert [item.roll.currency for item in (await ask(world, "2026-11")).months] == ["INR", "USD"]
    assert (await ask(world)).month == "2026-11"


def test_a_currency_s_zone_is_that_of_who_settles_in_it() -> None:
    """The first company that settles in it, else the one that sells to all the rest of the world."""
    assert zone_of(SELLER_ROUTES, "INR") == NEWTACT.zone
    assert zone_of(SELLER_ROUTES, "USD") == zone_of(SELLER_ROUTES, "EUR") == THAJA.zone
    other = evolve(THAJA, id=EntityId("other"), zone="Europe/Paris", currency="EUR")
    routes = SellerRoutes((NEWTACT, THAJA, other), {}, THAJA.id)
    assert (zone_of(routes, "EUR"), zone_of(routes, "GBP")) == ("Europe/Paris", THAJA.zone)


async def test_the_month_that_runs_is_each_zone_s_own(world: World) -> None:
    """Who names no month sees November in India while October still runs in Dubai and in UTC."""
    who = await world.guest()
    await buy(world, who, 10, 1_000)
    await buy(world, who, 10, 500, "USD")
    await world.earn(who, 3)
    world.clock.set(NOVEMBER_IN_INDIA + timedelta(minutes=30))
    found = await ask(world)
    assert [(item.roll.currency, item.month, item.state) for item in found.months] == [
        ("INR", "2026-11", "running"), ("USD", "2026-10", "running"),
    ]  # fmt: skip
    assert [(item.month, item.state) for item in found.given] == [("2026-10", "running")]
    assert (found.since, found.month, found.earlier, found.later) == ("2026-10", "2026-11", "2026-10", None)
    assert (await ask(world, currency="INR")).month == "2026-11"
    assert (await ask(world, currency="USD")).month == "2026-10"
    both = await ask(world, since="2026-10")
    assert [(item.roll.currency, item.month) for item in both.months] == [
        ("INR", "2026-10"), ("INR", "2026-11"), ("USD", "2026-10"),
    ]  # fmt: skip


@pytest.mark.parametrize("is_swept", [False, True])
async def test_a_reversal_after_the_expiry_is_the_same_swept_or_not(world: World, is_swept: bool) -> None:
    """What had expired is uncollectable, in no line again, whether a sweep came before or not."""
    who = await world.guest()
    await buy(world, who, 100, 10_000, expires_at=START + timedelta(days=10))
    [bought] = await world.entries(who, Operation.PURCHASE)
    world.clock.set(NOVEMBER_IN_UTC + timedelta(days=8))
    if is_swept:
        await sweep(world, who)
    done = await world.reverse(who, bought.id)
    assert (done.taken, done.uncollectable) == (0, 100)
    operations = [item.operation for item in await world.entries(who)]
    assert operations == [Operation.PURCHASE, Operation.EXPIRE, Operation.REVERSE]
    [october, november] = (await ask(world, "2026-11", since="2026-10")).months
    assert (october.roll.revenue, october.roll.lines[EXPIRED]) == (10_000, AtCost(-100, -10_000))
    assert (november.roll.revenue, november.roll.uncollectable) == (0, AtCost(100, 10_000))
    assert set(november.roll.lines.values()) == {AtCost()}
    assert (await world.verify()).faults == ()


@pytest.mark.parametrize("is_swept", [False, True])
@pytest.mark.parametrize("change", [5, -5])
async def test_an_expired_lot_is_not_adjusted_swept_or_not(world: World, is_swept: bool, change: int) -> None:
    """Neither more nor less is in a lot that is over; what of others has expired goes with an adjustment."""
    who = await world.guest()
    await buy(world, who, 100, 10_000, expires_at=START + timedelta(days=10))
    await buy(world, who, 10, 1_000)
    [over, lasts] = await world.entries(who, Operation.PURCHASE)
    world.clock.set(NOVEMBER_IN_UTC)
    if is_swept:
        await sweep(world, who)
    before = await world.books()
    with pytest.raises(tokens.BadAdjustment if change > 0 else tokens.AdjustBeyondLot):
        await world.adjust(who, over, change)
    assert await world.books() == before
    await world.adjust(who, lasts, change)
    [expired] = await world.entries(who, Operation.EXPIRE)
    assert sum(abs(item.amount) for item in expired.postings) == 200
    assert await world.balance(who) == 10 + change


async def test_a_refund_after_a_charge_back_owes_nothing(world: World) -> None:
    """Redeemed is taken out, and so is the purchase: nothing is owed, earned, or uncollectable any more."""
    who, title = await world.guest(), await world.add_title()
    await buy(world, who, 10, 1_000)
    [bought] = await world.entries(who, Operation.PURCHASE)
    unlocked = await world.unlock(who, title)
    done = await world.reverse(who, bought.id)
    assert done.uncollectable == unlocked.tokens_spent > 0
    back = await world.refund(who, unlocked.entry_id)
    assert (back.tokens, back.withdrawn) == (unlocked.tokens_spent, unlocked.tokens_spent)
    assert await world.balance(who) == 0
    [month] = (await ask(world)).months
    assert (month.roll.closing, month.roll.uncollectable, month.roll.revenue) == (AtCost(), AtCost(), 0)
    assert month.roll.lines[REVERSED] == AtCost(-10, -1_000)
    assert (await world.verify()).faults == ()
