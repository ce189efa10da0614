"""Unlocking: spend, grant and royalty fact in one commit, once, at the cost that was seen."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from fractions import Fraction

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import BUILT_IN
from buddy_core.accounts import AccountNotFound
from buddy_core.catalog import TitleNotFound, TitleType
from buddy_core.entitlements import TOKEN_UNLOCK, Channel, GrantStatus
from buddy_core.kernel import AccountId, CountryUnknown, IdempotencyMismatch, InvalidValue, TitleId
from buddy_core.kernel.ids import WindowId
from buddy_core.playback import NoMedia, PlaybackDenied
from buddy_core.pricing import HONOUR, PriceChanged, TokenCosts
from buddy_core.rights import Territories, Window, WindowType
from buddy_core.tokens import BONUS, PAID, InsufficientTokens, Operation, WalletFrozen
from buddy_web.reference import FIRST_DAY, NEWTACT, SELLER_ROUTES, THAJA
from tests.contracts.cases import race
from tests.flows.world import START, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio


async def test_an_unlock_writes_spend_grant_and_fact(world: World) -> None:
    """One unlock leaves one spend, one active grant paid by it, and one fact with the spend's exact worth."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    done = await world.unlock(guest, title)
    assert (done.tokens_spent, done.tokens_left) == (2, 3)
    [spend] = await world.entries(guest, Operation.SPEND)
    [grant] = await world.grants(guest)
    [fact] = await world.spends()
    assert (spend.id, spend.source_ref, spend.rule_version) == (done.entry_id, str(done.grant_id), 1)
    assert (spend.entity, spend.country) == (NEWTACT.id, "IN")
    assert (grant.id, grant.entry_id, grant.kind) == (done.grant_id, spend.id, TOKEN_UNLOCK)
    assert (grant.title_id, grant.status, grant.ends_at) == (title.id, GrantStatus.ACTIVE, None)
    assert (fact.entry_id, fact.kind, fact.tokens, fact.title_id) == (spend.id, BONUS, 2, title.id)
    assert (fact.currency, fact.value, fact.version) == ("INR", Fraction(100), 1)
    assert spend.effective_at == grant.granted_at == fact.at == START


POINTS = (
    ("wallets", "append"),
    ("token_spends", "add"),
    ("grants", "add"),
    ("outbox", "add"),
    ("receipts", "add"),
)


async def test_a_fault_in_between_leaves_nothing(world: World) -> None:
    """Wherever the work breaks off, before or after a write, nothing of it remains; the key then works."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    before = await world.books()
    for port, method in POINTS:
        for where in ("before", "after"):
            broken = Tampered(world.uow, port, method, **{where: break_off})
            with pytest.raises(Broken):
                await world.unlock(guest, title, key="k", uow=broken)
            assert await world.books() == before, (port, where)
    assert (await world.unlock(guest, title, key="k")).tokens_spent == 2


async def test_the_same_key_gets_the_same_answer(world: World) -> None:
    """A repeated request is answered as the first was, also after more was spent; nothing is spent twice."""
    guest, title, other = await world.guest(), await world.add_title(), await world.add_title()
    await world.earn(guest, 5)
    first = await world.unlock(guest, title, key="k")
    await world.unlock(guest, other, key="k2")
    world.clock.advance(timedelta(days=3))
    before = await world.books()
    assert await world.unlock(guest, title, key="k") == first
    assert await world.books() == before


async def test_the_same_key_for_another_request_is_refused(world: World) -> None:
    """A key that was used for one title, cost or rule is refused for another, and nothing is spent."""
    guest, title, other = await world.guest(), await world.add_title(), await world.add_title()
    await world.earn(guest, 5)
    await world.unlock(guest, title, key="k")
    before = await world.books()
    for wanted, seen, version in ((other, 2, 1), (title, 3, 1), (title, 2, 2)):
        with pytest.raises(IdempotencyMismatch):
            await world.unlock(guest, wanted, key="k", seen=seen, version=version)
    assert await world.books() == before


async def test_a_key_is_one_accounts_own(world: World) -> None:
    """Two accounts may use the same key; an empty key is refused."""
    one, two, title = await world.guest(), await world.guest(), await world.add_title()
    for who in (one, two):
        await world.earn(who, 2)
        assert (await world.unlock(who, title, key="k")).tokens_spent == 2
    with pytest.raises(InvalidValue):
        await world.unlock(one, title, key=" " * 300)


async def test_a_second_unlock_spends_nothing(world: World) -> None:
    """An open title answers the grant that is there, whatever cost is named, and takes no token."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    first = await world.unlock(guest, title)
    before = (await world.books())[:6]
    again = await world.unlock(guest, title, seen=99)
    assert again == evolve(first, tokens_spent=0)
    assert (await world.books())[:6] == before


