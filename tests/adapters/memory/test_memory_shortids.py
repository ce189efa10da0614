"""Short ids in memory keep the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from attrs import define, field

from buddy_adapters.memory.shortids import MemoryShortIds
from tests.contracts.shortids_contract import ShortIdsContract


@define
class _Tx:
    shortids: MemoryShortIds

    @property
    def shortid_books(self) -> MemoryShortIds:
        return self.shortids


@define
class _Uow:
    """One transaction at a time, on a copy that replaces the store when it commits."""

    store: MemoryShortIds = field(factory=MemoryShortIds)
    lock: asyncio.Lock = field(factory=asyncio.Lock)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[_Tx]:
        async with self.lock:
            tx = _Tx(self.store.copy())
            yield tx
            self.store = tx.shortids

    @asynccontextmanager
    async def read(self) -> AsyncIterator[_Tx]:
        yield _Tx(self.store.copy())


class TestMemoryShortIds(ShortIdsContract):
    """The reference itself."""

    @pytest.fixture
    def uow(self) -> _Uow:
        """Answer an empty store."""
        return _Uow()
