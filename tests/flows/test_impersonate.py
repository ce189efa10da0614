"""Staff look as a member: for a reason and a time, changing nothing, while they may and are signed in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve, frozen

from buddy_core import flows, sessions
from buddy_core.access import (
    SYSTEM,
    Actor,
    BeyondOwnReach,
    NotPermitted,
    ReasonMissing,
    Resource,
    SecondFactorNeeded,
    may,
)
from buddy_core.accounts import AccountNotFound
from buddy_core.entitlements import Context
from buddy_core.kernel import AccountId
from buddy_core.sessions import (
    CannotImpersonate,
    Dead,
    DeadReason,
    EndReason,
    LoginSessionNotFound,
    Started,
)
from buddy_web.reference import SELLER_ROUTES
from tests.flows.world import DEVICE, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
REASON = "ticket 12: a film does not play"


@frozen
class Desk:
    """A member of staff at work: as an actor, with their session."""

    actor: Actor
    started: Started
    email: str

    @property
    def account(self) -> AccountId:
        assert self.actor.account_id is not None
        return self.actor.account_id


async def desk(world: World, role: str = "support") -> Desk:
    """Sign a member of staff in."""
    actor = await world.staff(role, ip="192.0.2.5")
    assert actor.account_id is not None
    email = await world.email(actor.account_id)
    return Desk(actor, (await world.enter(email, ip="192.0.2.5")).started, email)


async def begin(world: World, at: Desk, who: AccountId, **changes: Any) -> Started:
    """Look as somebody."""
    actor = changes.pop("actor", at.actor)
    session = changes.pop("session", at.started.session.id)
    command = flows.Impersonate(**{"account_id": who, "reason": REASON, **changes})
    return await flows.begin_impersonation(
        actor, command, session, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
    )


async def end(world: World, actor: Actor, started: Started) -> None:
    """Stop looking."""
    await flows.end_impersonation(
        actor,
        started.session.id,
        correlation_id="c1",
        uow=world.uow,
        clock=world.clock,
        ids=world.ids,
    )


async def looking(world: World, started: Started) -> flows.Who:
    found = await world.identify(started, ip="192.0.2.5")
    assert isinstance(found, flows.Who), found
    return found


async def test_staff_see_as_the_member_and_change_nothing(world: World) -> None:
    """Wallet and account can be read; earning, unlocking, playing and all that staff may is refused."""
    at, member, title = await desk(world), await world.member(), await world.add_title()
    await world.earn(member, 9)
    found = await looking(world, await begin(world, at, member))
    actor = found.actor
    assert (found.account.id, actor.impersonator, actor.name) == (member, at.account, str(at.account))
    own = Resource(account_id=member)
    assert all(may(actor, name, own) for name in ("wallet:read", "account:read"))
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    command = flows.UnlockTitle(member, title.id, 2, 1, "IN", "k")
    attempts = (
        flows.unlock_title(actor, command, routes=SELLER_ROUTES, **ports),
        flows.begin_reward(actor, flows.BeginReward(member, DEVICE, "ip", "unit-1"), **ports),
        flows.start_playback(actor, DEVICE, title.id, Context("IN"), **ports),
        world.grant(member, 1, actor=actor),
        world.freeze(member, actor=actor),
        begin(world, at, await world.member(), actor=actor),
    )
    before = await world.books()
    for attempt in attempts:
        with pytest.raises(NotPermitted):
            await attempt
    assert await world.books() == before


async def test_who_looked_as_whom_and_at_what_is_recorded(world: World) -> None:
    """Beginning, each thing seen and the end name staff and member, with reason, address and reference."""
    at, member = await desk(world), await world.member()
    started = await begin(world, at, member, reason=f"  {REASON} ")
    actor = (await looking(world, started)).actor
    await flows.record_look(actor, "GET /wallet", correlation_id="c7", uow=world.uow, clock=world.clock)
    await end(world, actor, started)
    records = [item for item in await world.records() if item.action.startswith("impersonation")]
    assert [(item.action, item.resource, item.as_whom) for item in records] == [
        ("impersonation.begin", str(member), ""),
        ("impersonation.look", str(member), str(member)),
        ("impersonation.end", str(member), str(member)),
    ]
    assert {(item.actor, item.ip) for item in records} == {(str(at.account), "192.0.2.5")}
    assert REASON in records[0].after
    assert started.session.id in records[0].after
    assert (records[1].after, records[1].correlation_id) == ('"GET /wallet"', "c7")


async def test_looking_ends_with_its_time(world: World) -> None:
    """15 minutes if nothing is said, 30 at most; then the token opens nothing, and there is no refresh."""
    at, member = await desk(world), await world.member()
    lives = {"usual": {}, "short": {"minutes": 5}, "long": {"minutes": 300}}
    begun = {name: await begin(world, at, member, **changes) for name, changes in lives.items()}
    start = world.clock.now()
    for name, minutes in (("short", 5), ("usual", 15), ("long", 30)):
        world.clock.set(start + minutes * MINUTE - timedelta(seconds=1))
        assert await looking(world, begun[name])
        world.clock.set(start + minutes * MINUTE)
        assert isinstance(await world.identify(begun[name]), Dead)
    assert {item.refresh_token for item in begun.values()} == {None}


async def test_looking_ends_when_staff_stop(world: World) -> None:
    """Ended, its token opens nothing, and staff are themselves again."""
    at, member = await desk(world), await world.member()
    started = await begin(world, at, member)
    await end(world, (await looking(world, started)).actor, started)
    assert await world.identify(started) == Dead(DeadReason.ENDED)
    [over] = await world.sessions(member)
    assert over.end_reason is EndReason.IMPERSONATION_ENDED
    assert (await looking(world, at.started)).actor.impersonator is None


async def test_looking_ends_with_the_session_of_staff(world: World) -> None:
    """Once the member of staff has signed out, or was signed out, so have they of the other's account."""
    for act in ("signs out", "is signed out"):
        at, member = await desk(world), await world.member()
        started = await begin(world, at, member)
        ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
        if act == "signs out":
            await sessions.end_session(at.account, at.started.session.id, **ports)
        else:
            await flows.sign_out_user(SYSTEM, at.account, "left us", correlation_id="c", **ports)
        assert await world.identify(started) == Dead(DeadReason.PARENT_ENDED)


