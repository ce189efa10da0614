"""Canonical bytes: one value, one byte string, and what has none."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import (
    GENESIS,
    InvalidValue,
    Money,
    Rounding,
    canonical_bytes,
    chain_hash,
    instant_from_text,
    instant_text,
    plain,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)
instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1000, 1, 1))  # noqa: DTZ001


class Colour(str, Enum):  # noqa: UP042 - the older spelling must keep its form too.
    RED = "red"


@frozen
class Thing:
    name: str
    price: Money


@given(json_values)
def test_json_values_round_trip(value: Any) -> None:
    """What is written reads back as the same JSON value, and is written again alike."""
    body = canonical_bytes(value)
    assert json.loads(body) == value
    assert canonical_bytes(json.loads(body)) == body


@given(json_values, instants, st.fractions(), st.uuids(), st.binary(max_size=9))
def test_the_bytes_are_the_json_of_the_plain_value(
    value: Any, at: datetime, part: Fraction, name: UUID, raw: bytes
) -> None:
    """What is written in one go is what a JSON encoder with sorted keys makes of the plain value."""
    thing = Thing(str(name), Money(len(raw), "INR"))
    whole = {"given": value, "made": [at, part, name, raw, thing, Colour.RED], name: (value,), "": thing}
    written = json.dumps(plain(whole), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical_bytes(whole) == written.encode()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    """Two mappings that are equal have one byte string, in whatever order they were filled."""
    assert canonical_bytes(dict(reversed(value.items()))) == canonical_bytes(value)


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"b": 1, "a": [True, None]}, b'{"a":[true,null],"b":1}'),
        ("caf\u00e9 \u20b9", '"caf\u00e9 \u20b9"'.encode()),
        (Fraction(6, 10), b'"3/5"'),
        (Fraction(2), b'"2/1"'),
        (b"\x00\xff", b'"00ff"'),
        (UUID(int=10), b'"00000000-0000-0000-0000-00000000000a"'),
        (Colour.RED, b'"red"'),
        (Rounding.HALF_UP, b'"half_up"'),
        ({Colour.RED: (1, 2)}, b'{"red":[1,2]}'),
        (Thing("x", Money(5, "INR")), b'{"name":"x","price":{"currency":"INR","minor":5}}'),
        (datetime(2026, 10, 1, 5, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
         b'"2026-10-01T00:00:00.000000Z"'),
        (10**40, b"1" + b"0" * 40),
    ],
)  # fmt: skip
def test_each_type_has_its_form(value: Any, body: bytes) -> None:
    """Every type that is kept or hashed is written in exactly this way."""
    assert canonical_bytes(value) == body


@pytest.mark.parametrize(
    "value",
    [1.5, float("nan"), Decimal("1.5"), {1, 2}, object(), [0.5], {"a": 0.5}, {1: "a"}, {None: 1},
     datetime(2026, 10, 1)],  # noqa: DTZ001
)  # fmt: skip
def test_values_without_a_canonical_form_are_refused(value: Any) -> None:
    """Floats, decimals, sets, naive instants and keys that are no text raise InvalidValue, at any depth."""
    with pytest.raises(InvalidValue):
        canonical_bytes(value)


def test_plain_gives_values_that_json_can_write() -> None:
    """The plain form of a value is JSON-ready and has the same bytes."""
    thing = Thing("x", Money(5, "INR"))
    assert plain(thing) == {"name": "x", "price": {"minor": 5, "currency": "INR"}}
    assert canonical_bytes(plain(thing)) == canonical_bytes(thing)


@given(instants)
def test_instants_round_trip(at: datetime) -> None:
    """An instant written as text reads back as the same instant."""
    assert instant_from_text(instant_text(at)) == at


@pytest.mark.parametrize(
    "text",
    ["2026-10-01T00:00:00Z", "2026-10-01T00:00:00.0Z", "2026-10-01T00:00:00.000000+00:00",
     "2026-10-01 00:00:00.000000Z", "2026-13-01T00:00:00.000000Z", "2026-1-01T00:00:00.000000Z", "", None],
)  # fmt: skip
def test_other_spellings_of_an_instant_are_refused(text: Any) -> None:
    """Only the one form with six decimals and a Z is read."""
    with pytest.raises(InvalidValue):
        instant_from_text(text)


def test_a_chain_hash_is_sha256_of_the_previous_and_the_body() -> None:
    """A link covers all links before it; the first stands on 32 zero bytes."""
    first = chain_hash(GENESIS, b"a")
    assert first == hashlib.sha256(bytes(32) + b"a").digest()
    assert chain_hash(first, b"b") != chain_hash(GENESIS, b"b")


def test_two_instants_that_one_clock_names_alike_have_two_texts() -> None:
    """Where clocks go back an hour comes twice, and Python calls both equal: their texts tell them apart."""
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    again = first.replace(fold=1)
    assert first == again
    assert instant_text(first) == "2026-10-25T00:30:00.000000Z"
    assert instant_text(again) == "2026-10-25T01:30:00.000000Z"
