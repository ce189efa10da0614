"""The world of the flows, on every store that the contracts run on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.contracts.cases import Uow
from tests.contracts.conftest import anyio_backend, database_url, sqlite_template, uow
from tests.flows.world import World

__all__ = ["anyio_backend", "database_url", "sqlite_template", "uow"]


@pytest.fixture
async def world(uow: Uow) -> AsyncIterator[World]:
    """Answer a world on an empty store; at the end `verify` finds nothing wrong in it."""
    made = World(uow)
    await made.seed()
    yield made
    report = await made.verify()
    assert report.is_clean, report.faults
