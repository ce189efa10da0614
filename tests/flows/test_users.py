"""Staff look after accounts: what they see and do is theirs to do, and all of it is recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import (
    BUILT_IN,
    SYSTEM,
    Actor,
    Assignment,
    BeyondOwnReach,
    NotPermitted,
    OwnAccount,
    ReasonMissing,
    SecondFactorNeeded,
)
from buddy_core.accounts import AccountNotFound, WrongCredentials
from buddy_core.kernel import AccountId
from buddy_core.sessions import Dead, DeadReason, EndReason, SecondFactorMissing
from tests.flows.world import PASSWORD, START, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

EMAIL = "asha@example.com"


async def find(world: World, actor: Actor, email: str = "", **wanted: Any) -> flows.UsersFound:
    command = flows.FindUsers(email, **wanted)
    return await flows.find_users(actor, command, correlation_id="c1", uow=world.uow, clock=world.clock)


async def look(world: World, actor: Actor, who: AccountId) -> flows.UserRecord:
    return await flows.look_at_user(actor, who, correlation_id="c1", uow=world.uow, clock=world.clock)


async def sign_out(world: World, actor: Actor, who: AccountId, reason: str = "asked us to") -> int:
    return await flows.sign_out_user(
        actor, who, reason, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
    )


async def reset(world: World, actor: Actor, who: AccountId, reason: str = "phone lost") -> None:
    await flows.reset_second_factor(
        actor, who, reason, correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
    )


def emails(found: flows.UsersFound) -> list[str | None]:
    return [item.account.email for item in found.users]


async def test_members_are_found_by_how_their_address_begins(world: World) -> None:
    """Newest first, page by page, guests never; each with its roles."""
    support = await world.staff("support")
    for email in (EMAIL, "asif@example.com", "bilal@example.com"):
        await world.member(email)
    await world.guest()
    assert emails(await find(world, support, " AS")) == ["asif@example.com", EMAIL]
    assert emails(await find(world, support, "%")) == []
    first = await find(world, support, limit=2)
    assert emails(first) == ["bilal@example.com", "asif@example.com"]
    rest = await find(world, support, limit=2, after=first.next_after)
    assert emails(rest)[0] == EMAIL
    assert rest.next_after is None
    assert rest.users[1].assignments == (Assignment(rest.users[1].account.id, "support"),)


async def test_a_search_is_recorded_with_whom_it_showed(world: World) -> None:
    """The record names who searched and the accounts that were shown, and not the address that was typed."""
    support, member = await world.staff("support", ip="192.0.2.5"), await world.member(EMAIL)
    await find(world, support, "asha@exa")
    await find(world, support, "nobody@")
    first, second = await world.records("user.search")
    assert (first.actor, first.ip, first.correlation_id) == (support.name, "192.0.2.5", "c1")
    assert (str(member) in first.after, "asha" in first.after) == (True, False)
    assert second.after == '{"accounts":[],"by_address":true}'


async def test_staff_see_what_there_is_of_an_account(world: World) -> None:
    """Sessions, factor, lock, tokens and roles as they are; that they looked, and at whom, is recorded."""
    support, member = await world.staff("support", ip="192.0.2.5"), await world.member(EMAIL)
    started = (await world.enter(EMAIL)).started
    await world.earn(member, 4)
    seen = await look(world, support, member)
    assert (seen.account.email, seen.tokens, seen.is_frozen, seen.locked_until) == (EMAIL, 4, False, None)
    assert (list(seen.sessions), seen.has_second_factor, seen.assignments) == ([started.session], False, ())
    await world.give_factor(member)
    await world.freeze(member)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await world.enter(EMAIL, password="Wrong-2026")
    seen = await look(world, support, member)
    assert (seen.has_second_factor, seen.is_frozen) == (True, True)
    assert seen.locked_until == START + timedelta(minutes=15)
    records = await world.records("user.read")
    assert [(item.actor, item.resource, item.ip) for item in records] == [
        (support.name, str(member), "192.0.2.5")
    ] * 2


async def test_a_guest_that_joined_is_shown_as_the_member(world: World) -> None:
    """Looking at a merged guest is looking at the member, and recorded as that."""
    support, guest, member = await world.staff("support"), await world.guest(), await world.member(EMAIL)
    assert (await look(world, support, guest)).account.id == guest
    await world.merge(guest, member)
    assert (await look(world, support, guest)).account.id == member
    assert [item.resource for item in await world.records("user.read")] == [str(guest), str(member)]


async def test_staff_sign_somebody_out_everywhere(world: World) -> None:
    """Each token of the account dies at once, those of others do not; the record says how many and why."""
    support, member = await world.staff("support", ip="192.0.2.5"), await world.member(EMAIL)
    other = await world.member("bilal@example.com")
    gone = [(await world.enter(EMAIL)).started for _ in range(2)]
    kept = (await world.enter("bilal@example.com")).started
    assert await sign_out(world, support, member, " asked us to ") == 2
    assert [await world.identify(item) for item in gone] == [Dead(DeadReason.ENDED)] * 2
    assert {item.end_reason for item in await world.sessions(member)} == {EndReason.REVOKED}
    found = await world.identify(kept)
    assert isinstance(found, flows.Who)
    assert found.account.id == other
    [record] = await world.records("session.revoke")
    assert (record.actor, record.resource, record.ip) == (support.name, str(member), "192.0.2.5")
    assert record.after == '{"ended":2,"reason":"asked us to"}'
    assert await sign_out(world, support, member) == 0
    assert (await world.enter(EMAIL, password=PASSWORD)).started, "they sign in again"


async def test_a_lost_factor_is_taken_away(world: World) -> None:
    """The factor and every session are gone, and who did it and why is on the record."""
    support, member = await world.staff("support", ip="192.0.2.5"), await world.member(EMAIL)
    await world.give_factor(member)
    started = (await world.enter(EMAIL)).started
    await reset(world, support, member)
    assert not (await look(world, support, member)).has_second_factor
    assert await world.identify(started) == Dead(DeadReason.ENDED)
    [record] = await world.records("second_factor.reset")
    assert (record.actor, record.resource) == (support.name, str(member))
    assert (record.after, record.ip) == ('{"reason":"phone lost"}', "192.0.2.5")
    before = await world.books()
    with pytest.raises(SecondFactorMissing):
        await reset(world, support, member)
    assert await world.books() == before


async def test_nobody_resets_the_factor_of_somebody_who_may_more(world: World) -> None:
    """Support helps support and a viewer; finance's and a super admin's factor needs one who may as much."""
    support, boss = await world.staff("support"), await world.staff("super_admin")
    for role in ("finance", "super_admin", "auditor"):
        target = (await world.staff(role)).account_id
        assert target is not None
        await world.give_factor(target)
        before = await world.books()
        with pytest.raises(BeyondOwnReach):
            await reset(world, support, target)
        assert await world.books() == before
        await reset(world, boss, target)
    colleague = (await world.staff("support")).account_id
    assert colleague is not None
    await world.give_factor(colleague)
    await reset(world, support, colleague)


async def test_nobody_resets_their_own_factor(world: World) -> None:
    """One's own factor is taken away by proving it, not by the desk."""
    support = await world.staff("support")
    assert support.account_id is not None
    await world.give_factor(support.account_id)
    before = await world.books()
    with pytest.raises(OwnAccount):
        await reset(world, support, support.account_id)
    assert await world.books() == before


