"""The contract of the `Wallets` port."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.flows import SweptTokens, sweep_tokens
from buddy_core.kernel import Contention, HoldId, IdempotencyMismatch, InvalidValue
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    BuyTokens,
    EarnTokens,
    EntryNotFound,
    ExpireTokens,
    FreezeWallet,
    HoldExpired,
    HoldNotFound,
    HoldTokens,
    InsufficientTokens,
    Lot,
    LotNotFound,
    MergeWallets,
    NewIds,
    OpenLot,
    PostHold,
    RefundBeyondDraws,
    RefundTokens,
    ReverseTokens,
    VoidHold,
    Wallet,
    WalletMoved,
    adjust_tokens,
    balance,
    buy_tokens,
    earn_tokens,
    expire_tokens,
    freeze,
    hold_tokens,
    merge_in,
    post_hold,
    refund_tokens,
    reverse_tokens,
    spend_tokens,
    void_hold,
)
from tests.contracts.cases import (
    AT,
    LATER,
    NEWTACT,
    VERSIONS,
    Uow,
    account,
    earned,
    earning,
    post,
    race,
    same_wallet,
    spending,
    spent,
    title,
    uid,
)

pytestmark = pytest.mark.anyio


async def load(uow: Uow, number: int) -> Wallet:
    """Return one wallet as stored."""
    async with uow.read() as tx:
        return (await tx.wallets.load([account(number)]))[account(number)]


async def test_an_unknown_account_has_an_empty_wallet(uow: Uow) -> None:
    """Loading accounts that never had tokens answers an empty wallet for each, and none for no account."""
    async with uow.begin() as tx:
        await tx.wallets.lock([account(2), account(1)])
        await tx.wallets.lock([])
        found = await tx.wallets.load([account(1), account(2)])
        assert await tx.wallets.load([]) == {}
    assert found == {account(1): Wallet(account(1)), account(2): Wallet(account(2))}


async def test_a_wallet_comes_back_as_appended(uow: Uow) -> None:
    """Sequence, head and every field of every open lot are read back as they were."""
    first = earned(Wallet(account(1)), 5, 1, scopes=("type:episode", f"title:{uid(9)}"), priority=7)
    second = earned(first.wallet, 3, 2, kind=PAID, expires_at=None, earned_as_guest=False)
    await post(uow, [first])
    await post(uow, [second])
    assert same_wallet(await load(uow, 1), second.wallet)


async def test_a_cost_basis_comes_back(uow: Uow) -> None:
    """What was paid for a lot is read back with its currency."""
    posted = earned(Wallet(account(1)), 5, 1, kind=PAID)
    [lot] = posted.entry.lots
    bought: Lot = evolve(lot, cost_minor=499, cost_currency="INR")
    entry = evolve(posted.entry, lots=(bought,))
    wallet = Wallet(account(1)).after(entry, (OpenLot(bought, 5),))
    await post(uow, [evolve(posted, wallet=wallet, entry=entry)])
    assert same_wallet(await load(uow, 1), wallet)


async def test_a_drawn_lot_is_gone_and_a_touched_one_shrinks(uow: Uow) -> None:
    """After a spend the wallet holds only lots with something left, with what is left."""
    first = earned(Wallet(account(1)), 5, 1)
    second = earned(first.wallet, 3, 2, kind=PAID)
    third = spent(second.wallet, 6, 3)
    await post(uow, [first, second])
    await post(uow, [third])
    stored = await load(uow, 1)
    assert same_wallet(stored, third.wallet)
    assert balance(stored, AT) == {PAID: 2}


async def test_a_batch_is_appended_in_order(uow: Uow) -> None:
    """Entries of several wallets, several of one wallet among them, are stored in one call."""
    one = earned(Wallet(account(1)), 5, 1)
    two = earned(Wallet(account(2)), 4, 2)
    three = spent(one.wallet, 2, 3)
    four = earned(three.wallet, 9, 4)
    five = spent(four.wallet, 12, 5)
    await post(uow, [one, two, three, four, five])
    assert same_wallet(await load(uow, 1), five.wallet)
    assert same_wallet(await load(uow, 2), two.wallet)


async def test_items_of_a_batch_may_carry_the_last_wallet(uow: Uow) -> None:
    """A batch whose items all carry the wallet after the last entry stores that wallet, as merges do."""
    one = earned(Wallet(account(1)), 5, 1)
    two = spent(one.wallet, 5, 2)
    await post(uow, [evolve(one, wallet=two.wallet), two])
    assert same_wallet(await load(uow, 1), two.wallet)
    async with uow.read() as tx:
        entries = await tx.entries.of_account(account(1), before=None, limit=10)
    assert entries == [two.entry, one.entry]


async def test_a_freeze_is_kept(uow: Uow) -> None:
    """A frozen wallet is loaded as frozen, and an unfrozen one as free."""
    ids = iter(range(50_000, 50_010))
    state = earned(Wallet(account(1)), 5, 1)
    await post(uow, [state])
    for is_frozen in (True, False):
        command = FreezeWallet(account(1), is_frozen, "looks odd", "admin", f"freeze-{is_frozen}")
        state = freeze(state.wallet, command, AT, NewIds(uid(next(ids))))
        await post(uow, [state])
        assert (await load(uow, 1)).is_frozen is is_frozen


async def test_a_stale_wallet_is_contention(uow: Uow) -> None:
    """An entry that does not follow the stored head is refused, and nothing of its batch stays."""
    first = earned(Wallet(account(1)), 5, 1)
    await post(uow, [first])
    stale = earned(Wallet(account(1)), 3, 2)
    other = earned(Wallet(account(2)), 3, 3)
    with pytest.raises(Contention):
        await post(uow, [other, stale])
    assert same_wallet(await load(uow, 1), first.wallet)
    assert await load(uow, 2) == Wallet(account(2))


async def test_an_entry_must_follow_the_stored_head(uow: Uow) -> None:
    """An entry with the next sequence but another past before it is refused."""
    await post(uow, [earned(Wallet(account(1)), 5, 1)])
    fork = earned(earned(Wallet(account(1)), 6, 2).wallet, 1, 3)
    with pytest.raises(Contention):
        await post(uow, [fork])


async def test_of_two_writers_from_one_state_one_loses(uow: Uow) -> None:
    """Two transactions that append the same next entry at once: one stands, one gets Contention."""
    base = earned(Wallet(account(1)), 5, 1)
    await post(uow, [base])
    _, refusals = await race(post(uow, [spent(base.wallet, 4, 2)]), post(uow, [spent(base.wallet, 4, 3)]))
    assert [type(error) for error in refusals] == [Contention]
    assert balance(await load(uow, 1), AT) == {base.entry.lots[0].kind: 1}


async def stock(uow: Uow) -> None:
    """Store the value versions that handlers need."""
    async with uow.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(version)


async def test_one_key_at_once_is_one_effect(uow: Uow) -> None:
    """Four concurrent requests with one idempotency key give one entry and four equal answers."""
    await stock(uow)
    clock, ids = SettableClock(AT), SequentialIds()
    command = earning(account(1), 5, "same-key")
    answers, refusals = await race(*(earn_tokens(command, uow=uow, clock=clock, ids=ids) for _ in range(4)))
    assert refusals == []
    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert (await load(uow, 1)).sequence == 1


async def test_one_key_with_another_command_is_refused(uow: Uow) -> None:
    """The key of an earlier request with another amount is a mismatch and earns nothing."""
    await stock(uow)
    clock, ids = SettableClock(AT), SequentialIds()

    async def ask(command: EarnTokens) -> None:
        await earn_tokens(command, uow=uow, clock=clock, ids=ids)

    await ask(earning(account(1), 5, "key"))
    with pytest.raises(IdempotencyMismatch):
        await ask(earning(account(1), 6, "key"))
    assert balance(await load(uow, 1), AT) == {"bonus": 5}


async def test_many_spenders_never_overdraw(uow: Uow) -> None:
    """Twelve concurrent spends of 2 from a wallet of 10: five succeed, seven lack tokens, nothing is lost."""
    await stock(uow)
    clock, ids = SettableClock(AT), SequentialIds()
    await earn_tokens(earning(account(1), 10, "earn"), uow=uow, clock=clock, ids=ids)
    answers, refusals = await race(
        *(
            spend_tokens(spending(account(1), 2, f"spend-{n}"), uow=uow, clock=clock, ids=ids)
            for n in range(12)
        )
    )
    assert len(set(answers)) == 5
    assert [type(error) for error in refusals] == [InsufficientTokens] * 7
    wallet = await load(uow, 1)
    assert wallet.sequence == 6
    assert wallet.lots == ()


async def test_writers_of_many_wallets_do_not_block_each_other_for_ever(uow: Uow) -> None:
    """Transactions that lock the same wallets named in opposite orders all finish."""
    forward = [account(number) for number in range(5)]

    async def touch(number: int) -> None:
        async with uow.begin() as tx:
            named = forward if number % 2 else forward[::-1]
            await tx.wallets.lock(named)
            found = await tx.wallets.load(named)
            await tx.wallets.append(
                [earned(found[who], 1, number * 10 + place) for place, who in enumerate(forward)]
            )

    _, refusals = await race(*(touch(number) for number in range(8)))
    assert refusals == []
    for number in range(5):
        assert (await load(uow, number)).sequence == 8


SCOPES = ("type:episode",)
CAUSE = {"source": "test", "source_ref": "ref"}


def holding(amount: int, minutes: int, key: str, number: int = 1) -> HoldTokens:
    """Return a command that holds tokens for so many minutes from `AT`."""
    end = AT + timedelta(minutes=minutes)
    return HoldTokens(account(number), SCOPES, amount, end, idempotency_key=key, **CAUSE)


def posting(hold_id: HoldId, key: str, amount: int | None = None) -> PostHold:
    """Return a command that posts a hold."""
    facts = {"country": "IN", "entity": NEWTACT, "currency": "INR", "amount": amount}
    return PostHold(account(1), hold_id, title(1), SCOPES, idempotency_key=key, **CAUSE, **facts)


async def test_open_holds_come_back_with_their_lots(uow: Uow) -> None:
    """What each open hold set aside of which lot is loaded, used-up lots too; an ended one is not."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    for amount, key in ((5, "a"), (4, "b")):
        await earn_tokens(earning(account(1), amount, key), **who)
    first, second = [await hold_tokens(holding(n, 30, f"h-{n}"), **who) for n in (6, 2)]
    wallet = await load(uow, 1)
    assert {item.id: item.hold.amount for item in wallet.holds} == {first: 6, second: 2}
    assert [part.amount for item in wallet.holds if item.id == first for part in item.lots] == [5, 1]
    assert balance(wallet, AT) == {BONUS: 1}
    assert balance(wallet, AT + timedelta(minutes=30)) == {BONUS: 9}
    await void_hold(VoidHold(account(1), first, idempotency_key="v", **CAUSE), **who)
    wallet = await load(uow, 1)
    assert [item.id for item in wallet.holds] == [second]
    assert balance(wallet, AT) == {BONUS: 7}


