"""Refund of an unlock: tokens, grant and royalty go back together, once, on the record."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from fractions import Fraction

import pytest

from buddy_core import flows
from buddy_core.access import (
    BUILT_IN,
    SYSTEM,
    Assignment,
    NotPermitted,
    OwnAccount,
    ReasonMissing,
    SecondFactorNeeded,
)
from buddy_core.accounts import AccountNotFound
from buddy_core.catalog import TitleType
from buddy_core.entitlements import GrantStatus
from buddy_core.kernel import AccountId, EntryId, IdempotencyMismatch, InvalidValue
from buddy_core.playback import PlaybackDenied
from buddy_core.rights import WORLDWIDE
from buddy_core.royalty import PLATFORM
from buddy_core.tokens import (
    BONUS,
    PAID,
    AlreadyRefunded,
    EntryNotFound,
    NotRefundable,
    Operation,
    SpendTokens,
    spend_tokens,
)
from buddy_web.reference import FIRST_DAY, NEWTACT
from tests.contracts.cases import race
from tests.flows.months import of_holders, of_platform
from tests.flows.world import START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

OCTOBER = flows.month_for(NEWTACT, "2026-10").period
DAY = timedelta(days=1)


def earned(stated: flows.StatedMonth) -> dict[str, int]:
    """Return what each holder has in paise by name, and what the platform has."""
    return {item.holder: item.earned for item in stated.result.statements} | {
        PLATFORM: stated.result.reconciliations[0].platform
    }


async def test_everything_goes_back(world: World) -> None:
    """Tokens return to their lots, the title closes, royalty is taken back with the same stamp, all told."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 6)
    await world.earn(guest, 9, PAID)
    lots = (await world.wallet(guest)).lots
    unlocked = await world.unlock(guest, film)
    world.clock.advance(DAY)
    support = await world.staff("support", ip="192.0.2.5")
    done = await world.refund(guest, unlocked.entry_id, actor=support, reason=" never played ")
    assert (done.title_id, done.tokens, done.expired) == (film.id, 10, 0)
    assert (done.grant_ended, done.was_played) == (True, False)
    assert {item.lot.id: item.remaining for item in (await world.wallet(guest)).lots} == {
        item.lot.id: item.remaining for item in lots
    }
    [grant] = await world.grants(guest)
    assert grant.status is GrantStatus.REFUNDED
    spent, back = (await world.spends())[:2], (await world.spends())[2:]
    assert [(item.kind, item.tokens, item.value) for item in back] == [
        (item.kind, -item.tokens, -item.value) for item in spent
    ]
    for before, after in zip(spent, back, strict=True):
        assert (after.version, after.currency, after.title_id) == (before.version, before.currency, film.id)
        assert (after.at, after.spent_at, after.entry_id) == (START + DAY, START, done.entry_id)
    [record] = await world.records("tokens.refund")
    assert (record.actor, record.resource, record.ip) == (support.name, str(guest), "192.0.2.5")
    assert json.loads(record.after) == {
        "entry": 3,
        "title": f"film/{film.short_id}",
        "tokens": 10,
        "expired": 0,
        "withdrawn": 0,
        "grant_ended": True,
        "reason": "never played",
    }


async def test_the_title_is_closed_and_may_be_unlocked_again(world: World) -> None:
    """After a refund the title asks for tokens, a running session gets no links, and unlocking costs anew."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 10)
    unlocked = await world.unlock(guest, film)
    playing = await world.play(guest, film)
    assert not (await world.refund(guest, unlocked.entry_id)).was_played, "opened, and nothing was reported"
    with pytest.raises(PlaybackDenied, match="refunded"):
        await world.play(guest, film)
    with pytest.raises(PlaybackDenied):
        await world.open(playing.session.id, guest)
    again = await world.unlock(guest, film)
    assert again.tokens_spent > 0
    assert again.entry_id != unlocked.entry_id
    statuses = [item.status for item in await world.grants(guest)]
    assert sorted(statuses) == [GrantStatus.ACTIVE, GrantStatus.REFUNDED]
    await world.refund(guest, again.entry_id)
    assert await world.balance(guest) == 10


async def test_what_was_played_is_said(world: World) -> None:
    """A title that was begun since its unlock is refunded all the same; the answer says that it was."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 10)
    first = await world.unlock(guest, film)
    playing = await world.play(guest, film)
    world.clock.advance(timedelta(seconds=5))
    await world.beat(playing.session.id, guest, 5000)
    assert (await world.refund(guest, first.entry_id)).was_played
    world.clock.advance(timedelta(seconds=5))
    second = await world.unlock(guest, film)
    assert not (await world.refund(guest, second.entry_id)).was_played, "not since it was unlocked anew"


