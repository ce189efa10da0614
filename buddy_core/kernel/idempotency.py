"""Doing a thing once: receipts stored with the effect, and `once` that honours them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Container, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import attrs
from attrs import field, frozen

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import Conflict, Contention, InvalidValue
from buddy_core.kernel.outcomes import Done, Outcome, Refused, unwrap
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


ReceiptName = tuple[str, str]
"""Scope and key: what a receipt is found by."""


class Receipts(Protocol):
    """Answers given, by scope and key."""

    async def find(self, scope: str, key: str) -> Receipt | None:
        """Return the receipt of an earlier request, or None."""
        ...

    async def find_all(self, names: Sequence[ReceiptName]) -> dict[ReceiptName, Receipt]:
        """Return the receipts that exist among `names`."""
        ...

    async def add(self, *receipts: Receipt) -> None:
        """Store receipts.

        Raises:
            Contention: another request with this scope and key committed first; at the
                latest when the transaction ends.
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
    try:
        fingerprint = hashlib.sha256(canonical_bytes(command)).digest()
    except UnicodeEncodeError as error:
        raise InvalidValue("request", "holds half of a surrogate pair, which is no character") from error
    except ValueError as error:
        raise InvalidValue("request", "holds a number with too many digits") from error
    return RequestKey(scope, key, fingerprint)


def derived_key(*parts: str) -> str:
    """Return the key of an effect, made of its parts: joined by colons while that is short enough for a key.

    What is longer ends in the SHA-256 of the whole instead. Different parts may give one key where one
    of them has a colon: only the last may have any, or the number of colons in each must be fixed.
    """
    whole = ":".join(parts)
    if len(whole) <= MAX_KEY_LENGTH:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return f"{whole[: MAX_KEY_LENGTH - len(digest) - 1]}:{digest}"


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
            return unwrap(_answered(request, seen, decode))
        at = clock.now()
        result = await work(tx, at)
        await tx.receipts.add(Receipt(request, encode(result), at))
        return result

    return await retried(uow, answer)


async def once_each(
    uow: UnitOfWork[Tx],
    requests: Sequence[RequestKey],
    clock: Clock,
    work: Callable[[Tx, Sequence[int], datetime], Awaitable[Sequence[Outcome[R]]]],
    *,
    encode: Callable[[R], bytes],
    decode: Callable[[int, bytes], R],
    prepare: Callable[[Tx, bool], Awaitable[object]],
) -> list[Outcome[R]]:
    """Do many requests in one transaction, each once; a refused one refuses alone and leaves no receipt.

    The outcome is as if they had come one after another: of those that share a key the
    first is done, and the others are answered in a transaction that follows. `work` is
    given the places of those to do in `requests`, and answers each in that order; `decode`
    is given the place too.

    `prepare` runs after the receipts are looked up and before the clock is read. It is told
    whether it has to keep other writers off: not for one request on its first try, which
    meets nobody nearly always; if somebody was first after all, the write finds it out, and a
    refusal is asked for once more.

    Raises:
        Contention: other writers won the same rows several times running.
    """
    answers: dict[int, Outcome[R]] = {}

    async def answer(places: Sequence[int], tx: Tx, has_lost: bool) -> dict[int, Outcome[R]]:
        must_lock = has_lost or len(places) > 1
        if must_lock:
            await prepare(tx, True)
        names = [(requests[place].scope, requests[place].key) for place in places]
        receipts = await tx.receipts.find_all(names)
        found: dict[int, Outcome[R]] = {}
        for place, name in zip(places, names, strict=True):
            if name in receipts:
                found[place] = _answered(requests[place], receipts[name], partial(decode, place))
        todo = [place for place in places if place not in found]
        if not todo:
            return found
        if not must_lock:
            await prepare(tx, False)
        at = clock.now()
        outcomes = await work(tx, todo, at)
        if not must_lock and any(isinstance(outcome, Refused) for outcome in outcomes):
            # A refusal writes nothing, so nothing would find out that it saw a request of the same key
            # half way: its effect, and not yet its receipt. It is said only under the lock.
            raise Contention("request")
        await tx.receipts.add(
            *(
                Receipt(requests[place], encode(outcome.value), at)
                for place, outcome in zip(todo, outcomes, strict=True)
                if isinstance(outcome, Done)
            )
        )
        return found | dict(zip(todo, outcomes, strict=True))

    while places := _first_of_each_key(requests, answers):
        answers |= await _tried(uow, partial(answer, places))
    return [answers[place] for place in range(len(requests))]


def _first_of_each_key(requests: Sequence[RequestKey], answered: Container[int]) -> list[int]:
    """Return the places of the first unanswered request of each scope and key."""
    first: dict[ReceiptName, int] = {}
    for place, request in enumerate(requests):
        if place not in answered:
            first.setdefault((request.scope, request.key), place)
    return list(first.values())


def _answered(request: RequestKey, receipt: Receipt, decode: Callable[[bytes], R]) -> Outcome[R]:
    if receipt.request.fingerprint != request.fingerprint:
        return Refused(IdempotencyMismatch(request.key))
    return Done(decode(receipt.result))


async def retried(uow: UnitOfWork[AnyTx], work: Callable[[AnyTx], Awaitable[R]]) -> R:
    """Run `work` in one transaction, again from the start when other writers were first.

    For work that is idempotent by a natural key and so needs no receipt.

    Raises:
        Contention: other writers won the same rows several times running.
    """
    return await _tried(uow, lambda tx, _: work(tx))


async def _tried(uow: UnitOfWork[AnyTx], work: Callable[[AnyTx, bool], Awaitable[R]]) -> R:
    for tried in range(_TRIES - 1):
        try:
            async with uow.begin() as tx:
                return await work(tx, tried > 0)
        except Contention:
            continue
    async with uow.begin() as tx:
        return await work(tx, True)
