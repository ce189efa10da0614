"""Short ids in memory."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import Contention
from buddy_core.shortids import (
    KEY_BYTES,
    Assignment,
    Block,
    ShortIdAlreadyGiven,
    ShortIdSpace,
    ShortIdTaken,
    reserve,
)

SPACES: TableName[str, ShortIdSpace] = TableName("shortid_spaces")
BY_FOLDED: TableName[tuple[str, str], Assignment] = TableName("shortids_by_folded")
BY_TARGET: TableName[UUID, Assignment] = TableName("shortids_by_target")


class MemoryShortIds:
    """Spaces by type, and assignments by folded form and by target."""

    def __init__(self, tables: Tables) -> None:
        self._spaces = tables[SPACES]
        self._by_folded, self._by_target = tables[BY_FOLDED], tables[BY_TARGET]

    async def reserve(self, type: str, count: int) -> Block:
        space = self._spaces.get(type) or ShortIdSpace(type, secrets.token_bytes(KEY_BYTES))
        advanced, block = reserve(space, count)
        self._spaces.put(type, advanced)
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
        self._by_folded.drop((assignment.type, assignment.folded))
        self._by_target.drop(assignment.target)

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

    def _store(self, assignment: Assignment) -> None:
        self._by_folded.put((assignment.type, assignment.folded), assignment)
        self._by_target.put(assignment.target, assignment)

    def _expect(self, assignment: Assignment) -> None:
        if self._by_target.get(assignment.target) != assignment:
            raise Contention("short id")


class MemoryShortIdBooks:
    """Spaces and assignments as they lie here."""

    def __init__(self, tables: Tables) -> None:
        self._spaces, self._by_folded = tables[SPACES], tables[BY_FOLDED]

    async def spaces(self) -> list[ShortIdSpace]:
        return sorted(self._spaces.rows(), key=lambda space: space.type)

    async def assignments(self, type: str) -> list[Assignment]:
        mine = [item for item in self._by_folded.rows() if item.type == type]
        return sorted(mine, key=lambda item: item.folded)
