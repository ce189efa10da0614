"""What short ids need from outside: a store, its books for verify, and a transliterator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from buddy_core.shortids.model import Assignment, Block, ShortIdSpace


class ShortIds(Protocol):
    """The ids in use and the counters behind the generated ones, by type."""

    async def reserve(self, type: str, count: int) -> Block:
        """Take up to `count` counters out of the type's space and advance it past them.

        The first call for a type makes its space with a fresh random key. The row
        is locked, so that no two transactions get one counter; the pure rule
        `reserve` says which.

        Raises:
            ShortIdsExhausted: the type has no id left.
        """
        ...

    async def taken(self, type: str, folded: Sequence[str]) -> set[str]:
        """Return those of the folded forms that are in use in this type."""
        ...

    async def add(self, assignment: Assignment) -> None:
        """Store an assignment; after a refusal the transaction can go on.

        A store must therefore find the clash without breaking its transaction, as
        `INSERT ... ON CONFLICT DO NOTHING` does.

        Raises:
            ShortIdTaken: its folded form is in use in this type.
            ShortIdAlreadyGiven: the target has an id.
        """
        ...

    async def remove(self, assignment: Assignment) -> None:
        """Delete an unpublished assignment.

        Raises:
            Contention: it was published, changed or removed since it was read.
        """
        ...

    async def publish(self, assignment: Assignment, at: datetime) -> None:
        """Mark an assignment as published at `at`, for ever; a second time changes nothing.

        Raises:
            Contention: it was changed or removed since it was read.
        """
        ...

    async def find(self, type: str, folded: str) -> Assignment | None:
        """Return who holds this folded form in this type."""
        ...

    async def for_target(self, target: UUID) -> Assignment | None:
        """Return the id of a thing."""
        ...


class ShortIdBooks(Protocol):
    """Everything stored, for `buddy verify`."""

    async def spaces(self) -> list[ShortIdSpace]:
        """Return the space of every type that has one, by type."""
        ...

    async def assignments(self, type: str) -> list[Assignment]:
        """Return all assignments of a type, by folded form."""
        ...


class Transliterator(Protocol):
    """Writes any script in Latin letters."""

    def to_ascii(self, text: str) -> str:
        """Return `text` in ASCII; blanks and punctuation may stay."""
        ...


class ShortIdTx(Protocol):
    """What the steps need of a transaction."""

    @property
    def shortids(self) -> ShortIds: ...


class ShortIdBooksTx(Protocol):
    """What the account of counters needs of a transaction."""

    @property
    def shortid_books(self) -> ShortIdBooks: ...
