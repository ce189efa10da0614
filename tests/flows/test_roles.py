"""Who gives and takes roles: on the record, never more than one has, and never the last super admin's."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import (
    GLOBAL,
    SYSTEM,
    Actor,
    BadRole,
    BadScope,
    BeyondOwnReach,
    LastSuperAdmin,
    NotAssigned,
    NotPermitted,
    Role,
    RoleInUse,
    Scope,
    ScopeKind,
    UnknownRole,
    may,
)
from buddy_core.accounts import BadEmail, MemberNotFound
from buddy_core.catalog import ProducerNotFound
from buddy_core.kernel import BuddyError, InvalidValue
from tests.contracts.cases import race
from tests.flows.world import VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

EMAIL = "asha@example.com"
NIGHT_DESK = Role("night_desk", "Night desk", frozenset({"desk:read", "wallet:freeze"}))
GIVER = Role("giver", "Giver", frozenset({"role:assign", "role:edit", "desk:read", "wallet:freeze"}))


async def give(world: World, role: str, *, actor: Actor = SYSTEM, email: str = EMAIL, **where: Any) -> Any:
    command = flows.AssignRole(email, role, **where)
    return await flows.assign_role(actor, command, correlation_id="c1", uow=world.uow, clock=world.clock)


async def take(world: World, role: str, *, actor: Actor = SYSTEM, email: str = EMAIL, **where: Any) -> Any:
    command = flows.AssignRole(email, role, **where)
    return await flows.revoke_role(actor, command, correlation_id="c1", uow=world.uow, clock=world.clock)


async def define(world: World, role: Role, actor: Actor = SYSTEM) -> Role:
    return await flows.define_role(actor, role, correlation_id="c1", uow=world.uow, clock=world.clock)


async def drop(world: World, name: str, actor: Actor = SYSTEM) -> None:
    await flows.drop_role(actor, name, correlation_id="c1", uow=world.uow, clock=world.clock)


async def giver(world: World) -> Actor:
    """Return somebody who gives and defines roles, but is no super admin."""
    await define(world, GIVER)
    return await world.staff(GIVER.name, ip="2001:db8::7")


async def test_a_role_is_given_and_taken_on_the_record(world: World) -> None:
    """What a member may changes at once both ways, and the record says who, from where, before and after."""
    who, boss = await world.member(EMAIL), await world.staff("super_admin", ip="192.0.2.9")
    await give(world, "finance", actor=boss)
    assert await world.assignments(who) == {("finance", "global")}
    assert may(await world.actor(who), "period:close")
    await take(world, "finance", actor=boss)
    assert await world.assignments(who) == set()
    assert not may(await world.actor(who), "period:close")
    found = [item for item in await world.records() if item.resource == str(who)]
    assert [(item.action, item.before, item.after) for item in found] == [
        ("role.assign", '{"roles":[]}', '{"role":"finance","scope":"global"}'),
        ("role.revoke", '{"roles":["finance global"]}', '{"role":"finance","scope":"global"}'),
    ]
    assert {(item.actor, item.as_whom, item.ip) for item in found} == {(boss.name, "", "192.0.2.9")}


async def test_a_role_reaches_as_far_as_it_was_given(world: World) -> None:
    """A producer's role names the producer however its id is typed, and a territory's role the territory."""
    who, short_id = await world.member(EMAIL), world.producer.short_id
    await give(world, "partner_admin", producer=short_id.upper())
    await give(world, "marketing", territory=" ae ")
    assert await world.assignments(who) == {
        ("partner_admin", str(Scope.partner(world.producer.id))),
        ("marketing", "territory:AE"),
    }


async def test_an_alias_gives_the_built_in_role(world: World) -> None:
    """Names of other systems stand for the role they mean, and are kept as that role."""
    who = await world.member(EMAIL)
    await give(world, "qc")
    assert await world.assignments(who) == {("content_reviewer", "global")}


async def test_the_same_role_again_changes_nothing(world: World) -> None:
    """Given twice, it is there once and recorded once."""
    await world.member(EMAIL)
    first = await give(world, "support")
    before = await world.books()
    assert await give(world, "support") == first
    assert await world.books() == before


@pytest.mark.parametrize(
    ("role", "where", "refusal"),
    [
        ("nobody_knows", {}, UnknownRole),
        ("viewer", {}, UnknownRole),
        ("user", {}, UnknownRole),
        ("partner_admin", {}, BadScope),
        ("finance", {"territory": "IN"}, BadScope),
        ("marketing", {"producer": "the producer's"}, BadScope),
        ("partner_admin", {"producer": "zzzz"}, ProducerNotFound),
        ("marketing", {"territory": "India"}, InvalidValue),
        ("marketing", {"territory": "IN", "producer": "the producer's"}, InvalidValue),
        ("finance", {"email": "nobody@example.com"}, MemberNotFound),
        ("finance", {"email": "nobody"}, BadEmail),
    ],
)
async def test_what_cannot_be_given_is_refused(
    world: World, role: str, where: dict[str, str], refusal: type[BuddyError]
) -> None:
    """Neither giving nor taking goes by a wrong name, scope, producer or address, and nothing is written."""
    await world.member(EMAIL)
    named = {key: world.producer.short_id if "'" in text else text for key, text in where.items()}
    before = await world.books()
    for act in (give, take):
        with pytest.raises(refusal):
            await act(world, role, **named)
    assert await world.books() == before


async def test_roles_are_given_by_those_alone_who_may(world: World) -> None:
    """A viewer, a platform admin and somebody who only looks as a super admin give, take and define none."""
    boss = await world.staff("super_admin")
    await world.member(EMAIL)
    await define(world, NIGHT_DESK)
    await give(world, "support")
    looking = evolve(boss, impersonator=VIEWER.account_id)
    platform_admin = await world.staff("platform_admin")
    before = await world.books()
    for actor in (VIEWER, platform_admin, looking):
        for attempt in (
            give(world, "analyst", actor=actor),
            take(world, "support", actor=actor),
            define(world, evolve(NIGHT_DESK, title="Other"), actor),
            drop(world, NIGHT_DESK.name, actor),
        ):
            with pytest.raises(NotPermitted):
                await attempt
    assert await world.books() == before


async def test_nobody_gives_or_takes_more_than_they_have(world: World) -> None:
    """Who may freeze gives a role that freezes; any role with more is beyond them, to give and to take."""
    who, actor = await world.member(EMAIL), await giver(world)
    await define(world, NIGHT_DESK)
    await give(world, NIGHT_DESK.name, actor=actor)
    await give(world, "support")
    before = await world.books()
    for role in ("support", "finance", "super_admin"):
        for act in (give, take):
            with pytest.raises(BeyondOwnReach):
                await act(world, role, actor=actor)
    with pytest.raises(BeyondOwnReach):
        await give(world, "marketing", actor=actor, territory="IN")
    assert await world.books() == before
    await take(world, NIGHT_DESK.name, actor=actor)
    assert await world.assignments(who) == {("support", "global")}


async def test_nobody_defines_a_role_beyond_their_own(world: World) -> None:
    """Neither by a permission nor by an inclusion, and no role that reaches further is theirs to change."""
    actor = await giver(world)
    strong = Role("strong", "Strong", frozenset({"period:close", "desk:read"}))
    await define(world, strong)
    before = await world.books()
    for role in (
        Role("mine", "Mine", frozenset({"tokens:grant"})),
        Role("mine", "Mine", includes=frozenset({"support"})),
        evolve(GIVER, permissions=GIVER.permissions | {"audit:read"}),
        evolve(strong, permissions=frozenset({"desk:read"})),
    ):
        with pytest.raises(BeyondOwnReach):
            await define(world, role, actor)
    with pytest.raises(BeyondOwnReach):
        await drop(world, "strong", actor)
    assert await world.books() == before
    await define(world, NIGHT_DESK, actor)
    await drop(world, NIGHT_DESK.name, actor)


async def test_a_role_that_is_not_there_is_not_taken(world: World) -> None:
    """Taking what an account lacks, or has elsewhere, says so and leaves the rest."""
    who = await world.member(EMAIL)
    await give(world, "marketing", territory="IN")
    before = await world.books()
    for where in ({}, {"territory": "AE"}):
        with pytest.raises(NotAssigned):
            await take(world, "marketing", **where)
    assert await world.books() == before
    assert await world.assignments(who) == {("marketing", "territory:IN")}


async def test_the_last_super_admin_stays(world: World) -> None:
    """One of two can go, by their own hand too; the one that is left cannot."""
    first, second = await world.staff("super_admin"), await world.staff("super_admin")
    assert first.account_id is not None
    assert second.account_id is not None
    emails = [await world.email(item.account_id) for item in (first, second) if item.account_id]
    await take(world, "super_admin", actor=first, email=emails[0])
    before = await world.books()
    for actor in (second, SYSTEM):
        with pytest.raises(LastSuperAdmin):
            await take(world, "super_admin", actor=actor, email=emails[1])
    assert await world.books() == before


async def test_two_super_admins_cannot_take_each_other_away(world: World) -> None:
    """Of two takings at once one is done; one super admin is left."""
    bosses = [await world.staff("super_admin") for _ in range(2)]
    emails = [await world.email(item.account_id) for item in bosses if item.account_id]
    done, refused = await race(
        take(world, "super_admin", actor=bosses[0], email=emails[1]),
        take(world, "super_admin", actor=bosses[1], email=emails[0]),
    )
    assert (len(done), {type(error) for error in refused}) == (1, {NotPermitted})
    async with world.uow.read() as tx:
        assert len(await tx.assignments.of_role("super_admin")) == 1


async def test_who_is_losing_a_role_gives_none_meanwhile(world: World) -> None:
    """Of two super admins who take each other away at once one stays, though a third is there."""
    await world.staff("super_admin")
    bosses = [await world.staff("super_admin") for _ in range(2)]
    emails = [await world.email(item.account_id) for item in bosses if item.account_id]
    done, refused = await race(
        take(world, "super_admin", actor=bosses[0], email=emails[1]),
        take(world, "super_admin", actor=bosses[1], email=emails[0]),
    )
    assert (len(done), {type(error) for error in refused}) == (1, {NotPermitted})


async def test_a_custom_role_is_what_it_says_from_now_on(world: World) -> None:
    """Whoever has it may what was added and not what was taken; the record holds both forms."""
    who = await world.member(EMAIL)
    await define(world, NIGHT_DESK)
    await give(world, NIGHT_DESK.name)
    assert may(await world.actor(who), "wallet:freeze")
    changed = evolve(NIGHT_DESK, permissions=frozenset({"audit:read"}), includes=frozenset({"analyst"}))
    await define(world, changed)
    actor = await world.actor(who)
    assert [bool(may(actor, name)) for name in ("wallet:freeze", "audit:read", "analytics:read")] == [
        False,
        True,
        True,
    ]
    first, second = await world.records("role.define")
    assert (first.before, first.after) == ("null", second.before)
    assert '"permissions":["audit:read"]' in second.after
    before = await world.books()
    await define(world, changed)
    assert await world.books() == before, "the same again is no change"


@pytest.mark.parametrize(
    "role",
    [
        Role("finance", "Mine", frozenset({"desk:read"})),
        Role("creator", "An alias", frozenset({"desk:read"})),
        Role("viewer", "Everybody", frozenset({"desk:read"})),
        Role("user", "Everybody", frozenset({"desk:read"})),
        Role("empty", "Empty"),
        Role("nowhere", "Nowhere", frozenset({"desk:read"}), scopes=frozenset()),
        Role("own", "Own", frozenset({"desk:read"}), scopes=frozenset({ScopeKind.OWN})),
        Role("unknown", "Unknown", frozenset({"moon:land"})),
        Role("member", "A member's own", frozenset({"title:unlock"})),
        Role("inclusive", "Includes nothing", includes=frozenset({"no_such_role"})),
        Role("itself", "Itself", includes=frozenset({"itself"})),
    ],
    ids=lambda role: role.name,
)
async def test_a_role_that_cannot_be_is_refused(world: World, role: Role) -> None:
    """A built-in name, nothing to do, nowhere to do it, or what no role may hold: nothing is written."""
    before = await world.books()
    with pytest.raises(BadRole):
        await define(world, role)
    assert await world.books() == before


async def test_roles_do_not_come_to_include_each_other(world: World) -> None:
    """A circle that only a later redefinition would close is refused, and both roles stay as they were."""
    inner = Role("inner", "Inner", frozenset({"desk:read"}))
    await define(world, inner)
    await define(world, Role("outer", "Outer", includes=frozenset({"inner"})))
    before = await world.books()
    with pytest.raises(BadRole):
        await define(world, evolve(inner, includes=frozenset({"outer"})))
    assert await world.books() == before


async def test_a_role_in_use_stays(world: World) -> None:
    """A role that somebody has or that another includes is not dropped, nor narrowed under its holders."""
    await world.member(EMAIL)
    wide = evolve(NIGHT_DESK, scopes=frozenset({ScopeKind.GLOBAL, ScopeKind.TERRITORY}))
    await define(world, wide)
    await define(world, Role("outer", "Outer", includes=frozenset({NIGHT_DESK.name})))
    await give(world, NIGHT_DESK.name, territory="IN")
    before = await world.books()
    with pytest.raises(RoleInUse) as held:
        await drop(world, NIGHT_DESK.name)
    assert held.value.users == 2
    with pytest.raises(RoleInUse):
        await define(world, NIGHT_DESK)
    for name, refusal in (("finance", BadRole), ("no_such_role", UnknownRole)):
        with pytest.raises(refusal):
            await drop(world, name)
    assert await world.books() == before
    await drop(world, "outer")
    await take(world, NIGHT_DESK.name, territory="IN")
    await drop(world, NIGHT_DESK.name)
    assert [item.action for item in await world.records("role.drop")] == ["role.drop"] * 2


async def test_a_role_is_not_given_while_it_is_dropped(world: World) -> None:
    """Of giving and dropping at once one is done: nobody is left with a role that is gone."""
    who = await world.member(EMAIL)
    await define(world, NIGHT_DESK)
    done, refused = await race(give(world, NIGHT_DESK.name), drop(world, NIGHT_DESK.name))
    assert (len(done), {type(error) for error in refused} <= {RoleInUse, UnknownRole}) == (1, True)
    async with world.uow.read() as tx:
        names = {role.name for role in await tx.custom_roles.all()}
    assert {role for role, _ in await world.assignments(who)} == names


async def test_a_role_and_its_record_are_one_commit(world: World) -> None:
    """When the audit cannot be written, no role is given, taken, defined or dropped."""
    await world.member(EMAIL)
    await define(world, NIGHT_DESK)
    await give(world, "support")
    before, whole = await world.books(), world.uow
    world.uow = Tampered(whole, "audit", "append", after=break_off)
    for attempt in (
        give(world, "analyst"),
        take(world, "support"),
        define(world, evolve(NIGHT_DESK, title="Other")),
        drop(world, NIGHT_DESK.name),
    ):
        with pytest.raises(Broken):
            await attempt
    world.uow = whole
    assert await world.books() == before


async def test_only_a_global_role_gives_roles(world: World) -> None:
    """A role that gives roles, held for one producer, gives none: roles are the platform's."""
    scopes = frozenset({ScopeKind.GLOBAL, ScopeKind.PARTNER})
    await define(world, evolve(GIVER, scopes=scopes))
    await world.member(EMAIL)
    actor = await world.staff(GIVER.name, Scope.partner(world.producer.id))
    with pytest.raises(NotPermitted):
        await give(world, GIVER.name, actor=actor, producer=world.producer.short_id)
    assert await give(world, GIVER.name, actor=await world.staff(GIVER.name, GLOBAL))
