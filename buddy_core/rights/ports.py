"""What rights need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.kernel.ids import GrantId, PartnerId, TakedownId, TitleId
from buddy_core.rights.model.books import TitleRights
from buddy_core.rights.model.owed import Owed


class RightsBooks(Protocol):
    """Every title's book of rights, revision by revision; only ever added to."""

    async def of_titles(
        self, titles: Sequence[TitleId], known_at: datetime | None = None
    ) -> dict[TitleId, TitleRights]:
        """Return the last revision of each title that has one; with `known_at`, the last recorded by then."""
        ...

    async def of_partner(self, partner: PartnerId) -> list[TitleRights]:
        """Return the last revision of every title that a partner ever licensed, in title order."""
        ...

    async def history(self, title: TitleId) -> list[TitleRights]:
        """Return every revision of a title, the first one first."""
        ...

    async def append(self, rights: TitleRights) -> None:
        """Store the next revision.

        Raises:
            Contention: somebody else appended that revision first.
        """
        ...


class OwedRows(Protocol):
    """What takedowns left owed to whom; only ever added to."""

    async def add(self, rows: Sequence[Owed]) -> int:
        """Store rows but those whose origin has one, of whichever takedown; return how many were new."""
        ...

    async def known(self, origins: Sequence[GrantId]) -> set[GrantId]:
        """Return those among `origins` that have a row, of whichever takedown."""
        ...

    async def of_takedown(self, takedown: TakedownId, *, after: GrantId | None, limit: int) -> list[Owed]:
        """Return up to `limit` rows of a takedown in order of their origin, those after `after` only."""
        ...


class RightsTx(Protocol):
    """A transaction that reads and writes rights."""

    @property
    def rights(self) -> RightsBooks: ...


class OwedTx(Protocol):
    """A transaction that reads and writes what is owed."""

    @property
    def owed(self) -> OwedRows: ...
