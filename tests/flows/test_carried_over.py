"""What goes from month to month: advances, thresholds and terms; pools, the token fund, other currencies."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest

from buddy_core.access import SYSTEM
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import SetTerms, StatedMonth, month_for, terms_effect
from buddy_core.royalty import (
    AdRevenue,
    BadInput,
    Facts,
    FxRate,
    HolderStatement,
    InputKind,
    Paid,
    Settlement,
    StoredStatement,
    SubscriptionRevenue,
    TermsProblems,
    Watch,
)
from buddy_core.tokens import PAID
from buddy_web.reference import NEWTACT
from tests.flows.months import (
    bring,
    close,
    lines_of,
    name_of,
    number_of,
    of_holders,
    of_platform,
    sale,
    set_terms,
)
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER, DECEMBER = (month_for(NEWTACT, f"2026-{number}").period for number in (10, 11, 12))


def settled(statements: Sequence[StoredStatement]) -> Settlement:
    """Return the only settlement of a month."""
    [found] = [item for one in of_holders(statements) for item in one.settlements]
    return found


def of_holders_now(stated: StatedMonth) -> list[HolderStatement]:
    """Return the holders' statements of a month that is not closed."""
    return list(stated.result.statements)


async def sold(world: World, title: Title, month: str, gross: int, **changes: Any) -> None:
    """Bring in one sale of a month."""
    at = month_for(NEWTACT, month).period.start
    if world.clock.now() < at:
        world.clock.set(at)
    name = f"{month}-{gross}-{len(changes)}"
    await bring(world, month, name, Facts(sales=(sale(name, title, gross, at, **changes),)))


async def in_account(world: World, title: Title, **terms: Any) -> None:
    """Let a title be settled in an account of its producer's with such terms."""
    account = {"holder": world.producer.short_id, "currency": "INR", **terms}
    await set_terms(world, InputKind.ACCOUNT, "main", account)
    await set_terms(world, InputKind.LICENCE, await number_of(world, title), {"account": "main"})


async def test_an_advance_is_recouped_over_months(world: World) -> None:
    """Of 1,000 in advance October covers 600 and pays nothing; November covers the rest and pays 200."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title, advance=1000)
    await sold(world, title, "2026-10", 1200)
    october = settled((await close(world, "2026-10")).statements)
    assert (october.earned, october.payable, october.closing.recouped) == (600, 0, 600)
    await sold(world, title, "2026-11", 1200)
    november = settled((await close(world, "2026-11")).statements)
    assert november.opening == october.closing
    assert (november.earned, november.payable, november.closing.recouped) == (600, 200, 1000)
    # And over a month without anything sold: what is recouped stays recouped.
    await close(world, "2026-12")
    await sold(world, title, "2027-01", 100)
    january = settled((await close(world, "2027-01")).statements)
    assert (january.opening.recouped, january.payable) == (1000, 50)


async def test_a_month_after_an_open_one_begins_with_what_that_comes_to_now(world: World) -> None:
    """October closed, November open: December begins with November's balances, which has what is late."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title, advance=1000)
    await sold(world, title, "2026-10", 600)
    await close(world, "2026-10")
    await sold(world, title, "2026-11", 800)
    await sold(world, title, "2026-12", 1000)
    await sold(world, title, "2026-10", 200)
    stated = [(await world.provisional(f"2026-{number}")).result.statements for number in (11, 12)]
    [november, december] = [one.settlements[0] for item in stated for one in item]
    assert (november.opening.recouped, november.earned, november.closing.recouped) == (300, 500, 800)
    assert (december.opening, december.earned, december.payable) == (november.closing, 500, 300)
    told = [dict((await world.provisional("2026-12")).bodies)]
    await close(world, "2026-11")
    assert [dict((await world.provisional("2026-12")).bodies)] == told


async def test_before_the_first_close_a_month_begins_with_the_open_ones_before_it(world: World) -> None:
    """Nothing is closed: December is what it will be after October and November, and nothing is written."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title, advance=1000, reserve={"part": "1/10", "periods": 2})
    await sold(world, title, "2026-10", 800)
    await sold(world, title, "2026-12", 2400)
    before = await world.books()
    [december] = of_holders_now(await world.provisional("2026-12"))
    assert december.settlements[0].opening.recouped == 360
    told = dict((await world.provisional("2026-12")).bodies)
    assert await world.books() == before
    for month in ("2026-10", "2026-11"):
        assert dict((await world.provisional("2026-12")).bodies) == told
        await close(world, month)
    assert [item.body for item in (await close(world, "2026-12")).statements] == list(told.values())
    # A month before everything has nothing before it, and one that was passed over neither.
    [passed_over] = of_holders_now(await world.provisional("2026-08"))
    assert passed_over.settlements[0].opening.recouped == 0


async def test_a_month_that_cannot_be_stated_keeps_those_after_it_from_it(world: World) -> None:
    """October lacks a rate of exchange: November, which begins with its balances, tells of that."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title)
    await sold(world, title, "2026-10", 800, currency="USD")
    await sold(world, title, "2026-11", 800)
    for month in ("2026-10", "2026-11"):
        with pytest.raises(TermsProblems, match="USD"):
            await world.provisional(month)
    rate = FxRate("USD", "INR", Fraction(80), "bank", START)
    await bring(world, "2026-10", "rates", Facts(rates=(rate,)))
    [november] = of_holders_now(await world.provisional("2026-11"))
    assert november.earned == 400


