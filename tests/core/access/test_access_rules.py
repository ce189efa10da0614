"""Who may do what: nothing that a role does not name."""

from __future__ import annotations

import re

import attrs
import pytest
from attrs import evolve

from buddy_core.access import ROLES, SYSTEM, Actor, AuditRecord, NotPermitted, may, require
from buddy_core.kernel import GENESIS
from tests.contracts.cases import AT, account

PERMISSIONS = sorted({permission for permissions in ROLES.values() for permission in permissions})


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_role_permits_what_it_names_and_nothing_else(role: str) -> None:
    """For every permission there is, the answer is whether the role's row has it."""
    actor = Actor(account(1), frozenset({role}))
    assert {permission for permission in PERMISSIONS if may(actor, permission)} == set(ROLES[role])


def test_nobody_may_what_nobody_named() -> None:
    """An unknown role, no role, and an unknown permission are all a no."""
    assert not any(may(Actor(account(1), frozenset({"root"})), permission) for permission in PERMISSIONS)
    assert not any(may(Actor(account(1), frozenset()), permission) for permission in PERMISSIONS)
    assert not may(SYSTEM, "title:burn")
    assert not may(SYSTEM, "")


def test_roles_add_up() -> None:
    """Two roles permit what either does."""
    actor = Actor(account(1), frozenset({"viewer", "producer", "unknown"}))
    assert {p for p in PERMISSIONS if may(actor, p)} == set(ROLES["viewer"] | ROLES["producer"])


def test_a_refusal_names_the_permission() -> None:
    """`require` passes who may and raises with the permission that is missing."""
    require(SYSTEM, "period:close")
    with pytest.raises(NotPermitted) as refused:
        require(Actor(account(1)), "period:close")
    assert refused.value.permission == "period:close"


def test_an_actor_has_a_name_for_the_record() -> None:
    """An account is written down by its id, the operator as `system`; who is new is a viewer."""
    assert Actor(account(1)).name == str(account(1))
    assert SYSTEM.name == "system"
    assert Actor(account(1)).roles == {"viewer"}


def test_permissions_have_one_form() -> None:
    """Every permission is `resource:action`."""
    assert all(re.fullmatch(r"[a-z_]+:[a-z_]+", permission) for permission in PERMISSIONS)


def test_the_hash_covers_every_column_of_a_record() -> None:
    """Altering any field of an audit record gives another hash."""
    record = AuditRecord(1, AT, "system", "x", "y", "null", "1", "cor", GENESIS)
    others = {"sequence": 2, "at": AT.replace(year=2027), "previous_hash": bytes(31) + b"x"}
    for field in attrs.fields(AuditRecord):
        assert evolve(record, **{field.name: others.get(field.name, "other")}).hash != record.hash