async def test_a_lapsed_hold_is_spent_over(uow: Uow) -> None:
    """Tokens of a hold that is over are spent with the entry that ends it; a post of it is refused."""
    await stock(uow)
    clock = SettableClock(AT)
    who: dict[str, Any] = {"uow": uow, "clock": clock, "ids": SequentialIds()}
    await earn_tokens(earning(account(1), 5, "a"), **who)
    hold_id = await hold_tokens(holding(4, 30, "h"), **who)
    clock.advance(timedelta(minutes=30))
    with pytest.raises(HoldExpired):
        await post_hold(posting(hold_id, "p"), **who)
    with pytest.raises(InsufficientTokens):
        await spend_tokens(spending(account(1), 6, "too many"), **who)
    assert (await load(uow, 1)).sequence == 2, "a refusal writes nothing, not even the end of the hold"
    await spend_tokens(spending(account(1), 5, "s"), **who)
    async with uow.read() as tx:
        entries = await tx.entries.of_account(account(1), before=None, limit=9)
    assert [entry.operation for entry in entries] == ["spend", "void", "hold", "earn"]
    with pytest.raises(HoldExpired):
        await post_hold(posting(hold_id, "p"), **who)
    with pytest.raises(HoldNotFound):
        await post_hold(posting(HoldId(uid(1)), "q"), **who)


