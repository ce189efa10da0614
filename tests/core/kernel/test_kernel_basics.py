"""Clock, ids, events, outcomes, errors, the front door and the README of the kernel."""

from __future__ import annotations

import doctest
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import RFC_4122, UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core import kernel
from buddy_core.kernel import (
    COUNTRIES,
    BuddyError,
    Conflict,
    Contention,
    CountryUnknown,
    Done,
    Event,
    EventId,
    Forbidden,
    Invalid,
    InvalidValue,
    NotFound,
    Refused,
    Rejected,
    Unavailable,
    country,
    derived_uuid,
    envelope,
    from_milliseconds,
    unwrap,
    utc,
    whole_second,
)

KERNEL = Path(kernel.__file__).parent
ERRORS: list[type[BuddyError]] = [
    value
    for value in vars(kernel).values()
    if isinstance(value, type)
    and issubclass(value, BuddyError)
    and "code" in vars(value)
    and value is not BuddyError
]


@attrs.frozen
class TokensSpent(Event):
    """A fact for the test."""

    type = "tokens.spent.v1"

    amount: int


def test_instants_are_brought_to_utc() -> None:
    """An aware instant of any offset is the same instant in UTC."""
    india = timezone(timedelta(hours=5, minutes=30))
    at = utc(datetime(2026, 10, 1, 5, 30, tzinfo=india))
    assert (at, at.tzinfo) == (datetime(2026, 10, 1, tzinfo=UTC), UTC)


def test_naive_instants_are_refused_by_name() -> None:
    """A naive datetime is InvalidValue and the error says which field it was."""
    with pytest.raises(InvalidValue, match="expires: a naive datetime"):
        utc(datetime(2026, 10, 1), "expires")  # noqa: DTZ001


def test_whole_second_cuts_and_does_not_round() -> None:
    """The last microsecond of a second belongs to that second."""
    assert whole_second(datetime(2026, 10, 1, 0, 0, 1, 999999, tzinfo=UTC)) == datetime(
        2026, 10, 1, 0, 0, 1, tzinfo=UTC
    )


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_milliseconds_are_read_exactly(value: int) -> None:
    """Every millisecond of the calendar is told from the next, which no float can do for all."""
    at = from_milliseconds(value)
    assert (at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == value
    assert (at.tzinfo, at.microsecond) == (UTC, value % 1000 * 1000)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 10**15, -(10**15)])
def test_what_is_no_millisecond_is_refused(value: object) -> None:
    """Bools, floats, texts and instants beyond the calendar are refused by the name of their field."""
    with pytest.raises(InvalidValue, match="sent"):
        from_milliseconds(value, "sent")  # type: ignore[arg-type]


def test_derived_ids_follow_from_their_parts() -> None:
    """The same parts give the same UUIDv8; other parts, or other borders between them, another."""
    lot = UUID(int=1)
    derived = derived_uuid(lot, "merge")
    assert derived == derived_uuid(lot, "merge")
    assert (derived.version, derived.variant) == (8, RFC_4122)
    assert len({derived, derived_uuid(lot, "merg", "e"), derived_uuid(UUID(int=2), "merge")}) == 3


def test_an_envelope_holds_the_event_as_canonical_json() -> None:
    """The outbox row has the event's type and its canonical body."""
    at = datetime(2026, 10, 1, tzinfo=UTC)
    wrapped = envelope(TokensSpent(2), id=EventId(UUID(int=1)), subject="wallet", at=at)
    assert (wrapped.type, wrapped.body, wrapped.at) == ("tokens.spent.v1", b'{"amount":2}', at)


def test_unwrap_gives_the_value_or_raises_the_refusal() -> None:
    """A single command's front answers with the value of Done, or raises the error of Refused."""
    assert unwrap(Done(5)) == 5
    with pytest.raises(Contention):
        unwrap(Refused(Contention("wallet")))


def test_only_listed_countries_are_countries() -> None:
    """A code of ISO 3166-1 answers itself; none, another spelling or a union is CountryUnknown."""
    assert country("IN") == "IN"
    assert len(COUNTRIES) == 249
    for code in (None, "", "in", "EU", "XX"):
        with pytest.raises(CountryUnknown):
            country(code)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_every_kernel_error_is_of_one_kind_and_named(error: type[BuddyError]) -> None:
    """Each error has a code of its own, belongs to one of the five kinds, and is in the README."""
    kinds = [kind for kind in (NotFound, Rejected, Conflict, Invalid, Unavailable) if issubclass(error, kind)]
    assert len(kinds) == 1
    assert error.code.startswith("kernel.")
    assert [other.code for other in ERRORS].count(error.code) == 1
    assert f"| `{error.code}` | {kinds[0].__name__} |" in (KERNEL / "README.md").read_text(encoding="utf-8")


def test_an_error_carries_its_facts_and_says_what_to_do() -> None:
    """Facts come by name, and the text has the code and the message."""
    error = Contention("wallet")
    assert error.facts() == {"what": "wallet"}
    assert str(error) == "kernel.contention: Another request was changing the same wallet. Try again."
    assert NotFound().facts() == {}
    assert str(NotFound()).endswith("The thing named does not exist, or not for this actor.")
    assert issubclass(Forbidden, Rejected)


def test_the_front_door_names_what_it_exports() -> None:
    """Every name of `__all__` exists, sorted, and every public import is in it."""
    public = {name for name, value in vars(kernel).items() if name[0] != "_" and not _is_module(value)}
    assert set(kernel.__all__) == public
    assert len(kernel.__all__) == len(public)


def test_the_readme_examples_run() -> None:
    """Every example of the kernel's README gives the answer that is printed there."""
    outcome = doctest.testfile(str(KERNEL / "README.md"), module_relative=False, encoding="utf-8")
    assert outcome.attempted > 10
    assert outcome.failed == 0


def _is_module(value: object) -> bool:
    return isinstance(value, type(doctest))
