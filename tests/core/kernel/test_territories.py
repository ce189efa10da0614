"""Territories: codes become countries, the most specific code says, and a typo is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.territories import (
    REGIONS,
    WORLDWIDE,
    Territories,
    TerritoryUnknown,
    members,
    specificity,
)

_codes = st.sampled_from([WORLDWIDE, *REGIONS, "IN", "DE", "SE", "US"])


@given(st.lists(_codes, min_size=1, max_size=4), st.lists(_codes, max_size=4))
def test_the_most_specific_code_says(included: list[str], excluded: list[str]) -> None:
    """A country is in where the smallest code that has it includes it; of equals the exclusion wins."""
    found = Territories(tuple(included), tuple(excluded))
    for country in COUNTRIES:
        named, barred = specificity(included, country), specificity(excluded, country)
        is_in = named is not None and (barred is None or named < barred)
        assert (country in found, country in found.countries) == (is_in, is_in)
        assert found.sizes.get(country) == (named if is_in else None)


@given(st.lists(_codes, min_size=1, max_size=4))
def test_order_and_repetition_do_not_matter(codes: list[str]) -> None:
    """The same codes in another order, or twice, are the same territories."""
    assert Territories(tuple(codes)) == Territories(tuple(reversed(codes + codes)))


@pytest.mark.parametrize("code", ["", "in", "IND", "UK", "EU27", "**", " IN"])
def test_a_typo_is_refused(code: str) -> None:
    """What names nothing is refused with what may be written."""
    for make in (
        lambda: members(code),
        lambda: Territories(("IN", code)),
        lambda: Territories("IN", (code,)),
    ):
        with pytest.raises(TerritoryUnknown, match=r"such as 'IN'|Did you mean"):
            make()
    with pytest.raises(TerritoryUnknown):
        Territories(())