async def test_terms_are_tried_in_the_open_months_before_as_well(world: World) -> None:
    """An advance of 500 is recouped by October's 400 first, so of November's 400 it leaves 300."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title)
    await sold(world, title, "2026-10", 800)
    await sold(world, title, "2026-11", 800)
    account = {"holder": world.producer.short_id, "currency": "INR", "advance": 500}
    command = SetTerms(NEWTACT, InputKind.ACCOUNT, "main", account)
    effect = await terms_effect(SYSTEM, command, "2026-11", uow=world.uow)
    [mine, _] = effect.totals
    assert (mine.payable.minor, mine.payable_then.minor) == (400, 300)
    await set_terms(world, InputKind.ACCOUNT, "main", account)
    [november] = of_holders_now(await world.provisional("2026-11"))
    assert november.settlements[0].payable == 300


async def test_what_is_below_a_threshold_waits(world: World) -> None:
    """80 and 80 with a threshold of 100: October carries, November pays both."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1))
    await in_account(world, title, threshold=100)
    await sold(world, title, "2026-10", 80)
    october = settled((await close(world, "2026-10")).statements)
    assert (october.payable, october.closing.carried) == (0, 80)
    await sold(world, title, "2026-11", 80)
    november = settled((await close(world, "2026-11")).statements)
    assert (november.payable, november.closing.carried) == (160, 0)


async def test_terms_set_after_a_close_leave_it_as_it_is(world: World) -> None:
    """October closes at 60 %, November at 25 %; October is the same bytes again, its late sale is at 60 %."""
    title = await world.add_title(TitleType.FILM)
    number = await number_of(world, title)
    await sold(world, title, "2026-10", 1000)
    october = await close(world, "2026-10")
    assert settled(october.statements).earned == 600
    await set_terms(world, InputKind.LICENCE, number, {"rates": {"rental": "25%"}})
    again = await close(world, "2026-10")
    assert [item.body for item in again.statements] == [item.body for item in october.statements]
    await sold(world, title, "2026-10", 100)
    await sold(world, title, "2026-11", 1000)
    november = await close(world, "2026-11")
    lines = [line for item in of_holders(november.statements) for line in item.lines]
    assert {line.adjusts: (line.rate, line.amount) for line in lines} == {
        "2026-10": (Fraction(3, 5), 60),
        "": (Fraction(1, 4), 250),
    }
    # Terms that are taken away leave the licence's own share.
    await set_terms(world, InputKind.LICENCE, number, None)
    await sold(world, title, "2026-12", 1000)
    assert settled((await close(world, "2026-12")).statements).earned == 600


async def test_a_plan_s_money_is_shared_by_what_was_watched(world: World) -> None:
    """Two plans' money by seconds: pro rata where nothing is said, by subscriber where terms say so."""
    first = await world.add_title(TitleType.FILM, share=Fraction(1))
    second = await world.add_title(
        TitleType.FILM, licences=[world.licence(partner=await world.add_producer(), share=Fraction(1))]
    )
    await set_terms(world, InputKind.POOL, "user", {"method": "user_centric", "silent": "platform"})
    facts = [
        (SubscriptionRevenue(f"{plan}-{who}", plan, "IN", "INR", Paid(1000), who), watch)
        for plan in ("user", "all")
        for who, watch in (
            ("a", [(first, 100)]),
            ("b", [(first, 100), (second, 300)]),
            ("c", []),
        )
    ]
    watched = tuple(
        Watch(str(paid.account), name_of(title), "IN", seconds, paid.plan)
        for paid, rows in facts
        for title, seconds in rows
    )
    await bring(
        world, "2026-10", "plans", Facts(subscriptions=tuple(paid for paid, _ in facts), watch=watched)
    )
    october = await close(world, "2026-10")
    by_title = {
        (line.title, line.inputs["pool"].split("/")[0]): line.amount
        for line in lines_of(october.statements)
        if line.holder != "platform"
    }
    assert by_title == {
        (name_of(first), "user"): 1000 + 250,
        (name_of(second), "user"): 750,
        (name_of(first), "all"): 3000 * Fraction(2, 5),
        (name_of(second), "all"): 3000 * Fraction(3, 5),
    }
    whole = of_platform(october.statements)
    assert {pool.name.split("/")[0]: (pool.method, pool.kept) for pool in whole.pools} == {
        "user": ("user_centric", 1000),
        "all": ("pro_rata", 0),
    }
    assert (whole.reconciliation.gross, whole.reconciliation.residual) == (6000, 0)


