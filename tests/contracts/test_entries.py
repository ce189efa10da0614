"""The contracts of the `Entries` and `LedgerBooks` ports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core.kernel import GENESIS, Contention, EntryId, HoldId, LotId
from buddy_core.tokens import Hold, MergeWallets, Operation, Posted, Wallet, merge
from tests.contracts.cases import (
    AT,
    LATER,
    VERSIONS,
    Uow,
    account,
    earned,
    post,
    race,
    spent,
    uid,
    version_of,
)

pytestmark = pytest.mark.anyio


def history(number: int, length: int) -> list[Posted]:
    """Return that many entries of one wallet, each in turn an earning and a spend."""
    made: list[Posted] = []
    wallet = Wallet(account(number))
    for step in range(length):
        act, amount = (earned, 3) if step % 2 == 0 else (spent, 2)
        made.append(act(wallet, amount, number * 100 + step, AT + timedelta(minutes=step)))
        wallet = made[-1].wallet
    return made


async def test_entries_come_back_newest_first(uow: Uow) -> None:
    """Every column of entry, postings, lots and exact values is read back, so the hashes are the same."""
    made = history(1, 4)
    await post(uow, made)
    async with uow.read() as tx:
        found = await tx.entries.of_account(account(1), before=None, limit=10)
    assert found == [item.entry for item in reversed(made)]
    assert [entry.hash for entry in found] == [item.wallet.head for item in reversed(made)]


async def test_entries_are_read_page_by_page(uow: Uow) -> None:
    """`before` is exclusive and `limit` an upper bound; past the first entry there is nothing."""
    await post(uow, history(1, 5))
    async with uow.read() as tx:
        pages = [
            [entry.sequence for entry in await tx.entries.of_account(account(1), before=before, limit=2)]
            for before in (None, 4, 2, 1, 99)
        ]
        assert await tx.entries.of_account(account(2), before=None, limit=2) == []
    assert pages == [[5, 4], [3, 2], [1], [], [5, 4]]


async def test_rare_columns_come_back(uow: Uow) -> None:
    """Holds, the hold acted on, the entry corrected and a missing rule version survive the round trip."""
    first = earned(Wallet(account(1)), 5, 1)
    entry = evolve(
        earned(first.wallet, 5, 2).entry,
        operation=Operation.HOLD,
        postings=(),
        lots=(),
        holds=(Hold(HoldId(uid(7)), 3, LATER), Hold(HoldId(uid(8)), 1, LATER)),
        hold_id=HoldId(uid(7)),
        corrects=first.entry.id,
        rule_version=None,
        effective_at=AT - timedelta(days=1),
    )
    second = Posted(first.wallet.after(entry, first.wallet.lots), entry)
    await post(uow, [first, second])
    async with uow.read() as tx:
        [found] = await tx.entries.of_account(account(1), before=None, limit=1)
    assert found == entry
    assert found.hash == second.wallet.head


async def test_entries_are_found_by_id_and_by_what_they_correct(uow: Uow) -> None:
    """Entries of any account come back whole by their ids; corrections as they were recorded."""
    mine, other = earned(Wallet(account(1)), 5, 1), earned(Wallet(account(2)), 4, 2)
    fixes = [
        evolve(spent(mine.wallet, 1, 3).entry, corrects=mine.entry.id),
        evolve(spent(other.wallet, 1, 4).entry, corrects=mine.entry.id, recorded_at=AT + timedelta(days=1)),
    ]
    await post(uow, [mine, other])
    await post(uow, [Posted(mine.wallet.after(fixes[0], ()), fixes[0])])
    await post(uow, [Posted(other.wallet.after(fixes[1], ()), fixes[1])])
    async with uow.read() as tx:
        wanted = [other.entry.id, fixes[0].id, EntryId(uid(99))]
        assert await tx.entries.get(wanted) == {other.entry.id: other.entry, fixes[0].id: fixes[0]}
        assert await tx.entries.correcting([mine.entry.id, other.entry.id]) == fixes
        assert await tx.entries.correcting([fixes[0].id]) == []
        assert (await tx.entries.get([]), await tx.entries.correcting([])) == ({}, [])


async def test_lots_and_holds_are_found_by_id(uow: Uow) -> None:
    """A lot that is used up and a hold that has ended are still there, each with its account."""
    made = earned(Wallet(account(1)), 5, 1)
    gone = spent(made.wallet, 5, 2)
    again = earned(gone.wallet, 3, 3)
    hold = Hold(HoldId(uid(7)), 3, LATER)
    entry = evolve(spent(again.wallet, 3, 4).entry, operation=Operation.HOLD, holds=(hold,))
    end = evolve(earned(again.wallet.after(entry, ()), 1, 5).entry, operation=Operation.VOID, hold_id=hold.id)
    held = again.wallet.after(entry, ())
    await post(uow, [made, gone, again, Posted(held, entry), Posted(held.after(end, ()), end)])
    async with uow.read() as tx:
        [lot] = made.entry.lots
        assert await tx.entries.lots([lot.id, LotId(uid(99))]) == {lot.id: (account(1), lot)}
        assert await tx.entries.holds([hold.id, HoldId(uid(99))]) == {hold.id: (account(1), hold)}
        assert (await tx.entries.lots([]), await tx.entries.holds([])) == ({}, {})
        [books] = await tx.ledger_books.of_accounts([account(1)])
    assert books.open_holds == {}


async def test_a_merge_is_stored_whole(uow: Uow) -> None:
    """The paired entries of a merge, with derived lot ids, are read back equal in both wallets."""
    guest, member = history(1, 3), history(2, 1)
    await post(uow, [*guest, *member])
    command = MergeWallets(account(1), account(2), 4, "merge")
    merged = merge(guest[-1].wallet, member[-1].wallet, command, VERSIONS, LATER, EntryId(uid(5)))
    after = {account(1): merged.source, account(2): merged.target}
    await post(uow, [Posted(after[entry.account_id], entry) for entry in merged.entries])
    async with uow.read() as tx:
        stored = [
            entry
            for number in (1, 2)
            for entry in await tx.entries.of_account(account(number), before=None, limit=10)
        ]
    assert merged.expired_by_cap == 3
    assert {entry.id: entry for entry in stored}.items() >= {e.id: e for e in merged.entries}.items()


async def test_an_entry_id_is_used_once(uow: Uow) -> None:
    """The same entry in another wallet, or again in its own, is refused and leaves nothing."""
    first = earned(Wallet(account(1)), 5, 1)
    await post(uow, [first])
    with pytest.raises(Contention):
        await post(uow, [first])
    async with uow.read() as tx:
        assert len(await tx.entries.of_account(account(1), before=None, limit=10)) == 1


async def test_a_key_is_used_once_by_an_account_and_operation(uow: Uow) -> None:
    """A second entry of one account, operation and key is contention; another account or operation is not."""
    first = earned(Wallet(account(1)), 5, 1)
    await post(uow, [first])
    again = evolve(earned(first.wallet, 5, 2).entry, idempotency_key=first.entry.idempotency_key)
    with pytest.raises(Contention):
        await post(uow, [Posted(first.wallet.after(again, first.wallet.lots), again)])
    spend = evolve(spent(first.wallet, 2, 3).entry, idempotency_key=first.entry.idempotency_key)
    after = first.wallet.after(spend, spent(first.wallet, 2, 3).wallet.lots)
    other = earned(Wallet(account(2)), 5, 4)
    other_entry = evolve(other.entry, idempotency_key=first.entry.idempotency_key)
    await post(uow, [Posted(after, spend), Posted(Wallet(account(2)).after(other_entry, ()), other_entry)])
    async with uow.read() as tx:
        stored = await tx.entries.of_account(account(1), before=None, limit=10)
        assert stored == [spend, first.entry]
        assert await tx.entries.of_account(account(2), before=None, limit=10) == [other_entry]


async def test_a_key_is_used_once_within_a_batch(uow: Uow) -> None:
    """Two entries of one batch with one key are refused together and leave nothing."""
    first = earned(Wallet(account(1)), 5, 1)
    again = evolve(earned(first.wallet, 5, 2).entry, idempotency_key=first.entry.idempotency_key)
    with pytest.raises(Contention):
        await post(uow, [first, Posted(first.wallet.after(again, first.wallet.lots), again)])
    await post(uow, [first])


async def test_books_show_the_ledger_as_stored(uow: Uow) -> None:
    """The books hold each account's head, entries with their hashes, and balances, zero included."""
    one, two = history(1, 4), history(2, 1)
    await post(uow, [*one, *two])
    async with uow.read() as tx:
        accounts = await tx.ledger_books.accounts()
        books = await tx.ledger_books.of_accounts(accounts)
        assert await tx.ledger_books.strays() == []
    assert sorted(accounts) == [account(1), account(2)]
    mine = next(book for book in books if book.account_id == account(1))
    last = one[-1].wallet
    assert mine.stored == Wallet(account(1), last.sequence, last.head, moved_at=last.moved_at)
    assert list(mine.entries) == [item.entry for item in one]
    assert list(mine.hashes) == [item.wallet.head for item in one]
    opened = [lot.id for item in one for lot in item.entry.lots]
    assert dict(mine.balances) == {opened[0]: 0, opened[1]: 2}
    assert list(mine.unreadable) == []


