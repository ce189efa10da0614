"""What staff change: with permission, with a record in the same commit, once, and not backwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from buddy_core import flows
from buddy_core.access import SYSTEM, Actor, NotPermitted, OwnAccount, ReasonMissing
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import set_token_value
from buddy_core.kernel import AccountId, IdempotencyMismatch
from buddy_core.tokens import (
    BONUS,
    PAID,
    BadTokenValue,
    BuyTokens,
    FreezeWallet,
    HoldTokens,
    NotFrozen,
    Operation,
    PostHold,
    SetTokenValue,
    SpendTokens,
    TokenKind,
    UnknownKind,
    ValueVersionInPast,
    ValueVersionTooFar,
    VoidHold,
    WalletFrozen,
    buy_tokens,
    hold_tokens,
    post_hold,
    spend_tokens,
    void_hold,
)
from buddy_web.reference import NEWTACT, SELLER_ROUTES
from tests.flows.world import START, TICK, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

RUPEE, CENT = Fraction(110), Fraction(6, 5)
MORE, CENTS = Fraction(60), Fraction(1, 2)
"""What one person may make of a bonus token's INR 0.50 and 0.6 cents: a fifth more, and a sixth less."""


async def test_a_value_counts_from_its_instant(world: World) -> None:
    """A version set ahead values spends from its first instant on; spends before keep the old one."""
    guest, titles = await world.guest(), [await world.add_title() for _ in range(3)]
    await world.earn(guest, 6)
    later = START + timedelta(days=1)
    assert await world.set_value(BONUS, MORE, CENTS, since=later) == 2
    for title, at in zip(titles, (START, later - TICK, later), strict=True):
        world.clock.set(at)
        await world.unlock(guest, title)
    facts = [(fact.version, fact.value) for fact in await world.spends()]
    assert facts == [(1, Fraction(100)), (1, Fraction(100)), (2, Fraction(120))]
    assert await world.audit() == [("token_value.set", "bonus")]


async def test_a_value_is_set_once_a_key(world: World) -> None:
    """A repeat answers the same number and writes nothing; another value under the key is refused."""
    soon = START + timedelta(hours=1)
    assert await world.set_value(PAID, RUPEE, CENT, since=soon, key="k") == 2
    before = await world.books()
    assert await world.set_value(PAID, RUPEE, CENT, since=soon, key="k") == 2
    with pytest.raises(IdempotencyMismatch):
        await world.set_value(PAID, RUPEE + 1, CENT, since=soon, key="k")
    assert await world.books() == before


async def test_values_that_cannot_be_are_refused(world: World) -> None:
    """Without permission, into the past, before the last version or without a currency nothing is written."""
    await world.set_value(BONUS, MORE, CENTS, since=START + timedelta(days=2))
    before = await world.books()
    with pytest.raises(NotPermitted):
        await world.set_value(BONUS, MORE, CENTS, actor=VIEWER)
    for since in (START - TICK, START, START + timedelta(seconds=59), START + timedelta(days=2)):
        with pytest.raises(ValueVersionInPast):
            await world.set_value(BONUS, MORE, CENTS, since=since)
    with pytest.raises(ValueVersionTooFar):
        await world.set_value(BONUS, MORE, CENTS, since=START + timedelta(days=400))
    with pytest.raises(UnknownKind):
        await world.set_value(TokenKind("bonsu"), RUPEE, CENT)
    lacking = SetTokenValue(PAID, START + timedelta(days=1), {"INR": RUPEE}, "system", "k9")
    with pytest.raises(BadTokenValue):
        await set_token_value(
            SYSTEM,
            lacking,
            correlation_id="c1",
            uow=world.uow,
            clock=world.clock,
            ids=world.ids,
            routes=SELLER_ROUTES,
        )
    assert await world.books() == before


async def test_values_set_at_once_follow_each_other(world: World) -> None:
    """Of 4 versions for 4 instants set at once, those that are taken form one chain with numbers in a row."""
    outcomes = await asyncio.gather(
        *(world.set_value(BONUS, MORE, CENTS, since=START + timedelta(days=day)) for day in range(1, 5)),
        return_exceptions=True,
    )
    numbers = sorted(number for number in outcomes if isinstance(number, int))
    assert numbers == list(range(2, len(numbers) + 2))
    assert numbers
    assert all(isinstance(item, int | ValueVersionInPast) for item in outcomes)


async def test_act_and_record_are_one_commit(world: World) -> None:
    """When the audit cannot be written, neither value nor freeze is there."""
    guest = await world.guest()
    await world.earn(guest, 2)
    before, whole = await world.books(), world.uow
    world.uow = Tampered(whole, "audit", "append", after=break_off)
    with pytest.raises(Broken):
        await world.set_value(BONUS, MORE, CENTS)
    with pytest.raises(Broken):
        await world.freeze(guest)
    world.uow = whole
    assert await world.books() == before


