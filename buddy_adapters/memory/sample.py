"""A store with one of everything in it, to try the library on: one seller, one episode, one price."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import frozen

from buddy_adapters.memory.unit_of_work import MemoryUnitOfWork
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import EntityId, IdSource, LicenceId, PartnerId, TitleId
from buddy_core.pricing import TokenCosts
from buddy_core.rights import WORLDWIDE, Licence, first_book
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.tokens import BONUS, ValueVersion

SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@frozen
class Sample:
    """The store, its one episode (2 tokens, 60 % to its producer) and its one seller (in INR)."""

    uow: MemoryUnitOfWork
    clock: Clock
    ids: IdSource
    episode: Title
    routes: SellerRoutes

    @property
    def ports(self) -> dict[str, Any]:
        """What every handler asks for, by its parameters' names."""
        return {"uow": self.uow, "clock": self.clock, "ids": self.ids}


async def sample_store(clock: Clock, ids: IdSource) -> Sample:
    """Return a new store in memory in which a bonus token is worth INR 0.50."""
    uow = MemoryUnitOfWork()
    seller = SellingEntity(EntityId("sample"), "Sample Seller", "IN", "Asia/Kolkata", "INR")
    maker = Producer(PartnerId(UUID(int=1)), "mkr2", "A Maker")
    episode = Title(
        id=TitleId(UUID(int=2)),
        short_id="p2kt",
        slug="pilot",
        type=TitleType.EPISODE,
        name="Pilot",
        synopsis="The first of its kind.",
        producer_id=maker.id,
        maturity="U",
        languages=("hi",),
        year=2026,
        duration_s=1200,
        published_at=SINCE,
        media_key="pilot",
    )
    licence = Licence(LicenceId(UUID(int=3)), episode.id, maker.id, Fraction(3, 5), (WORLDWIDE,), SINCE)
    async with uow.begin() as tx:
        await tx.producers.add(maker)
        await tx.titles.add(episode)
        await tx.rights.append(first_book(episode.id, SINCE, "sample", [licence]))
        await tx.token_costs.add(TokenCosts(1, SINCE, {"episode": 2}))
        await tx.token_values.add(ValueVersion(BONUS, 1, SINCE, {"INR": Fraction(50)}, SINCE, "sample"))
    return Sample(uow, clock, ids, episode, SellerRoutes((seller,), by_country={}, otherwise=seller.id))
