"""A guest earns three tokens and spends two on an episode; attrs and asyncio are all it needs."""

import asyncio

from buddy_adapters.memory.sample import sample_store
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import access, accounts, flows, tokens


async def main() -> None:
    store = await sample_store(SystemClock(), SystemIds())
    guest = (await accounts.begin_guest(**store.ports)).id
    ad = tokens.EarnTokens(guest, tokens.BONUS, 3, "ads.reward", "rwd_1", "key-1", None, earned_as_guest=True)
    await tokens.earn_tokens(ad, **store.ports)
    wish = flows.UnlockTitle(guest, store.episode.id, 2, 1, "IN", "key-2")
    print(await flows.unlock_title(access.BUILT_IN.actor(guest), wish, routes=store.routes, **store.ports))


asyncio.run(main())
