"""Who may do what: deny by default, roles that only ever add, and acts that one person does not do alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.access import (
    ALIASES,
    BUILT_IN,
    GLOBAL,
    MEMBER_PERMISSIONS,
    PLATFORM,
    SECOND_PERSON_RULES,
    SUPER_ADMIN,
    SYSTEM,
    Actor,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalState,
    Assignment,
    BadRole,
    BeyondOwnReach,
    Decision,
    NotOwnRequest,
    NotPermitted,
    Outcome,
    OwnRequest,
    Permission,
    Reason,
    ReasonMissing,
    Request,
    Resource,
    Role,
    RoleBook,
    Scope,
    ScopeKind,
    SecondFactorNeeded,
    UnknownRole,
    check_assignment,
    check_reach,
    check_reason,
    decide,
    explain,
    may,
    may_anywhere,
    needs_second_person,
    own_account,
    require,
    require_anywhere,
    state_of,
)
from buddy_core.kernel import BuddyError, InvalidValue, PartnerId
from tests.contracts.cases import AT, account, uid
from tests.core.access.matrix import GRANTED, MARKS, MEMBERS, NAMES, STAFF_ROLES

ME, ELSE = account(1), account(2)
RED, BLUE = (PartnerId(uid(number)) for number in (1, 2))
STAFF = tuple(name for name in NAMES if name not in MEMBERS)

SCOPES = (GLOBAL, Scope.partner(RED), Scope.partner(BLUE), Scope.territory("IN"), Scope.territory("AE"))
RESOURCES = (
    PLATFORM,
    Resource(partner_id=RED),
    Resource(partner_id=BLUE, territory="IN"),
    Resource(territory="AE", account_id=ELSE),
    Resource(account_id=ME),
)
PLACES = {
    GLOBAL: RESOURCES,
    SCOPES[1]: RESOURCES[1:2],
    SCOPES[2]: RESOURCES[2:3],
    SCOPES[3]: RESOURCES[2:3],
    SCOPES[4]: RESOURCES[3:4],
}
"""What each scope covers, written out."""

Shape = Mapping[str, tuple[frozenset[str], frozenset[str]]]
"""Custom roles as plain sets: by name, their own permissions and what they include."""


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Draw up to six custom roles; each includes built-in ones and those before it, so no circle."""
    made: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for number in range(draw(st.integers(1, 6))):
        own = draw(st.frozensets(st.sampled_from(STAFF), max_size=4))
        included = draw(st.frozensets(st.sampled_from((*STAFF_ROLES[1:], *made)), max_size=3))
        made[f"custom_{number}"] = (own, included)
    return made


def book_of(shape: Shape) -> RoleBook:
    """Return the book with these custom roles."""
    return BUILT_IN.with_custom(
        Role(name, name, own, included, frozenset(ScopeKind) - {ScopeKind.OWN})
        for name, (own, included) in shape.items()
    )


def worth(shape: Shape, name: str) -> frozenset[str]:
    """Add up what a role comes to, from the plain sets and the written-out table."""
    if name not in shape:
        # Everybody is a viewer; whoever wrote that into an assignment gave nothing.
        return GRANTED[name] if name in STAFF_ROLES else frozenset()
    own, included = shape[name]
    return own.union(*(worth(shape, other) for other in included))


def holdings(shape: Shape) -> st.SearchStrategy[list[Assignment]]:
    """Draw what an account was given: roles of the book, and some that are in none."""
    names = st.sampled_from((*STAFF_ROLES, *shape, "root", "viewer"))
    one = st.builds(Assignment, st.just(ME), names, st.sampled_from(SCOPES))
    return st.lists(one, max_size=4)


@given(st.data())
def test_what_no_role_grants_is_denied(data: st.DataObject) -> None:
    """Whatever roles there are and are held, a yes is one that plain sets of permissions and places give."""
    shape = data.draw(shapes())
    held = data.draw(holdings(shape))
    proved, owes = data.draw(st.booleans()), data.draw(st.booleans())
    actor = book_of(shape).actor(ME, held, has_second_factor=proved, owes_second_factor=owes)
    for permission in data.draw(st.lists(st.sampled_from((*NAMES, "title:burn", "", "*")), max_size=9)):
        marks = MARKS.get(permission, frozenset())
        for resource in RESOURCES:
            reached = {
                item.role
                for item in held
                if permission in worth(shape, item.role)
                and ("unbound" in marks or resource in PLACES[item.scope])
            }
            is_own = permission in MEMBERS and resource.account_id == ME
            is_free = not owes and ("guarded" not in marks or proved)
            assert bool(may(actor, permission, resource)) is (bool(reached or is_own) and is_free)


