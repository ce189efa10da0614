"""Reversals and adjustments by staff: permitted, reasoned, on the record, and large ones by two people."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from buddy_core import flows
from buddy_core.access import (
    SYSTEM,
    NotPermitted,
    Outcome,
    OwnAccount,
    ReasonMissing,
    RequesterLacksPermission,
)
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import Awaiting
from buddy_core.kernel import AccountId, EntryId, IdempotencyMismatch, InvalidValue, LotId
from buddy_core.tokens import (
    MAX_TOKENS,
    PAID,
    AdjustBeyondLot,
    AlreadyReversed,
    BadAdjustment,
    BadTokenAmount,
    BuyTokens,
    Entry,
    EntryNotFound,
    HoldTokens,
    LotNotFound,
    NotReversible,
    Operation,
    UnknownKind,
    WalletFrozen,
    buy_tokens,
    hold_tokens,
)
from tests.contracts.cases import race
from tests.flows.test_approvals import revoke
from tests.flows.world import START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
ALONE, MANY = 50, 51
NOT_AMOUNTS = (0, 2**53 + 1, -(2**53) - 1, 1.5, True, "3", None)


async def earned(world: World, who: AccountId, amount: int = 10, **changes: Any) -> Entry:
    """Earn tokens, and return the entry."""
    await world.earn(who, amount, **changes)
    return (await world.entries(who, Operation.EARN))[-1]


async def test_what_is_left_is_taken_and_the_rest_told(world: World) -> None:
    """Of ten tokens seven are left after an unlock: these go, three are uncollectable, and the film stays."""
    guest, film = await world.guest(), await world.add_title()
    entry = await earned(world, guest)
    spent = (await world.unlock(guest, film)).tokens_spent
    support = await world.staff("support", ip="192.0.2.5")
    done = await world.reverse(guest, entry.id, actor=support, reason=" fraud ")
    assert (done.taken, done.uncollectable) == (10 - spent, spent)
    assert await world.balance(guest) == 0
    assert (await world.play(guest, film)).decision is not None
    [record] = await world.records("tokens.reverse")
    assert (record.actor, record.resource, record.ip) == (support.name, str(guest), "192.0.2.5")
    assert json.loads(record.after) == {
        "entry": 1,
        "source": "test",
        "taken": 10 - spent,
        "uncollectable": spent,
        "reason": "fraud",
    }


async def test_a_purchase_that_was_charged_back(world: World) -> None:
    """A purchase is taken back like an earning, also of a frozen wallet; holds on its tokens are voided."""
    guest = await world.guest()
    who: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    bought = await buy_tokens(BuyTokens(guest, PAID, 20, 900, "INR", "shop", "o1", "b1", None), **who)
    await hold_tokens(HoldTokens(guest, (), 5, START + timedelta(hours=1), "rent", "r1", "h1"), **who)
    await world.freeze(guest)
    done = await world.reverse(guest, bought, reason="charged back")
    assert (done.taken, done.uncollectable) == (20, 0)
    wallet = await world.wallet(guest)
    assert (wallet.lots, wallet.holds) == ((), ())
    assert [item.operation for item in await world.entries(guest)][-2:] == [Operation.VOID, Operation.REVERSE]


async def test_a_guests_earning_is_taken_from_the_member(world: World) -> None:
    """After a merge the tokens are taken where they are, asked of the guest or of the member."""
    guest, member = await world.guest(), await world.member()
    first, second = [await earned(world, guest, n, earned_as_guest=True) for n in (3, 4)]
    await world.merge(guest, member)
    assert (await world.reverse(guest, first.id)).taken == 3
    assert (await world.reverse(member, second.id)).taken == 4
    assert await world.balance(member) == 0


async def test_a_reversal_once_a_key(world: World) -> None:
    """A repeat gives the first answer; another request under the key and a second reversal are refused."""
    guest = await world.guest()
    entry = await earned(world, guest)
    first = await world.reverse(guest, entry.id, key="k")
    before = await world.books()
    assert await world.reverse(guest, entry.id, key="k") == first
    with pytest.raises(IdempotencyMismatch):
        await world.reverse(guest, entry.id, key="k", reason="another one")
    with pytest.raises(AlreadyReversed):
        await world.reverse(guest, entry.id)
    assert await world.books() == before


async def test_what_cannot_be_reversed(world: World) -> None:
    """A spend, a freeze, another's entry, none, no reason: each has its code, and nothing is written."""
    guest, other, film = await world.guest(), await world.guest(), await world.add_title()
    entry = await earned(world, guest)
    unlocked = await world.unlock(guest, film)
    await world.freeze(guest)
    [freeze] = await world.entries(guest, Operation.FREEZE)
    nobody, nothing = AccountId(world.ids.uuid7()), EntryId(world.ids.uuid7())
    before = await world.books()
    for who, what, error in (
        (guest, unlocked.entry_id, NotReversible),
        (guest, freeze.id, NotReversible),
        (other, entry.id, EntryNotFound),
        (guest, nothing, EntryNotFound),
        (nobody, entry.id, AccountNotFound),
    ):
        with pytest.raises(error):
            await world.reverse(who, what)
    with pytest.raises(NotReversible, match="An entry that did 'spend' brought"):
        await world.reverse(guest, unlocked.entry_id)
    with pytest.raises(ReasonMissing):
        await world.reverse(guest, entry.id, reason=" x ")
    with pytest.raises(InvalidValue, match="idempotency_key"):
        await world.reverse(guest, entry.id, key="k" * 10_240)
    assert await world.books() == before


