"""New token values, costs and reward rules change no past figure, whatever has happened, on every store."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core import flows, tokens
from buddy_core.access import SYSTEM
from buddy_core.ads import (
    NOTICE,
    RewardCapReached,
    RewardRule,
    RewardRuleInPast,
    RewardRuleTooFar,
    SetRewardRule,
    TooManyOpen,
)
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import SetTokenCosts, set_reward_rule, set_token_costs
from buddy_core.kernel import AccountId
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.pricing import CostsInPast, CostsTooFar, Quote, quote
from buddy_core.tokens import BONUS, PAID, InsufficientTokens, ValueVersionInPast, ValueVersionTooFar
from buddy_web.reference import NEWTACT, THAJA
from tests.contracts.cases import Uow
from tests.flows.world import World
from tests.postgres import PostgresServer, memory_folder

T = TypeVar("T")
Opening = Callable[[], tuple[Uow, Callable[[], Awaitable[None]]]]

PICK = st.integers(0, 10_000)
SOON = st.timedeltas(timedelta(0), timedelta(days=40))
REFUSALS = (
    ValueVersionInPast,
    ValueVersionTooFar,
    CostsInPast,
    CostsTooFar,
    RewardRuleInPast,
    RewardRuleTooFar,
)
"""What a change may be told: versions follow each other, within a year."""
MONTHS = ("2026-10", "2026-11", "2026-12")


class History(RuleBasedStateMachine):
    """Viewers earn, buy and unlock, months are closed, and meanwhile the numbers change again and again."""

    open_store: Opening
    fired: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.uow, self.close_store = type(self).open_store()
        self.world = World(self.uow)
        self.run(self.world.seed())
        self.titles: list[Title] = [
            self.run(self.world.add_title(kind))
            for kind in (TitleType.SHORT, TitleType.EPISODE, TitleType.FILM)
            for _ in range(2)
        ]
        self.members = [self.run(self.world.member()) for _ in range(2)]
        self.guests = [self.run(self.world.guest())]
        for who in (*self.members, *self.guests):
            # So that there is a past from the beginning, and enough to go on with.
            self.run(self.world.earn(who, 40))
            self.run(self.world.unlock(who, self.titles[0]))
        self.ads = 0
        self.entries: dict[bytes, bytes] = {}
        self.quotes: dict[tuple[datetime, str], Quote] = {}
        self.rules: dict[datetime, RewardRule] = {}
        self.closed: dict[tuple[str, str], tuple[bytes, ...]] = {}

    def teardown(self) -> None:
        """Verify the whole store, and close it."""
        report = self.run(self.world.verify())
        assert report.is_clean, report.faults
        self.run(self.close_store())
        self.runner.close()

    def run(self, work: Awaitable[T]) -> T:
        """Run in the machine's loop."""

        async def inside() -> T:
            return await work

        return self.runner.run(inside())

    def anybody(self, pick: int) -> AccountId:
        """Return one of all who are there."""
        everybody = [*self.members, *self.guests]
        return everybody[pick % len(everybody)]

    # -- what happens meanwhile ---------------------------------------------------------------------

    @rule(pick=PICK, amount=st.integers(1, 30), kind=st.sampled_from([BONUS, PAID]))
    def earn(self, pick: int, amount: int, kind: tokens.TokenKind) -> None:
        """Somebody gets tokens that last a while."""
        self.run(self.world.earn(self.anybody(pick), amount, kind))
        self.fired["earn"] += 1

    @rule(pick=PICK)
    def watch_an_ad(self, pick: int) -> None:
        """Somebody watches an ad, which pays by the rule of the moment unless a cap is reached."""
        self.ads += 1
        place = str(self.ads)
        try:
            reward = self.run(self.world.watch_ad(self.anybody(pick), f"d-{place}", f"i-{place}"))
        except (RewardCapReached, TooManyOpen):
            return
        self.fired[f"ad {reward.status}"] += 1

    @rule(pick=PICK)
    def ask_for_quotes(self, pick: int) -> None:
        """Somebody is told what each title costs now, and what an ad pays."""
        at = self.world.clock.now()
        for title in self.titles:
            self.quotes[at, str(title.id)] = self.run(self.quoted(title, at))
        self.rules[at] = self.run(self.rule_at(at))
        self.fired["quote"] += 1

    @rule(pick=PICK, country=st.sampled_from(["IN", "AE"]))
    def unlock(self, pick: int, country: str) -> None:
        """Somebody unlocks a title at the quote of the moment; every other buys what it costs before."""
        title, who = self.titles[pick % len(self.titles)], self.anybody(pick)
        seen = self.run(self.quoted(title, self.world.clock.now()))
        if pick % 2:
            self.run(self.world.earn(who, max(1, seen.tokens), PAID))
        try:
            done = self.run(
                self.world.unlock(who, title, country=country, seen=seen.tokens, version=seen.rule_version)
            )
        except InsufficientTokens:
            return
        self.fired["unlock"] += done.tokens_spent > 0

    @rule(pick=PICK)
    def merge(self, pick: int) -> None:
        """A guest goes into a member, and another guest comes."""
        self.run(self.world.merge(self.guests.pop(), self.members[pick % 2]))
        self.guests.append(self.run(self.world.guest()))
        self.fired["merge"] += 1

    @rule(by=st.sampled_from([timedelta(microseconds=1), timedelta(seconds=50), timedelta(hours=9)]))
    def time_passes(self, by: timedelta) -> None:
        """A moment, almost a minute, or part of a day goes by."""
        self.world.clock.advance(by)

    @rule()
    def a_month_is_closed(self) -> None:
        """The next month that is not closed ends, and is stated for good."""
        name = MONTHS[min(len(self.closed) // 2, len(MONTHS) - 1)]
        year, month = (int(part) for part in name.split("-"))
        ended = datetime(year + month // 12, month % 12 + 1, 2, tzinfo=self.world.clock.now().tzinfo)
        if ended > self.world.clock.now():
            self.world.clock.set(ended)
        report = self.run(self.world.close(name))
        for item in report.closed:
            bodies = tuple(stored.body for stored in item.statements)
            assert self.closed.setdefault((name, item.entity), bodies) == bodies
            self.fired["close"] += item.is_new

    # -- the numbers change -------------------------------------------------------------------------

    @rule(
        kind=st.sampled_from([BONUS, PAID]),
        inr=st.fractions(Fraction(1, 7), Fraction(400), max_denominator=9),
        after=SOON,
    )
    def new_value(self, kind: tokens.TokenKind, inr: Fraction, after: timedelta) -> None:
        """A kind counts something else from an instant on, however large the change."""

        async def change() -> None:
            since = self.world.clock.now() + NOTICE + after
            asked = await self.world.set_value(kind, inr, inr / 80, since=since)
            if isinstance(asked, flows.Awaiting):
                await self.world.settle_request(asked.request_id, actor=await self.world.second())

        self.without_a_trace("value", change)

    @rule(
        costs=st.dictionaries(st.sampled_from(list(TitleType)), st.integers(1, 20), min_size=1),
        own=st.none() | st.tuples(PICK, st.none() | st.integers(1, 20)),
        after=st.none() | SOON,
    )
    def new_costs(
        self, costs: dict[str, int], own: tuple[int, int | None] | None, after: timedelta | None
    ) -> None:
        """Types and a title cost something else from an instant on, or as soon as may be."""
        changes: dict[str, int | None] = {str(name): cost for name, cost in costs.items()}
        if own is not None:
            title = self.titles[own[0] % len(self.titles)]
            changes[f"{title.type}/{title.short_id}"] = own[1]

        async def change() -> None:
            command = SetTokenCosts(changes, f"costs-{self.ads}-{self.total()}", self.since(after))
            await set_token_costs(SYSTEM, command, correlation_id="c1", uow=self.uow, clock=self.world.clock)

        self.without_a_trace("costs", change)

    @rule(
        changes=st.fixed_dictionaries(
            {"tokens": st.integers(1, 5)}, optional={"account_daily": st.integers(0, 9)}
        ),
        after=st.none() | SOON,
    )
    def new_rule(self, changes: dict[str, int], after: timedelta | None) -> None:
        """An ad pays something else from an instant on, or as soon as may be."""

        async def change() -> None:
            command = SetRewardRule(changes, f"rule-{self.ads}-{self.total()}", self.since(after))
            await set_reward_rule(SYSTEM, command, correlation_id="c1", uow=self.uow, clock=self.world.clock)

        self.without_a_trace("rule", change)

    def since(self, after: timedelta | None) -> datetime | None:
        """Return the instant from which a change counts."""
        return None if after is None else self.world.clock.now() + NOTICE + after

    def total(self) -> int:
        """Return a number that no other key of this history has."""
        self.fired["keys"] += 1
        return self.fired["keys"]

    def without_a_trace(self, name: str, change: Callable[[], Awaitable[None]]) -> None:
        """Make a change, or have it refused, and hold every figure of before against what it is after it."""
        before = self.run(self.figures())
        try:
            self.run(change())
            self.fired[name] += 1
        except REFUSALS:
            self.fired[f"{name} refused"] += 1
        assert self.run(self.figures()) == before

    # -- what must stay as it was -------------------------------------------------------------------

    async def quoted(self, title: Title, at: datetime) -> Quote:
        """Return what a title cost at an instant."""
        async with self.uow.read() as tx:
            return quote(title.id, title.type, await tx.token_costs.in_force(at))

    async def rule_at(self, at: datetime) -> RewardRule:
        """Return the reward rule of an instant."""
        async with self.uow.read() as tx:
            found: RewardRule = await tx.reward_rules.in_force(at)
        return found

    async def figures(self) -> dict[str, Any]:
        """Return every figure there is by now, each as bytes."""
        now = self.world.clock.now()
        async with self.uow.read() as tx:
            accounts = await tx.ledger_books.accounts()
            books = await tx.ledger_books.of_accounts(accounts)
            royalty = await tx.royalty_books.all()
            wallets = (await tx.wallets.load(accounts)).values()
        provisional = [
            await self.world.provisional(month, entity) for month in MONTHS for entity in (NEWTACT, THAJA)
        ]
        return {
            "entries": [(entry.hash, canonical_bytes(entry)) for item in books for entry in item.entries],
            "balances": [
                canonical_bytes([wallet.account_id, tokens.balance(wallet, now)]) for wallet in wallets
            ],
            "wallets": [canonical_bytes([item.stored, dict(item.balances)]) for item in books],
            "royalty": sorted(canonical_bytes(spend) for spend in royalty.spends),
            "statements": [stored.body for stored in royalty.statements],
            "lines": [body for month in provisional for body in month.bodies.values()],
        }

    @invariant()
    def nothing_past_has_changed(self) -> None:
        """Each entry, quote and statement that ever was reads, to the byte, as it did when it was new."""
        found = self.run(self.figures())
        for hash, body in found["entries"]:
            assert self.entries.setdefault(hash, body) == body
        assert set(self.entries) == {hash for hash, _ in found["entries"]}
        by_id = {str(title.id): title for title in self.titles}
        for (at, title), told in self.quotes.items():
            assert self.run(self.quoted(by_id[title], at)) == told
        for at, paid in self.rules.items():
            assert self.run(self.rule_at(at)) == paid
        kept = {body for bodies in self.closed.values() for body in bodies}
        assert kept <= set(found["statements"])


def live(opening: Opening, examples: int, steps: int, chance: int) -> Counter[str]:
    """Run that many histories of that many steps, and return how often each thing happened."""
    fired: Counter[str] = Counter()

    class Life(History):
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


WANTED = ("earn", "ad paid", "quote", "unlock", "merge", "close", "value", "costs", "rule")


def test_no_past_figure_changes_in_memory(chance: int) -> None:
    """Over many histories, in which everything happened, new versions leave all that was as it was."""

    async def nothing() -> None:
        return None

    fired = live(lambda: (MemoryUnitOfWork(), nothing), 60, 60, chance)
    assert {name: fired[name] for name in WANTED if fired[name] < 5} == {}


def test_no_past_figure_changes_on_sqlite(chance: int) -> None:
    """The same where figures are read back from tables."""
    folder = memory_folder("buddy-past-")
    _build(f"sqlite+aiosqlite:///{folder / 'template.db'}")
    numbers = iter(range(1_000_000))

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        copy = shutil.copy(folder / "template.db", folder / f"{next(numbers)}.db")
        return _opened(f"sqlite+aiosqlite:///{copy}", lambda: Path(copy).unlink())

    assert sum(live(opening, 4, 20, chance).values()) > 10
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.postgres
def test_no_past_figure_changes_on_postgresql(postgres_server: PostgresServer, chance: int) -> None:
    """The same on PostgreSQL."""
    template = postgres_server.template("contracts", _build)

    def opening() -> tuple[Uow, Callable[[], Awaitable[None]]]:
        url = postgres_server.create_database(template)
        return _opened(url, lambda: postgres_server.drop_database(url))

    assert sum(live(opening, 4, 20, chance).values()) > 10


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
