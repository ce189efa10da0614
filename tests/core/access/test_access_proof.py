"""The audit's chain, and requests held against it: each alteration is found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import attrs
import pytest
from attrs import evolve

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.access import (
    BUILT_IN,
    SECOND_PERSON_RULES,
    SYSTEM,
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
    ask_in,
    check_approvals,
    check_audit,
    check_roles,
    decide_in,
    record_in,
    role_as_plain,
)
from buddy_core.kernel import GENESIS, AccountId, PartnerId
from buddy_core.kernel.canonical import canonical_bytes
from tests.contracts.cases import AT, LATER, account, uid

Stored = tuple[list[AuditRecord], list[Request], list[Decision]]

OTHER: dict[str, Any] = {
    "sequence": 9,
    "at": LATER + timedelta(microseconds=1),
    "requested_at": AT - timedelta(microseconds=1),
    "expires_at": AT + timedelta(days=9),
    "previous_hash": bytes(31) + b"x",
    "format": 1,
    "by": account(7),
    "requested_by": None,
    "outcome": Outcome.REJECTED,
}
"""What stands in a field instead; another text in all others."""


async def _live() -> Stored:
    uow = MemoryUnitOfWork()
    asking, deciding = (
        BUILT_IN.actor(who, [Assignment(who, "finance")], has_second_factor=True, ip="192.0.2.1")
        for who in (account(1), account(2))
    )
    rule = SECOND_PERSON_RULES["tokens.grant"]
    async with uow.begin() as tx:
        await record_in(tx, SYSTEM, Change("flag.set", "ads", False, True), AT)
        for number in (1, 2, 3):
            change = Change("tokens.grant", str(account(9)), None, {"tokens": 50 + number})
            await ask_in(tx, asking, rule, f"apr_{number}", change, Fraction(50 + number), "why", AT)
        await decide_in(tx, deciding, "apr_1", Outcome.APPROVED, "", LATER, "cor-1")
        done = {"tokens": 51, "request": "apr_1"}
        await record_in(tx, deciding, Change("tokens.grant", str(account(9)), None, done), LATER)
        await decide_in(tx, asking, "apr_2", Outcome.WITHDRAWN, "not needed", LATER, "cor-2")
        await record_in(tx, deciding, Change("flag.set", "ads", True, False), LATER)
    async with uow.read() as tx:
        records, _, _ = await tx.audit_books.records()
        requests, decisions, _ = await tx.audit_books.approvals()
    return records, list(requests), list(decisions)


@pytest.fixture(scope="module")
def stored() -> Stored:
    """A chain of eight records, three requests and two decisions."""
    return asyncio.run(_live())


def altered(item: Any, name: str) -> Any:
    """Return a record, request or decision with one field changed."""
    return evolve(item, **{name: OTHER.get(name, "other")})


def hashes_of(records: list[AuditRecord]) -> list[bytes]:
    """Return the hashes that were stored with the records."""
    return [record.hash for record in records]


def old(number: int, previous: bytes = GENESIS) -> AuditRecord:
    """Return a record of the first format."""
    return AuditRecord(number, AT, "system", "x.y", "z", "null", "1", "cor", previous, format=1)


def test_what_was_written_is_clean(stored: Stored) -> None:
    """Nothing is found in what the steps wrote, nor in nothing at all."""
    records, requests, decisions = stored
    assert (len(records), len(requests), len(decisions)) == (8, 3, 2)
    assert check_audit(records, hashes_of(records)) == []
    assert check_approvals(requests, decisions, records) == []
    assert check_audit([], []) == check_approvals([], [], []) == []


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(AuditRecord)])
def test_the_hash_covers_every_column_of_a_record(stored: Stored, name: str) -> None:
    """Altering any field of any record gives another hash, and the record is named."""
    records, _, _ = stored
    stored_hashes = hashes_of(records)
    for place, record in enumerate(records):
        changed = altered(record, name)
        assert changed.hash != record.hash
        faults = check_audit([*records[:place], changed, *records[place + 1 :]], stored_hashes)
        assert faults
        assert faults[0].row == f"record {changed.sequence}"


def test_the_first_format_covers_its_own_columns() -> None:
    """Each column that it knew changes its hash; the two that it did not know must be empty."""
    record = old(1)
    for field in attrs.fields(AuditRecord):
        if field.name in ("as_whom", "ip"):
            changed = altered(record, field.name)
            assert changed.hash == record.hash
        else:
            changed = evolve(record, **{field.name: {**OTHER, "format": 2}.get(field.name, "other")})
            assert changed.hash != record.hash
        assert check_audit([changed], [record.hash])


def test_formats_only_go_on(stored: Stored) -> None:
    """Old records before new ones are clean; an old one after a new one is not, even with a fitting hash."""
    first = old(1)
    second = evolve(old(2, first.hash), format=2, ip="192.0.2.1")
    assert check_audit([first, second], hashes_of([first, second])) == []
    late = evolve(old(3, second.hash))
    faults = check_audit([first, second, late], hashes_of([first, second, late]))
    assert [(fault.row, "format" in fault.problem) for fault in faults] == [("record 3", True)]
    for unknown in (0, 3, -1):
        strange = evolve(first, format=unknown)
        assert check_audit([strange], [strange.hash])


def test_a_missing_or_inserted_record_is_found(stored: Stored) -> None:
    """Any but the last is missed by the one after it; a copy stands where another must."""
    records, _, _ = stored
    for place in range(len(records)):
        left = records[:place] + records[place + 1 :]
        faults = check_audit(left, hashes_of(left))
        # What is gone from the very end leaves no gap.
        assert bool(faults) is (place < len(records) - 1)
        twice = [*records[: place + 1], *records[place:]]
        assert check_audit(twice, hashes_of(twice))
    swapped = [records[1], records[0], *records[2:]]
    assert check_audit(swapped, hashes_of(swapped))


def test_a_record_written_anew_is_missed_by_the_next(stored: Stored) -> None:
    """Whoever alters a record and its hash too has broken the chain one further on."""
    records, _, _ = stored
    for place, record in enumerate(records[:-1]):
        forged = [*records[:place], evolve(record, after='"forged"'), *records[place + 1 :]]
        faults = check_audit(forged, hashes_of(forged))
        assert [fault.row for fault in faults] == [f"record {place + 2}"]


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Request)])
def test_any_altered_request_is_found(stored: Stored, name: str) -> None:
    """Whatever field of whichever request is changed, a fault names the table."""
    records, requests, decisions = stored
    for place, item in enumerate(requests):
        changed = [*requests[:place], altered(item, name), *requests[place + 1 :]]
        faults = check_approvals(changed, decisions, records)
        # Whose it is and what it is for is told by its decision too.
        told = {"access_approval_decisions"} if name in ("requested_by", "act") else set()
        assert {"access_approvals"} <= {fault.table for fault in faults} <= {"access_approvals", *told}


@pytest.mark.parametrize("name", [field.name for field in attrs.fields(Decision)])
def test_any_altered_decision_is_found(stored: Stored, name: str) -> None:
    """Whatever field of whichever decision is changed, a fault names the table."""
    records, requests, decisions = stored
    for place, item in enumerate(decisions):
        changed = [*decisions[:place], altered(item, name), *decisions[place + 1 :]]
        faults = check_approvals(requests, changed, records)
        assert {fault.table for fault in faults} == {"access_approval_decisions"}


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("by", [None, account(1), account(2)], ids=["system", "asker", "another"])
def test_only_the_asker_withdraws_and_only_others_decide(outcome: Outcome, by: AccountId | None) -> None:
    """A decision that the rules forbid is named, however well it is written into the audit too."""
    asked = Request("apr_1", "tokens.grant", "x", "{}", "51", "why", account(1), AT, LATER)
    decided = Decision("apr_1", outcome, by, AT, "as agreed")
    told = [
        AuditRecord(1, AT, "x", action, "apr_1", "null", after, "", GENESIS)
        for action, after in (
            ("approval.request", canonical_bytes(asked).decode()),
            ("approval.decide", canonical_bytes(decided).decode()),
            ("tokens.grant", '{"request":"apr_1"}'),
        )
    ]
    faults = check_approvals([asked], [decided], told)
    is_right = (outcome is Outcome.WITHDRAWN) == (by == account(1))
    assert [fault.problem for fault in faults] == (
        [] if is_right else ["decided by whoever must not decide it"]
    )


def test_an_approval_without_its_act_is_found(stored: Stored) -> None:
    """Without a record of the same act that names the request, the approval did nothing, and is named."""
    records, requests, decisions = stored
    place = next(at for at, item in enumerate(records) if item.action == "tokens.grant")
    acted = records[place]
    for changed in (
        [],
        [evolve(acted, action="token_value.set")],
        [evolve(acted, after='{"request":"apr_2"}')],
        *([evolve(acted, after=text)] for text in ("{}", "[]", "null", "{", "1", "")),
    ):
        faults = check_approvals(requests, decisions, [*records[:place], *changed, *records[place + 1 :]])
        assert [(fault.table, fault.row) for fault in faults] == [("access_approval_decisions", "apr_1")]


TAKEN: dict[str, Callable[[Stored], tuple[Any, Any, Any]]] = {
    "a request is gone": lambda s: (s[1][1:], s[2], s[0]),
    "the last request is gone": lambda s: (s[1][:-1], s[2], s[0]),
    "a decision is gone": lambda s: (s[1], s[2][1:], s[0]),
    "all are gone": lambda s: ([], [], s[0]),
    "a request was put in": lambda s: ([*s[1], evolve(s[1][0], id="apr_9")], s[2], s[0]),
    "a decision was put in": lambda s: (s[1], [*s[2], evolve(s[2][0], request_id="apr_3")], s[0]),
    "the audit tells of nothing": lambda s: (s[1], s[2], []),
    "a decision is another's": lambda s: (
        s[1],
        [evolve(s[2][0], by=AccountId(account(1))), *s[2][1:]],
        s[0],
    ),
}


@pytest.mark.parametrize("take", TAKEN.values(), ids=TAKEN.keys())
def test_missing_and_inserted_rows_are_found(
    stored: Stored, take: Callable[[Stored], tuple[Any, Any, Any]]
) -> None:
    """What the audit tells of and is not there, and what is there untold, is named."""
    assert check_approvals(*take(stored))


RED = PartnerId(uid(7))
DESK = Role("desk", "Desk", frozenset({"desk:read", "user:read"}), frozenset({"analyst"}), note="by day")
CREW = Role("crew", "Crew", frozenset({"desk:read"}), scopes=frozenset({ScopeKind.TERRITORY}))
GIVEN = [
    Assignment(account(1), "partner_admin", Scope.partner(RED)),
    Assignment(account(1), "super_admin"),
    Assignment(account(2), "crew", Scope.territory("IN")),
]


def acts() -> list[AuditRecord]:
    """Tell of roles that were given in both formats, one that was taken again, and one defined twice."""
    told: list[tuple[int, str, str, Any]] = [
        (1, "role.assign", str(account(1)), {"role": "admin", "producer": None}),
        (1, "role.assign", str(account(1)), {"role": "producer", "producer": "r3d"}),
        (2, "role.define", "desk", role_as_plain(evolve(DESK, note="by night"))),
        (2, "role.define", "desk", role_as_plain(DESK)),
        (2, "role.define", "gone", role_as_plain(evolve(DESK, name="gone"))),
        (2, "role.define", "crew", role_as_plain(CREW)),
        (2, "role.assign", str(account(2)), {"role": "crew", "scope": "territory:IN"}),
        (2, "role.assign", str(account(2)), {"role": "finance", "scope": "global"}),
        (2, "role.revoke", str(account(2)), {"role": "finance", "scope": "global"}),
        (2, "role.drop", "gone", None),
    ]
    made: list[AuditRecord] = []
    for number, (format, action, resource, after) in enumerate(told, start=1):
        previous = made[-1].hash if made else GENESIS
        body = canonical_bytes(after).decode()
        made.append(
            AuditRecord(number, AT, "system", action, resource, "null", body, "", previous, format=format)
        )
    return made


def partner_of(short_id: str) -> str:
    """Know one producer by its short id."""
    return str(RED) if short_id == "r3d" else ""


def test_roles_that_the_audit_tells_of_are_clean() -> None:
    """What was given, taken, defined and dropped comes to what is stored, whatever the order it lies in."""
    assert check_roles(GIVEN, [DESK, CREW], acts(), partner_of) == []
    assert check_roles(GIVEN[::-1], [CREW, DESK], acts(), partner_of) == []
    assert check_roles([], [], [], partner_of) == []


GIVEN_OTHERWISE: dict[str, list[Assignment]] = {
    "given by hand": [*GIVEN, Assignment(account(3), "super_admin")],
    "taken by hand": GIVEN[1:],
    "taken, but still there": [*GIVEN, Assignment(account(2), "finance")],
    "wider": [*GIVEN[:2], evolve(GIVEN[2], scope=Scope.territory("AE"))],
    "another's": [*GIVEN[:2], evolve(GIVEN[2], account_id=account(3))],
    "another role": [*GIVEN[:2], evolve(GIVEN[2], role="desk")],
}
DEFINED_OTHERWISE: dict[str, list[Role]] = {
    "as it was before": [evolve(DESK, note="by night"), CREW],
    "more permissions": [evolve(DESK, permissions=frozenset({"*"})), CREW],
    "more included": [DESK, evolve(CREW, includes=frozenset({"finance"}))],
    "other scopes": [DESK, evolve(CREW, scopes=frozenset({ScopeKind.GLOBAL}))],
    "another title": [evolve(DESK, title="Desks"), CREW],
    "a role is gone": [DESK],
    "a role was put in": [DESK, CREW, evolve(CREW, name="more")],
    "a dropped role is back": [DESK, CREW, evolve(DESK, name="gone")],
}


@pytest.mark.parametrize("given", GIVEN_OTHERWISE.values(), ids=GIVEN_OTHERWISE.keys())
def test_any_altered_assignment_is_found(given: list[Assignment]) -> None:
    """Whoever gives or takes a role by hand, in the table itself, is found out."""
    faults = check_roles(given, [DESK, CREW], acts(), partner_of)
    assert {fault.table for fault in faults} == {"access_assignments"}


@pytest.mark.parametrize("roles", DEFINED_OTHERWISE.values(), ids=DEFINED_OTHERWISE.keys())
def test_any_altered_custom_role_is_found(roles: list[Role]) -> None:
    """Whoever changes what a custom role comes to by hand, in the table itself, is found out."""
    faults = check_roles(GIVEN, roles, acts(), partner_of)
    assert {fault.table for fault in faults} == {"access_roles"}


@pytest.mark.parametrize("format", [1, 2])
@pytest.mark.parametrize(
    "after",
    [
        '{"role":[],"scope":"global"}',
        '{"role":1,"scope":{}}',
        '{"role":"finance","scope":1}',
        '{"role":"producer","producer":null}',
        '{"role":"producer"}',
        *("[]", "null", '"x"', "1", "{", "", "[" * 100_000),
    ],
    ids=range(12),
)
def test_a_senseless_record_is_a_fault_and_no_failure(format: int, after: str) -> None:
    """Whatever stands in a record of an act, the check goes on and misses what the record had told."""
    records = acts()
    place = 0 if format == 1 else 6
    records[place] = evolve(records[place], after=after)
    assert check_roles(GIVEN, [DESK, CREW], records, partner_of)


def test_a_query_fits_a_record_by_every_part(stored: Stored) -> None:
    """Empty fits all; each part alone narrows; a subject takes its actions and not those that sound alike."""
    record = evolve(stored[0][0], action="role.assign", as_whom="w", ip="192.0.2.1", correlation_id="c")
    assert AuditQuery().fits(record)
    for name in ("actor", "as_whom", "action", "resource", "ip", "correlation_id"):
        assert AuditQuery(**{name: getattr(record, name)}).fits(record)
        assert not AuditQuery(**{name: "another"}).fits(record)
    assert AuditQuery(action="role").fits(record)
    assert not any(AuditQuery(action=text).fits(record) for text in ("rol", "role.", "role.ass", "assign"))
    tick = timedelta(microseconds=1)
    assert AuditQuery(since=record.at, until=record.at + tick).fits(record)
    assert not AuditQuery(since=record.at + tick).fits(record)
    assert not AuditQuery(until=record.at).fits(record)
