"""Tells this process of what it and others committed, so that what it keeps for display is let go."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from buddy_core.kernel import Envelope, EventId, Outbox, OutboxQueue, UnitOfWork

Told = Callable[[Sequence[Envelope]], None]


TxT = TypeVar("TxT")


class TellingUnitOfWork(Generic[TxT]):
    """A unit of work that calls `told` with the events of each transaction, once it is committed."""

    def __init__(self, uow: Any, told: Told) -> None:
        self._uow = uow
        self._told = told

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[TxT]:
        """Open a transaction that may write; its events are told after the commit, and only then."""
        heard: list[Envelope] = []
        async with self._uow.begin() as tx:
            tx.outbox = _Heard(tx.outbox, heard)
            yield tx
        if heard:
            self._told(heard)

    def read(self) -> AbstractAsyncContextManager[TxT]:
        """Open a transaction that only reads."""
        found: AbstractAsyncContextManager[TxT] = self._uow.read()
        return found


class _Heard:
    """An outbox that remembers what it was given."""

    def __init__(self, outbox: Outbox, heard: list[Envelope]) -> None:
        self._outbox = outbox
        self._heard = heard

    async def add(self, envelopes: Sequence[Envelope]) -> None:
        await self._outbox.add(envelopes)
        self._heard += envelopes


class FeedTx(Protocol):
    """What following the outbox needs of a transaction."""

    @property
    def outbox_queue(self) -> OutboxQueue: ...


class OutboxFeed:
    """Follows the outbox and tells of the events of every process, once each.

    Asked by whoever reads: at most once in `every`, it looks at the events of the last
    moments again, so that one whose commit took up to `look_back` is not missed.
    """

    def __init__(
        self,
        uow: UnitOfWork[FeedTx],
        told: Told,
        *,
        every: timedelta = timedelta(seconds=1),
        look_back: timedelta = timedelta(seconds=5),
    ) -> None:
        self._uow = uow
        self._told = told
        self._every = every
        self._look_back = look_back
        self._last: datetime | None = None
        self._seen: OrderedDict[EventId, None] = OrderedDict()

    def is_due(self, at: datetime) -> bool:
        """Tell whether the last look is long enough ago for another."""
        last = self._last
        return last is None or at - last >= self._every or at < last

    async def catch_up(self, at: datetime) -> None:
        """Tell of what was committed since the last look, if that is long enough ago."""
        if not self.is_due(at):
            return
        since = (self._last or at) - self._look_back
        self._last = at
        async with self._uow.read() as tx:
            found = await tx.outbox_queue.since(since)
        news = [item for item in found if item.id not in self._seen]
        self._seen.update((item.id, None) for item in news)
        while len(self._seen) > _REMEMBERED and len(self._seen) > len(found):
            self._seen.popitem(last=False)
        if news:
            self._told(news)


_REMEMBERED = 100_000
