"""The accounts of the ledger tie to it after every step of random lives, on every store."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core import tokens
from buddy_core.kernel import LotId
from buddy_core.tokens import (
    BONUS,
    PAID,
    BreakagePolicies,
    BreakagePolicy,
    BuyTokens,
    LiabilityLine,
    Lot,
    RollForward,
    Wallet,
)
from tests.contracts.cases import AT, Uow
from tests.core.tokens.liabilities import check, claimable, owed, rolled, rolled_given
from tests.core.tokens.operations import CAUSE, MEMBERS, PICK, Operations
from tests.postgres import PostgresServer, memory_folder

Opening = Callable[[], tuple[Uow, Callable[[], Awaitable[None]]]]

BEFORE = AT - timedelta(days=40)
POLICIES = BreakagePolicies(
    (
        BreakagePolicy("INR", BEFORE, Fraction(1, 10)),
        BreakagePolicy("INR", AT + timedelta(days=1), Fraction(1, 4)),
        BreakagePolicy("INR", AT + timedelta(days=3), Fraction(1, 2), is_entitled=False),
        BreakagePolicy("INR", AT + timedelta(days=4), Fraction(2, 3)),
    )
)
INSTANTS_KEPT = 6


class Accounts(Operations):
    """The machine of all operations, with an accountant who looks after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.instants = [BEFORE, AT - timedelta(seconds=1)]
        self.reported: dict[tuple[datetime, datetime, bool], RollForward] = {}

    @initialize(
        amounts=st.tuples(*(st.integers(5, 60) for _ in range(6))),
        cost=st.integers(0, 900),
        gone=st.none() | st.integers(1, 10),
    )
    def begin(self, amounts: tuple[int, ...], cost: int, gone: int | None) -> None:
        """Sell each member two lots: one that lasts, and one that is drawn first and ends within days.

        In about half of the lives a third sale has been taken back, when some of it was spent.
        """
        for number, amount in enumerate(amounts):
            who, lasts = MEMBERS[number // 2], number % 2 == 0
            ends = None if lasts else self.clock.now() + timedelta(hours=30 * number)
            kind = PAID if lasts else BONUS
            paid = (cost + 7 * number, "INR")
            command = BuyTokens(
                who, kind, amount, *paid, idempotency_key=self.key(), expires_at=ends, **CAUSE
            )
            self._opened("buy", who, tokens.buy_tokens(command, **self.who))
        if gone is not None:
            self.withdraw(gone, gone)

    @rule(pick=PICK, spent=st.integers(1, 10))
    def withdraw(self, pick: int, spent: int) -> None:
        """Sell a lot that is drawn first, have some of it spent, and take the sale back: that is gone."""
        who = MEMBERS[pick % len(MEMBERS)]
        if self.wallet(who).is_frozen:
            return
        command = BuyTokens(
            who, BONUS, 10, 100, "INR", idempotency_key=self.key(), expires_at=None, priority=-9, **CAUSE
        )
        if self._opened("buy", who, tokens.buy_tokens(command, **self.who)):
            entry_id, _, _ = self.opened[-1]
            self.do_spend(who, spent)
            self.do_reverse(entry_id, who)
            self.count_effect("withdraw")

    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        """Sweep a wallet: no figure changes, for what has expired is gone without it."""
        before = self.run(self.figures([BEFORE, self.clock.now()]))
        super().expire(pick)
        assert self.run(self.figures([BEFORE, self.clock.now()])) == before
        self.fired["sweep"] += 1

    async def figures(self, instants: list[datetime]) -> tuple[Any, ...]:
        """Return all roll-forwards between instants: recognised when remote, and in proportion."""
        async with self.uow.read() as tx:
            return (
                await rolled(tx, "INR", instants),
                await rolled(tx, "INR", instants, POLICIES),
                await rolled_given(tx, instants),
            )

    async def wallets(self) -> tuple[list[Wallet], dict[LotId, Lot]]:
        """Return every wallet without the holds whose time is over, and each lot as it first was."""
        now = self.clock.now()
        async with self.uow.read() as tx:
            accounts = await tx.ledger_books.accounts()
            books = await tx.ledger_books.of_accounts(accounts)
            found = (await tx.wallets.load(accounts)).values()
        over = [tokens.lapse(wallet, now) for wallet in found]
        now_free = [made[-1].wallet if made else wallet for made, wallet in zip(over, found, strict=True)]
        lots = [lot for item in books for entry in item.entries for lot in entry.lots]
        return now_free, {lot.id: lot for lot in lots if lot.id == lot.origin_id}

    @invariant()
    def the_accounts_tie_to_the_ledger(self) -> None:
        """Closing figures are what the wallets hold now; roll-forwards add up; what was reported stays."""
        now = self.clock.now()
        instants = [*self.instants, now]
        remote, proportional, given = self.run(self.figures(instants))
        wallets, first = self.run(self.wallets())
        left = claimable(wallets, now)
        held = sum(
            part.amount
            for wallet in wallets
            for item in wallet.holds
            for part in item.lots
            if first[part.lot.origin_id].cost_currency
        )
        assert (remote[-1].closing.tokens, remote[-1].closing.minor) == owed(left, first, "INR")
        assert remote[-1].on_hold == held
        promotional = Counter(dict.fromkeys((BONUS, PAID), 0))
        for lot_id, amount in left.items():
            promotional[first[lot_id].kind] += amount if first[lot_id].cost_currency is None else 0
        assert {roll.kind: roll.closing for roll in given[-1]} == {
            roll.kind: promotional[roll.kind] for roll in given[-1]
        }
        assert sum(promotional.values()) == sum(roll.closing for roll in given[-1])
        for rolls in given:
            for roll in rolls:
                assert roll.opening + sum(roll.lines.values()) == roll.closing >= roll.on_hold >= 0
        for alone, shared in zip(remote, proportional, strict=True):
            check(alone)
            check(shared)
            assert (alone.breakage, alone.recognised_ahead) == (0, 0)
            assert shared.lines == alone.lines
            assert shared.closing.minor + shared.recognised_ahead == alone.closing.minor
        for rolls in (remote, proportional):
            for earlier, later in pairwise(rolls):
                assert later.opening == earlier.closing
            self.cut_in_two(instants, rolls)
        self.nothing_reported_changed(instants, remote, proportional)
        sold = sum(lot.cost_minor or 0 for lot in first.values() if lot.cost_currency)
        assert sum(roll.lines[LiabilityLine.SOLD].minor for roll in remote) == sold
        # Tokens were paid for, once; what was paid is earned, still owed, or had been taken back.
        back = -sum(roll.lines[LiabilityLine.REVERSED].minor for roll in remote)
        assert sum(roll.revenue for roll in remote) + remote[-1].closing.minor == sold - back
        assert all(
            sum(roll.uncollectable.tokens for roll in remote[: n + 1]) >= 0 for n in range(len(remote))
        )
        self.fired["ahead"] += proportional[-1].recognised_ahead > 0
        self.fired["on_hold"] += remote[-1].on_hold > 0
        self.fired["uncollectable"] += any(roll.uncollectable.tokens for roll in remote)
        for line in LiabilityLine:
            self.fired[f"line {line}"] += any(roll.lines[line].tokens for roll in remote)

    def cut_in_two(self, instants: list[datetime], rolls: tuple[RollForward, ...]) -> None:
        """Asked for the last span alone, the answer is the same as among all of them."""
        alone = self.run(self.figures(instants[-2:]))
        assert rolls[-1] in (alone[0][0], alone[1][0])

    def nothing_reported_changed(
        self, instants: list[datetime], remote: tuple[RollForward, ...], shared: tuple[RollForward, ...]
    ) -> None:
        """What was reported of spans that are over is reported again; now and then an instant is kept."""
        for number in range(1, len(instants) - 1):
            for is_shared, rolls in ((False, remote), (True, shared)):
                key = (instants[number - 1], instants[number], is_shared)
                assert self.reported.setdefault(key, rolls[number - 1]) == rolls[number - 1]
        now = instants[-1]
        if now - self.instants[-1] > timedelta(minutes=30) and len(self.instants) < INSTANTS_KEPT:
            # A little before now: at this very instant more may be recorded.
            self.instants.append(now - timedelta(microseconds=1))


def live(opening: Opening, examples: int, steps: int, chance: int) -> Counter[str]:
    """Run that many lives of that many steps, and return how often each thing happened."""
    fired: Counter[str] = Counter()

    class Life(Accounts):
        """The machine on one sort of store."""

        open_store = staticmethod(opening)

    Life.fired = fired
    quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    run_state_machine_as_test(
        seed(chance)(Life),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet
        ),
    )
    print(dict(fired))
    return fired


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> int:
    """The seed of this run, which its header prints."""
    return int(request.config.getoption("--hypothesis-seed"))