async def test_who_may_reverse_and_adjust(world: World) -> None:
    """It needs the permissions and another's wallet; a reversal that breaks off leaves nothing."""
    guest, support = await world.guest(), await world.staff("support")
    assert support.account_id is not None
    entry, own = await earned(world, guest), await earned(world, support.account_id)
    royalty = await world.staff("royalty_ops")
    before, whole = await world.books(), world.uow
    for actor in (VIEWER, royalty):
        with pytest.raises(NotPermitted):
            await world.reverse(guest, entry.id, actor=actor)
        with pytest.raises(NotPermitted):
            await world.adjust(guest, entry, -1, actor=actor)
    with pytest.raises(OwnAccount):
        await world.reverse(support.account_id, own.id, actor=support)
    with pytest.raises(OwnAccount):
        await world.adjust(support.account_id, own, 1, actor=support)
    world.uow = Tampered(whole, "audit", "append", after=break_off)
    with pytest.raises(Broken):
        await world.reverse(guest, entry.id)
    with pytest.raises(Broken):
        await world.adjust(guest, entry, -1)
    world.uow = whole
    assert await world.books() == before


async def test_a_reversal_is_foreseen(world: World) -> None:
    """What it would come to is told and not done."""
    guest = await world.guest()
    entry = await earned(world, guest)
    await world.unlock(guest, await world.add_title())
    before = await world.books()
    command = flows.ReverseEarning(guest, entry.id, "", "none")
    told = await flows.foresee_reversal(SYSTEM, command, uow=world.uow, clock=world.clock, ids=world.ids)
    assert await world.books() == before
    done = await world.reverse(guest, entry.id)
    assert (told.taken, told.uncollectable) == (done.taken, done.uncollectable)


