"""The walk over all wallets: what was read, what stands where, and what has changed since a checkpoint."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.memory.tokens import BALANCES, HASHES, VALUES, WALLETS
from buddy_adapters.memory.unit_of_work import MemoryTx
from buddy_core.kernel import AccountId, EntryId, HoldId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import (
    BONUS,
    Checkpoint,
    Entry,
    HoldTokens,
    LedgerReport,
    NewIds,
    Posted,
    Wallet,
    check_ledger_in,
    hold,
)
from buddy_core.tokens.ports import Glance
from buddy_core.tokens.proof import walking
from tests.contracts.cases import AT, LATER, VERSIONS, account, earned, post, spent, uid, version_of

ONE, TWO, THREE = account(1), account(2), account(3)
FIRST = earned(Wallet(ONE), 9, 1)
SPENT = spent(FIRST.wallet, 4, 2)
SECOND = earned(Wallet(TWO), 5, 3)
WISH = HoldTokens(TWO, ("type:episode",), 2, LATER, "why", "ref", "h")
HELD = hold(SECOND.wallet, WISH, VERSIONS, AT, NewIds(EntryId(uid(9)), hold=HoldId(uid(8))))
THIRD = earned(Wallet(THREE), 7, 4)
HEADS = {ONE: (2, SPENT.wallet.head), TWO: (2, HELD.wallet.head), THREE: (1, THIRD.wallet.head)}


class Ledger:
    """A store of three wallets, one of which has a hold that the quick look leaves to the slow one."""

    def __init__(self) -> None:
        self.uow = MemoryUnitOfWork()
        self.seen: list[tuple[AccountId, list[Entry]]] = []
        self.told: list[tuple[int, int]] = []
        asyncio.run(self._stock())

    async def _stock(self) -> None:
        async with self.uow.begin() as tx:
            for version in VERSIONS.values():
                await tx.token_values.add(version)
        await post(self.uow, [FIRST, SPENT, SECOND, HELD, THIRD])

    def add(self, *posted: Posted) -> None:
        """Append to the ledger."""
        asyncio.run(post(self.uow, posted))

    def plant(self, table: Any, key: Any, value: Any) -> None:
        """Write a row as it lies there, past all rules; None: take it away."""
        rows = self.uow._tables[table]
        if value is None:
            rows.drop(key)
        else:
            rows.put(key, value)
        self.uow._tables.commit()

    def checked(self, since: dict[AccountId, tuple[int, bytes]] | None = None) -> LedgerReport:
        """Walk over the wallets."""
        self.seen.clear()
        self.told.clear()

        async def walk() -> LedgerReport:
            async with self.uow.read() as tx:
                return await check_ledger_in(
                    tx,
                    since=None if since is None else Checkpoint(since),
                    seen=lambda who, entries: self.seen.append((who, list(entries))),
                    progress=lambda done, total: self.told.append((done, total)),
                )

        return asyncio.run(walk())


@pytest.fixture
def ledger() -> Ledger:
    """A ledger of three wallets."""
    return Ledger()


def read(ledger: Ledger) -> dict[AccountId, list[Entry]]:
    """Return what was told of, by account."""
    assert len({who for who, _ in ledger.seen}) == len(ledger.seen)
    return dict(ledger.seen)


def test_all_wallets_are_read_and_told_of(ledger: Ledger) -> None:
    """Quickly or slowly, each once, with its entries in order, and where it stands."""
    report = ledger.checked()
    assert report == LedgerReport(3, 5, [], HEADS)
    assert read(ledger) == {
        ONE: [FIRST.entry, SPENT.entry],
        TWO: [SECOND.entry, HELD.entry],
        THREE: [THIRD.entry],
    }
    assert ledger.told == [(3, 3)]

    async def quiet() -> LedgerReport:
        async with ledger.uow.read() as tx:
            return await check_ledger_in(tx)

    assert asyncio.run(quiet()) == report


def test_only_what_the_quick_look_leaves_is_looked_at_slowly(ledger: Ledger) -> None:
    """Rows are asked for of the wallet with the hold alone, and where all is quick of none."""
    asked: list[list[AccountId]] = []

    async def walk(since: Checkpoint | None) -> LedgerReport:
        async with ledger.uow.read() as tx:
            of_accounts = tx.ledger_books.of_accounts

            async def watched(accounts: Sequence[AccountId]) -> Any:
                asked.append(list(accounts))
                return await of_accounts(accounts)

            tx.ledger_books.of_accounts = watched  # type: ignore[method-assign]
            told: list[AccountId] = []
            report = await check_ledger_in(tx, since=since, seen=lambda who, _: told.append(who))
            assert set(told) == {ONE, TWO, THREE} - set(since.marks if since else ())
            return report

    assert asyncio.run(walk(None)).faults == []
    assert asked == [[TWO]]
    assert asyncio.run(walk(Checkpoint({TWO: HEADS[TWO]}))).wallets == 2
    assert asked == [[TWO]]


def half_a_cost(glance: Glance) -> Glance:
    """Return a glance at an earning whose lot has a cost without a currency, all of it hashed again."""
    [(body, previous, _)] = glance.entries
    read = json.loads(body)
    read[-2][0][-2] = 5
    body = json.dumps(read, separators=(",", ":"))
    digest = sha256(previous + body.encode()).digest()
    assert glance.stored is not None
    return evolve(glance, stored=(1, digest, *glance.stored[2:]), entries=[(body, previous, digest)])


def test_what_fits_its_hash_and_is_no_entry_is_looked_at_slowly(ledger: Ledger) -> None:
    """The quick look can read it and no entry can be made of it, so it is told of as its rows have it."""
    asked: list[list[AccountId]] = []
    told: dict[AccountId, Sequence[Entry]] = {}

    async def walk() -> LedgerReport:
        async with ledger.uow.read() as tx:
            glances, of_accounts = tx.ledger_books.glances, tx.ledger_books.of_accounts

            async def forged(accounts: Sequence[AccountId], batch: int) -> AsyncIterator[Sequence[Glance]]:
                async for found in glances(accounts, batch):
                    yield [half_a_cost(item) if item.account == THREE else item for item in found]

            async def watched(accounts: Sequence[AccountId]) -> Any:
                asked.append(list(accounts))
                return await of_accounts(accounts)

            tx.ledger_books.glances = forged  # type: ignore[method-assign]
            tx.ledger_books.of_accounts = watched  # type: ignore[method-assign]
            return await check_ledger_in(tx, seen=lambda who, entries: told.update({who: entries}))

    report = asyncio.run(walk())
    assert (asked, report.wallets, report.entries) == ([[TWO, THREE]], 3, 5)
    assert told[THREE] == [THIRD.entry]


def test_wallets_are_read_in_batches(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are at a time, the sums are those of all, and the progress tells of each batch."""
    monkeypatch.setattr(walking, "_BATCH", 2)
    assert ledger.checked() == LedgerReport(3, 5, [], HEADS)
    assert ledger.told == [(2, 3), (3, 3)]


