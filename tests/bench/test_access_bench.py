"""The engines that `benchmarks/access.py` measures beside Buddy answer the same questions alike."""

from __future__ import annotations

from benchmarks import access
from buddy_core.access import BUILT_IN, PERMISSIONS


def test_three_engines_agree_on_every_role_permission_and_place() -> None:
    """Casbin, Cedar and `may` say yes and no to the same things, for each role in each of its scopes."""
    people = access.everybody()
    questions = [
        (assignments, permission, resource)
        for assignments in people
        for permission in sorted(PERMISSIONS)
        for resource in access.RESOURCES
    ]
    assert len(people) > len(BUILT_IN.roles)
    granted = access.agree(questions)
    assert 0 < granted < len(questions) / 2


def test_the_measured_mix_has_three_kinds_of_answers() -> None:
    """A third is allowed, a third is in no role, and a third lies beyond a role's scope."""
    actor = access._actor(access.ROLES)
    reasons = [access.may(actor, check.permission, check.resource).reason.value for check in access.MIX]
    assert {reason: reasons.count(reason) for reason in reasons} == {
        "granted": 4,
        "no_role": 4,
        "out_of_scope": 4,
    }
