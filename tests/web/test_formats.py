"""Values read as people write them, in their own locale and zone, and no digit is lost."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.money import Money
from buddy_core.views import ModelFigure, MonthFigure, Progress
from buddy_web import charts, formats, words

AT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (123456750, "INR", "en_IN", "₹12,34,567.50"),
        (123456750, "INR", "en-US", "₹1,234,567.50"),
        (1000, "JPY", "ja_JP", "¥1,000"),
        (12345, "KWD", "en_US", "KWD\xa012.345"),
        (-5, "USD", "en_US", "-$0.05"),
        (0, "USD", "en_US", "$0.00"),
    ],
)
def test_money_shows_every_minor_digit(minor: int, currency: str, locale: str, text: str) -> None:
    """Symbol, grouping and digits follow locale and currency."""
    assert formats.money(Money(minor, currency), locale).replace("￥", "¥") == text


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (Fraction(50), "INR", "₹0.50"),
        (Fraction(3, 5), "USD", "$0.006"),
        (Fraction(1, 4), "INR", "₹0.0025"),
        (Fraction(50, 3), "INR", "₹0.1667… (50/3 paise)"),
        (Fraction(-50, 3), "INR", "-₹0.1667… (-50/3 paise)"),
        (Fraction(1, 3), "JPY", "JP¥0.33… (1/3 JPY)"),
    ],
)
def test_exact_amounts_lose_nothing(minor: Fraction, currency: str, text: str) -> None:
    """All digits are shown, or the fraction stands beside the rounded ones."""
    assert formats.exact_money(minor, currency, "en_IN") == text


def test_a_fraction_that_nobody_can_read_is_left_out() -> None:
    """A share of many subscribers, of which the numbers never end, is told to a hundredth and `…`."""
    assert formats.exact_money(Fraction(10**30, 3 * 10**26 + 1), "INR", "en_IN") == "₹33.3333…"


@given(st.integers(-(10**20), 10**20))
def test_whole_minor_units_read_alike_both_ways(minor: int) -> None:
    """An exact amount in whole minor units reads like the money it is."""
    assert formats.exact_money(Fraction(minor), "INR") == formats.money(Money(minor, "INR"))


@given(st.integers(-(10**20), 10**20))
def test_money_digits_are_the_amount(minor: int) -> None:
    """The digits shown, put together, are the minor units."""
    shown = formats.money(Money(minor, "INR"))
    assert int("".join(sign for sign in shown if sign.isdigit())) == abs(minor)


def test_tokens_have_plurals() -> None:
    """One token, two tokens; Arabic has its dual; Hindi its word."""
    assert [formats.tokens(n) for n in (0, 1, 2)] == ["0 tokens", "1 token", "2 tokens"]
    assert formats.tokens(2, "ar_AE") == "رمزان"
    assert formats.tokens(2, "hi_IN") == "2 टोकन"
    assert formats.count(1, "unlock", "hi_IN") == "1 unlock"


def test_dates_are_in_the_readers_zone() -> None:
    """Half past six in the evening UTC is the next day in Kolkata."""
    assert formats.day(AT, "en_IN", "Asia/Kolkata") == "1 Dec 2026"
    assert formats.day(AT, "en_IN", "UTC") == "30 Nov 2026"
    assert formats.day(date(2026, 12, 1), "en_IN") == "1 Dec 2026"
    assert formats.moment(AT, "en_GB", "Asia/Kolkata") == "1 Dec 2026, 00:00"
    assert formats.hour(AT, "en_GB", "UTC") == "18:30"
    assert (formats.month("2026-10"), formats.month_short("2026-10")) == ("October 2026", "Oct")


def test_durations_and_positions() -> None:
    """A clip is in seconds, a film in hours and minutes, a position like a clock."""
    assert [formats.duration(s) for s in (28, 60, 3600, 6120)] == ["28 s", "1 min", "1 h", "1 h 42 min"]
    assert [formats.clock(s) for s in (0, 24, 3729, -1)] == ["0:00", "0:24", "1:02:09", "0:00"]


def test_shares_signs_and_names() -> None:
    """Percentages keep two decimals at most; signs are true signs; names are in the reader's language."""
    assert formats.percent(Fraction(3, 5)) == "60%"
    assert formats.percent(Fraction(1, 3)) == "33.33%"
    assert [formats.signed(n) for n in (2, 0, -2)] == ["+2", "0", "−2"]
    assert (formats.language("hi", "en_IN"), formats.own_language("hi")) == ("Hindi", "हिन्दी")
    assert formats.country("AE", "en_IN") == "United Arab Emirates"
    assert (formats.direction("ar_AE"), formats.direction("en_IN"), formats.lang("en_IN")) == (
        "rtl",
        "ltr",
        "en-IN",
    )


@pytest.mark.parametrize("tag", ["xx_YY", "en_KW", "", "not a locale"])
def test_unknown_locales_fall_back(tag: str) -> None:
    """A locale that Babel does not know reads as its language, or as English."""
    assert formats.babel_locale(tag).language == "en"


def test_placeholder_tone_is_stable() -> None:
    """The same title has the same colour on every page."""
    assert formats.tone("c8rt") == formats.tone("c8rt")
    assert {formats.tone(str(n)) for n in range(200)} == {f"tone-{n}" for n in range(8)}