def test_a_ledger_without_a_wallet_is_clean() -> None:
    """Nothing is read, and nothing is wrong."""

    async def walk() -> LedgerReport:
        async with MemoryUnitOfWork().read() as tx:
            return await check_ledger_in(tx)

    assert asyncio.run(walk()) == LedgerReport()


def test_what_has_not_moved_is_passed_over(ledger: Ledger) -> None:
    """Since a checkpoint only wallets that moved, or are new, are read, and those whole."""
    start = ledger.checked().marks
    assert ledger.checked(start) == LedgerReport(0, 0, [], HEADS)
    assert (ledger.seen, ledger.told) == ([], [])
    more = spent(SPENT.wallet, 1, 5)
    new = earned(Wallet(account(4)), 3, 6)
    ledger.add(more, new)
    report = ledger.checked(start)
    assert (report.wallets, report.entries, report.faults) == (2, 4, [])
    assert report.marks == HEADS | {ONE: (3, more.wallet.head), account(4): (1, new.wallet.head)}
    assert read(ledger) == {ONE: [FIRST.entry, SPENT.entry, more.entry], account(4): [new.entry]}
    assert ledger.told == [(2, 2)]


def test_a_wallet_that_is_gone_since_is_named(ledger: Ledger) -> None:
    """Of those that the checkpoint knew each is named, in order."""
    start = ledger.checked().marks
    gone = {account(9): (1, b"x" * 32), account(8): (1, b"x" * 32)}
    assert ledger.checked({**start, **gone}).faults == [
        Fault("token_wallets", str(account(8)), "missing"),
        Fault("token_wallets", str(account(9)), "missing"),
    ]


