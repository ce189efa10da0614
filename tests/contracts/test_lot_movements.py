"""The contract of the `LotMovements` port: every store adds up alike, and it ties to the ledger."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from buddy_adapters.sql.lot_movements import SqlLotMovements
from buddy_adapters.system import SequentialIds
from buddy_core import tokens
from buddy_core.kernel import AccountId, EntryId, HoldId
from buddy_core.kernel.outcomes import Done
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    PAID,
    BoughtLot,
    GivenLots,
    LotMovement,
    Operation,
)
from tests.contracts.cases import AT, NEWTACT, VERSIONS, Uow, account, title
from tests.core.tokens.liabilities import check, claimable, owed, rolled

pytestmark = pytest.mark.anyio

MEMBER, GUEST, OTHER = account(1), account(2), account(3)
FILM = title(1)
DAY = timedelta(days=1)
EARLY, MIDDLE, LATE = AT - DAY, AT + 3 * DAY, AT + 10 * DAY
INSTANTS = [EARLY, MIDDLE, LATE]
NEVER = len(INSTANTS)
CAUSE: dict[str, Any] = {"source": "test", "source_ref": "ref"}
SELLER: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
Step = Callable[..., Awaitable[list[Any]]]


class Story:
    """A life of several wallets, told by the real steps."""

    def __init__(self, uow: Uow) -> None:
        self.uow, self.ids, self.count = uow, SequentialIds(), 0

    async def begin(self) -> None:
        """Give tokens their values."""
        async with self.uow.begin() as tx:
            for version in VERSIONS.values():
                await tx.token_values.add(version)

    def key(self) -> str:
        """Return a key that was not used."""
        self.count += 1
        return f"key-{self.count}"

    async def do(self, step: Step, command: Any, at: datetime) -> Any:
        """Carry one command out and return what it made."""
        async with self.uow.begin() as tx:
            [outcome] = await step(tx, [command], at, self.ids)
        assert isinstance(outcome, Done), outcome
        return outcome.value

    async def buy(
        self, who: AccountId, amount: int, cost: int, at: datetime, currency: str = "INR", **more: Any
    ) -> EntryId:
        values = {"expires_at": None} | more
        command = tokens.BuyTokens(
            who, PAID, amount, cost, currency, idempotency_key=self.key(), **CAUSE, **values
        )
        return EntryId((await self.do(tokens.buy_in, command, at)).id)

    async def earn(self, who: AccountId, amount: int, at: datetime, **more: Any) -> EntryId:
        values = {"expires_at": None, "earned_as_guest": False, "kind": BONUS} | more
        command = tokens.EarnTokens(who, amount=amount, idempotency_key=self.key(), **CAUSE, **values)
        return EntryId((await self.do(tokens.earn_in, command, at)).id)

    async def spend(self, who: AccountId, amount: int, at: datetime) -> EntryId:
        command = tokens.SpendTokens(who, FILM, (), amount, idempotency_key=self.key(), **CAUSE, **SELLER)
        return EntryId((await self.do(tokens.spend_in, command, at)).entry_id)

    async def hold(self, who: AccountId, amount: int, at: datetime, ends: datetime) -> HoldId:
        command = tokens.HoldTokens(who, (), amount, ends, idempotency_key=self.key(), **CAUSE)
        return HoldId((await self.do(tokens.hold_in, command, at)).holds[0].id)

    async def post(self, who: AccountId, hold: HoldId, amount: int, at: datetime) -> None:
        command = tokens.PostHold(
            who, hold, FILM, (), idempotency_key=self.key(), amount=amount, **CAUSE, **SELLER
        )
        await self.do(tokens.post_in, command, at)

    async def refund(self, who: AccountId, entry: EntryId, amount: int, at: datetime) -> None:
        command = tokens.RefundTokens(who, entry, idempotency_key=self.key(), amount=amount, **CAUSE)
        await self.do(tokens.refund_in, command, at)

    async def reverse(self, who: AccountId, entry: EntryId, at: datetime) -> None:
        command = tokens.ReverseTokens(who, entry, idempotency_key=self.key(), **CAUSE)
        await self.do(tokens.reverse_in, command, at)

    async def sweep(self, who: AccountId, at: datetime) -> None:
        await self.do(tokens.expire_in, tokens.ExpireTokens(who, self.key()), at)

    async def merge(self, guest: AccountId, member: AccountId, at: datetime) -> None:
        async with self.uow.begin() as tx:
            await tx.wallets.lock([guest, member])
            await tokens.merge_in(tx, tokens.MergeWallets(guest, member, 0, self.key()), at, self.ids)


@pytest.fixture
async def story(uow: Uow) -> Story:
    """Answer a story that is still to be told."""
    made = Story(uow)
    await made.begin()
    return made


async def bought(uow: Uow, currency: str, instants: Sequence[datetime]) -> list[BoughtLot]:
    """Return all lots of a currency, in the order in which they were opened."""
    async with uow.read() as tx:
        batches = [lots async for lots in tx.lot_movements.bought(currency, instants)]
    return sorted((lot for lots in batches for lot in lots), key=lambda lot: lot.opened_at)


async def given(uow: Uow, instants: Sequence[datetime]) -> dict[tuple[str, int], set[LotMovement]]:
    """Return what was given by kind and end."""
    async with uow.read() as tx:
        found: list[GivenLots] = await tx.lot_movements.given(instants)
    assert len({(item.kind, item.expired_by) for item in found}) == len(found)
    return {(item.kind, item.expired_by): set(item.movements) for item in found}


async def test_a_store_without_tokens_has_nothing_to_tell(uow: Uow) -> None:
    """No currency, no lot, nothing given."""
    assert await bought(uow, "INR", INSTANTS) == []
    assert await given(uow, INSTANTS) == {}
    async with uow.read() as tx:
        assert await tx.lot_movements.sold_in() == {}


async def test_currencies_are_told_with_their_first_lot(story: Story) -> None:
    """Each currency that tokens were bought in, with the instant of its first lot; earned ones have none."""
    await story.earn(MEMBER, 5, AT - 5 * DAY)
    await story.buy(MEMBER, 3, 100, AT + DAY)
    await story.buy(OTHER, 3, 100, AT)
    await story.buy(OTHER, 3, 100, AT + 2 * DAY, "USD")
    async with story.uow.read() as tx:
        assert await tx.lot_movements.sold_in() == {"INR": AT, "USD": AT + 2 * DAY}


async def test_postings_are_added_up_by_what_they_are(story: Story) -> None:
    """Spends of one span are one sum, those of another its own; a refund goes the other way."""
    await story.buy(MEMBER, 20, 999, AT, expires_at=LATE + DAY)
    first = await story.spend(MEMBER, 2, AT)
    await story.spend(MEMBER, 3, AT + DAY)
    await story.spend(MEMBER, 4, MIDDLE)
    await story.spend(MEMBER, 1, MIDDLE + timedelta(microseconds=1))
    await story.refund(MEMBER, first, 1, LATE)
    await story.spend(MEMBER, 5, LATE + timedelta(microseconds=1))
    [lot] = await bought(story.uow, "INR", INSTANTS)
    assert (lot.amount, lot.cost_minor, lot.opened_at, lot.expired_by) == (20, 999, AT, NEVER)
    assert set(lot.movements) == {
        LotMovement(Operation.PURCHASE, 20, 1),
        LotMovement(Operation.SPEND, -9, 1, is_valued=True),
        LotMovement(Operation.SPEND, -1, 2, is_valued=True),
        LotMovement(Operation.REFUND, 1, 2, is_valued=True),
    }
    assert len(lot.movements) == 4
    assert await bought(story.uow, "USD", INSTANTS) == []
    assert await bought(story.uow, "INR", [EARLY]) == []


async def test_holds_tell_when_they_are_over(story: Story) -> None:
    """Setting aside, posting and the rest that comes back name the end of the hold, not of the entry."""
    await story.buy(MEMBER, 20, 999, AT)
    one = await story.hold(MEMBER, 5, AT, MIDDLE)
    await story.hold(MEMBER, 4, AT, LATE + DAY)
    await story.hold(MEMBER, 3, AT, MIDDLE + DAY)
    await story.post(MEMBER, one, 2, AT + DAY)
    await story.sweep(MEMBER, LATE)
    [lot] = await bought(story.uow, "INR", INSTANTS)
    assert set(lot.movements) == {
        LotMovement(Operation.PURCHASE, 20, 1),
        LotMovement(Operation.HOLD, -5, 1, hold_over_by=1),
        LotMovement(Operation.HOLD, -4, 1, hold_over_by=NEVER),
        LotMovement(Operation.HOLD, -3, 1, hold_over_by=2),
        LotMovement(Operation.POST, 5, 1, hold_over_by=1),
        LotMovement(Operation.POST, -2, 1, is_valued=True, hold_over_by=1),
        LotMovement(Operation.VOID, 3, 2, hold_over_by=2),
    }


async def test_what_a_merge_moves_stays_with_the_lot_it_was_first(story: Story) -> None:
    """The guest's lot keeps its cost; spends before and after the merge, and its end, are told of it."""
    await story.buy(GUEST, 9, 100, AT, expires_at=MIDDLE)
    before = await story.spend(GUEST, 4, AT + timedelta(hours=1))
    await story.merge(GUEST, MEMBER, AT + DAY)
    await story.spend(MEMBER, 2, AT + DAY)
    await story.refund(MEMBER, before, 3, AT + 2 * DAY)
    await story.sweep(MEMBER, LATE)
    [lot] = await bought(story.uow, "INR", INSTANTS)
    assert (lot.amount, lot.cost_minor, lot.opened_at, lot.expired_by) == (9, 100, AT, 1)
    assert set(lot.movements) == {
        LotMovement(Operation.PURCHASE, 9, 1),
        LotMovement(Operation.SPEND, -6, 1, is_valued=True),
        LotMovement(Operation.TRANSFER_OUT, -5, 1),
        LotMovement(Operation.TRANSFER_IN, 5, 1),
        LotMovement(Operation.REFUND, 3, 1, is_valued=True),
        LotMovement(Operation.EXPIRE, -6, 2),
    }