@given(st.data())
def test_another_role_never_takes_a_permission(data: st.DataObject) -> None:
    """What an actor may with some roles, they may with one more; and the door opens no less."""
    shape = data.draw(shapes())
    book, held = book_of(shape), data.draw(holdings(shape))
    more = [*held, *data.draw(holdings(shape))]
    second = data.draw(st.booleans())
    few, many = (book.actor(ME, items, has_second_factor=second) for items in (held, more))
    for name in NAMES:
        assert may_anywhere(many, name) or not may_anywhere(few, name)
        for resource in RESOURCES:
            assert may(many, name, resource) or not may(few, name, resource)


@given(shapes())
def test_a_role_is_worth_its_own_and_what_it_includes(shape: Shape) -> None:
    """At any depth a role's permissions are the union of its own and those of the roles that it includes."""
    book = book_of(shape)
    for name in (*shape, *STAFF_ROLES):
        assert book.permissions_of(name).keys() == worth(shape, name)


@given(shapes(), st.permutations(range(6)))
def test_the_order_in_which_roles_are_given_means_nothing(shape: Shape, order: list[int]) -> None:
    """A book is the same whichever custom role comes first."""
    names = list(shape)
    shuffled = {names[place]: shape[names[place]] for place in order if place < len(names)}
    one, other = book_of(shape), book_of(shuffled)
    assert all(one.permissions_of(name) == other.permissions_of(name) for name in shape)


def custom(name: str = "desk", *permissions: str, includes: tuple[str, ...] = ()) -> Role:
    """Return a custom role."""
    return Role(name, "Desk", frozenset(permissions), frozenset(includes))


BAD_ROLES: dict[str, tuple[list[Role], str]] = {
    "itself": ([custom(includes=("desk",))], "circle: desk > desk"),
    "two": (
        [custom("one", includes=("two",)), custom("two", includes=("one",))],
        "circle: one > two > one",
    ),
    "an unknown role": ([custom(includes=("nobody",))], "'nobody', which is no role"),
    "the viewer": ([custom(includes=("viewer",))], "'viewer', which is no role"),
    "an unknown permission": ([custom("desk", "desk:read", "title:burn")], "no permission title:burn"),
    "a member's permission": ([custom("desk", "wallet:read")], "wallet:read is for everybody's own account"),
    "the same name": ([custom(), custom()], "two roles have this name"),
    **{
        f"the name {name}": ([custom(name)], "a built-in role has this name")
        for name in (*STAFF_ROLES, *ALIASES, "viewer", "user")
    },
}


@pytest.mark.parametrize(("roles", "problem"), BAD_ROLES.values(), ids=BAD_ROLES.keys())
def test_a_role_that_cannot_be_is_refused(roles: list[Role], problem: str) -> None:
    """Circles, unknown parts, taken names and what is everybody's own are named and refused."""
    with pytest.raises(BadRole) as refused:
        BUILT_IN.with_custom(roles)
    assert problem in refused.value.message()


@given(st.integers(1, 12), st.sampled_from(sorted(MEMBER_PERMISSIONS)))
def test_what_is_everybodys_own_is_found_at_any_depth(depth: int, permission: str) -> None:
    """A member's permission is refused however deep it lies, and so is a circle of any length."""
    names = [f"role_{number}" for number in range(depth + 1)]
    chain = [custom(name, includes=(below,)) for name, below in pairwise(names)]
    with pytest.raises(BadRole):
        BUILT_IN.with_custom([*chain, custom(names[-1], permission)])
    with pytest.raises(BadRole):
        BUILT_IN.with_custom([*chain, custom(names[-1], includes=(names[0],))])
    fine = BUILT_IN.with_custom([*chain, custom(names[-1], "desk:read")])
    assert fine.permissions_of(names[0]).keys() == {"desk:read"}


