"""The text that an entry's hash is taken over: canonical for any entry, and the entry comes back from it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from buddy_core.kernel import LotId, canonical_bytes
from buddy_core.tokens import MAX_TOKENS, Entry, Hold, Lot, Operation, Posting, TokenKind
from buddy_core.tokens.model import entry_body, entry_from_body, postings_from_text
from tests.core.tokens.test_format import BARE, FULL, hashed, listed

ODD = [
    "",
    " ",
    '"',
    "\\",
    "\0",
    "\x1f\x7f\x80",
    "\n\r\t\b\f",
    "/",
    "\u2028",
    "é",
    "e\u0301",
    "\U0001f600",
    "]],[",
]
"""Texts that somebody may write otherwise: escaped or not, composed or not, or as part of a list."""
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ZONES = [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-11))]
YEAR_2, YEAR_9998 = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
MICROSECONDS = st.integers(0, (YEAR_9998 - YEAR_2) // timedelta(microseconds=1))


def texts() -> st.SearchStrategy[str]:
    """Return any text, odd ones often."""
    return st.one_of(st.sampled_from(ODD), st.lists(st.sampled_from(ODD)).map("".join), st.text(max_size=8))


def instants() -> st.SearchStrategy[datetime]:
    """Return instants of all years but the first and the last, in several zones."""
    return st.builds(
        lambda number, zone: (YEAR_2 + timedelta(microseconds=number)).astimezone(zone),
        MICROSECONDS,
        st.sampled_from(ZONES),
    )


def values() -> st.SearchStrategy[Fraction]:
    """Return exact values, whole ones often, and some with more digits than any column has."""
    return st.builds(Fraction, NUMBERS, st.sampled_from([1, 2, 3, 5, 10**6, 2**70]) | st.integers(1, 99))


def postings() -> st.SearchStrategy[Posting]:
    """Return any posting that the format can say."""
    return st.builds(
        Posting,
        texts(),
        st.none() | st.uuids(),
        texts(),
        NUMBERS,
        NUMBERS,
        st.none() | texts(),
        st.none() | values(),
    )


@st.composite
def lots(draw: st.DrawFn) -> Lot:
    """Return any lot that can be; one that a merge moved has another origin."""
    identity, start = LotId(draw(st.uuids())), draw(instants())
    cost = draw(st.none() | st.tuples(st.integers(0, 2**63 - 1), st.sampled_from(["INR", "USD", "AED"])))
    return Lot(
        identity,
        LotId(draw(st.just(identity) | st.uuids())),
        TokenKind(draw(texts())),
        draw(st.integers(1, MAX_TOKENS)),
        start,
        draw(st.none() | st.integers(2, 10**7).map(lambda seconds: start + timedelta(seconds=seconds))),
        draw(instants()),
        draw(texts()),
        draw(st.booleans()),
        draw(NUMBERS),
        tuple(draw(st.lists(texts(), max_size=3))),
        None if cost is None else cost[0],
        None if cost is None else cost[1],
    )


def entries() -> st.SearchStrategy[Entry]:
    """Return any entry that the format can say, whether a rule would write it or not."""
    holds = st.builds(Hold, st.uuids(), st.integers(1, MAX_TOKENS), instants())
    return st.builds(
        Entry,
        id=st.uuids(),
        account_id=st.uuids(),
        sequence=st.integers(1, 2**63 - 1),
        previous_hash=st.binary(min_size=32, max_size=32),
        operation=st.sampled_from(Operation),
        effective_at=instants(),
        recorded_at=instants(),
        idempotency_key=texts(),
        source=texts(),
        source_ref=texts(),
        postings=st.lists(postings(), max_size=11).map(tuple),
        lots=st.lists(lots(), max_size=3).map(tuple),
        holds=st.lists(holds, max_size=2).map(tuple),
        rule_version=st.none() | NUMBERS,
        corrects=st.none() | st.uuids(),
        hold_id=st.none() | st.uuids(),
        country=st.none() | texts(),
        entity=st.none() | texts(),
    )


@given(entries())
@example(FULL)
@example(BARE)
def test_the_body_of_any_entry_is_canonical(entry: Entry) -> None:
    """Written out by hand for speed, it is to the byte what `canonical_bytes` gives of the columns."""
    assert entry_body(entry).encode() == canonical_bytes(listed(entry))
    assert entry.hash == hashed(entry)


@given(entries())
def test_any_entry_comes_back_from_its_body(entry: Entry) -> None:
    """Nothing is lost and nothing is another type: the same entry, the same words, the same hash."""
    again = entry_from_body(json.loads(entry_body(entry)), entry.previous_hash)
    assert again == entry
    assert (again.hash, repr(again)) == (entry.hash, repr(entry))
    assert again.postings == postings_from_text(entry.postings_text)


@given(entries(), entries())
def test_entries_that_differ_have_bodies_that_differ(one: Entry, other: Entry) -> None:
    """No text of one column can pass for the columns beside it."""

    def columns(entry: Entry) -> list[Any]:
        return json.loads(canonical_bytes(listed(entry)))  # type: ignore[no-any-return]

    assert (entry_body(one) == entry_body(other)) == (columns(one) == columns(other))