async def test_what_a_reversal_cannot_collect_is_told_of_its_lot(story: Story) -> None:
    """Also after a merge: what is left is taken from the member, the rest is named on the guest's lot."""
    entry = await story.buy(GUEST, 9, 100, AT)
    gift = await story.earn(OTHER, 6, AT)
    await story.spend(GUEST, 4, AT)
    await story.spend(OTHER, 6, AT)
    await story.merge(GUEST, MEMBER, AT + DAY)
    await story.reverse(MEMBER, entry, LATE)
    await story.reverse(OTHER, gift, LATE)
    [lot] = await bought(story.uow, "INR", INSTANTS)
    assert {item for item in lot.movements if item.operation is Operation.REVERSE} == {
        LotMovement(Operation.REVERSE, -5, 2),
        LotMovement(Operation.REVERSE, -4, 2, account=ADJUSTED),
    }
    assert (
        LotMovement(Operation.REVERSE, -6, 2, account=ADJUSTED)
        in (await given(story.uow, INSTANTS))[BONUS, NEVER]
    )


async def test_what_comes_back_to_a_withdrawn_lot_is_told_of_it(story: Story) -> None:
    """Also in the member's lot of a guest's purchase: in and out again, and out of what was uncollectable."""
    entry = await story.buy(GUEST, 9, 100, AT)
    spend = await story.spend(GUEST, 4, AT)
    await story.merge(GUEST, MEMBER, AT + DAY)
    await story.reverse(MEMBER, entry, MIDDLE)
    await story.refund(MEMBER, spend, 3, LATE)
    [lot] = await bought(story.uow, "INR", INSTANTS)
    assert {item for item in lot.movements if item.operation is Operation.REFUND} == {
        LotMovement(Operation.REFUND, 3, 2, is_valued=True),
        LotMovement(Operation.REFUND, -3, 2),
        LotMovement(Operation.REFUND, 3, 2, account=ADJUSTED),
    }


