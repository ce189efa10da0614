"""The column types write one form and read no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from buddy_adapters.sql.types import CanonicalJson, Id, Instant
from buddy_core.kernel.errors import InvalidValue

SQLITE, POSTGRESQL = sqlite.dialect(), postgresql.dialect()
AT = datetime(2026, 11, 21, 10, 0, 0, 5, tzinfo=UTC)
ID = UUID("0197f3a0-0000-7000-8000-00000000000a")

instants = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (made aware)
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(instants)
def test_an_instant_comes_back_as_it_went(at: datetime) -> None:
    """SQLite's text holds an instant to the microsecond, in an order that is the order of time."""
    kind = Instant()
    written = kind.process_bind_param(at, SQLITE)
    assert kind.process_result_value(written, SQLITE) == at
    assert len(written) == 27


@given(instants, instants)
def test_stored_instants_sort_as_time_does(one: datetime, other: datetime) -> None:
    """Comparing the texts, as SQLite does, compares the instants."""
    kind = Instant()
    texts = kind.process_bind_param(one, SQLITE), kind.process_bind_param(other, SQLITE)
    assert (texts[0] < texts[1]) == (one < other)


def test_another_zone_is_written_as_utc() -> None:
    """An offset names the same instant and gives the same text."""
    ist = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert Instant().process_bind_param(ist, SQLITE) == "2026-11-21T10:00:00.000005Z"
    assert Instant().process_bind_param(ist, POSTGRESQL) == AT


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL])
def test_a_naive_instant_is_not_written(dialect: Any) -> None:
    """A time without offset names no instant."""
    with pytest.raises(InvalidValue):
        Instant().process_bind_param(AT.replace(tzinfo=None), dialect)


@pytest.mark.parametrize(
    "stored", ["2026-11-21 10:00:00", "2026-11-21T10:00:00Z", "2026-11-21T10:00:00.000005+00:00", "", 5]
)
def test_an_instant_in_another_form_is_not_read(stored: object) -> None:
    """Even a form that means the same is refused: nobody but us writes there."""
    with pytest.raises(InvalidValue):
        Instant().process_result_value(stored, SQLITE)


@given(st.uuids())
def test_an_id_comes_back_as_it_went(value: UUID) -> None:
    """An id is lower-case text on SQLite and itself on PostgreSQL."""
    kind = Id()
    assert kind.process_result_value(kind.process_bind_param(value, SQLITE), SQLITE) == value
    assert kind.process_bind_param(value, POSTGRESQL) == value


@pytest.mark.parametrize("stored", [str(ID).upper(), ID.hex, f"{{{ID}}}", "x", 7, b"x"])
def test_an_id_in_another_form_is_not_read(stored: object) -> None:
    """Only lower case with hyphens is the form in which ids are written."""
    with pytest.raises(InvalidValue):
        Id().process_result_value(stored, SQLITE)


@given(plain_json)
def test_json_comes_back_as_it_went(value: Any) -> None:
    """What is written is canonical and reads back as the same value."""
    kind = CanonicalJson()
    assert kind.process_result_value(kind.process_bind_param(value, SQLITE), SQLITE) == value


@pytest.mark.parametrize(
    "stored", ['{"b":1,"a":2}', "[1, 2]", "1.5", "NaN", '{"a":1,"a":1}', '"\\u00e9"', "", "{", 5, b"\xff"]
)
def test_json_in_another_form_is_not_read(stored: object) -> None:
    """Another order, blanks, floats, escapes or doubled keys are no canonical JSON."""
    with pytest.raises(InvalidValue):
        CanonicalJson().process_result_value(stored, SQLITE)


@pytest.mark.parametrize("kind", [Instant(), Id(), CanonicalJson()])
def test_nothing_is_read_as_nothing(kind: Any) -> None:
    """A column that holds no value gives None."""
    assert kind.process_result_value(None, SQLITE) is None