def test_roles_lie_in_each_other_only_so_deep() -> None:
    """A chain of 14 roles is kept, one of 15 is not."""
    names = [f"role_{number}" for number in range(15)]
    chain = [custom(name, includes=(below,)) for name, below in pairwise(names)]
    with pytest.raises(BadRole, match="more than 13 deep"):
        BUILT_IN.with_custom([*chain, custom(names[-1])])
    BUILT_IN.with_custom([*chain[1:], custom(names[-1])])


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Desk"},
        {"name": ""},
        {"name": "9desk"},
        {"name": "a" * 41},
        {"title": " "},
        {"title": "x" * 81},
        {"title": "a\nb"},
    ],
)
def test_a_role_has_a_plain_name(wrong: dict[str, str]) -> None:
    """Names are short, lower-case and ASCII, titles printable and not empty."""
    with pytest.raises(InvalidValue):
        Role(**{"name": "desk", "title": "Desk", **wrong})


@pytest.mark.parametrize("name", ["title", "title:", ":read", "Title:read", "title:read:all", "*", ""])
def test_a_permission_has_one_form(name: str) -> None:
    """Anything but `resource:action` in lower case is refused."""
    with pytest.raises(InvalidValue):
        Permission(name, "does something")


@pytest.mark.parametrize("scope", [*SCOPES, Scope.own(ME)])
def test_a_scope_is_read_as_it_was_written(scope: Scope) -> None:
    """Every scope that can be given comes back from its text; one's own account does not."""
    if scope.kind is ScopeKind.OWN:
        with pytest.raises(InvalidValue):
            Scope.parse(str(scope))
    else:
        assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize(
    "text",
    [
        *("", "everything", "global:x", "partner", "partner:", "partner:x", "territory:in", "territory:IND"),
        *("territory:", "own", "partner:00000000000000000000000000000001", "territory:I\u0130", " global"),
        "partner:{00000000-0000-0000-0000-000000000001}",
    ],
)
def test_a_scope_has_one_form(text: str) -> None:
    """What is not exactly in the written form is refused."""
    with pytest.raises(InvalidValue):
        Scope.parse(text)


def test_names_that_others_use_lead_to_built_in_roles() -> None:
    """Each alias is the role that it stands for; other names are unknown, the viewer's too."""
    for name, role in ALIASES.items():
        assert check_assignment(BUILT_IN, name, SCOPES[1] if "partner" in role else GLOBAL).name == role
    for name in ("viewer", "user", "root", ""):
        with pytest.raises(UnknownRole):
            BUILT_IN.named(name)


@given(st.data())
def test_nobody_reaches_further_than_they_do(data: st.DataObject) -> None:
    """What passes `check_reach` within a scope, the giver may do to everything within it."""
    shape = data.draw(shapes())
    held = data.draw(holdings(shape))
    giver = book_of(shape).actor(ME, held, has_second_factor=True)
    scope = data.draw(st.sampled_from(SCOPES))
    wanted = worth(shape, data.draw(st.sampled_from((*STAFF_ROLES, *shape))))
    has = frozenset[str]().union(*(worth(shape, item.role) for item in held if item.scope in (GLOBAL, scope)))
    if wanted <= has:
        check_reach(giver, wanted, scope)
        assert all(may(giver, name, resource) for name in wanted for resource in PLACES[scope])
    else:
        with pytest.raises(BeyondOwnReach) as refused:
            check_reach(giver, wanted, scope)
        assert refused.value.permission in wanted - has


def test_a_refusal_says_what_is_missing() -> None:
    """`require` passes who may; it names the permission and the reason, or asks for the second factor."""
    require(SYSTEM, "period:close")
    finance = BUILT_IN.actor(ME, [Assignment(ME, "finance")])
    red = BUILT_IN.actor(ME, [Assignment(ME, "partner_admin", SCOPES[1])])
    for actor, permission, resource, reason, words in (
        (BUILT_IN.actor(ME), "period:close", PLATFORM, "no_role", "needs the permission period:close"),
        (red, "statement:read", RESOURCES[2], "out_of_scope", "but not for this"),
        (
            BUILT_IN.actor(ME, impersonator=ELSE),
            "title:watch",
            RESOURCES[4],
            "impersonating",
            "Stop looking as them",
        ),
    ):
        with pytest.raises(NotPermitted) as refused:
            require(actor, permission, resource)
        assert (refused.value.permission, refused.value.reason) == (permission, reason)
        assert words in refused.value.message()
    for check in (require, require_anywhere):
        with pytest.raises(SecondFactorNeeded):
            check(finance, "period:close")
    require_anywhere(red, "statement:read")
    with pytest.raises(NotPermitted):
        require_anywhere(red, "period:close")