async def test_silent_money_is_carried_to_the_next_month(world: World) -> None:
    """What a silent subscriber paid in October is in November's pool, and nothing of it is lost."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1))
    await set_terms(world, InputKind.POOL, "gold", {"method": "user_centric", "silent": "carry"})

    async def month(name: str, **paid: int) -> Sequence[StoredStatement]:
        world.clock.set(month_for(NEWTACT, name).period.start)
        revenue = tuple(
            SubscriptionRevenue(f"{name}-{who}", "gold", "IN", "INR", Paid(amount), who)
            for who, amount in paid.items()
        )
        watch = (Watch("b", name_of(title), "IN", 10, "gold"),)
        await bring(world, name, name, Facts(subscriptions=revenue, watch=watch))
        return (await close(world, name)).statements

    october = await month("2026-10", silent=700, b=100)
    november = await month("2026-11", b=300)
    first, second = (of_platform(item).reconciliation for item in (october, november))
    assert (first.carried, second.brought, second.carried) == (700, 700, 0)
    assert [settled(item).earned for item in (october, november)] == [100, 1000]


async def test_rewarded_ads_pay_the_token_fund(world: World) -> None:
    """Bonus tokens are paid from what rewarded ads brought; what is over is printed, bought tokens apart."""
    title = await world.add_title(TitleType.SHORT, share=Fraction(1, 2))
    for kind in (None, PAID):
        guest = await world.guest()
        await (world.earn(guest, 5) if kind is None else world.earn(guest, 5, kind))
        await world.unlock(guest, title)
    bonus, bought = sorted(await world.spends(), key=lambda spend: spend.kind)
    ads = (
        AdRevenue("a1", "IN", "INR", Paid(gross=1180, tax=180), is_rewarded=True),
        AdRevenue("a2", "IN", "INR", Paid(gross=50), is_rewarded=False),
    )
    await bring(world, "2026-10", "ads", Facts(ads=ads))
    october = await close(world, "2026-10")
    found = of_platform(october.statements)
    assert found.fund is not None
    assert (found.fund.paid_in, found.fund.attributed) == (1000, bonus.value)
    assert found.fund.result == 1000 - bonus.value
    assert found.reconciliation.stamped == bought.value
    assert found.reconciliation.gross == 1230
    assert found.reconciliation.residual == 0
    assert settled(october.statements).earned == (bonus.value + bought.value) / 2


async def test_an_account_in_another_currency_needs_a_stamped_rate(world: World) -> None:
    """Rupees reach an account in dollars at a rate that was brought in; without one nothing closes."""
    title = await world.add_title(TitleType.FILM, share=Fraction(1, 2))
    await in_account(world, title, currency="USD")
    await sold(world, title, "2026-10", 160_000)
    world.clock.set(OCTOBER.end)
    [refused] = (await world.close("2026-10", NEWTACT)).refused
    assert isinstance(refused, TermsProblems | BadInput)
    assert "INR to USD" in refused.message()
    rate = FxRate("INR", "USD", Fraction(1, 80), "bank", START)
    await bring(world, "2026-10", "rates", Facts(rates=(rate,)))
    october = await close(world, "2026-10")
    [rupees, dollars] = sorted(of_holders(october.statements), key=lambda item: item.currency)
    assert (rupees.currency, rupees.earned, rupees.settlements) == ("INR", 80_000, ())
    assert rupees.shares[0].rate == Fraction(1, 80)
    assert (dollars.currency, dollars.settlements[0].payable) == ("USD", 1000)
    assert dollars == HolderStatement(dollars.holder, "USD", (), Fraction(0), 0, (), dollars.settlements), (
        "nothing was earned in dollars"
    )


async def test_an_account_of_nobody_is_refused(world: World) -> None:
    """An account's holder is a producer by short id; of another nothing is stored, and no close is stuck."""
    with pytest.raises(BadInput):
        await set_terms(world, InputKind.ACCOUNT, "x", {"holder": "nobody", "currency": "INR"})
    assert (await close(world, "2026-10")).is_new


async def test_the_same_terms_again_are_no_new_input(world: World) -> None:
    """Setting what holds already changes nothing, and tells the audit nothing."""
    account = {"holder": world.producer.short_id, "currency": "INR"}
    for _ in range(2):
        await set_terms(world, InputKind.ACCOUNT, "x", account)
    assert [action for action, _ in await world.audit()] == ["royalty.terms"]
