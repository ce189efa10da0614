"""Giving, changing and publishing ids inside a transaction, and the process's own stock of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from buddy_core.shortids.errors import (
    ShortIdAlreadyGiven,
    ShortIdPublished,
    ShortIdTaken,
    ShortIdUnknown,
)
from buddy_core.shortids.model import Assignment, Candidate, Origin, ShortId, fold
from buddy_core.shortids.ports import ShortIdBooksTx, ShortIdTx
from buddy_core.shortids.rules.accounting import SpaceAccount, account
from buddy_core.shortids.rules.generation import candidates, check_manual
from buddy_core.shortids.rules.words import DEFAULT_WORDS, WordList


class Stock:
    """What is left of the blocks that this process reserved; one for each process and event loop.

    It spares the lock on the type's row. It lives in memory only: what a crash
    leaves in it is given up, and `account` counts it.
    """

    def __init__(self, words: WordList = DEFAULT_WORDS) -> None:
        self.words = words
        self._left: dict[str, deque[Candidate]] = {}

    def put(self, type: str, found: Sequence[Candidate]) -> None:
        """Add the candidates of a block whose reservation is committed."""
        self._left.setdefault(type, deque()).extend(found)

    def take(self, type: str) -> Candidate | None:
        """Take out the next candidate, or None when the stock is empty."""
        left = self._left.get(type)
        return left.popleft() if left else None

    def left(self, type: str) -> int:
        """Return how many candidates there are."""
        return len(self._left.get(type, ()))


async def assign_in(
    tx: ShortIdTx,
    type: str,
    target: UUID,
    at: datetime,
    *,
    wanted: str | None = None,
    stock: Stock | None = None,
) -> Assignment:
    """Give a thing its id: the `wanted` one, or else the next generated one.

    Asked again for the same thing, it answers the id that the thing has. An empty
    stock is no obstacle: counters are then reserved one by one in this transaction.

    Raises:
        ShortIdIllegal: the wanted text can never be an id.
        ShortIdTaken: another thing of the type has it, or one that looks the same.
        ShortIdAlreadyGiven: the thing has another id.
        ShortIdsExhausted: the type has no id left.
    """
    chosen = None if wanted is None else check_manual(wanted)
    held = await tx.shortids.for_target(target)
    if held is not None:
        if held.type == type and (chosen is None or chosen == held.short_id):
            return held
        raise ShortIdAlreadyGiven(held.type, held.short_id.text)
    if chosen is not None:
        assignment = Assignment(type, chosen, target, Origin.MANUAL, at)
        await tx.shortids.add(assignment)
        return assignment
    return await _assign_generated(tx, type, target, at, stock or Stock())


async def _assign_generated(tx: ShortIdTx, type: str, target: UUID, at: datetime, stock: Stock) -> Assignment:
    while True:
        candidate = stock.take(type) or await _reserve_one(tx, type, stock.words)
        assignment = Assignment(
            type, ShortId(candidate.text), target, Origin.GENERATED, at, candidate.counter
        )
        try:
            await tx.shortids.add(assignment)
        except ShortIdTaken:
            continue  # Taken by hand: its counter is used up, and the next one is tried.
        return assignment


async def _reserve_one(tx: ShortIdTx, type: str, words: WordList) -> Candidate:
    found: list[Candidate] = []
    while not found:
        found = candidates(await tx.shortids.reserve(type, 1), words)
    return found[0]


async def change_in(tx: ShortIdTx, target: UUID, wanted: str, at: datetime) -> Assignment:
    """Give an unpublished thing another id, chosen by hand; the old one is free again.

    There is no permission to ask for: once published, nobody may.

    Raises:
        ShortIdIllegal: the wanted text can never be an id.
        ShortIdUnknown: the thing has no id yet.
        ShortIdPublished: the id is published.
        ShortIdTaken: another thing of the type has it, or one that looks the same.
    """
    chosen = check_manual(wanted)
    held = await _held(tx, target)
    if chosen == held.short_id:
        return held
    if held.published:
        raise ShortIdPublished(held.type, held.short_id.text)
    if chosen.folded != held.folded and await tx.shortids.taken(held.type, [chosen.folded]):
        raise ShortIdTaken(held.type, wanted)
    await tx.shortids.remove(held)
    changed = Assignment(held.type, chosen, target, Origin.MANUAL, at)
    await tx.shortids.add(changed)
    return changed


async def publish_in(tx: ShortIdTx, target: UUID, at: datetime) -> None:
    """Make the id of a thing immutable, because links to it may exist from now on.

    Raises:
        ShortIdUnknown: the thing has no id yet.
    """
    held = await _held(tx, target)
    if not held.published:
        await tx.shortids.publish(held, at)


async def resolve_in(tx: ShortIdTx, type: str, text: str) -> Assignment:
    """Return what a link names; capitals and look-alikes lead to the same thing.

    Raises:
        ShortIdUnknown: no thing of the type has this id.
    """
    found = await tx.shortids.find(type, fold(text))
    if found is None:
        raise ShortIdUnknown(type, text)
    return found


async def account_in(tx: ShortIdBooksTx, words: WordList = DEFAULT_WORDS) -> list[SpaceAccount]:
    """Say of every counter of every type where it went: the part of `buddy verify` on short ids."""
    books = tx.shortid_books
    return [account(space, await books.assignments(space.type), words) for space in await books.spaces()]


async def untaken_in(tx: ShortIdTx, type: str, found: Collection[Candidate]) -> list[Candidate]:
    """Return the candidates that nobody has taken by hand."""
    taken = await tx.shortids.taken(type, [candidate.text for candidate in found])
    return [candidate for candidate in found if candidate.text not in taken]


async def _held(tx: ShortIdTx, target: UUID) -> Assignment:
    held = await tx.shortids.for_target(target)
    if held is None:
        raise ShortIdUnknown("thing", str(target))
    return held
