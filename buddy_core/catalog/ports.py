"""What the catalogue needs from storage."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from buddy_core.catalog.model import Producer, Title, TitleType
from buddy_core.kernel.ids import PartnerId, TitleId


class Titles(Protocol):
    """Titles by id and by public name."""

    async def add(self, title: Title) -> None:
        """Store a title.

        Raises:
            Contention: its short id or slug is taken in its type.
        """
        ...

    async def get(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        """Return the titles that exist among `ids`."""
        ...

    async def lock(self, ids: Sequence[TitleId]) -> dict[TitleId, Title]:
        """Return the titles that exist among `ids`; others who lock them wait for this transaction's end."""
        ...

    async def find(self, type: TitleType, short_id: str) -> Title | None:
        """Return the title with this short id in its type, or None."""
        ...

    async def named(self, names: Collection[tuple[TitleType, str]]) -> dict[tuple[TitleType, str], Title]:
        """Return the titles that exist among public names, each a type and a short id; asked once for all."""
        ...

    async def all(self) -> list[Title]:
        """Return every title, in order of type, parent, number and name."""
        ...

    async def slugs(self, type: TitleType, prefix: str) -> set[str]:
        """Return the slugs of a type that begin with `prefix`."""
        ...


class Producers(Protocol):
    """Producers by id and by short id."""

    async def add(self, producer: Producer) -> None:
        """Store a producer."""
        ...

    async def get(self, ids: Sequence[PartnerId]) -> dict[PartnerId, Producer]:
        """Return the producers that exist among `ids`."""
        ...

    async def all(self) -> list[Producer]:
        """Return every producer by name."""
        ...


class CatalogTx(Protocol):
    """A transaction that reads and writes the catalogue."""

    @property
    def titles(self) -> Titles: ...

    @property
    def producers(self) -> Producers: ...
