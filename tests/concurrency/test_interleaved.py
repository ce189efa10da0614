"""Two requests whose steps interleave on PostgreSQL, where a single request takes no lock at first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlTx, SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import IdempotencyMismatch, Receipt, ReceiptName, Receipts
from buddy_core.tokens import InsufficientTokens, earn_tokens, spend_tokens
from tests.contracts.cases import AT, VERSIONS, account, earning, spending

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.postgres,
    pytest.mark.parametrize("database_url", ["postgres"], indirect=True),
]

Between = Callable[[], Awaitable[Any]]
ME = account(1)


class _Slow:
    """Receipts after whose first look-up something else happens."""

    def __init__(self, receipts: Receipts, between: list[Between]) -> None:
        self._receipts = receipts
        self._between = between

    async def find(self, scope: str, key: str) -> Receipt | None:
        return (await self.find_all([(scope, key)])).get((scope, key))

    async def find_all(self, names: Sequence[ReceiptName]) -> dict[ReceiptName, Receipt]:
        found = await self._receipts.find_all(names)
        while self._between:
            await self._between.pop()()
        return found

    async def add(self, *receipts: Receipt) -> None:
        await self._receipts.add(*receipts)


class Interrupted(SqlUnitOfWork):
    """A store in whose next transaction something happens once the receipts were looked up."""

    between: list[Between]

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[SqlTx]:
        """Open a transaction that is interrupted."""
        async with super().begin() as tx:
            tx.receipts = _Slow(tx.receipts, self.between)  # type: ignore[assignment]
            yield tx


@pytest.fixture
async def uow(database_url: str) -> AsyncIterator[Interrupted]:
    """A store with a wallet of five tokens."""
    engine = make_engine(database_url)
    made = Interrupted(engine)
    made.between = []
    async with made.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(version)
    await earn_tokens(earning(ME, 5, "first"), **who(made))
    yield made
    await engine.dispose()


IDS, CLOCK = SequentialIds(), SettableClock(AT)


def who(uow: SqlUnitOfWork) -> dict[str, Any]:
    """Return what handlers need."""
    return {"uow": uow, "clock": CLOCK, "ids": IDS}


async def test_who_is_overtaken_by_the_same_key_has_its_answer(uow: Interrupted) -> None:
    """The wallet is empty because of the very request that asks again: it is answered, not refused."""
    wish, first = spending(ME, 5, "k"), []

    async def overtake() -> None:
        first.append(await spend_tokens(wish, **who(uow)))

    uow.between.append(overtake)
    assert [await spend_tokens(wish, **who(uow))] == first


async def test_who_is_overtaken_by_another_body_is_told_of_the_key(uow: Interrupted) -> None:
    """The key is taken by now, and that is the reason to give."""
    wish = spending(ME, 5, "k")
    uow.between.append(lambda: spend_tokens(evolve(wish, amount=4), **who(uow)))
    with pytest.raises(IdempotencyMismatch):
        await spend_tokens(wish, **who(uow))


async def test_who_is_overtaken_by_another_key_is_refused(uow: Interrupted) -> None:
    """Somebody else has spent it all: there is nothing left, and nothing is written."""
    uow.between.append(lambda: spend_tokens(spending(ME, 4, "other"), **who(uow)))
    with pytest.raises(InsufficientTokens):
        await spend_tokens(spending(ME, 5, "k"), **who(uow))
    async with uow.read() as tx:
        assert [entry.idempotency_key for entry in await tx.entries.of_account(ME, before=None, limit=9)] == [
            "other",
            "first",
        ]