async def test_a_hold_is_posted_once_whoever_asks(uow: Uow) -> None:
    """Of four posts at once with keys of their own one takes effect; with one key all get its answer."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    await earn_tokens(earning(account(1), 5, "a"), **who)
    hold_id = await hold_tokens(holding(4, 30, "h"), **who)
    answers, refusals = await race(*(post_hold(posting(hold_id, f"p-{n}", 3), **who) for n in range(4)))
    assert len(answers) == 1
    assert [type(error) for error in refusals] == [HoldNotFound] * 3
    assert balance(await load(uow, 1), AT) == {BONUS: 2}


async def test_a_spend_is_refunded_once_whoever_asks(uow: Uow) -> None:
    """Refunds at once give back no more than was spent; the rest are refused."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    await earn_tokens(earning(account(1), 5, "a"), **who)
    entry = await spend_tokens(spending(account(1), 5, "s"), **who)
    commands = [
        RefundTokens(account(1), entry, idempotency_key=f"r-{n}", amount=2, **CAUSE) for n in range(4)
    ]
    answers, refusals = await race(*(refund_tokens(command, **who) for command in commands))
    assert len(set(answers)) == 2
    assert [type(error) for error in refusals] == [RefundBeyondDraws] * 2
    assert balance(await load(uow, 1), AT) == {BONUS: 4}