async def test_gifts_are_added_up_by_kind_and_end(story: Story) -> None:
    """Lots of many wallets that end in one span are one; bought ones are not among them."""
    await story.earn(MEMBER, 5, AT, expires_at=MIDDLE)
    await story.earn(OTHER, 6, AT, expires_at=AT + DAY)
    await story.earn(OTHER, 8, AT, kind=PAID)
    await story.buy(OTHER, 9, 100, AT)
    await story.spend(OTHER, 3, AT)
    await story.earn(OTHER, 7, AT + 4 * DAY)
    assert await given(story.uow, INSTANTS) == {
        (BONUS, 1): {
            LotMovement(Operation.EARN, 11, 1),
            LotMovement(Operation.SPEND, -3, 1, is_valued=True),
        },
        (BONUS, NEVER): {LotMovement(Operation.EARN, 7, 2)},
        (PAID, NEVER): {LotMovement(Operation.EARN, 8, 1)},
    }


async def test_lots_come_whole_however_small_the_batches(story: Story) -> None:
    """Each lot comes once with all its movements, and the figures tie to the wallets."""
    for number in range(7):
        await story.buy(MEMBER, 10 + number, 97 * number, AT + timedelta(minutes=number))
    for _ in range(7):
        await story.spend(MEMBER, 2, AT + DAY)
    wanted = await bought(story.uow, "INR", INSTANTS)
    assert len({lot.id for lot in wanted}) == len(wanted) == 7
    async with story.uow.read() as tx:
        for size in (1, 2, 3, 100):
            if not isinstance(tx.lot_movements, SqlLotMovements):
                break
            small = SqlLotMovements(tx.connection, size)
            found = [lot async for lots in small.bought("INR", INSTANTS) for lot in lots]
            assert {(lot.id, frozenset(lot.movements)) for lot in found} == {
                (lot.id, frozenset(lot.movements)) for lot in wanted
            }
            assert len(found) == 7
        rolls = await rolled(tx, "INR", INSTANTS)
        wallets = (await tx.wallets.load([MEMBER])).values()
        lots = {item.lot.id: item.lot for wallet in wallets for item in wallet.lots}
    for roll in rolls:
        check(roll)
    assert (rolls[-1].closing.tokens, rolls[-1].closing.minor) == owed(claimable(wallets, LATE), lots, "INR")