async def test_twenty_requests_with_different_keys_spend_once(world: World) -> None:
    """Of 20 requests at once, one spends; the others answer its grant and 0 tokens."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 50)
    done = await asyncio.gather(*(world.unlock(guest, title, key=f"k{number}") for number in range(20)))
    assert sorted(answer.tokens_spent for answer in done) == [0] * 19 + [2]
    assert {(answer.grant_id, answer.entry_id, answer.tokens_left) for answer in done} == {
        (done[0].grant_id, done[0].entry_id, 48)
    }
    assert len(await world.entries(guest, Operation.SPEND)) == len(await world.spends()) == 1


async def test_twenty_requests_with_one_key_are_one(world: World) -> None:
    """20 requests with one key at once spend once and all get the one answer."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 50)
    done = await asyncio.gather(*(world.unlock(guest, title, key="k") for _ in range(20)))
    assert len(set(done)) == 1
    assert done[0].tokens_spent == 2
    assert await world.balance(guest) == 48
    assert len(await world.grants(guest)) == len(await world.spends()) == 1


async def test_a_wallet_is_never_overdrawn(world: World) -> None:
    """Of 8 titles at 2 tokens asked for at once with 7 tokens, 3 are opened and 5 are refused."""
    guest = await world.guest()
    titles = [await world.add_title() for _ in range(8)]
    await world.earn(guest, 4)
    await world.earn(guest, 3, PAID)
    done, refused = await race(*(world.unlock(guest, title) for title in titles))
    assert (len(done), len(refused)) == (3, 5)
    assert {type(error) for error in refused} == {InsufficientTokens}
    assert await world.balance(guest) == 1


async def test_a_changed_price_spends_nothing(world: World) -> None:
    """A cost or a rule version that is not the one in force is refused with the new one."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 9)
    before = await world.books()
    for seen, version in ((1, 1), (3, 1), (2, 2)):
        with pytest.raises(PriceChanged) as refused:
            await world.unlock(guest, title, seen=seen, version=version)
        assert (refused.value.tokens, refused.value.version) == (2, 1)
    later = START + timedelta(hours=1)
    async with world.uow.begin() as tx:
        await tx.token_costs.add(TokenCosts(2, later, {"episode": 2}, {title.id: 4}))
    world.clock.set(later + HONOUR)
    with pytest.raises(PriceChanged):
        await world.unlock(guest, title)
    assert await world.books() == before
    assert (await world.unlock(guest, title, seen=4, version=2)).tokens_spent == 4


async def test_a_price_that_was_shown_is_held(world: World) -> None:
    """Until its quote expires the old cost is charged, with its version; one moment later it is not."""
    guest, first, second = await world.guest(), await world.add_title(), await world.add_title()
    await world.earn(guest, 9)
    later = START + timedelta(hours=1)
    async with world.uow.begin() as tx:
        await tx.token_costs.add(TokenCosts(2, later, {"episode": 4}, {}))
    world.clock.set(later + HONOUR - timedelta(microseconds=2))
    assert (await world.unlock(guest, first)).tokens_spent == 2
    [entry] = await world.entries(guest, Operation.SPEND)
    assert entry.rule_version == 1
    world.clock.set(later + HONOUR)
    with pytest.raises(PriceChanged):
        await world.unlock(guest, second)
    assert (await world.unlock(guest, second, seen=4, version=2)).tokens_spent == 4


async def test_too_few_tokens_are_refused(world: World) -> None:
    """The refusal says how many were needed and how many can be spent; expired ones cannot."""
    guest, title = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 6)
    await world.earn(guest, 5, expires_at=START + timedelta(hours=1))
    world.clock.set(START + timedelta(hours=1))
    before = await world.books()
    with pytest.raises(InsufficientTokens) as refused:
        await world.unlock(guest, title, key="k")
    assert (refused.value.needed, refused.value.available) == (10, 6)
    assert await world.books() == before
    await world.earn(guest, 4)
    assert (await world.unlock(guest, title, key="k")).tokens_left == 0, "a refusal leaves no receipt"


async def test_a_frozen_wallet_spends_nothing(world: World) -> None:
    """A frozen wallet is refused until it is unfrozen."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    await world.freeze(guest)
    with pytest.raises(WalletFrozen):
        await world.unlock(guest, title)
    await world.freeze(guest, False)
    assert (await world.unlock(guest, title)).tokens_spent == 2


