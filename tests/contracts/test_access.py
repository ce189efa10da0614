"""The contracts of the `Assignments`, `CustomRoles`, `Approvals`, `AuditLog` and `AuditBooks` ports."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import (
    GLOBAL,
    SYSTEM,
    Actor,
    Assignment,
    AuditQuery,
    AuditRecord,
    Change,
    Decision,
    Outcome,
    Request,
    Role,
    Scope,
    ScopeKind,
    check_approvals,
    check_audit,
    record_in,
)
from buddy_core.kernel import GENESIS, Contention, InvalidValue, PartnerId
from tests.contracts.cases import AT, LATER, Uow, account, race, uid

pytestmark = pytest.mark.anyio

PARTNERS = [Scope.partner(PartnerId(uid(number))) for number in (1, 2)]
INDIA = Scope.territory("IN")


def record(number: int, after: AuditRecord | None = None, what: str = "x", **changes: Any) -> AuditRecord:
    """Return an audit record that follows another."""
    previous = after.hash if after else GENESIS
    made = AuditRecord(
        number, AT, "system", "token_value.set", "bonus", "null", f'"{what}"', "cor-1", previous
    )
    return evolve(made, **changes)


def request(number: int, at: datetime = AT, **changes: Any) -> Request:
    """Return a request for a second person."""
    values: dict[str, Any] = {
        "id": f"apr_{number}",
        "act": "tokens.grant",
        "resource": str(account(9)),
        "command": '{"amount":60}',
        "measure": "60/1",
        "reason": "a film stopped twice",
        "requested_by": account(1),
        "requested_at": at,
        "expires_at": at + timedelta(days=3),
    }
    return Request(**{**values, **changes})


def decision(number: int, outcome: Outcome = Outcome.APPROVED, **changes: Any) -> Decision:
    """Return the decision on a request."""
    return evolve(Decision(f"apr_{number}", outcome, account(2), LATER, "fair enough"), **changes)


async def assign(uow: Uow, *items: Assignment) -> None:
    """Assign in a transaction of its own."""
    async with uow.begin() as tx:
        for item in items:
            await tx.assignments.add(item)


async def ask(uow: Uow, *requests: Request) -> None:
    """Store requests in a transaction of its own."""
    async with uow.begin() as tx:
        for item in requests:
            await tx.approvals.add(item)


async def decide(uow: Uow, made: Decision) -> None:
    """Store a decision in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.approvals.decide(made)


async def append(uow: Uow, item: AuditRecord) -> None:
    """Append in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.audit.append(item)


async def test_roles_come_back(uow: Uow) -> None:
    """An account's assignments are found by role and scope; unknown accounts have none."""
    scoped = [Assignment(account(1), "partner_admin", scope) for scope in PARTNERS]
    others = [Assignment(account(1), "analyst", INDIA), Assignment(account(1), "analyst")]
    await assign(uow, *scoped, *others, Assignment(account(2), "analyst"))
    async with uow.read() as tx:
        assert await tx.assignments.of(account(1)) == [others[1], others[0], *scoped]
        assert await tx.assignments.of(account(3)) == []


async def test_who_has_a_role_is_known(uow: Uow) -> None:
    """Everybody with a role is found by account, and all assignments by role, scope and account."""
    admins = [Assignment(account(number), "super_admin") for number in (1, 2)]
    one = Assignment(account(2), "analyst", INDIA)
    custom = Assignment(account(1), "_odd", GLOBAL)
    await assign(uow, one, *reversed(admins), custom)
    async with uow.read() as tx:
        assert await tx.assignments.of_role("super_admin") == admins
        assert await tx.assignments.of_role("nothing") == []
        assert await tx.assignments.all() == [custom, one, *admins]


async def test_the_same_role_again_changes_nothing(uow: Uow) -> None:
    """An assignment that exists, scoped or not, can be added again, in the same transaction or later."""
    items = [Assignment(account(1), "finance"), Assignment(account(1), "partner_admin", PARTNERS[0])]
    for _ in range(2):
        await assign(uow, *items, *items)
    async with uow.read() as tx:
        assert await tx.assignments.of(account(1)) == items