async def test_a_freeze_is_a_permitted_act_on_the_record(world: World) -> None:
    """Freezing and unfreezing need the permission, stand in ledger and audit, and an account must exist."""
    guest, title = await world.guest(), await world.add_title()
    await world.earn(guest, 2)
    for actor in (VIEWER, Actor(guest), await world.staff("royalty_ops")):
        with pytest.raises(NotPermitted):
            await world.freeze(guest, actor=actor)
    with pytest.raises(NotFrozen):
        await world.freeze(guest, False)
    with pytest.raises(AccountNotFound):
        await world.freeze(AccountId(world.ids.uuid7()))
    admin = await world.staff("support")
    await world.freeze(guest, actor=admin)
    await world.freeze(guest, actor=admin)
    with pytest.raises(WalletFrozen):
        await world.earn(guest, 1)
    with pytest.raises(WalletFrozen):
        await world.unlock(guest, title)
    await world.freeze(guest, False, actor=admin)
    await world.unlock(guest, title)
    operations = [entry.operation for entry in await world.entries(guest)]
    assert operations[1:4] == [Operation.FREEZE, Operation.FREEZE, Operation.UNFREEZE]
    assert await world.audit() == [
        ("wallet.freeze", str(guest)),
        ("wallet.freeze", str(guest)),
        ("wallet.unfreeze", str(guest)),
    ]


async def test_a_freeze_has_a_reason_and_is_not_ones_own(world: World) -> None:
    """No reason, one's own wallet, and a role taken meanwhile are refused; nothing is written."""
    support = await world.staff("support")
    guest = await world.guest()
    assert support.account_id is not None
    taken = await world.staff("support")
    assert taken.account_id is not None
    command = flows.AssignRole(await world.email(taken.account_id), "support")
    await flows.revoke_role(SYSTEM, command, correlation_id="c3", uow=world.uow, clock=world.clock)
    before = await world.books()
    for is_frozen in (True, False):
        with pytest.raises(OwnAccount):
            await world.freeze(support.account_id, is_frozen, actor=support)
        with pytest.raises(NotPermitted):
            await world.freeze(guest, is_frozen, actor=taken)
        wanted = FreezeWallet(guest, is_frozen, " x ", "", "f1")
        with pytest.raises(ReasonMissing):
            await flows.freeze_wallet(
                support, wanted, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
            )
    assert await world.books() == before


async def test_what_a_frozen_wallet_does_not(world: World) -> None:
    """It neither earns, buys, is given, spends, holds nor posts, says so each time, and writes nothing."""
    guest, film = await world.guest(), await world.add_title()
    who: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    await world.earn(guest, 20)
    soon = START + timedelta(hours=1)
    held = await hold_tokens(HoldTokens(guest, (), 5, soon, "rent", "r1", "h1"), **who)
    await world.freeze(guest)
    before = await world.books()
    seller: dict[str, Any] = {"country": "IN", "entity": NEWTACT.id, "currency": "INR"}
    acts: list[Awaitable[Any]] = [
        world.earn(guest, 1),
        world.begin_ad(guest),
        world.grant(guest, 1),
        world.unlock(guest, film),
        buy_tokens(BuyTokens(guest, PAID, 20, 900, "INR", "shop", "o1", "b1", None), **who),
        spend_tokens(SpendTokens(guest, film.id, (), 1, "raffle", "r1", "s1", **seller), **who),
        hold_tokens(HoldTokens(guest, (), 1, soon, "rent", "r2", "h2"), **who),
        post_hold(PostHold(guest, held, film.id, (), "rent", "r1", "p1", **seller), **who),
    ]
    for act in acts:
        with pytest.raises(WalletFrozen, match="frozen"):
            await act
    assert await world.books() == before


async def test_what_a_frozen_wallet_still_does(world: World) -> None:
    """Refunds, reversals, corrections, voids, time-outs and expiry are posted; it stays frozen."""
    guest, film = await world.guest(), await world.add_title()
    who: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    await world.earn(guest, 20, expires_at=START + timedelta(days=1))
    await world.earn(guest, 7)
    soon = START + timedelta(hours=1)
    first = await hold_tokens(HoldTokens(guest, (), 1, soon, "rent", "r1", "h1"), **who)
    await hold_tokens(HoldTokens(guest, (), 1, soon, "rent", "r2", "h2"), **who)
    unlocked = await world.unlock(guest, film)
    earned, later = await world.entries(guest, Operation.EARN)
    await world.freeze(guest)
    await void_hold(VoidHold(guest, first, "rent", "r1", "v1"), **who)
    await world.refund(guest, unlocked.entry_id)
    await world.adjust(guest, earned, -1)
    world.clock.advance(timedelta(days=1))
    await flows.sweep_tokens(**who)
    assert (await world.reverse(guest, later.id)).taken == 7
    done = [entry.operation for entry in await world.entries(guest)][6:]
    assert done == [
        Operation.VOID,
        Operation.REFUND,
        Operation.ADJUST,
        Operation.VOID,
        Operation.EXPIRE,
        Operation.REVERSE,
    ]
    wallet = await world.wallet(guest)
    assert (wallet.is_frozen, wallet.lots, wallet.holds) == (True, (), ())