async def test_a_small_adjustment_is_made_at_once(world: World) -> None:
    """Tokens are given to the very lot or taken from it; the record says who, what, of which entry, why."""
    guest, support = await world.guest(), await world.staff("support")
    entry = await earned(world, guest)
    assert not isinstance(await world.adjust(guest, entry, -4, actor=support), Awaiting)
    assert not isinstance(await world.adjust(guest, entry, 2, actor=support, key="k"), Awaiting)
    first = await world.books()
    await world.adjust(guest, entry, 2, actor=support, key="k")
    assert await world.books() == first
    [item] = (await world.wallet(guest)).lots
    assert (item.lot.id, item.remaining) == (entry.lots[0].id, 8)
    last = (await world.entries(guest, Operation.ADJUST))[-1]
    assert (last.source, last.source_ref, last.corrects) == (support.name, "counted twice", entry.id)
    records = await world.records("tokens.adjust")
    assert [json.loads(record.after) for record in records] == [
        {"entry": 1, "tokens": tokens, "reason": "counted twice"} for tokens in (-4, 2)
    ]


async def test_an_adjustment_is_foreseen(world: World) -> None:
    """Before, after and whether somebody else is asked are told and not done; refusals are the same."""
    guest, support = await world.guest(), await world.staff("support")
    entry = await earned(world, guest, 100)

    async def foresee(amount: int) -> tuple[int, int, bool]:
        command = flows.AdjustLot(guest, entry.id, entry.lots[0].id, amount, "", "none")
        found = await flows.foresee_adjustment(
            support, command, uow=world.uow, clock=world.clock, ids=world.ids
        )
        return found.before, found.after, found.needs_second_person

    before = await world.books()
    assert await foresee(-30) == (100, 70, False)
    assert await foresee(MANY) == (100, 151, True)
    for wrong, error in ((0, BadTokenAmount), (-101, AdjustBeyondLot)):
        with pytest.raises(error):
            await foresee(wrong)
    assert await world.books() == before
    await world.adjust(guest, entry, -30, actor=support)
    assert await foresee(-30) == (70, 40, True), "30 were moved today"


async def test_a_large_adjustment_waits_for_a_second_person(world: World) -> None:
    """Above 50 tokens nothing moves until another of finance approves; then it is done in that commit."""
    guest, support = await world.guest(), await world.staff("support")
    entry = await earned(world, guest, 100)
    before = await world.balance(guest)
    found = await world.adjust(guest, entry, -MANY, actor=support)
    assert isinstance(found, Awaiting)
    assert await world.balance(guest) == before
    await world.settle_request(found.request_id, actor=await world.second())
    assert await world.balance(guest) == before - MANY
    last = (await world.entries(guest, Operation.ADJUST))[-1]
    assert last.source == support.name, "whoever wanted it"
    [record] = await world.records("tokens.adjust")
    assert json.loads(record.after)["request"] == found.request_id
    again = await world.adjust(guest, entry, MANY, actor=support)
    assert isinstance(again, Awaiting)
    await world.settle_request(again.request_id, Outcome.REJECTED, actor=await world.second())
    assert await world.balance(guest) == before - MANY


async def test_gifts_and_adjustments_count_together(world: World) -> None:
    """What one person moved by hand in a day, given or taken, or one account had so, is measured as one."""
    guest, support = await world.guest(), await world.staff("support")
    entry = await earned(world, guest, 100)
    assert not isinstance(await world.grant(guest, 25, actor=support), Awaiting)
    assert not isinstance(await world.adjust(guest, entry, -25, actor=support), Awaiting)
    assert isinstance(await world.adjust(guest, entry, 1, actor=support), Awaiting)
    assert isinstance(await world.grant(guest, 1, actor=support), Awaiting)
    other = await world.staff("support")
    assert isinstance(await world.adjust(guest, entry, 1, actor=other), Awaiting), "50 in this account"
    assert not isinstance(await world.grant(await world.guest(), 50, actor=other), Awaiting)
    world.clock.advance(DAY + timedelta(microseconds=1))
    assert not isinstance(await world.adjust(guest, entry, ALONE, actor=support), Awaiting)


