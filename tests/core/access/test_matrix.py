"""Role x permission x scope: what `may` says is what the written-out table says, and so is the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from buddy_core.access import (
    BUILT_IN,
    GLOBAL,
    PERMISSIONS,
    PLATFORM,
    ROLES,
    Actor,
    Assignment,
    BadScope,
    Reason,
    Resource,
    Scope,
    check_assignment,
    may,
    may_anywhere,
)
from buddy_core.kernel import PartnerId
from tests.contracts.cases import account, uid
from tests.core.access.matrix import CELLS, GIVEN, GRANTED, MARKS, MEMBERS, NAMES, REACH, STAFF_ROLES

ME, ELSE = account(1), account(2)
MINE, FOREIGN = (PartnerId(uid(number)) for number in (1, 2))

GIVEN_AS = {
    "everywhere": ("G", GLOBAL),
    "own_partner": ("P", Scope.partner(MINE)),
    "own_territory": ("T", Scope.territory("IN")),
}
RESOURCES = {
    "platform": PLATFORM,
    "own_partner": Resource(partner_id=MINE),
    "foreign_partner": Resource(partner_id=FOREIGN),
    "own_territory": Resource(territory="IN"),
    "foreign_territory": Resource(territory="AE"),
    "account": Resource(account_id=ELSE),
}


def given(role: str, how: str, **session: bool) -> Actor:
    """Return somebody with one role, given like this; nowhere: with none."""
    items = [] if how == "nowhere" else [Assignment(ME, role, GIVEN_AS[how][1])]
    return BUILT_IN.actor(ME, items, **session)


def expected(role: str, how: str, permission: str, place: str) -> Reason:
    """Read the answer out of the table, for a session that has proved a second factor."""
    if how == "nowhere" or CELLS[role, permission] == ".":
        return Reason.OUT_OF_SCOPE if permission in MEMBERS else Reason.NO_ROLE
    if "unbound" in MARKS[permission] or place in REACH[how].split():
        return Reason.GRANTED
    return Reason.OUT_OF_SCOPE


def test_the_table_is_complete() -> None:
    """It has the thirteen roles and every permission, no more, and their marks."""
    assert tuple(ROLES) == STAFF_ROLES
    assert len(STAFF_ROLES) == 13
    assert tuple(PERMISSIONS) == NAMES
    for name, item in PERMISSIONS.items():
        flags = {
            "guarded": item.is_guarded,
            "planned": item.is_planned,
            "unbound": item.is_unbound,
            "looking": item.while_impersonating,
        }
        assert {mark for mark, is_set in flags.items() if is_set} == MARKS[name], name


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_may_what_the_table_says_and_nothing_else(role: str) -> None:
    """For every permission, scope and thing the answer and its reason are the table's."""
    ways = [how for how, (letter, _) in GIVEN_AS.items() if letter in GIVEN[role]]
    for how in (*ways, "nowhere"):
        actor = given(role, how, has_second_factor=True)
        told = {
            (permission, place): may(actor, permission, resource).reason
            for permission in NAMES
            for place, resource in RESOURCES.items()
        }
        wanted = {
            (permission, place): expected(role, how, permission, place)
            for permission in NAMES
            for place in RESOURCES
        }
        assert told == wanted, how


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_what_is_guarded_needs_a_second_factor(role: str) -> None:
    """Without one every guarded permission is refused for that reason, and nothing else changes."""
    ways = [how for how, (letter, _) in GIVEN_AS.items() if letter in GIVEN[role]]
    for how in ways:
        with_it, without = given(role, how, has_second_factor=True), given(role, how)
        for permission in NAMES:
            for resource in RESOURCES.values():
                answer, bare = may(with_it, permission, resource), may(without, permission, resource)
                is_stopped = bool(answer) and "guarded" in MARKS[permission]
                assert bare.reason is (Reason.NEEDS_SECOND_FACTOR if is_stopped else answer.reason)


def test_what_is_everybodys_own_is_nobody_elses() -> None:
    """A viewer may do what is a member's with their own account, and nothing with another's."""
    actor = BUILT_IN.actor(ME)
    for permission in NAMES:
        assert bool(may(actor, permission, Resource(account_id=ME))) is (permission in MEMBERS)
        assert not may(actor, permission, Resource(account_id=ELSE))
        assert not may(actor, permission)


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_a_role_is_given_as_the_table_says(role: str) -> None:
    """Every other kind of scope is refused, one's own account for all of them."""
    for letter, scope in (*GIVEN_AS.values(), ("O", Scope.own(ME))):
        if letter in GIVEN[role]:
            assert check_assignment(BUILT_IN, role, scope) is ROLES[role]
        else:
            with pytest.raises(BadScope):
                check_assignment(BUILT_IN, role, scope)


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_staff_who_look_as_somebody_only_read(role: str) -> None:
    """Whatever roles the one looked at has, nothing is left but what is marked, over that one account."""
    items = [Assignment(ME, role, scope) for letter, scope in GIVEN_AS.values() if letter in GIVEN[role]]
    actor = BUILT_IN.actor(ME, items, has_second_factor=True, impersonator=ELSE)
    looking = {name for name in NAMES if "looking" in MARKS[name]}
    assert {name for name in NAMES if may(actor, name, Resource(account_id=ME))} == looking
    assert {name for name in NAMES if may_anywhere(actor, name)} == looking
    for resource in RESOURCES.values():
        assert not any(may(actor, name, resource) for name in NAMES)


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_the_door_opens_where_there_is_something_behind_it(role: str) -> None:
    """`may_anywhere` says yes to exactly what the role has, however it is given, and what is one's own."""
    for how, (letter, _) in GIVEN_AS.items():
        if letter in GIVEN[role]:
            actor = given(role, how, has_second_factor=True)
            assert {name for name in NAMES if may_anywhere(actor, name)} == GRANTED[role] | MEMBERS


def test_the_page_shows_the_same_table() -> None:
    """docs/access.md has every role and permission with the same cells and marks."""
    page = (Path(__file__).parents[3] / "docs" / "access.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    head = next(row for row in rows if row[0] == "permission")
    roles = [cell.strip("`") for cell in head[3:]]
    assert roles == [*STAFF_ROLES, "viewer"]
    shown = {row[0].strip("`"): row for row in rows if row[0].strip("`") in NAMES and len(row) == len(head)}
    assert tuple(shown) == NAMES
    words = {
        "guarded": "second factor",
        "looking": "impersonating",
        "unbound": "any scope",
        "planned": "planned",
    }
    for name, row in shown.items():
        assert {word for word in row[2].split(", ") if word} == {words[mark] for mark in MARKS[name]}
        assert dict(zip(roles, row[3:], strict=True)) == {
            role: CELLS[role, name].replace(".", "") for role in roles
        }