async def test_a_correction_belongs_to_the_owner_of_today(uow: Uow) -> None:
    """After a merge the member gets the refund and bears the reversal; the guest, and others, are refused."""
    await stock(uow)
    ids = SequentialIds()
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": ids}
    came = await earn_tokens(earning(account(1), 5, "a"), **who)
    gone = await spend_tokens(spending(account(1), 5, "s"), **who)
    async with uow.begin() as tx:
        await tx.wallets.lock([account(1), account(2)])
        await merge_in(tx, MergeWallets(account(1), account(2), 20, "m"), AT, ids)
    for number, refusal in ((1, WalletMoved), (3, EntryNotFound)):
        with pytest.raises(refusal):
            await refund_tokens(RefundTokens(account(number), gone, idempotency_key="r", **CAUSE), **who)
    with pytest.raises(WalletMoved):
        await earn_tokens(earning(account(1), 5, "late"), **who)
    await refund_tokens(RefundTokens(account(2), gone, idempotency_key="r", **CAUSE), **who)
    assert balance(await load(uow, 2), AT) == {BONUS: 5}
    await reverse_tokens(ReverseTokens(account(2), came, idempotency_key="v", **CAUSE), **who)
    assert (await load(uow, 2)).lots == ()


async def test_a_reversal_ends_the_holds_on_its_lot(uow: Uow) -> None:
    """What was withdrawn is promised to nobody: the hold is voided and its tokens are taken with the rest."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    came = await earn_tokens(earning(account(1), 5, "a"), **who)
    await hold_tokens(holding(4, 30, "h"), **who)
    await reverse_tokens(ReverseTokens(account(1), came, idempotency_key="v", **CAUSE), **who)
    wallet = await load(uow, 1)
    assert (wallet.lots, wallet.holds) == ((), ())


async def test_a_bought_lot_is_adjusted(uow: Uow) -> None:
    """A purchase and an adjustment of its lot are stored; a lot of somebody else is not found."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    command = BuyTokens(account(1), PAID, 9, 900, "INR", idempotency_key="b", expires_at=None, **CAUSE)
    entry = await buy_tokens(command, **who)
    [item] = (await load(uow, 1)).lots
    assert (item.lot.cost_minor, item.lot.cost_currency) == (900, "INR")
    await adjust_tokens(AdjustTokens(account(1), entry, item.lot.id, -2, "a slip", "me", "j"), **who)
    assert balance(await load(uow, 1), AT) == {PAID: 7}
    other = await buy_tokens(evolve(command, account_id=account(2)), **who)
    with pytest.raises(LotNotFound):
        await adjust_tokens(AdjustTokens(account(2), other, item.lot.id, 1, "a slip", "me", "k"), **who)