async def test_a_role_that_was_taken_away_is_gone(uow: Uow) -> None:
    """Only the assignment of this very scope goes, and whether it was there is told."""
    here, there = (Assignment(account(1), "partner_admin", scope) for scope in PARTNERS)
    await assign(uow, here, there, evolve(here, account_id=account(2)))
    async with uow.begin() as tx:
        assert await tx.assignments.remove(here)
        assert not await tx.assignments.remove(here)
        assert not await tx.assignments.remove(evolve(here, scope=GLOBAL))
    async with uow.read() as tx:
        assert await tx.assignments.of_role("partner_admin") == [there, evolve(here, account_id=account(2))]
    await assign(uow, here)
    async with uow.read() as tx:
        assert await tx.assignments.of(account(1)) == [here, there]


async def test_whoever_locks_sees_what_the_one_before_left(uow: Uow) -> None:
    """Of two who take away the last but one super admin at once, the second finds one left and stops."""
    admins = [Assignment(account(number), "super_admin") for number in (1, 2)]
    await assign(uow, *admins)

    async def revoke(item: Assignment) -> bool:
        async with uow.begin() as tx:
            await tx.assignments.lock()
            if await tx.assignments.of_role("super_admin") == [item]:
                return False
            return bool(await tx.assignments.remove(item))

    answers, refusals = await race(*(revoke(item) for item in admins))
    assert (sorted(answers), refusals) == ([False, True], [])
    async with uow.read() as tx:
        assert len(await tx.assignments.of_role("super_admin")) == 1


async def test_a_custom_role_comes_back(uow: Uow) -> None:
    """Every field of a custom role is kept; roles are listed by name."""
    desk = Role(
        "night_desk",
        "Night desk",
        frozenset({"user:read", "desk:read"}),
        frozenset({"support", "analyst"}),
        frozenset({ScopeKind.GLOBAL, ScopeKind.TERRITORY}),
        "nights only",
    )
    bare = Role("a_bare_one", "Bare")
    async with uow.begin() as tx:
        await tx.custom_roles.save(desk)
        await tx.custom_roles.save(bare)
    async with uow.read() as tx:
        assert await tx.custom_roles.all() == [bare, desk]


async def test_a_custom_role_is_replaced_and_removed(uow: Uow) -> None:
    """Saving a name again replaces the whole role; removing tells whether it was there."""
    desk = Role("night_desk", "Night desk", frozenset({"user:read"}), frozenset({"support"}), note="a")
    other = Role("night_desk", "Desk", frozenset({"desk:read"}), scopes=frozenset({ScopeKind.PARTNER}))
    for role in (desk, other):
        async with uow.begin() as tx:
            await tx.custom_roles.save(role)
    async with uow.begin() as tx:
        assert await tx.custom_roles.all() == [other]
        assert await tx.custom_roles.remove("night_desk")
        assert not await tx.custom_roles.remove("night_desk")
        assert await tx.custom_roles.all() == []


async def test_a_request_comes_back_with_its_decision(uow: Uow) -> None:
    """Every field of both is kept, the operator's as nobody's account; without a decision there is None."""
    asked = [request(1), request(2, requested_by=None), request(3)]
    made = [decision(1, reason=""), decision(2, Outcome.REJECTED, by=None)]
    await ask(uow, *asked)
    for item in made:
        await decide(uow, item)
    async with uow.read() as tx:
        assert await tx.approvals.get("apr_1") == (asked[0], made[0])
        assert await tx.approvals.get("apr_2") == (asked[1], made[1])
        assert await tx.approvals.get("apr_3") == (asked[2], None)
        assert await tx.approvals.get("apr_4") is None
        requests, decisions, faults = await tx.audit_books.approvals()
    assert (list(requests), list(decisions), faults) == (asked, made, [])


async def test_a_request_is_stored_once(uow: Uow) -> None:
    """A second request with the same id is contention, and the first stays."""
    await ask(uow, request(1))
    with pytest.raises(Contention):
        await ask(uow, request(1, reason="another"))
    async with uow.read() as tx:
        assert await tx.approvals.get("apr_1") == (request(1), None)


async def test_a_request_is_decided_once(uow: Uow) -> None:
    """A second decision is contention whatever it says, and so is one about nothing; the first stays."""
    await ask(uow, request(1))
    await decide(uow, decision(1))
    for late in (decision(1, Outcome.WITHDRAWN), decision(1), decision(2)):
        with pytest.raises(Contention):
            await decide(uow, late)
    async with uow.read() as tx:
        assert await tx.approvals.get("apr_1") == (request(1), decision(1))
        assert await tx.approvals.get("apr_2") is None