async def test_what_has_expired_meanwhile_is_lost(world: World) -> None:
    """A lot that is over gets its tokens back and loses them in the same entry; royalty goes back whole."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 4, expires_at=START + DAY)
    await world.earn(guest, 6)
    unlocked = await world.unlock(guest, film)
    world.clock.advance(DAY)
    done = await world.refund(guest, unlocked.entry_id)
    assert (done.tokens, done.expired) == (10, 4)
    assert await world.balance(guest) == 6
    assert sum(item.value for item in await world.spends()) == 0


async def test_what_was_withdrawn_does_not_come_back(world: World) -> None:
    """A guest's spend whose earning was taken back later: the member gets nothing to spend."""
    guest, member, film = await world.guest(), await world.member(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 4, expires_at=START + DAY)
    await world.earn(guest, 6)
    unlocked = await world.unlock(guest, film)
    await world.merge(guest, member)
    for entry in await world.entries(guest, Operation.EARN):
        await world.reverse(guest, entry.id)
    world.clock.advance(DAY)
    done = await world.refund(member, unlocked.entry_id)
    assert (done.tokens, done.expired, done.withdrawn) == (10, 0, 10)
    assert await world.balance(member) == 0
    assert json.loads((await world.records("tokens.refund"))[0].after)["withdrawn"] == 10
    assert sum(item.value for item in await world.spends()) == 0
    assert (await world.verify()).faults == ()


async def test_a_frozen_wallet_is_refunded(world: World) -> None:
    """A freeze holds up no refund; the tokens are there once it is lifted."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, film)
    await world.freeze(guest)
    await world.refund(guest, unlocked.entry_id)
    assert (await world.wallet(guest)).is_frozen
    assert sum(item.remaining for item in (await world.wallet(guest)).lots) == 5


async def test_before_the_close_it_nets_out(world: World) -> None:
    """Spend and refund in one month come to nothing for everybody, in two lines that say so."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 20)
    unlocked = await world.unlock(guest, film)
    await world.refund(guest, unlocked.entry_id)
    stated = await world.provisional("2026-10")
    assert set(earned(stated).values()) == {0}
    [theirs] = stated.result.statements
    assert sorted((line.inputs["tokens"], line.inputs.get("refund_of", "")) for line in theirs.lines) == [
        (-10, "2026-10"),
        (10, ""),
    ]
    assert theirs.exact == 0
    world.clock.set(OCTOBER.end + DAY)
    assert not (await world.close("2026-10")).refused