async def test_an_unknown_country_is_refused(world: World) -> None:
    """Where the seller cannot be told, nothing is sold; never a default."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    for country in (None, "", "XX", "in"):
        with pytest.raises(CountryUnknown):
            await world.unlock(guest, title, country=country)
    assert await world.balance(guest) == 5


async def test_what_may_not_be_shown_is_not_sold(world: World) -> None:
    """An excluded country, an ended licence and a title that is not out are refused by name."""
    guest = await world.guest()
    await world.earn(guest, 50)
    excluded = await world.add_title(excluded=("AE",))
    ended = await world.add_title(licences=[world.licence(ends_at=START)])
    unlicensed = await world.add_title(licences=[])
    later = await world.add_title(published_at=START + timedelta(days=1))
    draft = await world.add_title(published_at=None)
    for title, country, reason in (
        (excluded, "AE", "no_licence"),
        (ended, "IN", "no_licence"),
        (unlicensed, "IN", "no_licence"),
        (later, "IN", "not_published"),
        (draft, "IN", "not_published"),
    ):
        with pytest.raises(PlaybackDenied) as refused:
            await world.unlock(guest, title, country=country)
        assert (refused.value.reason, refused.value.unlockable_by) == (reason, ())
    assert await world.balance(guest) == 50
    assert (await world.unlock(guest, excluded, country="IN")).tokens_spent == 2


async def test_a_series_is_not_sold_for_tokens(world: World) -> None:
    """A title whose type has no cost is refused without a way to unlock it."""
    guest, series = await world.guest(), await world.add_title(TitleType.SERIES, media_key=None)
    await world.earn(guest, 5)
    with pytest.raises(PlaybackDenied) as refused:
        await world.unlock(guest, series)
    assert refused.value.unlockable_by == ()


async def test_a_series_that_is_not_sold_by_itself_leads_to_its_episodes(world: World) -> None:
    """Without a licence of its own it is not called missing in this country; as when it is played."""
    guest = await world.guest()
    series = await world.add_title(TitleType.SERIES, media_key=None, licences=[])
    for asked in (world.unlock(guest, series), world.play(guest, series)):
        with pytest.raises(NoMedia, match="open one of the episodes"):
            await asked


async def test_what_only_a_plan_opens_says_so(world: World) -> None:
    """The refusal names the ways in money, as playing does; on the app channel neither names any."""
    guest = await world.guest()
    film_id = TitleId(world.ids.uuid7())
    window = Window(
        id=WindowId(world.ids.uuid7()),
        title_id=film_id,
        type=WindowType.SVOD,
        territories=Territories(("IN",)),
        starts_at=FIRST_DAY,
        sells_tokens=False,
    )
    film = await world.add_title(TitleType.FILM, id=film_id, windows=(window,))
    await world.earn(guest, 50)
    with pytest.raises(PlaybackDenied) as played:
        await world.play(guest, film)
    with pytest.raises(PlaybackDenied) as unlocked:
        await world.unlock(guest, film)
    assert unlocked.value.unlockable_by == played.value.unlockable_by == ("subscription",)
    command = flows.UnlockTitle(guest, film.id, 10, 1, "IN", "k2", Channel.APP)
    with pytest.raises(PlaybackDenied) as in_app:
        await flows.unlock_title(
            BUILT_IN.actor(guest),
            command,
            uow=world.uow,
            clock=world.clock,
            ids=world.ids,
            routes=SELLER_ROUTES,
        )
    assert (in_app.value.reason, in_app.value.unlockable_by) == ("no_grant", ())
    assert await world.balance(guest) == 50


async def test_nobody_and_nothing_are_named(world: World) -> None:
    """An account or a title that does not exist is not found."""
    guest, title = await world.guest(), await world.add_title()
    with pytest.raises(AccountNotFound):
        await world.unlock(AccountId(world.ids.uuid7()), title)
    with pytest.raises(TitleNotFound):
        await world.unlock(guest, evolve(title, id=TitleId(world.ids.uuid7())))


async def test_bonus_tokens_go_first_and_kinds_are_valued_apart(world: World) -> None:
    """A spend over both kinds draws bonus before paid and leaves a fact for each, worth its own value."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 20, PAID)
    await world.earn(guest, 4)
    await world.unlock(guest, film)
    facts = {fact.kind: (fact.tokens, fact.value, fact.currency) for fact in await world.spends()}
    assert facts == {BONUS: (4, Fraction(200), "INR"), PAID: (6, Fraction(600), "INR")}
    assert {item.lot.kind: item.remaining for item in (await world.wallet(guest)).lots} == {PAID: 14}


async def test_the_seller_of_the_country_settles(world: World) -> None:
    """In the Emirates and in the US thaja sells and values in dollars; in India newtact in rupees."""
    guest = await world.guest()
    await world.earn(guest, 3)
    await world.earn(guest, 9, PAID)
    for country in ("AE", "US", "IN"):
        await world.unlock(guest, await world.add_title(), country=country)
        world.clock.advance(timedelta(seconds=1))
    facts = [
        (fact.entity, fact.country, fact.kind, fact.value, fact.currency) for fact in await world.spends()
    ]
    assert facts == [
        (THAJA.id, "AE", BONUS, Fraction(6, 5), "USD"),
        (THAJA.id, "US", BONUS, Fraction(3, 5), "USD"),
        (THAJA.id, "US", PAID, Fraction(6, 5), "USD"),
        (NEWTACT.id, "IN", PAID, Fraction(200), "INR"),
    ]


async def test_a_fallen_licence_hides_what_was_unlocked(world: World) -> None:
    """An unlock asked for again after a licence without tail ended answers the refusal and spends nothing."""
    guest = await world.guest()
    title = await world.add_title(licences=[world.licence(ends_at=START + timedelta(days=1), has_tail=False)])
    await world.earn(guest, 5)
    await world.unlock(guest, title)
    world.clock.set(START + timedelta(days=1))
    with pytest.raises(PlaybackDenied):
        await world.unlock(guest, title)
    assert await world.balance(guest) == 3
