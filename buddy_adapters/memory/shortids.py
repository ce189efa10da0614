"""Short ids in memory: the reference that every other store is tested against."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from attrs import evolve

from buddy_core.kernel.errors import Contention
from buddy_core.shortids import (
    KEY_BYTES,
    Assignment,
    Block,
    ShortIdAlreadyGiven,
    ShortIdBooks,
    ShortIds,
    ShortIdSpace,
    ShortIdTaken,
    reserve,
)

first = itemgetter(0)


def new_key() -> bytes:
    """Return a random key for a new space."""
    return secrets.token_bytes(KEY_BYTES)


class MemoryShortIds:
    """Spaces and assignments in dicts; `copy` lets a unit of work roll back by swapping.

    It never awaits anything, so each call is atomic on one event loop. Keeping
    whole transactions apart is the unit of work's part.
    """

    def __init__(self, new_key: Callable[[], bytes] = new_key) -> None:
        self._new_key = new_key
        self._spaces: dict[str, ShortIdSpace] = {}
        self._by_folded: dict[tuple[str, str], Assignment] = {}
        self._by_target: dict[UUID, Assignment] = {}

    def copy(self) -> MemoryShortIds:
        """Return an independent store with the same content."""
        other = MemoryShortIds(self._new_key)
        other._spaces = dict(self._spaces)
        other._by_folded = dict(self._by_folded)
        other._by_target = dict(self._by_target)
        return other

    async def reserve(self, type: str, count: int) -> Block:
        space = self._spaces.get(type) or ShortIdSpace(type, self._new_key())
        self._spaces[type], block = reserve(space, count)
        return block

    async def taken(self, type: str, folded: Sequence[str]) -> set[str]:
        return {text for text in folded if (type, text) in self._by_folded}

    async def add(self, assignment: Assignment) -> None:
        if (assignment.type, assignment.folded) in self._by_folded:
            raise ShortIdTaken(assignment.type, assignment.short_id.text)
        held = self._by_target.get(assignment.target)
        if held is not None:
            raise ShortIdAlreadyGiven(held.type, held.short_id.text)
        self._store(assignment)

    async def remove(self, assignment: Assignment) -> None:
        self._expect(assignment)
        if assignment.published:
            raise Contention("short id")
        del self._by_folded[assignment.type, assignment.folded]
        del self._by_target[assignment.target]

    async def publish(self, assignment: Assignment, at: datetime) -> None:
        held = self._by_target.get(assignment.target)
        if held is not None and held.published and held.short_id == assignment.short_id:
            return
        self._expect(assignment)
        self._store(evolve(assignment, published_at=at))

    async def find(self, type: str, folded: str) -> Assignment | None:
        return self._by_folded.get((type, folded))

    async def for_target(self, target: UUID) -> Assignment | None:
        return self._by_target.get(target)

    async def spaces(self) -> list[ShortIdSpace]:
        return [space for _, space in sorted(self._spaces.items(), key=first)]

    async def assignments(self, type: str) -> list[Assignment]:
        return [row for (of_type, _), row in sorted(self._by_folded.items(), key=first) if of_type == type]

    def _store(self, assignment: Assignment) -> None:
        self._by_folded[assignment.type, assignment.folded] = assignment
        self._by_target[assignment.target] = assignment

    def _expect(self, assignment: Assignment) -> None:
        if self._by_target.get(assignment.target) != assignment:
            raise Contention("short id")


short_ids: ShortIds = MemoryShortIds()
short_id_books: ShortIdBooks = MemoryShortIds()