async def test_ones_own_factor_is_taken_away_by_proving_it(world: World) -> None:
    """A session that has not just proved it, and staff who look, take nothing away; staff's is recorded."""
    support, member = await world.staff("support", ip="192.0.2.5"), BUILT_IN.actor(await world.member(EMAIL))
    ports: dict[str, Any] = {"correlation_id": "c1", "uow": world.uow, "clock": world.clock, "ids": world.ids}
    for actor in (support, member):
        assert actor.account_id is not None
        await world.give_factor(actor.account_id)
        email = await world.email(actor.account_id)
        here, elsewhere = [(await world.enter(email)).started for _ in range(2)]
        before = await world.books()
        attempts: tuple[tuple[type[Exception], Actor], ...] = (
            (SecondFactorNeeded, evolve(actor, has_second_factor=False)),
            (SecondFactorNeeded, evolve(actor, has_second_factor=False, owes_second_factor=True)),
            (NotPermitted, evolve(actor, impersonator=VIEWER.account_id)),
        )
        for refusal, other in attempts:
            with pytest.raises(refusal):
                await flows.remove_own_second_factor(other, here.session.id, **ports)
        assert await world.books() == before
        proven = evolve(actor, has_second_factor=True)
        await flows.remove_own_second_factor(proven, here.session.id, **ports)
        assert isinstance(await world.identify(here), flows.Who)
        assert await world.identify(elsewhere) == Dead(DeadReason.ENDED)
        assert not (await look(world, support, actor.account_id)).has_second_factor
    removed = [item for item in await world.records() if item.action.startswith("second_factor")]
    assert [(item.actor, item.ip) for item in removed] == [(support.name, "192.0.2.5")]


