"""Whatever is changed in a promotion or a claim is named, but for the device of a member's claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from buddy_core.kernel import AccountId, DeviceId, EntryId
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.promotions import AddPromotion, Claim, Earned, check_promotions, end, plan

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
LATE = AT + timedelta(days=9)
WANTED = AddPromotion("MONSOON26", 5, 30, 3, AT + timedelta(days=1), True, "posters", "k")
FIRST = plan(WANTED, "me", AT)
ENDED = end(FIRST, "you", "too dear", AT + timedelta(hours=1))
VERSIONS = [FIRST, ENDED]
TOLD = {(item.code, item.version): canonical_bytes(item).decode() for item in VERSIONS}


def claim(number: int) -> Claim:
    """Return a guest's claim."""
    who, entry = AccountId(UUID(int=number)), EntryId(UUID(int=100 + number))
    return Claim("MONSOON26", number, who, DeviceId(f"d-{number}"), True, 1, 5, entry, AT)


CLAIMS = [claim(number) for number in (1, 2, 3)]
EARNED = [
    Earned(item.entry_id, item.account_id, item.code, item.tokens, item.as_guest, item.claimed_at)
    for item in CLAIMS
]


def problems(
    versions: list[Any] = VERSIONS, claims: list[Claim] = CLAIMS, earned: list[Earned] = EARNED
) -> list[str]:
    """Return what is found, as `buddy verify` prints it."""
    return [str(fault) for fault in check_promotions(versions, claims, TOLD, earned)]


def test_what_is_whole_is_clean() -> None:
    """In any order."""
    assert problems() == problems(VERSIONS[::-1], CLAIMS[::-1], EARNED[::-1]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"code": "OTHER"},
        {"number": 4},
        {"number": 3},
        {"number": 0},
        {"account_id": AccountId(UUID(int=9))},
        {"account_id": CLAIMS[0].account_id},
        {"device_id": CLAIMS[0].device_id},
        {"as_guest": False},
        {"version": 3},
        {"tokens": 6},
        {"entry_id": EntryId(UUID(int=9))},
        {"entry_id": CLAIMS[0].entry_id},
        {"claimed_at": LATE},
        {"claimed_at": AT + timedelta(microseconds=1)},
    ],
)
def test_a_claim_that_was_altered_is_named(change: dict[str, Any]) -> None:
    """Its table is named for any value that another row, the ledger or the promotion contradicts."""
    found = problems(claims=[CLAIMS[0], evolve(CLAIMS[1], **change), CLAIMS[2]])
    assert found
    assert all(line.startswith("promotions_claims ") for line in found)


@pytest.mark.parametrize("place", range(3))
def test_a_claim_that_is_missing_is_named(place: int) -> None:
    """The last one too: its entry is there."""
    kept = [item for item in CLAIMS if item is not CLAIMS[place]]
    assert any("the ledger has this entry" in line for line in problems(claims=kept))


def test_more_claims_than_a_promotion_has_room_for_are_named() -> None:
    """Though each has its entry, and one for guests where it is for members."""
    four = claim(4)
    earned = Earned(four.entry_id, four.account_id, four.code, 5, True, AT)
    [line] = problems(claims=[*CLAIMS, four], earned=[*EARNED, earned])
    assert line.startswith("promotions_claims MONSOON26 4: altered")


@pytest.mark.parametrize(
    "change",
    [
        {"code": "OTHER"},
        {"version": 7},
        {"token_kind": "paid"},
        {"tokens": 6},
        {"days": 31},
        {"starts_at": LATE},
        {"ends_at": LATE},
        {"limit": 30},
        {"for_guests": False},
        {"recorded_at": LATE},
        {"recorded_by": "nobody"},
        {"reason": "x"},
    ],
)
@pytest.mark.parametrize("place", range(2))
def test_a_version_that_was_altered_is_named(change: dict[str, Any], place: int) -> None:
    """The audit tells of another one; so it does of one that is missing."""
    versions = list(VERSIONS)
    versions[place] = evolve(versions[place], **change)
    assert any(line.startswith("promotions ") for line in problems(versions))
    del versions[place]
    assert any("missing: the audit tells of it" in line for line in problems(versions))
