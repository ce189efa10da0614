"""Doing a thing once: receipts stored with the effect, and `once` that honours them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

import attrs
from attrs import field, frozen

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import Conflict, Contention, InvalidValue
from buddy_core.kernel.unit_of_work import UnitOfWork

MAX_KEY_LENGTH = 255
_TRIES = 10


@attrs.define
class IdempotencyMismatch(Conflict):
    """The key was used before for another request."""

    code = "kernel.idempotency_mismatch"

    key: str

    def message(self) -> str:
        return (
            f"Idempotency key {self.key!r} was used for a different request. Use a new key for a new request."
        )


def _check_key(_: object, __: Any, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise InvalidValue(
            "idempotency_key", "is missing; send one unique value for each thing to be done once"
        )
    if len(value) > MAX_KEY_LENGTH or not value.isprintable():
        raise InvalidValue("idempotency_key", f"must be 1 to {MAX_KEY_LENGTH} printable characters")


@frozen
class RequestKey:
    """What makes a request the same request: who asks what (`scope`), and the caller's key."""

    scope: str
    key: str = field(validator=_check_key)
    fingerprint: bytes
    """SHA-256 of the command in canonical form: the same key with another is refused."""


@frozen
class Receipt:
    """The stored answer to a request; written in the commit of the effect itself."""

    request: RequestKey
    result: bytes
    at: datetime


class Receipts(Protocol):
    """Answers given, by scope and key."""

    async def find(self, scope: str, key: str) -> Receipt | None:
        """Return the receipt of an earlier request, or None."""
        ...

    async def add(self, receipt: Receipt) -> None:
        """Store a receipt.

        Raises:
            Contention: another request with this scope and key committed first.
        """
        ...


class ReceiptTx(Protocol):
    """What `once` needs of a transaction."""

    @property
    def receipts(self) -> Receipts: ...


Tx = TypeVar("Tx", bound=ReceiptTx)
AnyTx = TypeVar("AnyTx")
R = TypeVar("R")


def request_key(scope: str, key: str, command: Any) -> RequestKey:
    """Name a request: `scope` and `key` find its receipt, `command` gives the fingerprint."""
    return RequestKey(scope, key, hashlib.sha256(canonical_bytes(command)).digest())


async def once(
    uow: UnitOfWork[Tx],
    request: RequestKey,
    clock: Clock,
    work: Callable[[Tx, datetime], Awaitable[R]],
    *,
    encode: Callable[[R], bytes],
    decode: Callable[[bytes], R],
    lock: Callable[[Tx], Awaitable[object]] | None = None,
) -> R:
    """Run `work` in one transaction with one receipt; answer a repeat with the first result.

    `lock` runs before the receipt is looked up, so that two requests with one key
    on the same wallet stand in line and the second finds the first's receipt.
    The clock is read after it, so that work is never dated before it could begin.
    A refusal leaves no receipt: it changed nothing, and asking again is allowed.

    Raises:
        IdempotencyMismatch: the key was used for another command.
        Contention: other writers won the same rows several times running.
    """

    async def answer(tx: Tx) -> R:
        if lock is not None:
            await lock(tx)
        seen = await tx.receipts.find(request.scope, request.key)
        if seen is not None:
            if seen.request.fingerprint != request.fingerprint:
                raise IdempotencyMismatch(request.key)
            return decode(seen.result)
        at = clock.now()
        result = await work(tx, at)
        await tx.receipts.add(Receipt(request, encode(result), at))
        return result

    return await retried(uow, answer)


async def retried(uow: UnitOfWork[AnyTx], work: Callable[[AnyTx], Awaitable[R]]) -> R:
    """Run `work` in one transaction, again from the start when other writers were first.

    For work that is idempotent by a natural key and so needs no receipt.

    Raises:
        Contention: other writers won the same rows several times running.
    """
    for _ in range(_TRIES - 1):
        try:
            async with uow.begin() as tx:
                return await work(tx)
        except Contention:
            continue
    async with uow.begin() as tx:
        return await work(tx)
