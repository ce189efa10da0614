"""Facts that happened, and the outbox that carries them out after the commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from attrs import frozen

from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import EventId


@frozen
class Event:
    """Base of all events: an attrs class in the past tense with a versioned `type`."""

    type: ClassVar[str] = "kernel.event.v1"


@frozen
class Envelope:
    """An event as it lies in the outbox: id, type, the thing it is about, body as JSON."""

    id: EventId
    type: str
    subject: str
    at: datetime
    body: bytes


def envelope(event: Event, *, id: EventId, subject: str, at: datetime) -> Envelope:
    """Wrap an event for the outbox; the body is its canonical JSON."""
    return Envelope(id=id, type=event.type, subject=subject, at=at, body=canonical_bytes(event))


class Outbox(Protocol):
    """Keeps events in the same commit as the change that they tell of."""

    async def add(self, envelopes: Sequence[Envelope]) -> None:
        """Store the envelopes; they are delivered at least once after the commit."""
        ...


class OutboxQueue(Protocol):
    """The relay's side of the outbox: what is still to be sent, by row, never by position."""

    async def unsent(self, limit: int) -> list[Envelope]:
        """Return up to `limit` envelopes not yet marked sent, oldest first."""
        ...

    async def since(self, at: datetime) -> list[Envelope]:
        """Return the envelopes of `at` or later, sent or not, oldest first, and maybe earlier ones."""
        ...

    async def mark_sent(self, ids: Sequence[EventId], at: datetime) -> None:
        """Mark these envelopes as delivered at `at`; marking twice changes nothing."""
        ...