async def test_looking_ends_with_the_role_of_staff(world: World) -> None:
    """With the role goes the look, at the next request; given back, it goes on while its time lasts."""
    at, member = await desk(world), await world.member()
    started = await begin(world, at, member)
    role = flows.AssignRole(at.email, "support")
    ports: dict[str, Any] = {"correlation_id": "c", "uow": world.uow, "clock": world.clock}
    await flows.revoke_role(SYSTEM, role, **ports)
    assert isinstance(await world.identify(started), Dead)
    await flows.assign_role(SYSTEM, role, **ports)
    assert await looking(world, started)


async def test_nobody_goes_on_looking_as_one_who_became_staff(world: World) -> None:
    """A member who is given a role meanwhile is looked as no more."""
    at, member = await desk(world), await world.member("asha@example.com")
    started = await begin(world, at, member)
    await flows.assign_role(
        SYSTEM,
        flows.AssignRole("asha@example.com", "analyst"),
        correlation_id="c",
        uow=world.uow,
        clock=world.clock,
    )
    assert isinstance(await world.identify(started), Dead)


async def test_looking_ends_when_the_member_is_signed_out_everywhere(world: World) -> None:
    """Whoever signs out of all their sessions ends those of staff in their account too."""
    at, member = await desk(world), await world.member()
    started = await begin(world, at, member)
    await sessions.end_all_sessions(member, uow=world.uow, clock=world.clock, ids=world.ids)
    assert await world.identify(started) == Dead(DeadReason.ENDED)


