"""The words of the pages about access: one for each reason and each kind, and dates and prices as read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from buddy_core.entitlements import GrantKind, Reason
from buddy_core.kernel.money import Money
from buddy_core.pricing import QuoteKind
from buddy_core.rights import WindowType
from buddy_core.royalty import Model
from buddy_core.views import Denial, Way
from buddy_web import words
from buddy_web.formats import begins, price, until

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
"""Half past three in the afternoon in Kolkata."""
UNKNOWN = words.denial("entitlements.unheard_of")
RENT = Way("rental", price=Money(4900, "INR"), hours=48, available=False)
PLAN = Way("subscription", price=Money(29900, "INR"), tier="standard", period="P1M", available=False)


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_words_that_are_short_and_never_blame(reason: Reason) -> None:
    """None falls back to the words for what is not known; all fit on a phone."""
    headline, text = words.denial(f"entitlements.{reason}")
    assert (headline, text) != UNKNOWN
    assert len(headline) <= 32
    assert len(text) <= 160
    assert not {"error", "invalid", "denied", "forbidden", "failed"} & set(text.lower().split())


def test_a_locked_title_is_told_by_its_ways() -> None:
    """Tokens, a price, a plan, or nothing at all: each has a headline of its own."""
    unlock = Way("unlock", "/unlock/film/abcd", 10)
    told = {
        words.refusal(Denial("entitlements.no_grant", ways=ways))[0]
        for ways in ((unlock, RENT), (RENT, PLAN), (PLAN,), ())
    }
    assert told == {"This one is locked", "To rent or buy", "Part of a plan"}
    assert words.refusal(Denial("entitlements.no_grant"))[1] == "You do not have this title yet."


def test_a_refusal_says_when_it_opens() -> None:
    """The date comes first, and what to do until then after it."""
    _, text = words.refusal(Denial("entitlements.not_yet"), "on 3 Dec")
    assert text == "It opens on 3 Dec. It will wait for you on the home page."


@pytest.mark.parametrize("kind", [*GrantKind, WindowType.AVOD, WindowType.FESTIVAL])
def test_each_kind_says_why_it_plays(kind: str) -> None:
    """Every kind of grant and of free window has words with an end and without one."""
    assert not words.access(kind).startswith("Open to you ")
    assert words.access(kind) != "Open to you"
    assert "3 Dec" in words.access(kind, when="3 Dec")


def test_an_overdue_plan_says_so() -> None:
    """The page warns that payment is overdue, and until when the plan stays open."""
    said = words.access("subscription", is_in_grace=True, when="3 Dec")
    assert said == "With your plan; payment is overdue, open until 3 Dec"


@pytest.mark.parametrize("kind", [kind for kind in QuoteKind if kind is not QuoteKind.TOKENS])
def test_whatever_is_sold_has_a_name(kind: QuoteKind) -> None:
    """No way is called by its code."""
    icon, name, text = words.way(kind, "standard")
    assert icon
    assert text
    assert "_" not in name


@pytest.mark.parametrize(
    ("away", "end", "beginning"),
    [
        (timedelta(hours=2), "today at 5:30\u202fpm", "today at 5:30\u202fpm"),
        (timedelta(hours=27), "tomorrow at 6:30\u202fpm", "tomorrow at 6:30\u202fpm"),
        (timedelta(days=3), "24 Nov at 3:30\u202fpm", "on 24 Nov at 3:30\u202fpm"),
        (timedelta(days=12), "3 Dec", "on 3 Dec"),
        (timedelta(days=60), "20 Jan 2027", "on 20 Jan 2027"),
        # Midnight in Kolkata: the last day is the one before, and the first is the one after.
        (timedelta(hours=8, minutes=30), "today", "tomorrow"),
        (timedelta(days=12, hours=8, minutes=30), "3 Dec", "on 4 Dec"),
    ],
)
def test_ends_and_beginnings_are_said_as_people_say_them(away: timedelta, end: str, beginning: str) -> None:
    """Near days by name and hour, far ones by date, all in the reader's zone."""
    assert (until(NOW + away, NOW), begins(NOW + away, NOW)) == (end, beginning)


def test_other_languages_say_the_date() -> None:
    """Where there are no words for today, the date and hour stand in the reader's own script."""
    assert until(NOW + timedelta(hours=2), NOW, locale="hi_IN") == "21 नव॰, 5:30 pm"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Money(4900, "INR"), "₹49"),
        (Money(4950, "INR"), "₹49.50"),
        (Money(12345600, "INR"), "₹1,23,456"),
        (Money(399, "USD"), "$3.99"),
        (Money(1499, "AED"), "AED\u00a014.99"),
        (Money(500, "JPY"), "JP¥500"),
    ],
)
def test_a_price_has_no_empty_minor_digits(amount: Money, shown: str) -> None:
    """Whole amounts go without decimals, all others keep every digit of their currency."""
    assert price(amount) == shown


@pytest.mark.parametrize("model", Model)
def test_each_model_has_a_name(model: Model) -> None:
    """No way of earning is called by its code, and all names are short."""
    assert words.model(model.value) != model.value.upper()
    assert words.model(model.value) not in ("Est", "Ppv", "Pvod")
    assert len(words.model(model.value)) <= 20


def test_each_step_of_an_account_has_words() -> None:
    """Steps as the engine names them, one of another account's advance, and one that is not known."""
    assert words.step("carried forward") == "Carried to the next month"
    assert words.step("recouped of first-film") == "Kept to recoup account first-film"
    assert words.step("something new") == "Something new"
