"""Licences: where and when they hold."""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import COUNTRIES, CountryUnknown, InvalidValue, LicenceId, PartnerId
from buddy_core.kernel.ids import WindowId
from buddy_core.rights import (
    BadLicence,
    BadWindow,
    Licence,
    Territories,
    Window,
    WindowType,
    holds,
    licences_for,
)
from tests.contracts.cases import AT, title, uid

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def licence(number: int = 1, **changes: Any) -> Licence:
    """Return a worldwide licence of ten days."""
    values: dict[str, Any] = {
        "id": LicenceId(uid(number)),
        "title_id": title(1),
        "partner_id": PartnerId(uid(1)),
        "share": Fraction(3, 5),
        "territories": ("*",),
        "starts_at": AT,
        "ends_at": AT + 10 * DAY,
    }
    return Licence(**_placed({**values, **changes}))


@pytest.mark.parametrize(
    ("at", "expected"),
    [(AT - TICK, False), (AT, True), (AT + 10 * DAY - TICK, True), (AT + 10 * DAY, False)],
)
def test_a_licence_holds_from_its_start_up_to_its_end(at: datetime, expected: bool) -> None:
    """The time is half-open: the first instant is in, the last is out."""
    assert holds(licence(), "IN", at) is expected


def test_a_licence_without_end_holds_for_ever() -> None:
    """Where no end is named there is none."""
    assert holds(licence(ends_at=None), "IN", AT + 9_999 * DAY)


def test_countries_are_named_or_taken_out() -> None:
    """A list names its countries; worldwide means all but those taken out."""
    listed = licence(territories=("IN", "AE"))
    assert [holds(listed, place, AT) for place in ("IN", "AE", "US")] == [True, True, False]
    worldwide = licence(excluded=("CN",))
    assert [holds(worldwide, place, AT) for place in ("IN", "CN")] == [True, False]


@pytest.mark.parametrize("place", [None, "", "XX", "in", "INDIA"])
def test_an_unknown_place_is_refused(place: str | None) -> None:
    """What is no country code is never read as worldwide."""
    with pytest.raises(CountryUnknown):
        holds(licence(), place, AT)


@pytest.mark.parametrize("share", [Fraction(-1, 9), Fraction(10, 9), 0.6, 1, "3/5"])
def test_a_share_is_an_exact_part_of_the_whole(share: Any) -> None:
    """Below nothing, above the whole, and whatever is no Fraction is refused."""
    with pytest.raises(InvalidValue):
        licence(share=share)


def test_a_naive_instant_makes_no_licence() -> None:
    """Start and end need an offset."""
    for name in ("starts_at", "ends_at"):
        naive: dict[str, Any] = {name: AT.replace(tzinfo=None)}
        with pytest.raises(InvalidValue):
            licence(**naive)


@given(st.sampled_from(sorted(COUNTRIES)), st.integers(-20, 20), st.permutations([1, 2, 3, 4]))
def test_those_that_hold_come_in_id_order(place: str, days: int, order: list[int]) -> None:
    """However they lie, the licences that hold are answered by id, and no other."""
    made = {
        1: licence(1),
        2: licence(2, territories=("IN", "US")),
        3: licence(3, excluded=("IN",), ends_at=None),
        4: licence(4, starts_at=AT - 15 * DAY, ends_at=AT),
    }
    at = AT + days * DAY
    found = licences_for([made[number] for number in order], place, at)
    assert found == tuple(item for item in made.values() if holds(item, place, at))


def _placed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a licence, `territories` without what is `excluded`."""
    excluded = values.pop("excluded", ())
    return {**values, "territories": Territories(tuple(values["territories"]), excluded)}


@pytest.mark.parametrize(
    "tier", ["Gold", " gold", "gold/silver", "<script>", "x" * 33, "go\0ld", "", "gold\n", "góld"]
)
def test_a_tier_is_named_in_small_letters(tier: str) -> None:
    """A name that no plan can have is refused where the window is made, and says what a name is."""
    with pytest.raises(BadWindow, match="small letters") as refused:
        svod(("IN",), (tier,))
    assert len(refused.value.message()) < 300
    assert svod(("IN",), ("gold_2-x",)).tiers == ("gold_2-x",)


def test_a_window_names_few_tiers() -> None:
    """Twenty, and no more."""
    assert len(svod(("IN",), tuple(f"t{number}" for number in range(20))).tiers) == 20
    with pytest.raises(BadWindow, match="20"):
        svod(("IN",), tuple(f"t{number}" for number in range(21)))


def test_a_window_or_licence_is_of_some_country() -> None:
    """India less India sells and shows nothing anywhere."""
    nowhere = Territories(("IN",), ("IN",))
    with pytest.raises(BadWindow, match="no country"):
        svod(nowhere)
    with pytest.raises(BadLicence, match="no country"):
        licence(territories=("IN",), excluded=("IN",))


def svod(places: Any, tiers: tuple[str, ...] = ()) -> Window:
    """Return an SVOD window."""
    return Window(WindowId(uid(1)), title(1), WindowType.SVOD, places, AT, tiers=tiers)