async def test_one_key_is_one_effect_for_every_operation(uow: Uow) -> None:
    """The same command again gets the first answer, from the receipt; another with the key is a mismatch."""
    await stock(uow)
    who: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    await earn_tokens(earning(account(1), 9, "a"), **who)
    hold_id = await hold_tokens(holding(4, 30, "h"), **who)
    assert await hold_tokens(holding(4, 30, "h"), **who) == hold_id
    with pytest.raises(IdempotencyMismatch):
        await hold_tokens(holding(5, 30, "h"), **who)
    entry = await post_hold(posting(hold_id, "p"), **who)
    assert await post_hold(posting(hold_id, "p"), **who) == entry
    back = RefundTokens(account(1), entry, idempotency_key="r", **CAUSE)
    assert await refund_tokens(back, **who) == await refund_tokens(back, **who)
    sweep = ExpireTokens(account(1), "x")
    assert await expire_tokens(sweep, **who) == await expire_tokens(sweep, **who)
    for key in ("", "k" * 10_000):
        with pytest.raises(InvalidValue):
            await void_hold(VoidHold(account(1), hold_id, idempotency_key=key, **CAUSE), **who)


async def test_what_is_to_be_swept_is_found_page_by_page(uow: Uow) -> None:
    """Accounts with a lot or a hold whose time is over come in order; those swept do not come again."""
    await stock(uow)
    clock = SettableClock(AT)
    who: dict[str, Any] = {"uow": uow, "clock": clock, "ids": SequentialIds()}
    for number in (5, 2, 4, 1, 3):
        life = None if number == 3 else AT + timedelta(hours=number)
        await earn_tokens(earning(account(number), 5, "a", expires_at=life), **who)
    await hold_tokens(holding(1, 60, "h", 3), **who)
    later = AT + timedelta(hours=4)

    async def found(after: int | None, limit: int) -> list[int]:
        async with uow.read() as tx:
            start = None if after is None else account(after)
            accounts = await tx.wallets.to_sweep(later, after=start, limit=limit)
        return [who.int - account(0).int for who in accounts]

    assert [await found(*page) for page in ((None, 2), (2, 2), (4, 2))] == [[1, 2], [3, 4], []]
    clock.set(later)
    told: list[int] = []
    swept = await sweep_tokens(page=2, progress=told.append, **who)
    assert swept == SweptTokens(wallets=4, expired=15, voided=1)
    assert told == [2, 4]
    assert await found(None, 9) == []
    assert await sweep_tokens(**who) == SweptTokens(0, 0, 0)
    assert balance(await load(uow, 3), later) == {BONUS: 5}


async def test_two_sweeps_at_once_do_the_work_once(uow: Uow) -> None:
    """Whoever is second finds nothing left; together they write off what there is."""
    await stock(uow)
    clock = SettableClock(AT)
    who: dict[str, Any] = {"uow": uow, "clock": clock, "ids": SequentialIds()}
    for number in range(6):
        await earn_tokens(earning(account(number), 5, "a", expires_at=LATER), **who)
    clock.set(LATER)
    answers, refusals = await race(*(sweep_tokens(page=2, **who) for _ in range(3)))
    assert refusals == []
    assert sum(answer.expired for answer in answers) == 30
    assert [(await load(uow, number)).sequence for number in range(6)] == [2] * 6