def test_whoever_owes_a_second_factor_opens_nothing_by_a_password() -> None:
    """Until the account's second factor is proved everything is refused for that, its own things too."""
    owing = BUILT_IN.actor(ME, [Assignment(ME, SUPER_ADMIN)], owes_second_factor=True)
    for name in NAMES:
        resource = Resource(account_id=ME) if name in MEMBERS else PLATFORM
        assert may(owing, name, resource).reason is Reason.NEEDS_SECOND_FACTOR
        assert may_anywhere(owing, name).reason is Reason.NEEDS_SECOND_FACTOR
    assert may(owing, "title:burn").reason is Reason.NO_ROLE
    assert explain(owing, "desk:read")[-1] == "the account has one: the session has to prove a second factor"


def test_ones_own_account_is_named_only_to_its_owner() -> None:
    """Who may do it with their own account gets its id; the operator and whoever looks do not."""
    assert own_account(BUILT_IN.actor(ME), "title:unlock") == ME
    assert own_account(BUILT_IN.actor(ME, impersonator=ELSE), "wallet:read") == ME
    for actor, permission in (
        (SYSTEM, "title:unlock"),
        (BUILT_IN.actor(ME, impersonator=ELSE), "title:unlock"),
        (BUILT_IN.actor(ME), "flag:set"),
    ):
        with pytest.raises(NotPermitted):
            own_account(actor, permission)
    with pytest.raises(SecondFactorNeeded):
        own_account(BUILT_IN.actor(ME, owes_second_factor=True), "wallet:read")


def test_the_operator_may_what_is_nobodys_own() -> None:
    """At the command line everything is allowed but what members do with their own accounts."""
    assert {name for name in NAMES if may(SYSTEM, name)} == set(STAFF)
    assert not may(SYSTEM, "title:burn")
    assert not may(SYSTEM, "*")


def test_an_actor_has_a_name_for_the_record() -> None:
    """An account is written down by its id, the operator as `system`, whoever impersonates as themselves."""
    assert BUILT_IN.actor(ME).name == str(ME)
    assert BUILT_IN.actor(ME, impersonator=ELSE).name == str(ELSE)
    assert SYSTEM.name == "system"


def test_an_actor_knows_roles_and_partners() -> None:
    """Who was assigned anything is staff; the partners of scoped roles are listed once, in order."""
    some = [Assignment(ME, role, SCOPES[number]) for role in ("partner_admin", "x") for number in (2, 1, 3)]
    actor = BUILT_IN.actor(ME, some)
    assert (actor.roles, actor.is_staff, actor.partners) == (
        {"viewer", "partner_admin", "x"},
        True,
        (RED, BLUE),
    )
    alone = BUILT_IN.actor(ME)
    assert (alone.roles, alone.is_staff, alone.partners) == ({"viewer"}, False, ())
    assert not BUILT_IN.actor(ME, some, impersonator=ELSE).is_staff


def test_an_answer_is_explained_line_by_line() -> None:
    """First the answer, then what each role has to say, then what stands in the way."""
    some = [Assignment(ME, "partner_admin", SCOPES[1]), Assignment(ME, "finance")]
    actor = BUILT_IN.actor(ME, some)
    assert explain(actor, "statement:read", RESOURCES[1]) == (
        f"statement:read on partner {RED}: yes (granted)",
        f"viewer (own:{ME}) does not have the permission",
        f"partner_admin (partner:{RED}) has the permission and reaches this",
        "finance (global) has the permission and reaches this",
    )
    assert explain(BUILT_IN.actor(ME, some[:1]), "statement:read", RESOURCES[2]) == (
        f"statement:read on partner {BLUE}, territory IN: no (out_of_scope)",
        f"viewer (own:{ME}) does not have the permission",
        f"partner_admin (partner:{RED}) has the permission and does not reach this",
    )
    assert explain(actor, "period:close") == (
        "period:close on the platform: no (needs_second_factor)",
        f"viewer (own:{ME}) does not have the permission",
        f"partner_admin (partner:{RED}) does not have the permission",
        "finance (global) has the permission and reaches this",
        "it is guarded: the session has to prove a second factor",
    )
    assert explain(BUILT_IN.actor(ME, impersonator=ELSE), "title:watch", RESOURCES[4]) == (
        f"title:watch on account {ME}: no (impersonating)",
        f"viewer (own:{ME}) has the permission and reaches this",
        "looking as somebody else: only reading is left",
    )
    assert explain(Actor(ME), "desk:read") == (
        "desk:read on the platform: no (no_role)",
        "no roles: what is not granted is denied",
    )


