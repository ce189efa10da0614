"""Refunds to a lot that was withdrawn, on every store: what was uncollectable is taken once, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core import tokens
from buddy_core.kernel import AccountId, Done, EntryId
from buddy_core.tokens import (
    ADJUSTED,
    PAID,
    AdjustTokens,
    BreakagePolicies,
    BuyTokens,
    Entry,
    Liability,
    LiabilityLine,
    MergeWallets,
    RefundTokens,
    ReverseTokens,
    RollForward,
    balance,
    check_corrections,
    move_tokens,
)
from tests.contracts.cases import AT, LATER, VERSIONS, Uow, account, spending

pytestmark = pytest.mark.anyio
GUEST, MEMBER = account(1), account(2)


class World:
    """A store, and what is done in it by one command after another."""

    def __init__(self, uow: Uow) -> None:
        self.uow, self.count = uow, 0
        self.who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}

    def key(self) -> str:
        """Return a key that was not used."""
        self.count += 1
        return f"k{self.count}"

    async def bought(self) -> Entry:
        """Buy ten tokens for a guest."""
        wish = BuyTokens(GUEST, PAID, 10, 1000, "INR", "shop", "o", self.key(), None)
        made = await tokens.buy_tokens(wish, **self.who)
        async with self.uow.read() as tx:
            found: Entry = (await tx.entries.get([made]))[made]
        return found

    async def given(self, bought: Entry, amount: int) -> None:
        """Give tokens to the lot by hand."""
        wish = AdjustTokens(GUEST, bought.id, bought.lots[0].id, amount, "sorry", "me", self.key())
        await tokens.adjust_tokens(wish, **self.who)

    async def spent(self, amount: int, who: AccountId = GUEST) -> EntryId:
        """Spend some."""
        return await tokens.spend_tokens(spending(who, amount, self.key()), **self.who)

    async def reversed(self, bought: Entry, who: AccountId = GUEST) -> None:
        """Take the purchase back."""
        wish = ReverseTokens(who, bought.id, "shop", "r", self.key())
        await tokens.reverse_tokens(wish, **self.who)

    def refunding(self, spend: EntryId, amount: int | None = None, who: AccountId = GUEST) -> RefundTokens:
        """Return a refund of a spend, whole or in part."""
        return RefundTokens(who, spend, "support", "r", self.key(), amount)

    async def merged(self) -> None:
        """Merge the guest into the member."""
        async with self.uow.begin() as tx:
            await tx.wallets.lock([GUEST, MEMBER])
            command = MergeWallets(GUEST, MEMBER, 99, "merge:1")
            await tokens.merge_in(tx, command, AT, self.who["ids"])

    async def left(self, who: AccountId = GUEST) -> int:
        """Return what can be spent."""
        async with self.uow.read() as tx:
            return sum(balance((await tx.wallets.load([who]))[who], AT).values())

    async def rolled(self) -> RollForward:
        """Return what became of all that was sold, once the corrections were seen to be right."""
        async with self.uow.read() as tx:
            entries = [
                entry
                for who in (GUEST, MEMBER)
                for entry in await tx.entries.of_account(who, before=None, limit=500)
            ]
            liability = Liability("INR", [AT.replace(year=2020), LATER], BreakagePolicies())
            async for lots in tx.lot_movements.bought("INR", [AT.replace(year=2020), LATER]):
                liability.add(lots)
        corrections = [entry for entry in entries if entry.corrects is not None]
        assert check_corrections({entry.id: entry for entry in entries}, corrections) == []
        [roll] = liability.roll_forwards()
        taken = [item.amount for entry in entries for item in entry.postings if item.account == ADJUSTED]
        assert roll.uncollectable.tokens >= 0, taken
        return roll


@pytest.fixture
async def world(uow: Uow) -> World:
    """A store with value versions."""
    async with uow.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(version)
    return World(uow)


async def test_what_was_given_by_hand_comes_back(world: World) -> None:
    """Ten bought, five given, ten taken back by the shop: the five are good, spent and refunded or not."""
    bought = await world.bought()
    await world.given(bought, 5)
    await world.reversed(bought)
    assert await world.left() == 5
    spend = await world.spent(5)
    await tokens.refund_tokens(world.refunding(spend), **world.who)
    assert await world.left() == 5
    roll = await world.rolled()
    assert (roll.lines[LiabilityLine.REVERSED].tokens, roll.closing.tokens) == (-10, 5)


async def test_refunds_of_several_spends_take_it_once(world: World) -> None:
    """Two spends of one batch, one of them in parts: seven are lacking, seven are taken, five come back."""
    bought = await world.bought()
    await world.given(bought, 5)
    first, second = await world.spent(6), await world.spent(6)
    await world.reversed(bought)
    assert await world.left() == 0
    parts = [world.refunding(first, 4), world.refunding(second, 2), world.refunding(first)]
    assert all(isinstance(done, Done) for done in await move_tokens(parts, **world.who))
    assert await world.left() == 1
    await tokens.refund_tokens(world.refunding(second), **world.who)
    assert await world.left() == 5
    roll = await world.rolled()
    assert (roll.lines[LiabilityLine.REVERSED].tokens, roll.uncollectable.tokens) == (-10, 0)


async def test_what_a_guest_s_refund_took_counts_for_the_member(world: World) -> None:
    """Seven were lacking; the guest's refund took four of them, and the member's no more than three."""
    bought = await world.bought()
    await world.given(bought, 5)
    first, second = await world.spent(4), await world.spent(8)
    await world.reversed(bought)
    await tokens.refund_tokens(world.refunding(first), **world.who)
    assert await world.left() == 0
    # So long a history lies between that it is read in several pages.
    for _ in range(120):
        await world.given(bought, 1)
        await world.given(bought, -1)
    await world.merged()
    await tokens.refund_tokens(world.refunding(second, 2, MEMBER), **world.who)
    assert await world.left(MEMBER) == 0
    await tokens.refund_tokens(world.refunding(second, None, MEMBER), **world.who)
    assert await world.left(MEMBER) == 5
    assert (await world.rolled()).uncollectable.tokens == 0


async def test_what_a_member_s_reversal_lacked_is_taken_of_a_guest_s_spend(world: World) -> None:
    """The purchase is withdrawn after the merge: what was spent of it is lost, no more."""
    bought = await world.bought()
    await world.given(bought, 5)
    spend = await world.spent(15)
    await world.merged()
    await world.reversed(bought, MEMBER)
    await tokens.refund_tokens(world.refunding(spend, None, MEMBER), **world.who)
    assert await world.left(MEMBER) == 5
    await world.rolled()
