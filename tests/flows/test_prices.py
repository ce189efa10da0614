"""Changing prices: a new version of the book from an instant on, once, on the record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Actor, NotPermitted, SecondFactorNeeded
from buddy_core.catalog import TitleType
from buddy_core.flows import SetPrices, set_prices
from buddy_core.flows.prices import rules_shown_in
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.pricing import (
    HONOUR,
    NOTICE,
    Ask,
    BadAmount,
    BadCurrency,
    BadPriceRule,
    BadTerritory,
    PriceBook,
    PriceChanged,
    PricesChanged,
    PricesInPast,
    PricesTooFar,
    SameRank,
    check_quote,
    offers_lately,
    quote_offers,
)
from buddy_web.reference import PRICES
from tests.contracts.cases import race
from tests.flows.world import VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
DEARER = {
    "id": "rental-film-in",
    "kind": "rental",
    "territories": ["IN"],
    "currency": "INR",
    "amount_minor": 5900,
    "title_type": "film",
    "hours": 48,
}


async def new_prices(
    world: World,
    rules: list[Any],
    key: str = "k1",
    since: datetime | None = None,
    *,
    actor: Actor = SYSTEM,
    uow: Any = None,
    **changes: Any,
) -> int:
    """Set prices and return the number of the version that says so."""
    command = SetPrices(rules, key, effective_from=since, **changes)
    return await set_prices(actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock)


async def book_at(world: World, at: datetime) -> PriceBook:
    """Return the book in force at an instant."""
    async with world.uow.read() as tx:
        found: PriceBook = await tx.price_books.in_force(at)
    return found


async def test_new_prices_count_from_a_minute_on(world: World) -> None:
    """What is named is dearer, all else stands, the version before stays, and the audit tells of both."""
    assert await new_prices(world, [DEARER]) == 2
    now = world.clock.now()
    after = await book_at(world, now + NOTICE)
    assert (after.version, len(after.rules), after.currencies) == (2, len(PRICES.rules), PRICES.currencies)
    assert {rule.id: rule.amount_minor for rule in after.rules}["rental-film-in"] == 5900
    assert await book_at(world, now) == PRICES
    [record] = await world.records("prices.set")
    assert record.resource == "version 2"
    before, then = json.loads(record.before), json.loads(record.after)
    assert before["rules"]["rental-film-in"]["amount_minor"] == 4900
    assert then["rules"] == {"rental-film-in": DEARER}
    assert then["from"] == "2026-10-10T12:01:00.000000Z"


async def test_a_quote_is_held_over_the_change(world: World) -> None:
    """A price shown before the new book counts is charged for a quarter of an hour, and not after it."""
    film = await world.add_title(TitleType.FILM)
    ask = Ask(film.id, "film", ("rental",), "IN")

    async def charge(seen: Any) -> int:
        now = world.clock.now()
        async with world.uow.read() as tx:
            books = await tx.price_books.in_force_between(now - HONOUR, now)
        current = quote_offers(books[0], None, ask, now)
        quote = check_quote(seen, current, offers_lately(books, [], ask, now), now)
        assert quote.price is not None
        return quote.price.minor

    await new_prices(world, [DEARER])
    world.clock.advance(NOTICE - timedelta(microseconds=1))
    [shown] = quote_offers(await book_at(world, world.clock.now()), None, ask, world.clock.now())
    assert await charge(shown) == 4900
    world.clock.advance(HONOUR - timedelta(microseconds=1))
    assert await charge(shown) == 4900
    world.clock.advance(timedelta(microseconds=1))
    with pytest.raises(PriceChanged) as refused:
        await charge(shown)
    assert (str(refused.value.price), refused.value.version) == ("59.00 INR", 2)


async def test_a_title_has_a_price_of_its_own(world: World) -> None:
    """A rule names its title by its address, is shown with it, and can be removed."""
    film = await world.add_title(TitleType.FILM)
    name = f"film/{film.short_id}"
    own = {key: value for key, value in DEARER.items() if key != "title_type"}
    own |= {"id": "gala", "title": name.upper().replace("FILM", "film")}
    await new_prices(world, [own])
    book = await book_at(world, world.clock.now() + NOTICE)
    [rule] = [rule for rule in book.rules if rule.id == "gala"]
    assert rule.title_id == film.id
    async with world.uow.read() as tx:
        assert await rules_shown_in(tx, [rule]) == [{**own, "title": name}]
    assert await new_prices(world, [], "k2", removed=["gala"]) == 3
    assert (await book_at(world, world.clock.now() + 2 * NOTICE)).rules == PRICES.rules
    with pytest.raises(BadPriceRule):
        await new_prices(world, [], "k3", removed=["gala"])


async def test_a_whole_book_takes_the_place_of_the_last(world: World) -> None:
    """What it does not name is gone; currencies too."""
    assert await new_prices(world, [DEARER], is_whole=True, currencies={"IN": "INR"}) == 2
    after = await book_at(world, world.clock.now() + NOTICE)
    assert ([rule.id for rule in after.rules], after.currencies) == (["rental-film-in"], {"IN": "INR"})


async def test_what_stands_so_already_makes_no_version(world: World) -> None:
    """The same rules and currencies again make no version and no record."""
    assert await new_prices(world, [{**DEARER, "amount_minor": 4900}], currencies={"IN": "INR"}) == 1
    assert await new_prices(world, [], "k2") == 1
    assert await world.audit() == []


async def test_one_key_sets_prices_once(world: World) -> None:
    """The same change again answers the same; another one under its key is refused."""
    assert await new_prices(world, [DEARER]) == await new_prices(world, [DEARER]) == 2
    with pytest.raises(IdempotencyMismatch):
        await new_prices(world, [{**DEARER, "amount_minor": 6900}])
    assert len(await world.records("prices.set")) == 1


async def test_a_change_that_began_from_older_prices_is_refused(world: World) -> None:
    """Somebody who looked at version 1 does not undo version 2 unseen."""
    await new_prices(world, [DEARER], base=1)
    with pytest.raises(PricesChanged) as refused:
        await new_prices(world, [], "k2", removed=["est-film-in"], base=1)
    assert (refused.value.seen_version, refused.value.version) == (1, 2)


async def test_two_at_once_both_count(world: World) -> None:
    """Two changes at the same time come one after the other, and neither is lost."""
    other = {**DEARER, "id": "rental-film-ae", "territories": ["AE"], "currency": "AED"}
    found, refused = await race(new_prices(world, [DEARER], "a"), new_prices(world, [other], "b"))
    assert (sorted(found), refused) == ([2, 3], [])
    amounts = {rule.id: rule.amount_minor for rule in (await book_at(world, world.clock.now() + DAY)).rules}
    assert (amounts["rental-film-in"], amounts["rental-film-ae"]) == (5900, 5900)


async def test_prices_in_the_past_are_refused(world: World) -> None:
    """None begin before the minute of notice, before what was planned, or after a year."""
    now = world.clock.now()
    for since in (now - DAY, now, now + NOTICE - timedelta(microseconds=1)):
        with pytest.raises(PricesInPast):
            await new_prices(world, [DEARER], since=since)
    with pytest.raises(PricesTooFar):
        await new_prices(world, [DEARER], since=now + 367 * DAY)
    await new_prices(world, [DEARER], since=now + DAY)
    with pytest.raises(PricesInPast):
        await new_prices(world, [{**DEARER, "amount_minor": 6900}], "k2")


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ([{**DEARER, "amount_minor": 49.0}], BadAmount),
        ([{**DEARER, "amount_minor": float("nan")}], BadAmount),
        ([{**DEARER, "amount_minor": True}], BadAmount),
        ([{**DEARER, "amount_minor": 0}], BadAmount),
        ([{**DEARER, "currency": "RS"}], BadCurrency),
        ([{**DEARER, "currency": ["INR"]}], BadCurrency),
        ([{**DEARER, "territories": ["IND"]}], BadTerritory),
        ([{**DEARER, "territories": {"IN": 1.5}}], BadTerritory),
        ([{**DEARER, "title_type": "opera"}], BadPriceRule),
        ([{**DEARER, "title": "film/zzzz", "title_type": None}], BadPriceRule),
        ([{**DEARER, "title": "x" * 10_000, "title_type": None}], BadPriceRule),
        ([{**DEARER, "title": 1.5, "title_type": None}], BadPriceRule),
        ([{**DEARER, "title_type": None, "title_id": "0" * 32}], BadPriceRule),
        ([DEARER, DEARER], BadPriceRule),
        ([{**DEARER, "id": "twin"}], SameRank),
        (["rule"], BadPriceRule),
        ([{}], BadPriceRule),
    ],
)
async def test_prices_that_cannot_be_are_refused(
    world: World, rules: list[Any], error: type[BuddyError]
) -> None:
    """Each fault is said with its rule, and nothing is written."""
    before = await world.books()
    with pytest.raises(error) as refused:
        await new_prices(world, rules)
    assert "Price rule" in refused.value.message()
    assert await world.books() == before


@pytest.mark.parametrize("currency", [1.5, [], "inr", True])
async def test_a_currency_that_is_none_is_refused(world: World, currency: Any) -> None:
    """It is said by the territory it was given for."""
    with pytest.raises(BadCurrency, match=r"currencies\.IN"):
        await new_prices(world, [], currencies={"IN": currency})


async def test_only_who_may_sets_prices(world: World) -> None:
    """A viewer may not, and staff only once a second factor is proved."""
    with pytest.raises(NotPermitted):
        await new_prices(world, [DEARER], actor=VIEWER)
    staff = await world.staff("content_manager")
    with pytest.raises(SecondFactorNeeded):
        await new_prices(world, [DEARER], actor=evolve(staff, has_second_factor=False))
    assert await new_prices(world, [DEARER], actor=staff) == 2


@pytest.mark.parametrize("key", ["", "x" * 10_000, "a\0b"])
async def test_a_key_that_cannot_be_is_refused(world: World, key: str) -> None:
    """No key, one of 10 kB and one that is no text are said, and nothing is written."""
    with pytest.raises(InvalidValue):
        await new_prices(world, [DEARER], key)


async def test_what_breaks_off_leaves_no_prices(world: World) -> None:
    """Where it fails after the version was written, neither version nor record nor receipt stays."""
    before = await world.books()
    for port in ("price_books", "receipts"):
        with pytest.raises(Broken):
            await new_prices(world, [DEARER], uow=Tampered(world.uow, port, "add", after=break_off))
    assert await world.books() == before
    assert await new_prices(world, [DEARER]) == 2
