"""What a value refuses is told by the name of its field, and a wrong word by the words there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel.errors import InvalidValue
from buddy_core.royalty import (
    Account,
    Balances,
    Deal,
    Expense,
    FilmWaterfall,
    From,
    FxRate,
    Sale,
    Step,
    Terms,
    Territories,
    Tiers,
    TokenUse,
    WaterfallBalance,
    month,
)
from buddy_core.royalty.model.facts import Model, Paid
from buddy_core.royalty.model.terms import Band

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 10, 5, tzinfo=UTC)
NAIVE = datetime(2026, 10, 5)  # noqa: DTZ001
FEE = Step.of_gross("fee", 10, taker="platform")


def _band(**more: Any) -> Tiers:
    return Tiers((Band(0, None, Fraction(1)),), **more)


@pytest.mark.parametrize(
    ("make", "field", "said"),
    [
        (lambda: FxRate("USD", "INR", 83.1, "RBI", AT), "rate", "is a float"),  # type: ignore[arg-type]
        (lambda: Deal("d", "t", "h", {}, part=0.5), "part", "is a float"),  # type: ignore[arg-type]
        (lambda: Deal("d", "t", "h", {"rentl": 1}), "model", "'rentl' is not one of rental, est"),
        (lambda: Deal("d", "t", "h", {}, ads_by="clicks"), "ads_by", "is not one of watch, impressions"),
        (lambda: Deal("d", "t", "h", {}, starts_at=NAIVE), "starts_at", "a naive datetime"),
        (lambda: _band(basis="copies"), "basis", "is not one of units, gross, net"),
        (lambda: _band(counting="year"), "counting", "is not one of life, period"),
        (lambda: Account("a", "h", "INR", negative="drop"), "negative", "is not one of carry, forgive"),
        (lambda: From(NAIVE, Fraction(1)), "at", "a naive datetime"),
        (lambda: Sale("s", "rent", "t", "IN", "INR", Paid(), AT), "model", "'rent' is not one of"),
        (lambda: TokenUse("t", "t", "IN", "paid", 1, 1, "INR", 0.5, AT), "value", "is a float"),  # type: ignore[arg-type]
        (
            lambda: TokenUse("t", "t", "IN", "paid", -1, 1, "INR", Fraction(-1), AT, NAIVE),
            "spent_at",
            "a naive datetime",
        ),
        (lambda: Expense("x", "d", -1), "amount", "is -1"),
        (lambda: Step("s", "half"), "takes", "'half' is not one of percent_of_gross, percent_of_remaining"),
        (
            lambda: FilmWaterfall("w", "t", "INR", (FEE, Step.of_gross("", 5))),
            "steps",
            "step 2: its name must",
        ),
        (lambda: FilmWaterfall("w", "t", "INR", (evolve(FEE, taker=""),)), "steps", "step 1: its taker must"),
        (lambda: FilmWaterfall("w", "t", "INR", FEE), "steps", "is a Step; give Step in a list or tuple"),
        (lambda: FilmWaterfall("w", "t", "INR", ("fee",)), "steps", "has the text 'fee' in it"),
        (lambda: FilmWaterfall("w", "t", "INR", (FEE,), models="rental"), "models", "is 'rental'; give"),
        (lambda: FilmWaterfall("w", "t", "INR", (FEE,), models=["rentl"]), "model", "'rentl' is not one of"),
        (lambda: Terms(waterfalls=(FEE,)), "waterfalls", "has a Step in it; give FilmWaterfall alone"),
        (lambda: WaterfallBalance("INR", 0.5), "received", "is a float"),
        (lambda: WaterfallBalance("INR", taken={"s": 0.5}), "taken.s", "is a float"),
        (lambda: Balances(waterfalls={"w": 5}), "waterfalls.w", "is a int; give WaterfallBalance"),
    ],
)
def test_the_field_is_named(make: Callable[[], object], field: str, said: str) -> None:
    """Floats, naive instants and words that there are not raise the project's error, with the field."""
    with pytest.raises(InvalidValue) as caught:
        make()
    assert caught.value.field == field
    assert said in caught.value.problem


def test_all_that_a_month_needs_is_at_the_front_door() -> None:
    """Whoever imports royalty needs nothing of the kernel."""
    assert month("2026-10", "Asia/Kolkata").contains(AT)
    assert "IN" in Territories(("GCC", "IN"))
    assert Model("rental") is Model.RENTAL


def test_without_time_zone_data_the_error_says_what_to_install() -> None:
    """A system without zones, such as Windows, is told of tzdata, and not that Asia/Kolkata is no zone."""
    example = ROOT / "examples/royalty_calculator"
    strange = "import sys; sys.modules['tzdata'] = None; "
    code = strange + "from buddy_core.royalty.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(example / "terms.json"), str(example / "facts.json")],
        env={**os.environ, "PYTHONTZPATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "'Asia/Kolkata' cannot be looked up: this system has no time zone data" in done.stderr
    assert "pip install tzdata" in done.stderr
