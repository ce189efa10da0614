"""May this actor do this: asked several times a request; beside two engines that anyone can install."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import cedarpy
from attrs import frozen
from casbin import FastEnforcer, FastModel

from benchmarks.harness import Contest, line
from buddy_core.access import (
    BUILT_IN,
    PERMISSIONS,
    PLATFORM,
    VIEWER,
    VIEWER_ROLE,
    Actor,
    Assignment,
    Resource,
    Scope,
    ScopeKind,
    may,
)
from buddy_core.kernel.ids import AccountId, PartnerId

THOUSANDS = 20
"""Checks in a round, in thousands: milliseconds a thousand are microseconds each."""
OTHERS_CHECKS = 2_000
SAMPLE = 600

ACCOUNT, OTHER_ACCOUNT = AccountId(UUID(int=1)), AccountId(UUID(int=2))
OWN, FOREIGN = PartnerId(UUID(int=3)), PartnerId(UUID(int=4))
ROLES = (
    Assignment(ACCOUNT, "partner_admin", Scope.partner(OWN)),
    Assignment(ACCOUNT, "content_manager", Scope.territory("IN")),
    Assignment(ACCOUNT, "marketing", Scope.territory("AE")),
)
"""What the measured actor has beside being a viewer: three roles, each within a scope."""


@frozen
class Check:
    """One question, and what its answer must be."""

    permission: str
    resource: Resource
    is_granted: bool


MIX = (
    Check("statement:read", Resource(partner_id=OWN), True),
    Check("title:edit", Resource(territory="IN"), True),
    Check("campaign:manage", Resource(territory="AE"), True),
    Check("wallet:read", Resource(account_id=ACCOUNT), True),
    Check("token_value:set", PLATFORM, False),
    Check("role:assign", PLATFORM, False),
    Check("user:read", PLATFORM, False),
    Check("audit:read", PLATFORM, False),
    Check("statement:read", Resource(partner_id=FOREIGN), False),
    Check("title:edit", Resource(territory="AE"), False),
    Check("campaign:manage", PLATFORM, False),
    Check("wallet:read", Resource(account_id=OTHER_ACCOUNT), False),
)
"""Four that are allowed, four that no role has, four that a role has for other things."""

RESOURCES = (
    PLATFORM,
    Resource(partner_id=OWN),
    Resource(partner_id=FOREIGN),
    Resource(territory="IN"),
    Resource(territory="AE"),
    Resource(account_id=ACCOUNT),
    Resource(account_id=OTHER_ACCOUNT),
)
_PLACES = {
    ScopeKind.GLOBAL: Scope(ScopeKind.GLOBAL),
    ScopeKind.PARTNER: Scope.partner(OWN),
    ScopeKind.TERRITORY: Scope.territory("IN"),
}


@line("access.may", unit="us", yardstick="1 us of wall time", goal=5, better="lower")
def alone() -> Contest:
    """An actor of three scoped roles: allowed, denied and out of scope in turn; the goal is 5 us a check."""
    return Contest(_ours(), _spin)


@line("access.may_vs_casbin", unit="checks/s", yardstick="casbin FastEnforcer.enforce", goal=1)
def against_casbin() -> Contest:
    """The same questions to casbin: the same roles as RBAC with domains, found by permission in its cache."""
    agree(sample())
    return _contest(Casbin([ROLES]).asked(ACCOUNT))


@line("access.may_vs_cedar", unit="checks/s", yardstick="cedarpy.is_authorized", goal=1)
def against_cedar() -> Contest:
    """The same questions to Cedar: the same roles as policies, parsed once, with the entities parsed once."""
    agree(sample())
    return _contest(Cedar([ROLES]).asked(ACCOUNT))


class Casbin:
    """The built-in roles as casbin sees them: a scope is a domain."""

    MODEL = """
    [request_definition]
    r = sub, obj, act, dom
    [policy_definition]
    p = sub, obj, act, anywhere
    [role_definition]
    g = _, _, _
    [policy_effect]
    e = some(where (p.eft == allow))
    [matchers]
    m = r.obj == p.obj && r.act == p.act && (g(r.sub, p.sub, r.dom) || g(r.sub, p.sub, "global") || \
(p.anywhere == "yes" && g(r.sub, p.sub, "anywhere")))
    """

    def __init__(self, people: Sequence[Sequence[Assignment]]) -> None:
        # Policies are looked up by these two places: the halves of the permission.
        model = FastModel([1, 2])
        model.load_model_from_text(self.MODEL)
        self._enforcer = FastEnforcer(model, cache_key_order=[1, 2])
        for role, permissions in _permissions().items():
            for name in permissions:
                anywhere = "yes" if PERMISSIONS[name].is_unbound else "no"
                self._enforcer.add_policy(role, *name.split(":"), anywhere)
        for assignments in people:
            account = assignments[0].account_id
            self._enforcer.add_grouping_policy(str(account), VIEWER, str(Scope.own(account)))
            for item in assignments:
                self._enforcer.add_grouping_policy(str(account), item.role, str(item.scope))
                self._enforcer.add_grouping_policy(str(account), item.role, "anywhere")

    def asked(self, account: AccountId) -> Callable[[str, Resource], bool]:
        """Return what answers for one account."""
        enforce, subject = self._enforcer.enforce, str(account)
        places = {resource: _domain(resource) for resource in RESOURCES}
        names = {name: name.split(":") for name in PERMISSIONS}
        return lambda permission, resource: bool(enforce(subject, *names[permission], places[resource]))


class Cedar:
    """The built-in roles as Cedar sees them: global roles are groups, scoped ones name what they reach."""

    def __init__(self, people: Sequence[Sequence[Assignment]]) -> None:
        entities = [*map(_thing, RESOURCES), *(_person(assignments) for assignments in people)]
        entities += [{"uid": _uid("Role", name), "attrs": {}, "parents": []} for name in _permissions()]
        self._policies = cedarpy.PolicySet.from_str("\n".join(_policies()))
        self._entities = cedarpy.Entities.from_json_str(json.dumps(entities))

    def asked(self, account: AccountId) -> Callable[[str, Resource], bool]:
        """Return what answers for one account."""
        principal = f'User::"{account}"'
        things = {resource: f'Thing::"{_domain(resource)}"' for resource in RESOURCES}
        actions = {name: f'Action::"{name}"' for name in PERMISSIONS}

        def ask(permission: str, resource: Resource) -> bool:
            request = {
                "principal": principal,
                "action": actions[permission],
                "resource": things[resource],
                "context": {},
            }
            return cedarpy.is_authorized(request, self._policies, self._entities).allowed

        return ask


def sample(count: int = SAMPLE) -> list[tuple[Sequence[Assignment], str, Resource]]:
    """Return questions drawn from every role in every scope that it takes, every permission and place."""
    people = everybody()
    draw = random.Random(20261121)
    return [
        (draw.choice(people), draw.choice(sorted(PERMISSIONS)), draw.choice(RESOURCES)) for _ in range(count)
    ]


def everybody() -> list[Sequence[Assignment]]:
    """Return a person for each role and scope, and the measured one."""
    found: list[Sequence[Assignment]] = [ROLES]
    for role in BUILT_IN.roles.values():
        for kind in sorted(role.scopes):
            account = AccountId(UUID(int=100 + len(found)))
            found.append((Assignment(account, role.name, _PLACES[kind]),))
    return found


def agree(questions: Sequence[tuple[Sequence[Assignment], str, Resource]]) -> int:
    """Assert that all three give the same answer to each question; return how many were yes."""
    people = everybody()
    casbin, cedar = Casbin(people), Cedar(people)
    granted = 0
    for assignments, permission, resource in questions:
        account = assignments[0].account_id
        ours = bool(may(_actor(assignments), permission, resource))
        theirs = casbin.asked(account)(permission, resource), cedar.asked(account)(permission, resource)
        assert theirs == (ours, ours), (assignments, permission, resource, ours, theirs)
        granted += ours
    return granted


def _contest(ask: Callable[[str, Resource], bool]) -> Contest:
    questions = [(check.permission, check.resource) for check in MIX]
    assert [ask(*question) for question in questions] == [check.is_granted for check in MIX]
    ours = _ours()

    def theirs() -> int:
        for _ in range(OTHERS_CHECKS // len(questions)):
            for permission, resource in questions:
                ask(permission, resource)
        return OTHERS_CHECKS // len(questions) * len(questions)

    return Contest(lambda: ours() * 1000, theirs)


def _ours() -> Callable[[], int]:
    actor = _actor(ROLES)
    questions = [(check.permission, check.resource) for check in MIX]
    assert [bool(may(actor, *question)) for question in questions] == [check.is_granted for check in MIX]
    rounds = THOUSANDS * 1000 // len(questions)

    def run() -> int:
        for _ in range(rounds):
            for permission, resource in questions:
                may(actor, permission, resource)
        return THOUSANDS

    return run


def _spin() -> int:
    """Let a microsecond pass for each check."""
    end = perf_counter_ns() + THOUSANDS * 1_000_000
    while perf_counter_ns() < end:
        pass
    return THOUSANDS


def _actor(assignments: Sequence[Assignment]) -> Actor:
    # The others know nothing of second factors, so the session has proved one.
    return BUILT_IN.actor(assignments[0].account_id, assignments, has_second_factor=True)


def _permissions() -> dict[str, list[str]]:
    found = {name: sorted(BUILT_IN.permissions_of(name)) for name in BUILT_IN.roles}
    return {**found, VIEWER: sorted(VIEWER_ROLE.permissions)}


def _domain(resource: Resource) -> str:
    if resource.partner_id is not None:
        return str(Scope.partner(resource.partner_id))
    if resource.territory is not None:
        return str(Scope.territory(resource.territory))
    return str(Scope.own(resource.account_id)) if resource.account_id is not None else "platform"


def _policies() -> list[str]:
    policies = []
    for role, permissions in _permissions().items():
        bound = [name for name in permissions if not PERMISSIONS[name].is_unbound]
        unbound = [name for name in permissions if PERMISSIONS[name].is_unbound]
        policies.append(
            f'permit (principal in Role::"{role}", action in [{_actions(permissions)}], resource);'
        )
        reaches = f"principal has {role} && resource has scope && principal.{role}.contains(resource.scope)"
        policies.append(f"permit (principal, action in [{_actions(bound)}], resource) when {{ {reaches} }};")
        if unbound:
            has = f"principal has {role}"
            policies.append(
                f"permit (principal, action in [{_actions(unbound)}], resource) when {{ {has} }};"
            )
    return policies


def _actions(names: Sequence[str]) -> str:
    return ", ".join(f'Action::"{name}"' for name in names)


def _person(assignments: Sequence[Assignment]) -> dict[str, Any]:
    account = assignments[0].account_id
    scopes: dict[str, list[str]] = {VIEWER: [str(Scope.own(account))]}
    groups = []
    for item in assignments:
        if item.scope.kind is ScopeKind.GLOBAL:
            groups.append(_uid("Role", item.role))
        else:
            scopes.setdefault(item.role, []).append(str(item.scope))
    return {"uid": _uid("User", str(account)), "attrs": scopes, "parents": groups}


def _thing(resource: Resource) -> dict[str, Any]:
    domain = _domain(resource)
    attributes = {} if resource is PLATFORM else {"scope": domain}
    return {"uid": _uid("Thing", domain), "attrs": attributes, "parents": []}


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}