@pytest.mark.parametrize("act", [find, look, sign_out, reset], ids=lambda act: act.__name__)
async def test_only_who_may_looks_after_accounts(world: World, act: Callable[..., Awaitable[Any]]) -> None:
    """A viewer, other staff, one who looks as another and one who owes a factor do and see nothing."""
    member, support = await world.member(EMAIL), await world.staff("support")
    await world.give_factor(member)
    started = (await world.enter(EMAIL)).started
    finance = await world.staff("finance")
    target: tuple[Any, ...] = () if act is find else (member,)
    before = await world.books()
    attempts: tuple[tuple[type[Exception], Actor], ...] = (
        (NotPermitted, VIEWER),
        (NotPermitted, finance),
        (NotPermitted, evolve(support, impersonator=VIEWER.account_id)),
        (SecondFactorNeeded, evolve(support, owes_second_factor=True)),
    )
    for refusal, actor in attempts:
        with pytest.raises(refusal):
            await act(world, actor, *target)
    assert await world.books() == before
    assert isinstance(await world.identify(started), flows.Who)


@pytest.mark.parametrize("act", [look, sign_out, reset], ids=lambda act: act.__name__)
async def test_an_account_has_to_be_there(world: World, act: Callable[..., Awaitable[Any]]) -> None:
    """For an id that nobody has, nothing is done and nothing recorded."""
    before = await world.books()
    with pytest.raises(AccountNotFound):
        await act(world, SYSTEM, AccountId(world.ids.uuid7()))
    assert await world.books() == before


@pytest.mark.parametrize("act", [sign_out, reset], ids=lambda act: act.__name__)
@pytest.mark.parametrize("reason", ["", " x ", "x" * 501, "a\nb"])
async def test_acts_on_accounts_need_a_reason(
    world: World, act: Callable[..., Awaitable[Any]], reason: str
) -> None:
    """Without words for whoever reads the audit nothing is done."""
    member = await world.member(EMAIL)
    await world.give_factor(member)
    started = (await world.enter(EMAIL)).started
    before = await world.books()
    with pytest.raises(ReasonMissing):
        await act(world, SYSTEM, member, reason)
    assert await world.books() == before
    assert isinstance(await world.identify(started), flows.Who)


async def test_what_is_seen_and_done_is_recorded_or_not_at_all(world: World) -> None:
    """When the audit cannot be written nobody is found, shown, signed out or reset."""
    member, support = await world.member(EMAIL), await world.staff("support")
    await world.give_factor(member)
    started = (await world.enter(EMAIL)).started
    before, whole = await world.books(), world.uow
    world.uow = Tampered(whole, "audit", "append", after=break_off)
    for attempt in (
        find(world, support),
        look(world, support, member),
        sign_out(world, support, member),
        reset(world, support, member),
    ):
        with pytest.raises(Broken):
            await attempt
    world.uow = whole
    assert await world.books() == before
    assert isinstance(await world.identify(started), flows.Who)
    assert (await look(world, support, member)).has_second_factor
