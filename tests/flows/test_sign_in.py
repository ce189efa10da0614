"""Signing in: counted tries, the guest's things, the session; and whom a token stands for from then on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows, sessions
from buddy_core.access import SYSTEM, NotPermitted, may, require
from buddy_core.accounts import AccountNotFound, BadEmail, WrongCredentials
from buddy_core.kernel import AccountId, IdempotencyMismatch
from buddy_core.kernel.errors import BuddyError
from buddy_core.sessions import POLICY, Dead, DeadReason, EndReason, RefreshRefused, SignInLocked, Started
from tests.contracts.cases import race
from tests.flows.world import PASSWORD, TICK, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

EMAIL, UNKNOWN = "asha@example.com", "nobody@example.com"
MINUTE = timedelta(minutes=1)


async def fails(world: World, email: str, password: str = "Wrong-2026") -> BuddyError:
    """Fail to sign in, and return why."""
    with pytest.raises(BuddyError) as refused:
        await world.enter(email, password=password)
    return refused.value


async def known(world: World, started: Started) -> flows.Who:
    found = await world.identify(started)
    assert isinstance(found, flows.Who), found
    return found


async def why_dead(world: World, started: Started) -> DeadReason:
    found = await world.identify(started)
    assert isinstance(found, Dead), found
    return found.reason


async def refresh(world: World, token: str | None) -> Started:
    assert token is not None
    return await sessions.refresh_session(token, uow=world.uow, clock=world.clock, ids=world.ids)


async def test_a_member_has_a_session(world: World) -> None:
    """The tokens of a sign-in stand for the member, as a viewer of their own account, from that address."""
    member = await world.member(EMAIL)
    signed = await world.enter(" Asha@Example.com ")
    assert signed.joined == flows.Joined(member)
    assert signed.started.session.label == "Firefox on Linux"
    found = await world.identify(signed.started, ip="192.0.2.3")
    assert isinstance(found, flows.Who)
    assert (found.account.id, found.actor.roles, found.actor.ip) == (member, {"viewer"}, "192.0.2.3")
    assert found.session == signed.started.session
    assert await world.records() == [], "what members do is not the audit's"


async def test_registering_begins_a_session_too(world: World) -> None:
    """Whoever has just registered is signed in without typing the password again."""
    member = await world.member(EMAIL)
    started = await flows.begin_session(member, "App", uow=world.uow, clock=world.clock, ids=world.ids)
    assert (await known(world, started)).account.id == member


async def test_a_staff_sign_in_is_on_the_record(world: World) -> None:
    """Who has a role leaves a record of each sign-in, with session, browser and address."""
    staff = await world.staff("support")
    assert staff.account_id is not None
    signed = await world.enter(await world.email(staff.account_id), ip="198.51.100.4")
    [record] = await world.records("session.begin")
    assert (record.actor, record.resource, record.ip) == (staff.name, staff.name, "198.51.100.4")
    assert signed.started.session.id in record.after


async def test_five_failed_tries_lock_an_address(world: World) -> None:
    """The sixth try is refused, with the right password too, until 15 minutes after the fifth."""
    await world.member(EMAIL)
    for _ in range(5):
        assert isinstance(await fails(world, EMAIL), WrongCredentials)
        world.clock.advance(MINUTE)
    refused = await fails(world, EMAIL, PASSWORD)
    assert isinstance(refused, SignInLocked)
    assert refused.retry_after_s == 14 * 60
    world.clock.advance(14 * MINUTE - TICK)
    assert isinstance(await fails(world, EMAIL, PASSWORD), SignInLocked)
    world.clock.advance(TICK)
    assert (await world.enter(EMAIL)).started


async def test_a_repeat_of_registering_is_a_try(world: World) -> None:
    """Five repeats with another password lock the address, also for signing in; a right one forgets them."""
    await world.register(EMAIL, key="k")
    for _ in range(4):
        with pytest.raises(IdempotencyMismatch):
            await world.register(EMAIL, key="k", password="Another-2026")
    assert (await world.register(EMAIL, key="k")).account_id
    for _ in range(5):
        with pytest.raises(IdempotencyMismatch):
            await world.register(EMAIL, key="k", password="Another-2026")
    with pytest.raises(SignInLocked):
        await world.register(EMAIL, key="k")
    assert isinstance(await fails(world, EMAIL, PASSWORD), SignInLocked)
    world.clock.advance(15 * MINUTE)
    assert (await world.register(EMAIL, key="k")).account_id


async def test_an_unknown_address_is_answered_as_a_known_one(world: World) -> None:
    """Try by try both get the same answer, locks included: nothing tells who has an account."""
    await world.member(EMAIL)
    answers: dict[str, list[tuple[str, str, dict[str, Any]]]] = {EMAIL: [], UNKNOWN: []}
    for step in range(9):
        for email, seen in answers.items():
            found = await fails(world, email)
            seen.append((found.code, found.message(), found.facts()))
        world.clock.advance((3 if step < 7 else 15) * MINUTE)
    assert answers[EMAIL] == answers[UNKNOWN]
    assert {code for code, _, _ in answers[EMAIL]} == {WrongCredentials.code, SignInLocked.code}


async def test_one_address_is_one_however_it_is_typed(world: World) -> None:
    """Capitals and blanks give no further tries."""
    await world.member(EMAIL)
    for email in (EMAIL, "ASHA@example.com", " asha@Example.COM", "Asha@example.com ", EMAIL):
        assert isinstance(await fails(world, email), WrongCredentials)
    assert isinstance(await fails(world, "aSHA@EXAMPLE.com", PASSWORD), SignInLocked)
    assert isinstance(await fails(world, UNKNOWN), WrongCredentials), "others are not locked with it"


async def test_no_more_than_five_tries_at_once_are_looked_at(world: World) -> None:
    """Of 8 wrong passwords at once five are compared, the others find the lock."""
    await world.member(EMAIL)
    done, refused = await race(*(world.enter(EMAIL, password="Wrong-2026") for _ in range(8)))
    assert done == []
    assert [type(error) for error in refused].count(WrongCredentials) == 5
    assert [type(error) for error in refused].count(SignInLocked) == 3


async def test_a_success_forgets_the_failures(world: World) -> None:
    """Four failures and a success, again and again, lock nothing."""
    await world.member(EMAIL)
    for _ in range(3):
        for _ in range(4):
            assert isinstance(await fails(world, EMAIL), WrongCredentials)
        assert (await world.enter(EMAIL)).started


async def test_no_address_is_no_try(world: World) -> None:
    """A text that is no address is refused as one, and counts nowhere."""
    for _ in range(7):
        assert isinstance(await fails(world, "asha", PASSWORD), BadEmail)


async def test_sign_in_is_one_commit(world: World) -> None:
    """Where anything breaks off neither session, merge nor record is there, and the guest keeps all."""
    staff = await world.staff("support")
    assert staff.account_id is not None
    email, guest = await world.email(staff.account_id), await world.guest()
    await world.earn(guest, 3)
    before, whole = await world.books(), world.uow
    for port, method in (
        ("login_sessions", "add"),
        ("refresh_tokens", "add"),
        ("accounts", "mark_merged"),
        ("audit", "append"),
    ):
        world.uow = Tampered(whole, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.enter(email, guest)
        world.uow = whole
        assert await world.books() == before
        assert await world.sessions(staff.account_id) == []
    assert (await world.enter(email, guest)).joined.tokens_moved == 3


async def test_a_guest_stands_for_itself_alone(world: World) -> None:
    """A guest's token is the guest's; once it has joined it is nobody's, and a member's id never was one."""
    guest, member = await world.guest(), await world.member(EMAIL)
    found = await flows.identify_guest(guest, ip="192.0.2.8", uow=world.uow)
    assert found is not None
    assert (found.account.id, found.session, found.actor.ip) == (guest, None, "192.0.2.8")
    assert found.actor.roles == {"viewer"}
    await world.merge(guest, member)
    for account in (guest, member):
        assert await flows.identify_guest(account, uow=world.uow) is None
    with pytest.raises(AccountNotFound):
        await flows.identify_guest(AccountId(world.ids.uuid7()), uow=world.uow)


async def test_no_token_outlives_its_session(world: World) -> None:
    """Signed out, its access and refresh tokens open nothing at once; another session of the member does."""
    member = await world.member(EMAIL)
    gone, kept = (await world.enter(EMAIL)).started, (await world.enter(EMAIL)).started
    await sessions.end_session(member, gone.session.id, uow=world.uow, clock=world.clock, ids=world.ids)
    assert await why_dead(world, gone) is DeadReason.ENDED
    with pytest.raises(RefreshRefused):
        await refresh(world, gone.refresh_token)
    assert (await known(world, kept)).account.id == member


async def test_a_refresh_token_that_came_back_ends_its_session(world: World) -> None:
    """Used twice it ends the family: the newest tokens too, and no other session."""
    await world.member(EMAIL)
    first, other = (await world.enter(EMAIL)).started, (await world.enter(EMAIL)).started
    second = await refresh(world, first.refresh_token)
    assert await known(world, second)
    with pytest.raises(RefreshRefused):
        await refresh(world, first.refresh_token)
    for started in (first, second):
        assert await why_dead(world, started) is DeadReason.ENDED
    with pytest.raises(RefreshRefused):
        await refresh(world, second.refresh_token)
    assert await known(world, other)


async def test_an_access_token_lives_fifteen_minutes(world: World) -> None:
    """The instant before it is accepted, then not; a refresh gives the same session another one."""
    await world.member(EMAIL)
    first = (await world.enter(EMAIL)).started
    world.clock.advance(POLICY.access_life - TICK)
    assert await known(world, first)
    world.clock.advance(TICK)
    assert await why_dead(world, first) is DeadReason.EXPIRED
    assert (await known(world, await refresh(world, first.refresh_token))).session is not None


async def test_claims_for_another_account_are_nobodys(world: World) -> None:
    """A token counts for the account that its session is of, and for no session that is not there."""
    await world.member(EMAIL)
    other, started = await world.member(), (await world.enter(EMAIL)).started
    for changes in ({"account_id": other}, {"session_id": "sgn_none"}):
        claims: Any = evolve(started.claims, **changes)
        found = await flows.identify(claims, uow=world.uow, clock=world.clock)
        assert found == Dead(DeadReason.UNKNOWN)


async def test_a_role_counts_from_the_next_request(world: World) -> None:
    """An open session may what was given, changed and taken since, without signing in anew."""
    member = await world.member(EMAIL)
    started = (await world.enter(EMAIL)).started
    ports = {"correlation_id": "c1", "uow": world.uow, "clock": world.clock}
    assert not may((await known(world, started)).actor, "desk:read")
    await flows.assign_role(SYSTEM, flows.AssignRole(EMAIL, "auditor"), **ports)
    actor = (await known(world, started)).actor
    require(actor, "audit:read")
    await flows.revoke_role(SYSTEM, flows.AssignRole(EMAIL, "auditor"), **ports)
    with pytest.raises(NotPermitted):
        require((await known(world, started)).actor, "audit:read")
    assert await world.assignments(member) == set()


async def test_a_second_factor_is_owed_until_it_is_proved(world: World) -> None:
    """With a factor a new session may nothing; proved it may all for 12 hours, and then no money."""
    staff = await world.staff("finance")
    assert staff.account_id is not None
    email = await world.email(staff.account_id)
    started = (await world.enter(email)).started
    actor = (await known(world, started)).actor
    assert [bool(may(actor, name)) for name in ("period:read", "period:close")] == [True, False]
    await world.give_factor(staff.account_id)
    actor = (await known(world, started)).actor
    assert (actor.owes_second_factor, actor.has_second_factor) == (True, False)
    assert not any(may(actor, name) for name in ("period:read", "period:close", "desk:read"))
    await world.prove(started)
    actor = (await known(world, started)).actor
    assert (actor.owes_second_factor, actor.has_second_factor) == (False, True)
    assert all(may(actor, name) for name in ("period:read", "period:close"))
    world.clock.advance(POLICY.second_factor_life)
    later = await refresh(world, started.refresh_token)
    actor = (await known(world, later)).actor
    assert [bool(may(actor, name)) for name in ("period:read", "period:close")] == [True, False]


async def test_a_reset_ends_every_session(world: World) -> None:
    """After staff took a lost factor away no token is left, and the next sign-in owes none and has none."""
    member, support = await world.member(EMAIL), await world.staff("support")
    started = (await world.enter(EMAIL)).started
    await world.give_factor(member)
    await world.prove(started)
    await flows.reset_second_factor(
        support, member, "phone lost", correlation_id="c", uow=world.uow, clock=world.clock, ids=world.ids
    )
    assert await why_dead(world, started) is DeadReason.ENDED
    [over] = await world.sessions(member)
    assert (over.end_reason, over.second_factor_at) == (EndReason.REVOKED, None)
    actor = (await known(world, (await world.enter(EMAIL)).started)).actor
    assert (actor.owes_second_factor, actor.has_second_factor) == (False, False)


async def test_signing_in_twice_at_once_brings_the_guest_once(world: World) -> None:
    """Two sign-ins with one guest at once are two sessions, and the tokens come along with one of them."""
    member, guest = await world.member(EMAIL), await world.guest()
    await world.earn(guest, 7)
    found = await asyncio.gather(*(world.enter(EMAIL, guest) for _ in range(2)))
    assert sorted(item.joined.tokens_moved for item in found) == [0, 7]
    assert (await world.balance(guest), await world.balance(member)) == (0, 7)
    assert len({item.started.session.id for item in found}) == 2
