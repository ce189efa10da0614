"""A host of your own: binds ports to adapters and handlers to both, on SQLite, without Flask.

Needs `pip install "buddy-ott[sql]"`. The address of the database is the one argument;
without it the file is `custom_host.db` in the present folder.
"""

import asyncio
import sys
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from uuid import UUID

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import access, accounts, catalog, flows, pricing, rights, tax, tokens
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import EntityId, LicenceId, PartnerId, TitleId, derived_uuid

DAY = datetime(2026, 1, 1, tzinfo=UTC)
SELLER = tax.SellingEntity(EntityId("newtact"), "Newtact Lab", "IN", "Asia/Kolkata", "INR")
ROUTES = tax.SellerRoutes((SELLER,), by_country={}, otherwise=SELLER.id)


class Host:
    """The composition root: everything that the handlers need, bound once."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.uow = SqlUnitOfWork(self.engine)
        clock, ids = SystemClock(), SystemIds()
        self.begin_guest = partial(accounts.begin_guest, uow=self.uow, clock=clock, ids=ids)
        self.earn_tokens = partial(tokens.earn_tokens, uow=self.uow, clock=clock, ids=ids)
        self.unlock_title = partial(flows.unlock_title, uow=self.uow, clock=clock, ids=ids, routes=ROUTES)
        self.verify = partial(flows.verify, uow=self.uow, routes=ROUTES)


def demo_id(name: str) -> UUID:
    """Return the same id for the same name, so that a second run finds what the first wrote."""
    return derived_uuid("custom-host", name)


async def fill(host: Host) -> TitleId:
    """Write one film with its licence, cost and token value, unless they are there."""
    film, maker = TitleId(demo_id("film")), PartnerId(demo_id("maker"))
    async with host.uow.begin() as tx:
        if await tx.titles.get([film]):
            return film
        name = "The Long Road"
        await tx.producers.add(catalog.Producer(maker, "mkr1", "A Maker"))
        await tx.titles.add(
            catalog.Title(
                id=film,
                short_id="f1lm",
                slug="the-long-road",
                type=catalog.TitleType.FILM,
                name=name,
                synopsis="",
                producer_id=maker,
                maturity="U",
                languages=("hi",),
                year=2026,
                duration_s=5400,
                published_at=DAY,
                media_key="the-long-road",
            )
        )
        licence = rights.Licence(LicenceId(demo_id("licence")), film, maker, Fraction(3, 5), ("*",), DAY)
        await tx.rights.append(rights.first_book(film, DAY, "custom host", [licence]))
        await tx.token_costs.add(pricing.TokenCosts(1, DAY, {"film": 10}))
        value = tokens.ValueVersion(tokens.BONUS, 1, DAY, {"INR": Fraction(50)}, DAY, "custom host")
        await tx.token_values.add(value)
    return film


async def main(url: str) -> None:
    """Let a guest try to unlock with too few tokens, earn the rest, unlock, and check the books."""
    host = Host(url)
    try:
        await migrate(host.engine)
        film = await fill(host)
        guest = (await host.begin_guest()).id
        # Whoever asks comes from your own sessions; everybody may act for their own account.
        viewer = access.BUILT_IN.actor(guest)
        wish = flows.UnlockTitle(
            account_id=guest,
            title_id=film,
            seen_tokens=10,
            seen_version=1,
            country="IN",
            idempotency_key=f"unlock:{guest}",
        )
        try:
            await host.unlock_title(viewer, wish)
        except BuddyError as error:
            # Your host maps the kinds of errors to its own answers; code and words come from the core.
            print(f"refused: {error}")
        await host.earn_tokens(
            tokens.EarnTokens(
                account_id=guest,
                kind=tokens.BONUS,
                amount=12,
                source="welcome",
                source_ref="campaign-1",
                idempotency_key=f"welcome:{guest}",
                expires_at=None,
                earned_as_guest=True,
            )
        )
        first, again = await host.unlock_title(viewer, wish), await host.unlock_title(viewer, wish)
        print(f"unlocked: {first.tokens_spent} tokens spent, {first.tokens_left} left")
        print(f"the same key again: {'the same answer' if first == again else 'another answer'}")
        report = await host.verify()
        print("books:", "clean" if report.is_clean else report.faults)
    finally:
        await host.engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "sqlite+aiosqlite:///custom_host.db"))
