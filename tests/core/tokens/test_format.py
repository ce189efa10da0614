"""The bytes that hashes are taken of: final, so that an entry of any version of Buddy can be checked."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import EntryId, HoldId, LotId, canonical_bytes
from buddy_core.tokens import BONUS, PAID, Entry, Hold, Lot, Operation, Posting, ValueVersion
from buddy_core.tokens.model import entry_body, entry_from_body, postings_from_text
from tests.contracts.cases import account, title, uid

NOON = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)
LOT = Lot(
    LotId(uid(2)),
    LotId(uid(3)),
    PAID,
    9,
    NOON,
    NOON + timedelta(days=1),
    NOON - timedelta(days=1),
    "order",
    False,
    priority=7,
    scopes=("type:film", "title:é"),
    cost_minor=499,
    cost_currency="INR",
)
FULL = Entry(
    EntryId(uid(1)),
    account(1),
    2,
    b"h" * 32,
    Operation.POST,
    NOON,
    NOON + timedelta(seconds=1),
    'key "1"\n',
    "unlock",
    "grânt",
    postings=(
        Posting("wallet", LOT.id, PAID, -3, 7, "INR", Fraction(-7)),
        Posting(f"spent:{title(1)}", None, PAID, 3, 7, "INR", Fraction(7, 3)),
        Posting("held", None, BONUS, -4, 1),
    ),
    lots=(LOT,),
    holds=(Hold(HoldId(uid(4)), 5, NOON),),
    rule_version=9,
    corrects=EntryId(uid(5)),
    hold_id=HoldId(uid(6)),
    country="IN",
    entity="newtact",
)
BARE = Entry(EntryId(uid(1)), account(1), 1, bytes(32), Operation.FREEZE, NOON, NOON, "key", "admin", "")


def listed(entry: Entry) -> list[Any]:
    """Return what the hash covers, column by column in the order of the format."""
    return [
        entry.id,
        entry.account_id,
        entry.sequence,
        entry.operation,
        entry.effective_at,
        entry.recorded_at,
        entry.idempotency_key,
        entry.source,
        entry.source_ref,
        entry.rule_version,
        entry.corrects,
        entry.hold_id,
        entry.country,
        entry.entity,
        [[p.account, p.lot_id, p.kind, p.amount, p.version, p.currency, p.value] for p in entry.postings],
        [
            [
                lot.id,
                lot.origin_id,
                lot.kind,
                lot.amount,
                lot.effective_from,
                lot.expires_at,
                lot.created_at,
                lot.priority,
                lot.scopes,
                lot.source,
                lot.earned_as_guest,
                lot.cost_minor,
                lot.cost_currency,
            ]
            for lot in entry.lots
        ],
        [[hold.id, hold.amount, hold.expires_at] for hold in entry.holds],
    ]


def hashed(entry: Entry) -> bytes:
    """Return the hash by the description of the format."""
    return hashlib.sha256(entry.previous_hash + canonical_bytes(listed(entry))).digest()


@pytest.mark.parametrize(
    "entry",
    [
        FULL,
        BARE,
        evolve(BARE, effective_at=NOON - timedelta(hours=1)),
        evolve(FULL, lots=()),
        evolve(FULL, holds=()),
        evolve(FULL, postings=()),
        evolve(FULL, country=None),
        evolve(FULL, corrects=None, hold_id=None, rule_version=None),
    ],
)
def test_a_hash_is_that_of_the_columns_in_order(entry: Entry) -> None:
    """Whoever writes the columns as canonical JSON in the order described gets the same hash."""
    assert entry.hash == hashed(entry)


@pytest.mark.parametrize(
    "entry",
    [
        FULL,
        BARE,
        evolve(FULL, corrects=None),
        evolve(FULL, hold_id=None),
        evolve(FULL, lots=(evolve(LOT, expires_at=None, cost_minor=None, cost_currency=None),)),
    ],
)
def test_an_entry_is_read_back_from_its_bytes(entry: Entry) -> None:
    """The text that the hash is taken over makes the same entry again, to the type of each column."""
    again = entry_from_body(json.loads(entry_body(entry)), entry.previous_hash)
    assert (again, again.hash, repr(again)) == (entry, entry.hash, repr(entry))
    assert postings_from_text(entry.postings_text) == entry.postings
    assert canonical_bytes(listed(entry)) == entry_body(entry).encode()


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_any_text_has_one_form(key: str, source: str, currency: str) -> None:
    """Quotes, control characters and any script are escaped, or not, as canonical JSON does it."""
    posting = Posting(source, None, PAID, 1, 1, currency, Fraction(1, 7))
    entry = evolve(BARE, idempotency_key=key, source=source, source_ref=key, country=currency)
    assert evolve(entry, postings=(posting,)).hash == hashed(evolve(entry, postings=(posting,)))


def test_the_bytes_are_these() -> None:
    """Written out once, so that a change of the format, which is final, cannot go unnoticed."""
    assert canonical_bytes(listed(FULL)).decode() == (
        '["00000000-0000-0000-0000-000000000001","00000000-0000-0000-0000-0000000003e9",2,"post",'
        '"2026-11-21T12:00:00.000005Z","2026-11-21T12:00:01.000005Z","key \\"1\\"\\n","unlock","grânt",9,'
        '"00000000-0000-0000-0000-000000000005","00000000-0000-0000-0000-000000000006","IN","newtact",'
        '[["wallet","00000000-0000-0000-0000-000000000002","paid",-3,7,"INR","-7/1"],'
        '["spent:00000000-0000-0000-0000-0000000007d1",null,"paid",3,7,"INR","7/3"],'
        '["held",null,"bonus",-4,1,null,null]],'
        '[["00000000-0000-0000-0000-000000000002","00000000-0000-0000-0000-000000000003","paid",9,'
        '"2026-11-21T12:00:00.000005Z","2026-11-22T12:00:00.000000Z","2026-11-20T12:00:00.000005Z",7,'
        '["type:film","title:é"],"order",false,499,"INR"]],'
        '[["00000000-0000-0000-0000-000000000004",5,"2026-11-21T12:00:00.000005Z"]]]'
    )
    assert FULL.hash.hex() == "38aafff065ab7526ea7fcd3f1bfe2f24d61ea85b89ce12ba69c63d6753d896c5"
    assert BARE.hash.hex() == "0d499327676c480a0a8916a32cc3fcdeda73cdf4e2002b689512c78e81dbeba2"


def test_a_value_version_has_its_bytes_too() -> None:
    """The columns of a value version in order, its values by currency as exact fractions."""
    version = ValueVersion(
        BONUS,
        3,
        NOON,
        {"USD": Fraction(3, 5), "INR": Fraction(50)},
        NOON + timedelta(hours=1),
        "me",
        b"p" * 32,
    )
    body = (
        '["bonus",3,"2026-11-21T12:00:00.000005Z",{"INR":"50/1","USD":"3/5"},'
        '"2026-11-21T13:00:00.000005Z","me"]'
    )
    assert version.hash == hashlib.sha256(b"p" * 32 + body.encode()).digest()
    assert json.loads(body)[3] == {"INR": "50/1", "USD": "3/5"}