def test_the_accounts_tie_in_memory(chance: int) -> None:
    """After every step of many lives, of which there are more where something did not happen in the first."""

    async def nothing() -> None:
        return None

    wanted = ["ahead", "on_hold", "uncollectable", "sweep", *(f"line {line}" for line in LiabilityLine)]
    fired: Counter[str] = Counter()
    for more in range(3):
        fired += live(lambda: (MemoryUnitOfWork(), nothing), 40, 40, chance + more)
        seldom = {name: fired[name] for name in wanted if fired[name] < 5}
        if not seldom:
            break
    assert seldom == {}


def test_the_accounts_tie_on_sqlite(chance: int) -> None:
    """The same where the database adds up."""
    folder = memory_folder("buddy-accounts-")
    _build(f"sqlite+aiosqlite:///{folder / 'template.db'}")
    numbers = iter(range(1_000_000))

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        copy = shutil.copy(folder / "template.db", folder / f"{next(numbers)}.db")
        return _opened(f"sqlite+aiosqlite:///{copy}", lambda: Path(copy).unlink())

    assert sum(live(opening, 4, 20, chance).values()) > 50
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_the_accounts_tie_on_postgresql(postgres_server: PostgresServer, chance: int) -> None:
    """The same on PostgreSQL."""
    template = postgres_server.template("contracts", _build)

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        url = postgres_server.create_database(template)
        return _opened(url, lambda: postgres_server.drop_database(url))

    assert sum(live(opening, 4, 20, chance).values()) > 50


def _opened(url: str, remove: Callable[[], Any]) -> tuple[Uow, Callable[[], Awaitable[None]]]:
    engine = make_engine(url)

    async def close() -> None:
        await engine.dispose()
        remove()

    return SqlUnitOfWork(engine), close


def _build(url: str) -> None:
    async def build() -> None:
        engine = make_engine(url)
        await migrate(engine)
        await engine.dispose()

    asyncio.run(build())