async def test_adjustments_at_once_are_counted_together(world: World) -> None:
    """Of two adjustments of 30 at once one is made and the other waits."""
    guests, support = [await world.guest() for _ in range(2)], await world.staff("support")
    entries = [await earned(world, guest, 40) for guest in guests]
    answers, refusals = await race(
        *(
            world.adjust(guest, entry, -30, actor=support)
            for guest, entry in zip(guests, entries, strict=True)
        )
    )
    assert not refusals
    assert sorted(isinstance(item, Awaiting) for item in answers) == [False, True]


async def test_amounts_that_are_none(world: World) -> None:
    """Zero, more than 2^53, fractions and what is no number are refused, for gifts too, and leave nothing."""
    guest = await world.guest()
    entry = await earned(world, guest)
    before = await world.books()
    for amount in NOT_AMOUNTS:
        with pytest.raises(BadTokenAmount):
            await world.adjust(guest, entry, amount)
        with pytest.raises(BadTokenAmount):
            await world.grant(guest, amount)  # type: ignore[arg-type]
    with pytest.raises(BadTokenAmount):
        await world.grant(guest, -5)
    assert await world.books() == before


async def test_what_cannot_be_adjusted(world: World) -> None:
    """Each way of being wrong has its code, small or large, and nothing is asked or written."""
    guest, other = await world.guest(), await world.guest()
    entry, theirs = await earned(world, guest, 100), await earned(world, other, 100)
    over = await earned(world, guest, 60, expires_at=START + DAY)
    world.clock.advance(DAY)
    nobody, nothing = AccountId(world.ids.uuid7()), LotId(world.ids.uuid7())
    before = await world.books()
    for changes, error in (
        ({"amount": -101}, AdjustBeyondLot),
        ({"amount": MAX_TOKENS}, BadAdjustment),
        ({"entry": over, "amount": 1}, BadAdjustment),
        ({"entry": over, "amount": MANY}, BadAdjustment),
        ({"lot": nothing, "amount": 1}, LotNotFound),
        ({"lot": nothing, "amount": MANY}, LotNotFound),
        ({"lot": theirs.lots[0].id, "amount": MANY}, LotNotFound),
        ({"entry": theirs, "lot": entry.lots[0].id, "amount": 1}, EntryNotFound),
        ({"entry": theirs, "lot": entry.lots[0].id, "amount": MANY}, EntryNotFound),
        ({"who": nobody, "amount": 1}, AccountNotFound),
        ({"amount": 1, "reason": " x "}, ReasonMissing),
        ({"amount": 1, "key": "k" * 10_240}, InvalidValue),
    ):
        with pytest.raises(error):
            await world.adjust(**{"who": guest, "entry": entry, **changes})  # type: ignore[arg-type]
    assert await world.books() == before


async def test_an_adjustment_that_cannot_be_done_any_more_waits_on(world: World) -> None:
    """What was asked for is refused when the tokens are gone by then, or its asker may not any more."""
    guest, support = await world.guest(), await world.staff("support")
    entry = await earned(world, guest, 60)
    asked = await world.adjust(guest, entry, -60, actor=support)
    assert isinstance(asked, Awaiting)
    await world.unlock(guest, await world.add_title())
    second = await world.second()
    before = await world.books()
    with pytest.raises(AdjustBeyondLot):
        await world.settle_request(asked.request_id, actor=second)
    assert await world.books() == before
    await revoke(world, support, "support")
    with pytest.raises(RequesterLacksPermission):
        await world.settle_request(asked.request_id, actor=second)
    assert await world.balance(guest) > 0