def test_unknown_codes_still_have_words() -> None:
    """A refusal that the pages do not know shows the rule's own words."""
    assert words.denial("rights.new_reason", "Ask the producer.")[1] == "Ask the producer."
    assert words.denial("entitlements.no_grant")[0] == "This one is locked"


@given(st.lists(st.lists(st.integers(-100, 10**12), max_size=3), min_size=1, max_size=12))
def test_bars_stay_in_the_chart(amounts: list[list[int]]) -> None:
    """Every column stands on the ground line, its parts on each other, and none is taller than the chart."""
    models = ["rental", "ads", "tokens"]
    months = [month(dict(zip(models, minors, strict=False))) for minors in amounts]
    top = max(sum(max(0, minor) for minor in minors) for minors in amounts)
    heights = []
    for bar in charts.bars(months, models):
        ground = 100
        for part in bar.parts:
            assert part.y + part.height == ground
            ground = part.y
        heights.append(100 - ground)
        assert [bar.figure.models[part.fill].amount.minor > 0 for part in bar.parts] == [True] * len(
            bar.parts
        )
        assert 0 <= bar.x < bar.x + bar.width <= 360
    assert max(heights) == (100 if top else 0)


def test_a_column_has_no_part_below_zero() -> None:
    """What a model owes is left out of its column; the others fill it."""
    [bar] = charts.bars([month({"rental": -30, "tokens": 90})], ["rental", "tokens"])
    assert (bar.top, bar.is_wide) == (0, True)
    assert [(part.fill, part.y, part.height) for part in bar.parts] == [(1, 0, 100)]


def test_change_needs_something_to_compare_with() -> None:
    """Against nothing there is no percentage."""
    now, before = month({"tokens": 150}), month({"tokens": 100})
    assert charts.change(now, before) == Fraction(1, 2)
    assert charts.change(now, None) is None
    assert charts.change(now, month({})) is None


def test_what_is_covered_is_between_nothing_and_all() -> None:
    """Half of an advance is half; what was earned below zero is nothing, and no advance is all of it."""
    for total, left, part in ((100, 50, Fraction(1, 2)), (100, 130, 0), (100, 0, 1), (0, 0, 1)):
        figures = (Money(minor, "INR") for minor in (total, 0, total - left, left))
        assert charts.covered(Progress("guarantee", *figures)) == part


@pytest.mark.parametrize(
    ("note", "text"),
    [
        ("minimum 500000", "minimum ₹5,000.00"),
        ("paid from 50000 on", "paid from ₹500.00 on"),
        ("1/10 for 3 months", "10% for 3 months"),
        ("IN:194J 1/10", "IN:194J, 10%"),
        ("IN:194J 10 %", "IN:194J 10%"),
        ("paid from 5000.00 INR on", "paid from ₹5,000.00 on"),
        ("18 % for 3 months", "18% for 3 months"),
        (
            "374.93 USD = 31166.06 INR at 1 USD = 83.125 INR (RBI, 2026-10-31 00:00 UTC)",
            "$374.93 = ₹31,166.06 at 1 USD = 83.125 INR (RBI, 2026-10-31 00:00 UTC)",
        ),
        ("US treaty 0", "US treaty, 0%"),
        ("", ""),
        ("as agreed", "as agreed"),
    ],
)
def test_the_note_of_a_step_reads_as_money_and_percentage(note: str, text: str) -> None:
    """Minor units read as money and fractions as percentages; other notes stay as they are."""
    assert formats.step_note(note, "INR") == text


def month(models: dict[str, int]) -> MonthFigure:
    """Return October with what each model earned."""
    figures = tuple(ModelFigure(model, Money(minor, "INR")) for model, minor in models.items())
    earned = Money(sum(models.values()), "INR")
    return MonthFigure("2026-10", earned, earned, "closed", figures)


def test_the_words_of_a_line_are_read_as_amounts_and_names() -> None:
    """Amounts, counts, months and the country of an explanation are written as everywhere on the pages."""
    text = (
        "Kites in IN has about 3487.8116 (exactly 5/3) INR of the pool gold/IN/INR: 99096.00 INR. 60750 of "
        "169116 counted seconds are its. Asha has 60 % of about 871.9529 INR: -304.068 INR."
    )
    assert formats.explained(text, "INR", "IN", "en_IN") == (
        "Kites in India has about ₹3,487.81 of the pool gold/IN/INR: ₹99,096.00. 60,750 of 1,69,116 counted "
        "seconds are its. Asha has 60% of about ₹871.95: -₹304.068."
    )
    late = formats.explained("This adjusts 2026-08, paid for in 2026-07: about 5.0000 JPY.", "JPY", "JP")
    assert late == "This adjusts August 2026, paid for in July 2026: about JP¥5."


def test_an_amount_of_a_chart_is_whole() -> None:
    """Half a rupee is rounded up, and there are no paise."""
    assert formats.about_money(Money(2_038_150, "INR"), "en_IN") == "₹20,382"
    assert formats.about_money(Money(-49, "INR"), "en_IN") == "₹0"
