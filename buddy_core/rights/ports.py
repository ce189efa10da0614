"""What rights need from storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.rights.model import Licence


class Licences(Protocol):
    """Licences by title and by partner; only ever added to."""

    async def of_titles(self, titles: Sequence[TitleId]) -> list[Licence]:
        """Return every licence of these titles, in id order."""
        ...

    async def of_partner(self, partner: PartnerId) -> list[Licence]:
        """Return every licence that a partner gave, in id order."""
        ...

    async def add(self, licence: Licence) -> None:
        """Store a licence."""
        ...


class RightsTx(Protocol):
    """A transaction that reads and writes licences."""

    @property
    def licences(self) -> Licences: ...
