"""People end their own sessions and set up their own second factor; what staff do of it is recorded."""

from __future__ import annotations

from typing import Any

import pyotp
import pytest
from attrs import evolve

from buddy_adapters.onetime import PyotpCodes
from buddy_adapters.passwords import BcryptPasswords
from buddy_adapters.sealing import AesGcmSealer
from buddy_core import flows
from buddy_core.access import BUILT_IN, Actor, NotPermitted
from buddy_core.accounts import WrongCredentials
from buddy_core.sessions import Dead, DeadReason, SignInLocked
from tests.flows.world import PASSWORD, VIEWER, World

pytestmark = pytest.mark.anyio

CODES, SEALER, PASSWORDS = PyotpCodes("Buddy"), AesGcmSealer([bytes(range(32))]), BcryptPasswords(cost=4)
OWN = ("session.end", "second_factor.set", "second_factor.remove")


def ports(world: World, *, told: bool = True) -> dict[str, Any]:
    """Return what the flows need; all but one of them tell what they did."""
    needed: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    return {**needed, "correlation_id": "c1"} if told else needed


async def set_up(world: World, actor: Actor, password: str = PASSWORD) -> str:
    """Begin to set a second factor up; return the code of now."""
    enrolled = await flows.set_up_second_factor(
        actor, password, **ports(world, told=False), passwords=PASSWORDS, codes=CODES, sealer=SEALER
    )
    made = pyotp.parse_uri(enrolled.uri)
    assert isinstance(made, pyotp.TOTP)
    return made.at(world.clock.now())


async def own_records(world: World) -> list[tuple[str, str, str]]:
    """Return what people did to their own accounts, as the audit has it."""
    return [(item.action, item.actor, item.resource) for item in await world.records() if item.action in OWN]


@pytest.mark.parametrize("role", ["support", None])
async def test_what_staff_do_to_their_own_account_is_recorded(world: World, role: str | None) -> None:
    """Sessions ended and a factor set and removed leave a record each of staff, and none of a member."""
    actor = await world.staff(role) if role else BUILT_IN.actor(await world.member(), has_second_factor=True)
    assert actor.account_id is not None
    email = await world.email(actor.account_id)
    here, other, third, last = [(await world.enter(email)).started for _ in range(4)]
    await flows.end_own_session(actor, other.session.id, **ports(world))
    await flows.end_own_sessions(actor, except_=here.session.id, **ports(world))
    assert [await world.identify(item) for item in (other, third, last)] == [Dead(DeadReason.ENDED)] * 3
    elsewhere = (await world.enter(email)).started
    code = await set_up(world, actor)
    await flows.confirm_own_second_factor(
        actor, here.session.id, code, **ports(world), codes=CODES, sealer=SEALER
    )
    assert await world.identify(elsewhere) == Dead(DeadReason.ENDED)
    await flows.remove_own_second_factor(actor, here.session.id, **ports(world))
    found = await world.identify(here)
    assert isinstance(found, flows.Who)
    assert found.session is not None
    await flows.sign_out(actor, found.session, **ports(world))
    assert await world.identify(here) == Dead(DeadReason.ENDED)
    did = ("session.end", "session.end", "second_factor.set", "second_factor.remove", "session.end")
    assert await own_records(world) == ([(act, actor.name, actor.name) for act in did] if role else [])


async def test_a_second_factor_is_set_up_with_the_password(world: World) -> None:
    """A wrong password sets up nothing and counts with the tries to sign in; while looking nobody does."""
    member = BUILT_IN.actor(await world.member("asha@example.com"))
    looking = evolve(member, impersonator=VIEWER.account_id)
    with pytest.raises(NotPermitted):
        await set_up(world, looking)
    for _ in range(5):
        with pytest.raises(WrongCredentials):
            await set_up(world, member, "Wrong-2026")
    with pytest.raises(SignInLocked):
        await set_up(world, member)
    with pytest.raises(SignInLocked):
        await world.enter("asha@example.com")