async def test_of_several_deciders_one_wins(uow: Uow) -> None:
    """Three decide at once: one stands, two get Contention."""
    await ask(uow, request(1))
    _, refusals = await race(*(decide(uow, decision(1, outcome)) for outcome in Outcome))
    assert [type(error) for error in refusals] == [Contention] * 2


async def test_requests_are_read_newest_first(uow: Uow) -> None:
    """Pages follow by age, then id; decided ones can be left out; nothing comes after an unknown one."""
    asked = [request(number, AT + timedelta(minutes=number // 2)) for number in range(1, 7)]
    await ask(uow, *random.Random(4).sample(asked, len(asked)))
    for number in (2, 5):
        await decide(uow, decision(number))

    async def page(undecided: bool, before: str | None, limit: int = 3) -> list[str]:
        async with uow.read() as tx:
            found = await tx.approvals.newest(undecided=undecided, before=before, limit=limit)
        assert all((made is None) == (item.id not in ("apr_2", "apr_5")) for item, made in found)
        return [item.id for item, _ in found]

    assert await page(False, None) == ["apr_6", "apr_5", "apr_4"]
    assert await page(False, "apr_4") == ["apr_3", "apr_2", "apr_1"]
    assert await page(False, "apr_1") == []
    assert await page(True, None) == ["apr_6", "apr_4", "apr_3"]
    assert await page(True, "apr_5", limit=9) == ["apr_4", "apr_3", "apr_1"]
    assert await page(False, "apr_9") == []


async def test_the_audit_is_one_chain(uow: Uow) -> None:
    """Records come back with every column, so their hashes chain; the last one is known."""
    staff = Actor(account(2), impersonator=account(1), ip="2001:db8::1")
    async with uow.begin() as tx:
        assert await tx.audit.last() is None
        changes = [Change("period.close", f"newtact:{n}", None, {"n": n}, f"cor-{n}") for n in range(3)]
        made = [await record_in(tx, actor, change, LATER) for actor in (SYSTEM, staff) for change in changes]
    async with uow.read() as tx:
        assert await tx.audit.last() == made[-1]
        records, hashes, faults = await tx.audit_books.records()
    assert records == made
    assert (records[-1].actor, records[-1].as_whom) == (str(account(1)), str(account(2)))
    assert hashes == [item.hash for item in made]
    assert [item.previous_hash for item in records] == [GENESIS, *hashes[:-1]]
    assert faults == []


async def test_records_of_the_first_format_keep_their_hash(uow: Uow) -> None:
    """A chain may begin in the first format and go on in the second; both come back as they were."""
    first = record(1, format=1)
    await append(uow, first)
    async with uow.begin() as tx:
        second = await record_in(tx, SYSTEM, Change("flag.set", "ads", False, True), LATER)
    async with uow.read() as tx:
        records, hashes, _ = await tx.audit_books.records()
    assert records == [first, second]
    assert [item.format for item in records] == [1, 2]
    assert check_audit(records, hashes) == []


async def test_the_audit_is_read_newest_first(uow: Uow) -> None:
    """`before` is exclusive, `limit` an upper bound."""
    last: AuditRecord | None = None
    async with uow.begin() as tx:
        for number in range(1, 6):
            last = record(number, last)
            await tx.audit.append(last)
    async with uow.read() as tx:
        pages = [
            [item.sequence for item in await tx.audit.newest(before=before, limit=2)]
            for before in (None, 4, 2, 1)
        ]
        assert await tx.audit.newest(before=None, limit=0) == []
    assert pages == [[5, 4], [3, 2], [1], []]


ACTIONS = (
    *("role", "role.assign", "role.revoke", "role.assign.all", "role.", "role..x", "Role.assign", "ROLE"),
    *("role/assign", "role-assign", "roles.read", "role_book.read", "ro_e.assign", "%.assign", "r%"),
    *("rôle.assign", "role.é", "role.\u2028x", "approval.request", "approval", "'; --"),
)
ACTORS = ("system", str(account(1)), str(account(2)), "System")
RESOURCES = ("bonus", "newtact:2026-10", "", "Bonus", "b%")
PLACES = ("", "192.0.2.1", "192.0.2.10", "2001:db8::1")
INSTANTS = tuple(
    AT + timedelta(days=day, microseconds=fraction) for day in (-40, 0, 1) for fraction in (-1, 0, 1)
)


def draw_query(chance: random.Random) -> AuditQuery:
    """Draw what to look for: mostly little, so that something is found, and parts of words too."""

    def some(values: tuple[Any, ...], odds: float) -> Any:
        return chance.choice(values) if chance.random() < odds else ""

    return AuditQuery(
        actor=some(ACTORS, 0.2),
        as_whom=some((*ACTORS, "nobody"), 0.1),
        action=some((*ACTIONS, "rol", "approval.", "r", "x"), 0.6),
        resource=some(RESOURCES, 0.2),
        ip=some(PLACES, 0.1),
        correlation_id=some(("cor-1", "cor-2", "cor"), 0.1),
        since=some(INSTANTS, 0.3) or None,
        until=some(INSTANTS, 0.3) or None,
    )


async def test_a_search_finds_what_fits(uow: Uow) -> None:
    """Over 300 drawn queries a store finds what `AuditQuery.fits` does, page by page, newest first."""
    chance = random.Random(15)
    made: list[AuditRecord] = []
    async with uow.begin() as tx:
        for number in range(1, 121):
            made.append(
                record(
                    number,
                    made[-1] if made else None,
                    at=chance.choice(INSTANTS),
                    actor=chance.choice(ACTORS),
                    action=chance.choice(ACTIONS),
                    resource=chance.choice(RESOURCES),
                    correlation_id=chance.choice(("cor-1", "cor-2", "")),
                    as_whom=chance.choice(("", "", ACTORS[1])),
                    ip=chance.choice(PLACES),
                )
            )
            await tx.audit.append(made[-1])
    sizes = set()
    async with uow.read() as tx:
        for _ in range(300):
            query, limit = draw_query(chance), chance.choice((1, 7, 500))
            before = chance.choice((None, None, 1, 60, 500))
            fitting = [item for item in reversed(made) if query.fits(item)]
            below = [item for item in fitting if before is None or item.sequence < before]
            assert await tx.audit.search(query, before=before, limit=limit) == below[:limit], query
            sizes.add(len(fitting))
    assert len(sizes) > 20, "the queries find many different things"


async def test_an_odd_search_finds_nothing(uow: Uow) -> None:
    """A word that no record can hold is found nowhere, or refused as an invalid value."""
    await append(uow, record(1))
    for odd in ("a\0b", "\ud800"):
        for name in ("actor", "as_whom", "action", "resource", "ip", "correlation_id"):
            with suppress(InvalidValue):
                async with uow.read() as tx:
                    assert await tx.audit.search(AuditQuery(**{name: odd}), before=None, limit=9) == []


async def test_a_place_in_the_audit_is_taken_once(uow: Uow) -> None:
    """A record whose sequence exists is contention, and the first stays."""
    first = record(1)
    await append(uow, first)
    with pytest.raises(Contention):
        await append(uow, evolve(first, after='"y"'))
    async with uow.read() as tx:
        assert await tx.audit.newest(before=None, limit=9) == [first]


async def test_of_two_appenders_one_loses(uow: Uow) -> None:
    """Two transactions that append after the same record at once: one stands, one gets Contention."""
    first = record(1)
    await append(uow, first)
    _, refusals = await race(append(uow, record(2, first, "a")), append(uow, record(2, first, "b")))
    assert [type(error) for error in refusals] == [Contention]
    async with uow.read() as tx:
        assert len(await tx.audit.newest(before=None, limit=9)) == 2


async def test_roles_are_there_to_prove(uow: Uow) -> None:
    """Verify reads every assignment and every custom role as they were stored."""
    items = [
        Assignment(account(1), "night_desk", INDIA),
        Assignment(account(1), "partner_admin", PARTNERS[0]),
    ]
    desk = Role("night_desk", "Desk", frozenset({"desk:read"}), scopes=frozenset({ScopeKind.TERRITORY}))
    await assign(uow, *items)
    async with uow.begin() as tx:
        await tx.custom_roles.save(desk)
    async with uow.read() as tx:
        assignments, roles, faults = await tx.audit_books.roles()
    assert (set(assignments), list(roles), faults) == (set(items), [desk], [])


async def test_nothing_asked_is_nothing_to_prove(uow: Uow) -> None:
    """An empty store has no requests, decisions or faults."""
    async with uow.read() as tx:
        requests, decisions, faults = await tx.audit_books.approvals()
        assert await tx.approvals.newest(undecided=True, before=None, limit=9) == []
    assert (list(requests), list(decisions), faults) == ([], [], [])
    assert check_approvals(requests, decisions, []) == []