async def test_after_the_close_it_is_a_line_of_the_next_month(world: World) -> None:
    """A closed month stays as it is; the next one owes less than nothing, closes, and closes again alike."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 20)
    unlocked = await world.unlock(guest, film)
    world.clock.set(OCTOBER.end + DAY)
    october = next(item for item in (await world.close("2026-10")).closed if item.entity == NEWTACT.id)
    await world.refund(guest, unlocked.entry_id)
    again = next(item for item in (await world.close("2026-10")).closed if item.entity == NEWTACT.id)
    assert again.statements == october.statements
    november = await world.provisional("2026-11")
    [before] = of_holders(october.statements)
    [after] = november.result.statements
    assert (after.earned, after.exact) == (-before.earned, -before.exact)
    assert {line.inputs["refund_of"] for line in after.lines} == {"2026-10"}
    assert [line.amount for line in november.result.platform] == [
        -line.amount for line in of_platform(october.statements).lines
    ]
    world.clock.set(flows.month_for(NEWTACT, "2026-11").period.end + DAY)
    assert not (await world.close("2026-11")).refused
    first = next(item for item in (await world.close("2026-11")).closed if item.entity == NEWTACT.id)
    [statement] = of_holders(first.statements)
    assert statement.earned < 0
    assert (statement.lines[0].inputs["refund_of"], statement.lines[0].inputs["tokens"]) == ("2026-10", -10)
    [account] = statement.settlements
    assert (account.payable, account.closing.carried) == (0, account.opening.carried + statement.earned)


async def test_those_who_got_it_give_it_back(world: World) -> None:
    """The holder at the spend gives back, not whose licence has begun since; a new value plays no part."""
    other = await world.add_producer()
    first = world.licence(starts_at=FIRST_DAY, ends_at=START + DAY, territories=(WORLDWIDE,))
    later = world.licence(partner=other, starts_at=START + DAY)
    film = await world.add_title(TitleType.FILM, licences=[first, later])
    guest = await world.guest()
    await world.earn(guest, 20)
    unlocked = await world.unlock(guest, film)
    world.clock.advance(DAY * 2)
    await world.revalue(BONUS, Fraction(200), Fraction(3))
    await world.refund(guest, unlocked.entry_id)
    stated = await world.provisional("2026-10")
    assert set(earned(stated)) == {world.producer.short_id, PLATFORM}
    assert set(earned(stated).values()) == {0}


async def test_a_guests_unlock_is_refunded_to_the_member(world: World) -> None:
    """Asked of the guest or of the member, the member gets the tokens and loses the title that came along."""
    for by_guest in (True, False):
        guest, member = await world.guest(), await world.member()
        film = await world.add_title()
        await world.earn(guest, 5, earned_as_guest=True)
        unlocked = await world.unlock(guest, film)
        await world.merge(guest, member)
        before = await world.balance(member)
        done = await world.refund(guest if by_guest else member, unlocked.entry_id)
        assert done.grant_ended
        assert await world.balance(member) == before + done.tokens == 5
        assert [item.status for item in await world.grants(member)] == [GrantStatus.REFUNDED]
        assert [item.status for item in await world.grants(guest)] == [GrantStatus.TRANSFERRED]


async def test_of_two_unlocks_the_one_that_gave_way_ends_nothing(world: World) -> None:
    """A title paid for twice stays open when the later unlock is refunded; the older one's closes it."""
    guest, member, film = await world.guest(), await world.member(), await world.add_title()
    for who in (guest, member):
        await world.earn(who, 5)
    older = await world.unlock(guest, film)
    world.clock.advance(DAY)
    later = await world.unlock(member, film)
    await world.merge(guest, member)
    assert not (await world.refund(member, later.entry_id)).grant_ended
    assert (await world.play(member, film)).decision is not None
    assert (await world.refund(member, older.entry_id)).grant_ended
    assert await world.balance(member) == 10


async def test_what_a_host_spent_gives_back_tokens_alone(world: World) -> None:
    """A spend that unlocked nothing has neither grant nor royalty; verify counts it apart."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    command = SpendTokens(guest, film.id, (), 3, "raffle", "r1", "s", "IN", NEWTACT.id, "INR")
    entry = await spend_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)
    done = await world.refund(guest, entry)
    assert (done.tokens, done.grant_ended) == (3, False)
    assert await world.spends() == []
    assert (await world.verify()).checked["refunds_without_royalty"] == 1


async def test_once_a_key(world: World) -> None:
    """A repeat gives the first answer; another request under the key is refused, and a second refund."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, film)
    first = await world.refund(guest, unlocked.entry_id, key="k")
    before = await world.books()
    assert await world.refund(guest, unlocked.entry_id, key="k") == first
    with pytest.raises(IdempotencyMismatch):
        await world.refund(guest, unlocked.entry_id, key="k", reason="another one")
    with pytest.raises(AlreadyRefunded):
        await world.refund(guest, unlocked.entry_id)
    assert await world.books() == before


