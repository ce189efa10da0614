"""Roles come and go, people look as others, acts are asked for and decided: no way to more than was given."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.access import (
    ALIASES,
    BUILT_IN,
    GLOBAL,
    SYSTEM,
    Actor,
    ApprovalState,
    Assignment,
    Change,
    Outcome,
    Resource,
    Role,
    Scope,
    ScopeKind,
    actor_in,
    ask_in,
    book_in,
    check_approvals,
    check_assignment,
    check_audit,
    check_reach,
    decide_in,
    may,
    needs_second_person,
    record_in,
    require,
    state_of,
)
from buddy_core.kernel import AccountId, BuddyError, PartnerId
from tests.contracts.cases import AT, account, uid
from tests.core.access.matrix import GIVEN, GRANTED, MARKS, MEMBERS, NAMES, STAFF_ROLES

PEOPLE = tuple(account(number) for number in (1, 2, 3))
RED, BLUE = (PartnerId(uid(number)) for number in (1, 2))

GIVEN_AS = {"global": GLOBAL, f"partner:{RED}": Scope.partner(RED), "territory:IN": Scope.territory("IN")}
LETTERS = {"global": "G", f"partner:{RED}": "P", "territory:IN": "T"}
KINDS = {"G": ScopeKind.GLOBAL, "P": ScopeKind.PARTNER, "T": ScopeKind.TERRITORY}

THINGS = {
    "platform": Resource(),
    "red": Resource(partner_id=RED),
    "blue": Resource(partner_id=BLUE),
    "india": Resource(territory="IN"),
    "emirates": Resource(territory="AE"),
    **{f"of {number}": Resource(account_id=who) for number, who in enumerate(PEOPLE)},
}
WITHIN = {"global": frozenset(THINGS), f"partner:{RED}": {"red"}, "territory:IN": {"india"}}
"""What lies within each scope."""

ACTS = {
    "token_value.set": ("token_value:set", "token_value:approve", Fraction(1, 5), timedelta(days=7)),
    "tokens.grant": ("tokens:grant", "tokens:approve", Fraction(50), timedelta(days=3)),
}
"""For each act: who may do it, who approves it, above what, and how long it waits."""

CUSTOM = ("desk", "night_desk", "crew")
WORTH_GIVING = (
    *("role:assign", "role:edit", "desk:read", "statement:read", "tokens:grant", "tokens:approve"),
    *("token_value:set", "token_value:approve", "user:impersonate", "title:edit"),
)

ODD = ("wallet:read", "no:such")
"""What a custom role cannot have."""

people = st.sampled_from(PEOPLE)
doers = st.sampled_from((None, *PEOPLE))
names = st.sampled_from((*CUSTOM, *STAFF_ROLES))
ways = st.sampled_from(tuple(GIVEN_AS))
mostly = st.integers(0, 3).map(bool)

Session = tuple[AccountId | None, AccountId | None, bool]
"""Who acts, who looks as them, and whether a second factor was proved; nobody looks as the operator."""
sessions = st.one_of(
    st.tuples(doers, st.none(), mostly),
    st.tuples(doers, st.none(), mostly),
    st.tuples(people, people, mostly),
)


class Life(RuleBasedStateMachine):
    """Beside the real store stand plain sets: who was given what, and what became of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.uow = MemoryUnitOfWork()
        self.now = AT
        self.custom: dict[str, tuple[frozenset[str], frozenset[str], str]] = {}
        """Own permissions, included roles, and letters of the scopes in which it may be given."""
        self.given: set[tuple[AccountId, str, str]] = set()
        self.asked: dict[str, tuple[str, AccountId | None, datetime]] = {}
        """Act, who asked, and when it expires."""
        self.decided: dict[str, tuple[str, AccountId | None]] = {}

    def teardown(self) -> None:
        """Look at everything once more, and let the loop go."""
        self._look_at_everything()
        self.runner.close()

    # What the plain sets say.

    def worth(self, name: str, custom: dict[str, Any] | None = None) -> frozenset[str]:
        """Return what a role comes to."""
        known = self.custom if custom is None else custom
        if name in known:
            own, included, _ = known[name]
            return own.union(*(self.worth(other, known) for other in included))
        return GRANTED[name] if name in STAFF_ROLES else frozenset()

    def has(self, who: AccountId | None, permission: str, thing: str) -> bool:
        """Tell whether somebody's roles grant this over a thing; None is the operator."""
        if who is None:
            return permission not in MEMBERS
        if permission in MEMBERS:
            return thing == f"of {PEOPLE.index(who)}"
        return any(
            "unbound" in MARKS[permission] or thing in WITHIN[scope]
            for holder, role, scope in self.given
            if holder == who and permission in self.worth(role)
        )

    def may(self, who: AccountId | None, permission: str, thing: str, looking: bool, proved: bool) -> bool:
        """Tell what the answer has to be: looking leaves what is marked, and what is guarded needs proof."""
        if looking:
            return "looking" in MARKS[permission] and self.has(who, permission, thing)
        return self.has(who, permission, thing) and (
            proved or who is None or "guarded" not in MARKS[permission]
        )

    def reaches(self, who: AccountId | None, role: str, scope: str) -> bool:
        """Tell whether somebody has all of a role's permissions, at least within this scope."""
        if who is None:
            return True
        return self.worth(role) <= self.wide(who, scope)

    def wide(self, who: AccountId, scope: str) -> frozenset[str]:
        """Return the permissions that somebody has at least within a scope."""
        held = (name for holder, name, had in self.given if holder == who and had in ("global", scope))
        return frozenset[str]().union(*(self.worth(name) for name in held))

    # What the store and the rules do.

    def _run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def _actor(self, tx: Any, who: AccountId | None, looked_at_by: Any, proved: bool) -> Actor:
        if who is None:
            return SYSTEM
        found: Actor = await actor_in(tx, who, has_second_factor=proved, impersonator=looked_at_by)
        return found

    def _tried(self, work: Any) -> bool:
        """Run in a transaction; tell whether it was carried out or refused."""

        async def inside() -> None:
            async with self.uow.begin() as tx:
                await work(tx)

        try:
            self._run(inside())
        except BuddyError:
            return False
        return True

    @initialize(
        first=st.lists(
            st.tuples(people, st.sampled_from(("super_admin", "finance", "support", "platform_admin"))),
            min_size=2,
            max_size=5,
        )
    )
    def begin(self, first: list[tuple[AccountId, str]]) -> None:
        """Let the operator give some first roles and ask for something, so that there is what to decide."""

        async def work(tx: Any) -> None:
            for who, name in first:
                await tx.assignments.add(Assignment(who, name))

        assert self._tried(work)
        self.given = {(who, name, "global") for who, name in first}
        for session in ((None, None, True), (first[0][0], None, True)):
            for act in ACTS:
                self._request(session, act, None)

    @rule(
        who=doers,
        name=st.sampled_from((*CUSTOM, *CUSTOM, *CUSTOM, "finance", "creator", "viewer")),
        own=st.frozensets(st.sampled_from((*WORTH_GIVING, *WORTH_GIVING, *ODD)), max_size=3),
        included=st.frozensets(st.sampled_from((*CUSTOM, *CUSTOM, *STAFF_ROLES[1:], "viewer")), max_size=2),
        letters=st.sampled_from(("G", "GPT", "PT")),
        proved=mostly,
    )
    def define(self, who: Any, name: str, own: Any, included: Any, letters: str, proved: bool) -> None:
        """Define a custom role anew or otherwise; whoever does it reaches as far themselves."""
        role = Role(name, "Some role", own, included, frozenset(KINDS[letter] for letter in letters))

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, who, None, proved)
            require(actor, "role:edit")
            others = [item for item in await tx.custom_roles.all() if item.name != name]
            book = BUILT_IN.with_custom([*others, role])
            check_reach(actor, book.permissions_of(name))
            await tx.custom_roles.save(role)
            await record_in(tx, actor, Change("role.define", name, None, sorted(own)), self.now)

        after = {**self.custom, name: (own, included, letters)}
        is_sound = (
            name in CUSTOM
            and own <= set(NAMES) - MEMBERS
            and all(other in after or other in STAFF_ROLES for other in included)
            and not self._is_in_a_circle(after, name)
        )
        expected = is_sound and self.may(who, "role:edit", "platform", False, proved)
        if expected and who is not None:
            expected = self.worth(name, after) <= self.wide(who, "global")
        assert self._tried(work) is expected
        if expected:
            self.custom = after

    def _is_in_a_circle(self, custom: dict[str, Any], name: str) -> bool:
        reached: set[str] = set()
        waiting = [name]
        while waiting:
            for other in custom.get(waiting.pop(), ((), (), ""))[1]:
                if other not in reached:
                    reached.add(other)
                    waiting.append(other)
        return name in reached

    @precondition(lambda self: self.custom)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """Drop a custom role that no other includes; whoever still has it has nothing by it."""
        included = frozenset[str]().union(*(others for _, others, _ in self.custom.values()))
        name = data.draw(st.sampled_from(sorted(self.custom.keys() - included)))

        async def work(tx: Any) -> None:
            assert await tx.custom_roles.remove(name)
            await record_in(tx, SYSTEM, Change("role.drop", name, None, None), self.now)

        assert self._tried(work)
        del self.custom[name]

    @rule(by=doers, who=people, name=names, alias=st.booleans(), scope=ways, proved=mostly)
    def assign(self, by: Any, who: AccountId, name: str, alias: bool, scope: str, proved: bool) -> None:
        """Give a role, by its own name or one that others use; nobody gives more than they have."""
        said = next((other for other, role in ALIASES.items() if alias and role == name), name)

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, by, None, proved)
            require(actor, "role:assign")
            book = await book_in(tx)
            role = check_assignment(book, said, GIVEN_AS[scope])
            check_reach(actor, book.permissions_of(role.name), GIVEN_AS[scope])
            await tx.assignments.add(Assignment(who, role.name, GIVEN_AS[scope]))
            await record_in(tx, actor, Change("role.assign", str(who), None, name), self.now)

        letters = self.custom[name][2] if name in self.custom else GIVEN.get(name, "")
        expected = (
            self.may(by, "role:assign", "platform", False, proved)
            and LETTERS[scope] in letters
            and self.reaches(by, name, scope)
        )
        assert self._tried(work) is expected
        if expected:
            self.given.add((who, name, scope))

    @precondition(lambda self: self.given)
    @rule(data=st.data(), by=doers)
    def revoke(self, data: st.DataObject, by: Any) -> None:
        """Take a role away from somebody who has it; nobody takes what goes beyond their own."""
        who, name, scope = data.draw(st.sampled_from(sorted(self.given)))

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, by, None, False)
            require(actor, "role:assign")
            check_reach(actor, (await book_in(tx)).permissions_of(name), GIVEN_AS[scope])
            assert await tx.assignments.remove(Assignment(who, name, GIVEN_AS[scope]))
            await record_in(tx, actor, Change("role.revoke", str(who), name, None), self.now)

        expected = self.may(by, "role:assign", "platform", False, False) and self.reaches(by, name, scope)
        assert self._tried(work) is expected
        if expected:
            self.given.remove((who, name, scope))

    @rule(
        session=sessions,
        act=st.sampled_from(tuple(ACTS)),
        size=st.sampled_from((Fraction(1), 1 + Fraction(1, 10**9), Fraction(3), None)),
    )
    def request(self, session: Session, act: str, size: Fraction | None) -> None:
        """Ask for an act that is larger than one person may do alone; at the limit nothing is asked."""
        self._request(session, act, size)

    def _request(self, session: Session, act: str, size: Fraction | None) -> None:
        by, looker, proved = session
        permission, _, limit, lives_for = ACTS[act]
        measure = None if size is None else limit * size
        is_large = size is None or size > 1
        number = f"apr_{len(self.asked)}"

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, by, looker, proved)
            require(actor, permission)
            needed = needs_second_person(act, measure)
            assert (needed is not None) is is_large
            if needed is not None:
                await ask_in(tx, actor, needed, number, Change(act, "x", None, {}), measure, "why", self.now)

        expected = self.may(by, permission, "platform", looker is not None, proved)
        assert self._tried(work) is expected
        if expected and is_large:
            self.asked[number] = (act, by, self.now + lives_for)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), session=sessions)
    def approve(self, data: st.DataObject, session: Session) -> None:
        """Approve: another than whoever asked, once, and in time."""
        self._decide(data, session, Outcome.APPROVED, "")

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), session=sessions, reason=st.sampled_from(("too much", "too much", "")))
    def reject(self, data: st.DataObject, session: Session, reason: str) -> None:
        """Reject, and say why: another than whoever asked, once, and in time."""
        self._decide(data, session, Outcome.REJECTED, reason)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), session=sessions)
    def withdraw(self, data: st.DataObject, session: Session) -> None:
        """Withdraw: whoever asked and nobody else, once, and in time."""
        self._decide(data, session, Outcome.WITHDRAWN, "")

    def _decide(self, data: st.DataObject, session: Session, outcome: Outcome, reason: str) -> None:
        by, looker, proved = session
        number = data.draw(st.sampled_from(tuple(self.asked)))
        act, asker, expires_at = self.asked[number]

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, by, looker, proved)
            request, _ = await decide_in(tx, actor, number, outcome, reason, self.now, "")
            if outcome is Outcome.APPROVED:
                done = Change(request.act, request.resource, None, {"request": request.id})
                await record_in(tx, actor, done, self.now)

        is_open = number not in self.decided and self.now < expires_at
        if outcome is Outcome.WITHDRAWN:
            expected = is_open and by == asker and looker is None
        else:
            expected = (
                is_open
                and by != asker
                and self.may(by, ACTS[act][1], "platform", looker is not None, proved)
                and (by is not None if outcome is Outcome.APPROVED else bool(reason))
            )
        assert self._tried(work) is expected
        if expected:
            self.decided[number] = (outcome.value, by)

    @rule(days=st.sampled_from((1, 2, 3)), ticks=st.sampled_from((-1, 0, 1)))
    def wait(self, days: int, ticks: int) -> None:
        """Let days go by, about as many as requests live."""
        self.now += timedelta(days=days, microseconds=ticks)

    @rule(who=people, by=people, proved=st.booleans())
    def impersonate(self, who: AccountId, by: AccountId, proved: bool) -> None:
        """Look as somebody: only what is marked is left, over their own account, and it is on the record."""

        async def work(tx: Any) -> None:
            actor = await self._actor(tx, who, by, proved)
            open_ = {
                (name, place) for name in NAMES for place, thing in THINGS.items() if may(actor, name, thing)
            }
            own = f"of {PEOPLE.index(who)}"
            assert open_ == {(name, own) for name in NAMES if "looking" in MARKS[name]}
            record = await record_in(tx, actor, Change("user.impersonate", str(who), None, None), self.now)
            assert (record.actor, record.as_whom) == (str(by), str(who))

        assert self._tried(work)

    @rule()
    def look_at_everything(self) -> None:
        """Ask every permission of everybody about everything, with and without a second factor."""
        self._look_at_everything()

    def _look_at_everything(self) -> None:
        async def look() -> None:
            async with self.uow.read() as tx:
                for who in PEOPLE:
                    for proved in (False, True):
                        actor = await self._actor(tx, who, None, proved)
                        told = {
                            (name, place)
                            for name in NAMES
                            for place, thing in THINGS.items()
                            if may(actor, name, thing)
                        }
                        assert told == {
                            (name, place)
                            for name in NAMES
                            for place in THINGS
                            if self.may(who, name, place, False, proved)
                        }

        self._run(look())

    @invariant()
    def what_was_asked_and_decided_is_what_is_stored(self) -> None:
        """A request is decided at most once, by another unless it was withdrawn, and all of it is proved."""

        async def look() -> None:
            async with self.uow.read() as tx:
                requests, decisions, _ = await tx.audit_books.approvals()
                records, hashes, _ = await tx.audit_books.records()
            assert check_audit(records, hashes) == []
            assert check_approvals(requests, decisions, records) == []
            assert {item.request_id: (item.outcome.value, item.by) for item in decisions} == self.decided
            made = {item.request_id: item for item in decisions}
            assert len(made) == len(decisions)
            assert {
                item.id: (item.act, item.requested_by, item.expires_at) for item in requests
            } == self.asked
            for item in requests:
                decision = made.get(item.id)
                if decision is not None:
                    is_own = decision.by == item.requested_by
                    assert is_own is (decision.outcome is Outcome.WITHDRAWN)
                    assert item.requested_at <= decision.at < item.expires_at
                state = state_of(item, decision, self.now)
                assert (state is ApprovalState.PENDING) is (
                    item.id not in self.decided and self.now < self.asked[item.id][2]
                )

        self._run(look())


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