async def test_books_hold_all_value_versions(uow: Uow) -> None:
    """Value versions come back by kind and number with the hashes that were stored for them."""
    first = version_of("bonus", 1)
    second = version_of("bonus", 2, effective_from=AT, previous_hash=first.hash)
    other = version_of("paid", 1)
    async with uow.begin() as tx:
        for version in (other, first, second):
            await tx.token_values.add(version)
    async with uow.read() as tx:
        versions, hashes, faults = await tx.ledger_books.value_versions()
    assert versions == [first, second, other]
    assert hashes == [first.hash, second.hash, other.hash]
    assert versions[0].previous_hash == GENESIS
    assert faults == []


async def test_an_empty_ledger_has_no_books(uow: Uow) -> None:
    """A new store names no account; the books of an unknown account have no stored wallet."""
    async with uow.read() as tx:
        assert await tx.ledger_books.accounts() == []
        [books] = await tx.ledger_books.of_accounts([account(1)])
        assert await tx.ledger_books.value_versions() == ([], [], [])
    assert books.stored is None
    assert (list(books.entries), dict(books.balances)) == ([], {})


async def test_concurrent_appends_leave_one_chain(uow: Uow) -> None:
    """Whoever wins, the stored entries of a wallet are one unbroken chain from the genesis hash."""

    async def append(number: int) -> None:
        async with uow.begin() as tx:
            await tx.wallets.lock([account(1)])
            wallet = (await tx.wallets.load([account(1)]))[account(1)]
            await tx.wallets.append([earned(wallet, 1, number)])

    _, refusals = await race(*(append(number) for number in range(10)))
    assert refusals == []
    async with uow.read() as tx:
        [books] = await tx.ledger_books.of_accounts([account(1)])
    assert [entry.sequence for entry in books.entries] == list(range(1, 11))
    assert [entry.previous_hash for entry in books.entries] == [GENESIS, *books.hashes[:-1]]


async def test_a_lot_tells_which_entry_opened_it(uow: Uow) -> None:
    """Used up or not, in the transaction that opens it too; an unknown lot is left out."""
    one = history(1, 4)
    opened = {lot.id: item.entry.id for item in one for lot in item.entry.lots}
    async with uow.begin() as tx:
        await tx.wallets.append(one)
        assert await tx.entries.openings([*opened]) == opened
    async with uow.read() as tx:
        assert await tx.entries.openings([*opened, LotId(uid(99))]) == opened
        assert await tx.entries.openings([]) == {}