async def test_of_refunds_at_once_one_counts(world: World) -> None:
    """Eight refunds of one unlock at once: one gives back, the others are told that it was done."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, film)
    answers, refusals = await race(*(world.refund(guest, unlocked.entry_id) for _ in range(8)))
    assert len(answers) == 1
    assert {type(item) for item in refusals} == {AlreadyRefunded}
    assert await world.balance(guest) == 5


async def test_a_refund_while_its_month_is_closed(world: World) -> None:
    """Refunds and the close at once: each refund lies in October before the close or in November."""
    guest, film, short = await world.guest(), await world.add_title(), await world.add_title(TitleType.SHORT)
    await world.earn(guest, 9)
    unlocked = [await world.unlock(guest, title) for title in (film, short)]
    world.clock.set(OCTOBER.end)
    await asyncio.gather(world.close("2026-10"), *(world.refund(guest, item.entry_id) for item in unlocked))
    assert {item.at for item in await world.spends() if item.tokens < 0} == {OCTOBER.end}


async def test_what_cannot_be_refunded(world: World) -> None:
    """Another's entry, none, one that spent nothing, bad keys: each has its code, and nothing is written."""
    guest, other, film = await world.guest(), await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    await world.earn(other, 5)
    unlocked = await world.unlock(guest, film)
    [earned] = await world.entries(guest, Operation.EARN)
    nobody, nothing = AccountId(world.ids.uuid7()), EntryId(world.ids.uuid7())
    before = await world.books()
    for who, entry, error in (
        (other, unlocked.entry_id, EntryNotFound),
        (guest, nothing, EntryNotFound),
        (nobody, unlocked.entry_id, AccountNotFound),
        (guest, earned.id, NotRefundable),
    ):
        with pytest.raises(error):
            await world.refund(who, entry)
    for key in ("k" * 10_240, "k\n"):
        with pytest.raises(InvalidValue, match="idempotency_key"):
            await world.refund(guest, unlocked.entry_id, key=key)
    with pytest.raises(InvalidValue, match="idempotency_key"):
        await flows.refund_unlock(
            SYSTEM,
            flows.RefundUnlock(guest, unlocked.entry_id, "no key at all", ""),
            correlation_id="c1",
            uow=world.uow,
            clock=world.clock,
            ids=world.ids,
        )
    for reason in ("", " x ", "r" * 501, "line\nend"):
        with pytest.raises(ReasonMissing):
            await world.refund(guest, unlocked.entry_id, reason=reason)
    assert await world.books() == before


async def test_who_may(world: World) -> None:
    """It needs the permission, a second factor, and another's wallet; nothing is written for anybody else."""
    film = await world.add_title()
    guest, support = await world.guest(), await world.staff("support")
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, film)
    assert support.account_id is not None
    await world.earn(support.account_id, 5)
    own = await world.unlock(support.account_id, film)
    unproven = BUILT_IN.actor(support.account_id, await _assigned(world, support.account_id))
    royalty = await world.staff("royalty_ops")
    before = await world.books()
    for actor in (VIEWER, BUILT_IN.actor(guest), royalty):
        with pytest.raises(NotPermitted):
            await world.refund(guest, unlocked.entry_id, actor=actor)
    with pytest.raises(SecondFactorNeeded):
        await world.refund(guest, unlocked.entry_id, actor=unproven)
    with pytest.raises(OwnAccount):
        await world.refund(support.account_id, own.entry_id, actor=support)
    assert await world.books() == before
    await world.refund(guest, unlocked.entry_id, actor=await world.staff("finance"))


async def _assigned(world: World, account: AccountId) -> list[Assignment]:
    async with world.uow.read() as tx:
        return list(await tx.assignments.of(account))


async def test_all_or_nothing(world: World) -> None:
    """Breaking off after any of the writes leaves neither tokens, grant, royalty nor record changed."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5)
    unlocked = await world.unlock(guest, film)
    before = await world.books()
    for port, method in (
        ("wallets", "append"),
        ("token_spends", "add"),
        ("grants", "change"),
        ("audit", "append"),
        ("receipts", "add"),
    ):
        uow = Tampered(world.uow, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.refund(guest, unlocked.entry_id, uow=uow)
        assert await world.books() == before, port


async def test_a_refund_is_foreseen(world: World) -> None:
    """What it would come to is told by the same code; nothing is written, and refusals are the same."""
    guest, film = await world.guest(), await world.add_title()
    await world.earn(guest, 5, expires_at=START + DAY)
    unlocked = await world.unlock(guest, film)
    world.clock.advance(DAY)
    support = await world.staff("support")
    before = await world.books()

    async def foresee() -> flows.RefundedUnlock:
        command = flows.RefundUnlock(guest, unlocked.entry_id, "", "none")
        return await flows.foresee_refund(support, command, uow=world.uow, clock=world.clock, ids=world.ids)

    told = await foresee()
    assert await world.books() == before
    done = await world.refund(guest, unlocked.entry_id, actor=support)
    assert (told.tokens, told.expired, told.grant_ended) == (done.tokens, done.expired, done.grant_ended)
    with pytest.raises(AlreadyRefunded):
        await foresee()