@given(st.data())
def test_an_explanation_begins_with_the_answer(data: st.DataObject) -> None:
    """The first line says what `may` says, and the role that decides is among those that reach."""
    shape = data.draw(shapes())
    actor = book_of(shape).actor(ME, data.draw(holdings(shape)), has_second_factor=data.draw(st.booleans()))
    permission, resource = data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(RESOURCES))
    verdict = may(actor, permission, resource)
    first, *lines = explain(actor, permission, resource)
    assert first.endswith(f": {'yes' if verdict else 'no'} ({verdict.reason.value})")
    reaching = [line for line in lines if line.endswith("has the permission and reaches this")]
    assert bool(reaching) is (verdict.reason not in (Reason.NO_ROLE, Reason.OUT_OF_SCOPE))
    if reaching:
        assert reaching[0].startswith(f"{verdict.role} ({verdict.scope})")


@pytest.mark.parametrize(
    ("act", "limit"), [("token_value.set", Fraction(1, 5)), ("tokens.grant", Fraction(50))]
)
def test_a_second_person_is_needed_above_the_limit(act: str, limit: Fraction) -> None:
    """At the limit one person is enough; the smallest step above it takes two, and so does no measure."""
    rule = SECOND_PERSON_RULES[act]
    step = Fraction(1, 10**12)
    assert [needs_second_person(act, measure) for measure in (Fraction(0), limit - step, limit)] == [None] * 3
    assert [needs_second_person(act, measure) for measure in (limit + step, limit * 9, None)] == [rule] * 3
    assert (rule.act, rule.above) == (act, limit)
    assert "guarded" in MARKS[rule.approve]


def test_other_acts_need_nobody_else() -> None:
    """An act without a rule is one person's, however large; a host's own rules are asked instead of ours."""
    assert needs_second_person("flag.set", None) is None
    assert needs_second_person("tokens.grant", None, {}) is None


def request(**changes: Any) -> Request:
    """Return a request of `ME` that waits."""
    made = Request("apr_1", "tokens.grant", "x", "{}", "60/1", "why", ME, AT, AT + timedelta(days=3))
    return evolve(made, **changes)


def finance(who: Any, **session: Any) -> Actor:
    """Return somebody who may approve, after a second factor."""
    return BUILT_IN.actor(who, [Assignment(who, "finance")], **{"has_second_factor": True, **session})


