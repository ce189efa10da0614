"""Receipts and `once`: a thing asked twice is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field

from buddy_core.kernel import (
    MAX_KEY_LENGTH,
    Contention,
    IdempotencyMismatch,
    InvalidValue,
    Receipt,
    Rejected,
    RequestKey,
    derived_key,
    once,
    request_key,
)

AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


class FixedClock:
    """Always the same instant."""

    def now(self) -> datetime:
        return AT


@define
class TinyTx:
    """A transaction over two things: receipts, and the effects that the work leaves."""

    stored: dict[tuple[str, str], Receipt]
    effects: list[str]
    calls: list[str]

    @property
    def receipts(self) -> TinyTx:
        return self

    async def find(self, scope: str, key: str) -> Receipt | None:
        self.calls.append("find")
        return self.stored.get((scope, key))

    async def add(self, receipt: Receipt) -> None:
        self.stored[receipt.request.scope, receipt.request.key] = receipt


@define
class TinyUnitOfWork:
    """Commits by swapping copies in; `lost_commits` of the first commits meet Contention."""

    lost_commits: int = 0
    begun: int = 0
    stored: dict[tuple[str, str], Receipt] = field(factory=dict)
    effects: list[str] = field(factory=list)
    calls: list[str] = field(factory=list)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[TinyTx]:
        self.begun += 1
        tx = TinyTx(dict(self.stored), list(self.effects), self.calls)
        yield tx
        if self.begun <= self.lost_commits:
            raise Contention("wallet")
        self.stored, self.effects = tx.stored, tx.effects

    read = begin


async def pay(tx: TinyTx, at: datetime) -> str:
    """Leave one effect and answer with its number."""
    tx.effects.append("paid")
    return f"payment {len(tx.effects)}"


def ask(
    uow: TinyUnitOfWork,
    command: Any,
    *,
    key: str = "k1",
    scope: str = "guest",
    work: Callable[[TinyTx, datetime], Awaitable[str]] = pay,
    lock: Callable[[TinyTx], Awaitable[None]] | None = None,
) -> str:
    """Run `once` to its end."""
    request = request_key(scope, key, command)
    return asyncio.run(
        once(uow, request, FixedClock(), work, encode=str.encode, decode=bytes.decode, lock=lock)
    )


def test_a_repeat_is_answered_with_the_first_result() -> None:
    """The same key and command give the first answer again and leave one effect."""
    uow = TinyUnitOfWork()
    assert ask(uow, {"tokens": 2}) == "payment 1"
    assert ask(uow, {"tokens": 2}) == "payment 1"
    assert uow.effects == ["paid"]
    assert uow.stored["guest", "k1"].at == AT


def test_another_command_with_the_same_key_is_refused() -> None:
    """A key that was used for another command is IdempotencyMismatch, and nothing happens."""
    uow = TinyUnitOfWork()
    ask(uow, {"tokens": 2})
    with pytest.raises(IdempotencyMismatch, match="k1"):
        ask(uow, {"tokens": 3})
    assert uow.effects == ["paid"]


def test_keys_are_apart_by_scope() -> None:
    """Two actors may use the same key for their own requests."""
    uow = TinyUnitOfWork()
    assert ask(uow, {"tokens": 2}, scope="a") == "payment 1"
    assert ask(uow, {"tokens": 3}, scope="b") == "payment 2"


def test_contention_is_tried_again_and_done_once() -> None:
    """Four lost races are tried again without the caller seeing them; one effect is left."""
    uow = TinyUnitOfWork(lost_commits=4)
    assert ask(uow, {"tokens": 2}) == "payment 1"
    assert uow.begun == 5
    assert uow.effects == ["paid"]


def test_lasting_contention_reaches_the_caller() -> None:
    """When every try loses, Contention is raised and nothing is stored."""
    uow = TinyUnitOfWork(lost_commits=99)
    with pytest.raises(Contention):
        ask(uow, {"tokens": 2})
    assert uow.begun == 10
    assert uow.effects == []
    assert uow.stored == {}


def test_a_refusal_leaves_no_receipt() -> None:
    """A refused request changed nothing, so the same key may be used when the reason is gone."""

    async def refuse(_: TinyTx, __: datetime) -> str:
        raise Rejected

    uow = TinyUnitOfWork()
    with pytest.raises(Rejected):
        ask(uow, {"tokens": 2}, work=refuse)
    assert uow.stored == {}
    assert ask(uow, {"tokens": 2}) == "payment 1"


def test_the_lock_is_taken_before_the_receipt_is_looked_up() -> None:
    """Of two requests with one key, the second waits and then finds the first one's receipt."""

    async def lock(tx: TinyTx) -> None:
        tx.calls.append("lock")

    uow = TinyUnitOfWork()
    ask(uow, {"tokens": 2}, lock=lock)
    assert uow.calls == ["lock", "find"]


def test_the_fingerprint_follows_the_command_and_not_its_spelling() -> None:
    """Equal commands have one fingerprint whatever the order of their keys; others have another."""
    first = request_key("s", "k", {"a": 1, "b": 2})
    assert first == request_key("s", "k", {"b": 2, "a": 1})
    assert first.fingerprint != request_key("s", "k", {"a": 1, "b": 3}).fingerprint
    with pytest.raises(InvalidValue):
        request_key("s", "k", {"a": 0.5})


@pytest.mark.parametrize("key", ["", "x" * (MAX_KEY_LENGTH + 1), "a\nb", "a\0", None, 5])
def test_unfit_keys_are_refused(key: Any) -> None:
    """A key is 1 to 255 printable characters."""
    with pytest.raises(InvalidValue, match="idempotency_key"):
        RequestKey("scope", key, bytes(32))
    assert RequestKey("scope", "x" * MAX_KEY_LENGTH, bytes(32)).key == "x" * MAX_KEY_LENGTH


def test_a_derived_key_is_short_enough_and_another_for_other_parts() -> None:
    """Short parts are joined as they are; long ones end in a digest of all of it, and so stay apart."""
    assert derived_key("support.grant", "ann", "k1") == "support.grant:ann:k1"
    room = MAX_KEY_LENGTH - len("a:")
    assert derived_key("a", "k" * room) == f"a:{'k' * room}"
    long = [derived_key("a", "k" * room + end) for end in ("k", "l", "kk")]
    assert len(set(long)) == 3
    assert {len(key) for key in long} == {MAX_KEY_LENGTH}
    assert derived_key("a", "k" * room + "k") == long[0]
