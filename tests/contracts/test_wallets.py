"""The contract of the `Wallets` port."""

from __future__ import annotations

import pytest
from attrs import evolve

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import Contention, IdempotencyMismatch
from buddy_core.tokens import (
    PAID,
    EarnTokens,
    FreezeWallet,
    InsufficientTokens,
    Lot,
    NewIds,
    OpenLot,
    Wallet,
    balance,
    earn_tokens,
    freeze,
    spend_tokens,
)
from tests.contracts.cases import (
    AT,
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
    first = earned(Wallet(account(1)), 5, 1, scopes=("type:episode", "title:x"), priority=7)
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
