"""Roles, a second person and the audit, on a store in memory; attrs and asyncio are all it needs.

Support wants to give 80 tokens, more than one person may; finance approves. Everything they did
stands in the audit, and a host of your own needs no more than this to ask who may do what.
"""

import asyncio
from functools import partial

from buddy_adapters.memory.sample import sample_store
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import access, accounts, flows, views
from buddy_core.access import BUILT_IN, SYSTEM, Actor, Outcome
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import AccountId


async def main() -> None:
    """Give roles, ask for something large, have it approved, and read what was recorded."""
    store = await sample_store(SystemClock(), SystemIds())
    uow, clock, ids, routes = store.uow, store.clock, store.ids, store.routes

    async def member(email: str) -> AccountId:
        """Add a member; a host's own would register with a password."""
        account = AccountId(ids.uuid7())
        async with uow.begin() as tx:
            await accounts.add_member_in(tx, account, email, "no password opens this", clock.now(), ids)
        return account

    async def actor(account: AccountId) -> Actor:
        """Return an account as an actor; that a second factor was proved comes from your own sessions."""
        async with uow.read() as tx:
            return await access.actor_in(tx, account, has_second_factor=True)

    support, finance, rights, asha = [
        await member(f"{name}@example.com") for name in ("support", "finance", "rights", "asha")
    ]
    give = partial(flows.assign_role, SYSTEM, uow=uow, clock=clock, correlation_id="example")
    await give(flows.AssignRole("support@example.com", "support"))
    await give(flows.AssignRole("finance@example.com", "finance"))
    await give(flows.AssignRole("rights@example.com", "partner_admin", producer="mkr2"))

    # A role reaches as far as its scope: the maker's own figures, and nobody else's.
    own = access.Resource(partner_id=store.episode.producer_id)
    partner = await actor(rights)
    print("own figures:", bool(access.may(partner, "statement:read", own)))
    print("everybody's:", access.may(partner, "statement:read").reason.value)

    # What is larger than one person may do alone is kept until somebody else decides.
    wish = flows.GrantTokens(asha, 80, "a long outage", "key-1")
    waits = await flows.grant_tokens(
        await actor(support), wish, correlation_id="example", uow=uow, clock=clock, ids=ids
    )
    assert isinstance(waits, flows.Awaiting)
    decide = partial(
        flows.decide_request, uow=uow, clock=clock, ids=ids, routes=routes, correlation_id="example"
    )
    approval = flows.DecideRequest(waits.request_id, Outcome.APPROVED)
    try:
        await decide(await actor(support), approval)
    except BuddyError as error:
        print("support approves:", error.code)
    print("finance approves:", (await decide(await actor(finance), approval)).outcome.value)
    seen = await flows.look_at_user(SYSTEM, asha, correlation_id="example", uow=uow, clock=clock)
    print("asha has:", seen.tokens)

    # A custom role is made of the same parts; nobody gives what they do not have.
    desk = access.Role("night_desk", "Night desk", frozenset({"user:read"}), includes=frozenset({"analyst"}))
    await flows.define_role(SYSTEM, desk, correlation_id="example", uow=uow, clock=clock)
    theirs = BUILT_IN.with_custom([desk]).permissions_of("night_desk")
    print("the night desk may:", ", ".join(sorted(theirs)))
    try:
        await flows.assign_role(
            await actor(finance),
            flows.AssignRole("asha@example.com", "night_desk"),
            correlation_id="example",
            uow=uow,
            clock=clock,
        )
    except BuddyError as error:
        print("finance gives a role:", error.code)

    # The record of it, newest first; each line was written in the commit of its act.
    found = await views.find_audit(
        SYSTEM, views.AuditWanted(action="tokens"), correlation_id="example", uow=uow, clock=clock
    )
    for line in found.lines:
        print("recorded:", line.actor, line.action, line.subject)


if __name__ == "__main__":
    asyncio.run(main())
