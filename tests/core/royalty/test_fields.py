"""What a value refuses is told by the name of its field, and a wrong word by the words there are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, field, frozen

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
from buddy_core.royalty.model.fields import (
    Word,
    a_number,
    a_part,
    at_or_none,
    by_name,
    each,
    each_text,
    end_or_none,
    many,
    name,
    not_negative,
    optional_texts,
    sold_or_none,
    spent_or_none,
    start_or_none,
    texts,
    texts_or_none,
    whole,
)
from buddy_core.royalty.model.terms import Band

ROOT = Path(__file__).parents[3]
AT = datetime(2026, 10, 5, tzinfo=UTC)
NAIVE = datetime(2026, 10, 5)  # noqa: DTZ001
FEE = Step.of_gross("fee", 10, taker="platform")


def _band(**more: Any) -> Tiers:
    return Tiers((Band(0, None, Fraction(1)),), **more)


@pytest.mark.parametrize(
    ("make", "named", "said"),
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
        (lambda: WaterfallBalance("t", "INR", 0.5), "received", "is a float"),
        (lambda: WaterfallBalance("t", "INR", taken={"s": 0.5}), "taken.s", "is a float"),
        (lambda: WaterfallBalance("t", "INR", taken={"s": -1}), "taken.s", "is -1; a step never gives back"),
        (lambda: Balances(waterfalls={"w": 5}), "waterfalls.w", "is a int; give WaterfallBalance"),
    ],
)
def test_the_field_is_named(make: Callable[[], object], named: str, said: str) -> None:
    """Floats, naive instants and words that there are not raise the project's error, with the field."""
    with pytest.raises(InvalidValue) as caught:
        make()
    assert caught.value.field == named
    assert said in caught.value.problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("ab", "is the text 'ab'; give numbers in a list or tuple"),
        ("x" * 61, f"is the text {'x' * 60!r}; give numbers in a list or tuple"),
        (7, "is a int; give numbers in a list or tuple"),
        ({"a": 1}, "is a dict; give numbers in a list or tuple"),
        (b"ab", "is a bytes; give numbers in a list or tuple"),
        ([1, "b", 2], "has the text 'b' in it; give numbers alone"),
        ([1, None], "has a NoneType in it; give numbers alone"),
    ],
)
def test_a_collection_is_of_one_kind(value: object, problem: str) -> None:
    """A list, a tuple and a generator are kept as a tuple; a text is none, nor is what has something else."""

    @frozen
    class Held:
        of: Any = field(converter=many, validator=each(int, "numbers"))

    assert Held([1, 2]).of == Held((1, 2)).of == Held(item for item in (1, 2)).of == (1, 2)
    assert Held([]).of == ()
    with pytest.raises(InvalidValue) as refused:
        Held(value)
    assert (refused.value.field, refused.value.problem) == ("of", problem)


@pytest.mark.parametrize(
    ("value", "called", "problem"),
    [
        ([1], "of", "is a list; give numbers by name"),
        ({"a": 1, 2: 3}, "of", "has a int for a name; names are texts"),
        ({"a": 1, "b": "c"}, "of.b", "is the text 'c'; give numbers"),
    ],
)
def test_values_by_name_are_of_one_kind(value: object, called: str, problem: str) -> None:
    """Names are texts, and the one whose value is none of the kind is told."""

    @frozen
    class Held:
        of: Any = field(validator=by_name(int, "numbers"))

    assert Held({"a": 1}).of == {"a": 1}
    with pytest.raises(InvalidValue) as refused:
        Held(value)
    assert (refused.value.field, refused.value.problem) == (called, problem)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("ab", "is the text 'ab'; give texts in a list or set"),
        (None, "is a NoneType; give texts in a list or set"),
        (["a", 5], "has a int in it; give texts alone"),
    ],
)
def test_texts_are_a_set_of_texts(value: object, problem: str) -> None:
    """A text by itself is no set of its letters; None is one only where there may be none."""

    @frozen
    class Held:
        of: Any = field(converter=texts, validator=each_text)

    @frozen
    class Maybe:
        of: Any = field(converter=optional_texts, validator=texts_or_none)

    assert Held(["a", "b", "a"]).of == Maybe(("a", "b")).of == {"a", "b"}
    assert Maybe(None).of is None
    for kind in (Held, Maybe) if value is not None else (Held,):
        with pytest.raises(InvalidValue) as refused:
            kind(value)
        assert (refused.value.field, refused.value.problem) == ("of", problem)


@pytest.mark.parametrize(
    ("validator", "good", "bad", "problem"),
    [
        (name, ("a", "x" * 200, "a\nb"), ("", " a", "x" * 201, 5), "must be a text of 1 to 200 characters"),
        (whole, (-1, 0, 10**30), (True,), "is a bool; give a whole number of minor units"),
        (not_negative, (0, 1), (-1,), "is -1; it is not below zero"),
        (a_number, (Fraction(1, 3),), (0.5,), "is a float; only int and Fraction are exact here"),
        (a_part, (Fraction(0), Fraction(1)), (Fraction(-1, 9),), "is -1/9; a part is from 0 to 1"),
        (a_part, (Fraction(1, 2),), (Fraction(10, 9),), "is 10/9; a part is from 0 to 1"),
    ],
)
def test_a_figure_is_what_its_field_takes(
    validator: Any, good: tuple[object, ...], bad: tuple[object, ...], problem: str
) -> None:
    """Names, whole numbers, exact numbers and parts, each to its bounds."""

    @frozen
    class Held:
        of: Any = field(validator=validator)

    for value in good:
        assert Held(value).of == value
    for value in bad:
        with pytest.raises(InvalidValue) as refused:
            Held(value)
        assert (refused.value.field, refused.value.problem) == ("of", problem)


@pytest.mark.parametrize(
    ("convert", "said"),
    [(start_or_none, "starts_at"), (end_or_none, "ends_at"), (at_or_none, "at"), (sold_or_none, "sold_at"),
     (spent_or_none, "spent_at")],
)  # fmt: skip
def test_an_instant_is_kept_in_utc(convert: Callable[[datetime | None], datetime | None], said: str) -> None:
    """None stays None, and an instant without an offset is refused by the name of its field."""
    assert convert(None) is None
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    found = convert(there)
    assert found == AT
    assert found is not None
    assert found.tzinfo is UTC
    with pytest.raises(InvalidValue) as refused:
        convert(NAIVE)
    assert refused.value.field == said


def test_a_word_is_told_by_its_field() -> None:
    """That of the class, or the one that it says."""

    class TwoWords(Word):
        YES = "yes"

    class Said(Word, field="other"):
        NO = "no"
        PERHAPS = "perhaps"

    for kind, called, words in ((TwoWords, "two_words", "yes"), (Said, "other", "no, perhaps")):
        with pytest.raises(InvalidValue) as refused:
            kind("never")
        assert (refused.value.field, refused.value.problem) == (called, f"'never' is not one of {words}")


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