REJECTED = Decision("apr_1", Outcome.REJECTED, ELSE, AT, "no")
DECISIONS: dict[str, tuple[Actor, Outcome, dict[str, Any], type[BuddyError] | None]] = {
    "another approves": (finance(ELSE), Outcome.APPROVED, {}, None),
    "another rejects": (finance(ELSE), Outcome.REJECTED, {}, None),
    "the operator approves": (SYSTEM, Outcome.APPROVED, {}, NotPermitted),
    "the operator rejects": (SYSTEM, Outcome.REJECTED, {}, None),
    "one withdraws": (BUILT_IN.actor(ME), Outcome.WITHDRAWN, {}, None),
    "one withdraws without a reason": (BUILT_IN.actor(ME), Outcome.WITHDRAWN, {"reason": ""}, None),
    "one approves one's own": (finance(ME), Outcome.APPROVED, {}, OwnRequest),
    "one rejects one's own": (finance(ME), Outcome.REJECTED, {}, OwnRequest),
    "another withdraws": (finance(ELSE), Outcome.WITHDRAWN, {}, NotOwnRequest),
    "the operator withdraws": (SYSTEM, Outcome.WITHDRAWN, {}, NotOwnRequest),
    "a viewer approves": (BUILT_IN.actor(ELSE), Outcome.APPROVED, {}, NotPermitted),
    "support approves": (
        BUILT_IN.actor(ELSE, [Assignment(ELSE, "support")], has_second_factor=True),
        Outcome.APPROVED,
        {},
        NotPermitted,
    ),
    "no second factor": (
        finance(ELSE, has_second_factor=False),
        Outcome.APPROVED,
        {},
        SecondFactorNeeded,
    ),
    "looking as another": (finance(ELSE, impersonator=ME), Outcome.APPROVED, {}, NotPermitted),
    "looking as whoever asked": (finance(ME, impersonator=ELSE), Outcome.WITHDRAWN, {}, NotOwnRequest),
    "a rejection without a reason": (finance(ELSE), Outcome.REJECTED, {"reason": " x "}, ReasonMissing),
    "twice": (finance(ELSE), Outcome.APPROVED, {"earlier": REJECTED}, ApprovalDecided),
    "withdrawn too late": (BUILT_IN.actor(ME), Outcome.WITHDRAWN, {"earlier": REJECTED}, ApprovalDecided),
    "in the last microsecond": (
        finance(ELSE),
        Outcome.APPROVED,
        {"at": AT + timedelta(days=3, microseconds=-1)},
        None,
    ),
    "expired": (finance(ELSE), Outcome.APPROVED, {"at": AT + timedelta(days=3)}, ApprovalExpired),
}


@pytest.mark.parametrize(("actor", "outcome", "case", "refusal"), DECISIONS.values(), ids=DECISIONS.keys())
def test_a_request_is_decided_by_another_once_and_in_time(
    actor: Actor, outcome: Outcome, case: dict[str, Any], refusal: type[BuddyError] | None
) -> None:
    """Who decides is written down; who may not, and when it is too late, is said by its own error."""
    facts = {"earlier": None, "reason": " as agreed ", "at": AT, **case}

    def decided() -> Decision:
        return decide(request(), facts["earlier"], actor, outcome, facts["reason"], facts["at"])

    if refusal is None:
        reason = facts["reason"].strip()
        assert decided() == Decision("apr_1", outcome, actor.account_id, facts["at"], reason)
    else:
        with pytest.raises(refusal):
            decided()


def test_the_operator_approves_nothing_of_the_operators() -> None:
    """A request from the command line is the operator's own, and from there nothing is approved."""
    with pytest.raises(NotPermitted, match="the command line does not"):
        decide(request(requested_by=None), None, SYSTEM, Outcome.APPROVED, "", AT)
    with pytest.raises(OwnRequest):
        decide(request(requested_by=None), None, SYSTEM, Outcome.REJECTED, "no", AT)
    assert decide(request(requested_by=None), None, SYSTEM, Outcome.WITHDRAWN, "", AT).by is None


def test_a_request_waits_until_it_is_decided_or_expires() -> None:
    """Its state is its decision's, whenever it is asked; without one it expires at its last instant."""
    last = AT + timedelta(days=3)
    assert state_of(request(), None, AT) is ApprovalState.PENDING
    assert state_of(request(), None, last - timedelta(microseconds=1)) is ApprovalState.PENDING
    assert state_of(request(), None, last) is ApprovalState.EXPIRED
    for outcome in Outcome:
        decision = evolve(REJECTED, outcome=outcome)
        assert state_of(request(), decision, last).value == outcome.value


@pytest.mark.parametrize("text", ["", "  ab  ", "x" * 501, "a\nb", "a\0b", "\ud800abc"])
def test_a_reason_says_something(text: str) -> None:
    """Too short, too long or not printable is refused; blanks around it do not count."""
    with pytest.raises(ReasonMissing):
        check_reason(text)
    assert check_reason("  so it is ") == "so it is"
    assert check_reason("x" * 500) == "x" * 500


def test_a_super_admin_has_what_a_host_adds() -> None:
    """A book with more permissions gives them to the role that has everything, and to nobody else."""
    more = {**BUILT_IN.permissions, "zoo:open": Permission("zoo:open", "open the zoo")}
    book = RoleBook(BUILT_IN.roles, more)
    assert [role for role in STAFF_ROLES if "zoo:open" in book.permissions_of(role)] == [SUPER_ADMIN]