@pytest.mark.parametrize("who", [ONE, TWO])
@pytest.mark.parametrize(
    ("sequence", "head", "is_right"),
    [
        (1, None, True),
        (2, b"x" * 32, False),
        (1, b"x" * 32, False),
        (3, b"x" * 32, False),
        (0, bytes(32), True),
    ],
)
def test_a_past_that_was_rewritten_is_named(
    ledger: Ledger, who: AccountId, sequence: int, head: bytes | None, is_right: bool
) -> None:
    """A chain that is whole in itself, and not the one that the checkpoint saw, is named at its place."""
    heads = {ONE: FIRST.wallet.head, TWO: SECOND.wallet.head}
    report = ledger.checked(HEADS | {who: (sequence, heads[who] if head is None else head)})
    words = "is not the one of the checkpoint"
    fault = Fault("token_entries", f"(account {who}, sequence {sequence})", words)
    assert report.faults == ([] if is_right else [fault])
    assert (report.wallets, report.entries) == (1, 2)


def test_what_the_quick_look_leaves_is_named_by_the_slow_one(ledger: Ledger) -> None:
    """A hash, a balance, a freeze: the row is named, and the other wallets are right."""
    ledger.plant(HASHES, (ONE, 1), b"x" * 32)
    row = f"{FIRST.entry.id} (account {ONE}, sequence 1)"
    report = ledger.checked()
    assert Fault("token_entries", row, "altered: its hash is not that of its rows") in report.faults
    assert {row for fault in report.faults for row in [fault.row] if str(THREE) in row} == set()
    assert (report.wallets, report.entries, set(read(ledger))) == (3, 5, {ONE, TWO, THREE})
    ledger = Ledger()
    lot = THIRD.entry.lots[0].id
    ledger.plant(BALANCES, THREE, {lot: 8})
    assert ledger.checked().faults == [
        Fault("token_lot_balances", str(lot), "is 8, its entries give 7"),
    ]
    ledger = Ledger()
    ledger.plant(WALLETS, THREE, evolve(THIRD.wallet, is_frozen=True))
    assert ledger.checked().faults == [
        Fault("token_wallets", str(THREE), "altered: frozen is not what its entries say"),
    ]


def test_a_wallet_without_its_row_is_named_and_stands_nowhere(ledger: Ledger) -> None:
    """Its balances are still there, so that it is not forgotten."""
    ledger.plant(WALLETS, THREE, None)
    report = ledger.checked()
    assert Fault("token_wallets", str(THREE), "missing") in report.faults
    assert report.marks == {ONE: HEADS[ONE], TWO: HEADS[TWO]}


def test_a_row_that_was_altered_since_does_not_make_its_entries_other_ones(ledger: Ledger) -> None:
    """The row is named; the last entry is still the one that the checkpoint saw."""
    ledger.plant(WALLETS, THREE, evolve(THIRD.wallet, head=b"x" * 32))
    assert ledger.checked(HEADS).faults == [
        Fault("token_wallets", str(THREE), "altered, or its last entries are missing or inserted")
    ]


def test_value_versions_are_checked_first(ledger: Ledger) -> None:
    """A gap in them is named, with and without a checkpoint."""
    ledger.plant(VALUES, BONUS, (version_of(BONUS, 2, effective_from=AT - timedelta(days=3)),))
    fault = Fault("token_value_versions", "bonus version 2", "a version before it is missing")
    assert ledger.checked().faults[0] == fault
    assert ledger.checked(HEADS).faults == [fault]


class Strayed(MemoryUnitOfWork):
    """A store with a row that belongs to no wallet, and a value version that cannot be read."""

    def read(self) -> Any:
        """Read it."""
        return _Reading(super().read())


class _Reading:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aenter__(self) -> MemoryTx:
        tx: MemoryTx = await self._inner.__aenter__()
        versions = tx.ledger_books.value_versions

        async def strays() -> list[Fault]:
            return [Fault("token_lots", "x", "belongs to no entry")]

        async def unreadable() -> tuple[Sequence[Any], Sequence[bytes], Sequence[Fault]]:
            found, hashes, _ = await versions()
            return found, hashes, [Fault("token_value_versions", "y", "cannot be read")]

        tx.ledger_books.strays = strays  # type: ignore[method-assign]
        tx.ledger_books.value_versions = unreadable  # type: ignore[method-assign,assignment]
        return tx

    async def __aexit__(self, *why: object) -> None:
        await self._inner.__aexit__(*why)


def test_what_belongs_to_no_wallet_is_looked_for_without_a_checkpoint() -> None:
    """What could not be read stands first, what is stray last, and only where everything is looked at."""
    uow = Strayed()
    unread = Fault("token_value_versions", "y", "cannot be read")

    async def walk(since: Checkpoint | None) -> list[Fault]:
        async with uow.read() as tx:
            return (await check_ledger_in(tx, since=since)).faults

    assert asyncio.run(walk(None)) == [unread, Fault("token_lots", "x", "belongs to no entry")]
    assert asyncio.run(walk(Checkpoint({}))) == [unread]