async def test_who_may_not_look_as_others_does_not(world: World) -> None:
    """No permission, staff as target, oneself, nobody, no reason, no session: no look and no record."""
    at, member = await desk(world), await world.member()
    colleague, finance = await desk(world), await desk(world, "finance")
    began = await begin(world, colleague, member)
    nested = (await looking(world, began)).actor
    over = await world.enter(at.email)
    await sessions.end_session(
        at.account, over.started.session.id, uow=world.uow, clock=world.clock, ids=world.ids
    )
    before = await world.books()
    attempts: tuple[tuple[type[Exception], AccountId, dict[str, Any]], ...] = (
        (NotPermitted, member, {"actor": VIEWER}),
        (NotPermitted, member, {"actor": finance.actor, "session": finance.started.session.id}),
        (NotPermitted, member, {"actor": nested, "session": began.session.id}),
        (SecondFactorNeeded, member, {"actor": evolve(at.actor, owes_second_factor=True)}),
        (BeyondOwnReach, finance.account, {}),
        (BeyondOwnReach, colleague.account, {}),
        (BeyondOwnReach, at.account, {}),
        (AccountNotFound, AccountId(world.ids.uuid7()), {}),
        (ReasonMissing, member, {"reason": " x "}),
        (CannotImpersonate, member, {"session": colleague.started.session.id}),
        (CannotImpersonate, member, {"session": over.started.session.id}),
        (CannotImpersonate, member, {"session": began.session.id}),
        (CannotImpersonate, member, {"session": "sgn_none"}),
        (CannotImpersonate, member, {"minutes": 0}),
        (CannotImpersonate, member, {"minutes": -5}),
    )
    for refusal, who, changes in attempts:
        with pytest.raises(refusal):
            await begin(world, at, who, **changes)
    assert await world.books() == before
    assert [item.id for item in await world.sessions(member)] == [began.session.id]


async def test_nobody_ends_the_look_of_a_colleague(world: World) -> None:
    """Only whoever began it stops it; to others it is not there, and it goes on."""
    at, colleague, member = await desk(world), await desk(world), await world.member()
    started = await begin(world, at, member)
    before = await world.books()
    with pytest.raises(LoginSessionNotFound):
        await end(world, colleague.actor, started)
    assert await world.books() == before
    assert await looking(world, started)


async def test_a_guest_can_be_looked_as(world: World) -> None:
    """Staff look as a guest too, and as the member once the guest has joined."""
    at, guest, member = await desk(world), await world.guest(), await world.member()
    assert (await looking(world, await begin(world, at, guest))).account.id == guest
    await world.merge(guest, member)
    assert (await looking(world, await begin(world, at, guest))).account.id == member


async def test_nobody_looks_as_a_guest_of_staff(world: World) -> None:
    """A guest that joined a member of staff stands for them: no look, no record."""
    at, colleague, guest = await desk(world), await desk(world), await world.guest()
    await world.merge(guest, colleague.account)
    before = await world.books()
    with pytest.raises(BeyondOwnReach):
        await begin(world, at, guest)
    assert await world.books() == before


async def test_look_and_record_are_one_commit(world: World) -> None:
    """When the audit cannot be written nobody gets in, and whoever is in gets out only on the record."""
    at, member = await desk(world), await world.member()
    started = await begin(world, at, member)
    before, whole = await world.books(), world.uow
    actor = (await looking(world, started)).actor
    world.uow = Tampered(whole, "audit", "append", after=break_off)
    for attempt in (begin(world, at, member), end(world, actor, started)):
        with pytest.raises(Broken):
            await attempt
    world.uow = whole
    assert await world.books() == before
    assert [item.id for item in await world.sessions(member)] == [started.session.id]
    assert await looking(world, started)


async def test_stopping_to_look_ends_nothing_else_and_is_told_once(world: World) -> None:
    """Staff's own session is not ended by it, and a look that has ended leaves no second record."""
    at, who = await desk(world), await world.member()
    started = await begin(world, at, who)
    with pytest.raises(LoginSessionNotFound):
        await end(world, at.actor, at.started)
    assert isinstance(await world.identify(at.started, ip="192.0.2.5"), flows.Who)
    for _ in range(2):
        await end(world, at.actor, started)
    told = [item.action for item in await world.records() if item.action == "impersonation.end"]
    assert told == ["impersonation.end"]