@pytest.mark.parametrize("length", [202, 203, 204, 255])
async def test_every_act_takes_the_longest_key(world: World, length: int) -> None:
    """A key as long as a key may be serves every act, gives the first answer again, and stays one's own."""
    support, second = await world.staff("support"), await world.staff("support")
    guest, film, key = await world.guest(), await world.add_title(), "k" * length
    entry = await earned(world, guest, 20)
    for actor in (support, second):
        gift = await world.grant(guest, 1, actor=actor, key=key)
        assert await world.grant(guest, 1, actor=actor, key=key) == gift
        adjusted = await world.adjust(guest, entry, 1, actor=actor, key=key)
        assert await world.adjust(guest, entry, 1, actor=actor, key=key) == adjusted
        spent = await world.unlock(guest, film)
        refunded = await world.refund(guest, spent.entry_id, actor=actor, key=key)
        assert await world.refund(guest, spent.entry_id, actor=actor, key=key) == refunded
        late = await earned(world, guest, 5)
        taken = await world.reverse(guest, late.id, actor=actor, key=key)
        assert await world.reverse(guest, late.id, actor=actor, key=key) == taken
    assert await world.balance(guest) == 24


async def test_what_cannot_be_given_is_asked_of_nobody(world: World) -> None:
    """A large gift to a frozen wallet is refused at once; no request waits for a second person."""
    guest, support = await world.guest(), await world.staff("support")
    await world.freeze(guest)
    before = await world.books()
    for amount in (1, MANY, MAX_TOKENS):
        with pytest.raises(WalletFrozen):
            await world.grant(guest, amount, actor=support)
    assert await world.books() == before


async def test_what_a_guest_was_given_counts_for_the_member(world: World) -> None:
    """50 tokens to a guest and one to the member they became, of two people: the second gift waits."""
    guests = [await world.guest() for _ in range(2)]
    member, other = await world.member(), await world.staff("support")
    for guest, amount in zip(guests, (20, 30), strict=True):
        support = await world.staff("support")
        assert not isinstance(await world.grant(guest, amount, actor=support), Awaiting)
        await world.merge(guest, member)
    entry = await earned(world, member)
    assert isinstance(await world.grant(member, 1, actor=other), Awaiting)
    assert isinstance(await world.adjust(member, entry, 1, actor=other), Awaiting)
    world.clock.advance(DAY + timedelta(microseconds=1))
    assert not isinstance(await world.grant(member, ALONE, actor=other), Awaiting)


@pytest.mark.parametrize("act", ["grant", "adjust", "refund", "unfreeze"])
async def test_ones_own_guest_is_ones_own(world: World, act: str) -> None:
    """Whoever helped a guest as staff and then joins from it is frozen until another looks."""
    support, guest, film = await world.staff("support"), await world.guest(), await world.add_title()
    assert support.account_id is not None
    entry = await earned(world, guest)
    if act == "grant":
        await world.grant(guest, 5, actor=support)
    elif act == "adjust":
        await world.adjust(guest, entry, 5, actor=support)
    elif act == "refund":
        await world.refund(guest, (await world.unlock(guest, film)).entry_id, actor=support)
    else:
        await world.freeze(guest)
        await world.freeze(guest, False, actor=support)
    await world.merge(guest, support.account_id)
    assert (await world.wallet(support.account_id)).is_frozen
    record = (await world.records("wallet.freeze"))[-1]
    assert (record.actor, record.resource) == ("system", str(support.account_id))
    with pytest.raises(OwnAccount):
        await world.freeze(support.account_id, False, actor=support)
    await world.freeze(support.account_id, False, actor=await world.staff("support"))
    assert not (await world.wallet(support.account_id)).is_frozen


async def test_a_guest_whom_another_helped_joins_freely(world: World) -> None:
    """Staff whose guest somebody else gave tokens to are not frozen."""
    support, other, guest = await world.staff("support"), await world.staff("support"), await world.guest()
    assert support.account_id is not None
    await world.grant(guest, 5, actor=other)
    await world.merge(guest, support.account_id)
    assert not (await world.wallet(support.account_id)).is_frozen


async def test_a_kind_without_a_value(world: World) -> None:
    """Tokens of a kind that nobody has valued are neither earned nor given."""
    guest = await world.guest()
    before = await world.books()
    with pytest.raises(UnknownKind):
        await world.earn(guest, 1, kind="gold")  # type: ignore[arg-type]
    assert await world.books() == before
