"""Value versions: what a token is worth, from when on, and never in the past."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import GENESIS
from buddy_core.tokens import (
    BONUS,
    NOTICE,
    BadTokenValue,
    NoValueInCurrency,
    SetTokenValue,
    ValueVersion,
    ValueVersionInPast,
    ValueVersionTooFar,
    next_version,
    version_at,
)
from tests.contracts.cases import AT, LATER, version_of

TICK = timedelta(microseconds=1)
CURRENCIES = ("INR", "USD")


def setting(effective_from: datetime, inr: int = 60) -> SetTokenValue:
    """Return a command for a new value."""
    values = {"INR": Fraction(inr), "USD": Fraction(3, 5)}
    return SetTokenValue(BONUS, effective_from, values, "admin-1", "key")


def test_a_new_version_follows_the_last() -> None:
    """The next version has the next number, chains to the last and says who recorded it when."""
    first = version_of(BONUS)
    second = next_version([first], setting(LATER), CURRENCIES, AT)
    assert (second.version, second.previous_hash, second.effective_from) == (2, first.hash, LATER)
    assert (second.recorded_at, second.recorded_by) == (AT, "admin-1")
    assert next_version([], setting(AT - timedelta(days=9)), CURRENCIES, AT).previous_hash == GENESIS


def test_a_version_may_take_effect_soon_but_not_at_once() -> None:
    """From the notice on is fine; a microsecond earlier a spend under way could miss it."""
    first, soon = version_of(BONUS), AT + NOTICE
    assert next_version([first], setting(soon), CURRENCIES, AT).effective_from == soon
    with pytest.raises(ValueVersionInPast) as refused:
        next_version([first], setting(soon - TICK), CURRENCIES, AT)
    assert refused.value.earliest == soon


def test_a_version_may_not_take_effect_far_ahead() -> None:
    """A typo in the year is refused: every later version would have to come after it."""
    year = AT + timedelta(days=366)
    assert next_version([version_of(BONUS)], setting(year), CURRENCIES, AT).effective_from == year
    with pytest.raises(ValueVersionTooFar):
        next_version([version_of(BONUS)], setting(AT + timedelta(days=367)), CURRENCIES, AT)


def test_a_version_comes_after_one_that_is_planned() -> None:
    """Nothing may take effect before, or together with, a version that is to come."""
    planned = next_version([version_of(BONUS)], setting(LATER), CURRENCIES, AT)
    for effective_from in (LATER - TICK, LATER):
        with pytest.raises(ValueVersionInPast):
            next_version([version_of(BONUS), planned], setting(effective_from), CURRENCIES, AT)
    next_version([version_of(BONUS), planned], setting(LATER + TICK), CURRENCIES, AT)


def test_every_settlement_currency_needs_a_value() -> None:
    """A missing currency is named; a float or a negative value is none."""
    with pytest.raises(BadTokenValue, match="AED, EUR"):
        next_version([], setting(AT), ("EUR", "INR", "AED"), AT)
    for value in (0.5, Fraction(-1), True):
        with pytest.raises(BadTokenValue):
            version_of(BONUS, values={"INR": value})
    with pytest.raises(NoValueInCurrency):
        version_of(BONUS).unit("AED")


def test_a_value_is_exact() -> None:
    """0.006 dollars are three fifths of a cent, and stay so."""
    assert version_of(BONUS).unit("USD") == Fraction(3, 5)
    assert version_of(BONUS, values={"INR": 50, "USD": 0}).unit("INR") == Fraction(50)
    assert version_of(BONUS, values={"INR": 50, "USD": 0}).unit("USD") == 0, "promised, and worth nothing"


MINUTES = st.integers(0, 10_000).map(lambda count: AT + timedelta(minutes=count))


@given(st.lists(st.tuples(MINUTES, MINUTES), max_size=6), st.lists(MINUTES, max_size=6))
def test_a_new_version_changes_no_past_figure(
    steps: list[tuple[datetime, datetime]], instants: list[datetime]
) -> None:
    """Whatever versions are added, the one in force at any instant before the addition stays the same."""
    versions: list[ValueVersion] = [version_of(BONUS)]
    for now, effective_from in sorted(steps):
        try:
            added = next_version(versions, setting(effective_from), CURRENCIES, now)
        except (ValueVersionInPast, ValueVersionTooFar):
            continue
        for at in (*instants, now - TICK, effective_from - TICK):
            if at < effective_from:
                assert version_at([*versions, added], at) == version_at(versions, at)
        assert version_at([*versions, added], effective_from) == added
        versions.append(added)
    assert [version.previous_hash for version in versions[1:]] == [version.hash for version in versions[:-1]]


def test_before_the_first_version_there_is_none() -> None:
    """A version counts from its own instant on."""
    first = version_of(BONUS, effective_from=AT)
    assert version_at([first], AT - TICK) is None
    assert version_at([first], AT) == first
