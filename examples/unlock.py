"""A guest earns three tokens and unlocks an episode, on the in-memory adapters; needs attrs alone."""

import asyncio
from datetime import UTC, datetime
from fractions import Fraction

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core.accounts import begin_guest
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import UnlockTitle, unlock_title
from buddy_core.kernel.ids import EntityId, LicenceId, PartnerId, TitleId
from buddy_core.pricing import TokenCosts
from buddy_core.rights import Licence
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.tokens import BONUS, EarnTokens, ValueVersion, earn_tokens

UOW, CLOCK, IDS, DAY = MemoryUnitOfWork(), SystemClock(), SystemIds(), datetime(2026, 1, 1, tzinfo=UTC)
SELLER = SellingEntity(EntityId("newtact"), "Newtact Lab", "IN", "Asia/Kolkata", "INR")
ROUTES = SellerRoutes((SELLER,), by_country={}, otherwise=SELLER.id)
EPISODE, MAKER, TERMS = TitleId(IDS.uuid7()), PartnerId(IDS.uuid7()), LicenceId(IDS.uuid7())
TITLE = Title(
    EPISODE, "t9k2", "pilot", TitleType.EPISODE, "Pilot", "", MAKER, "U", ("hi",), 2026, 1200, DAY, "pilot"
)


async def main() -> None:
    async with UOW.begin() as tx:
        await tx.titles.add(TITLE)
        await tx.licences.add(Licence(TERMS, EPISODE, MAKER, Fraction(3, 5), ("IN",), DAY))
        await tx.token_costs.add(TokenCosts(1, DAY, {"episode": 2}))
        await tx.token_values.add(ValueVersion(BONUS, 1, DAY, {"INR": Fraction(50)}, DAY, "me"))
    guest = (await begin_guest(uow=UOW, clock=CLOCK, ids=IDS)).id
    ad = EarnTokens(guest, BONUS, 3, "ads.reward", "rwd_1", "key-1", expires_at=None, earned_as_guest=True)
    await earn_tokens(ad, uow=UOW, clock=CLOCK, ids=IDS)
    wish = UnlockTitle(guest, EPISODE, seen_tokens=2, seen_version=1, country="IN", idempotency_key="key-2")
    print(await unlock_title(wish, uow=UOW, clock=CLOCK, ids=IDS, routes=ROUTES))


asyncio.run(main())
