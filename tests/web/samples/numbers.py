"""Sample values for the admin's pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from attrs import evolve

from buddy_core.kernel.money import Money
from buddy_core.views import (
    AdminHome,
    AdminRewards,
    AdminValues,
    Attention,
    AuditChange,
    AuditFound,
    AuditLine,
    FieldValue,
    HeldReward,
    TokenValue,
    ValueChange,
    ValueEffect,
    ValueVersion,
)
from tests.web.samples import closing
from tests.web.samples.viewing import NOW

ZONE = "Asia/Kolkata"
START = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:6f1d0c7a9b5e4ff2c8b7d9a14e03bb52c1f6a7785a0f2f9d3f4f0d6f5a1c2e90"


def rupees(minor: int) -> Money:
    """Return an amount in paise."""
    return Money(minor, "INR")


_BONUS = (TokenValue("INR", Fraction(50)), TokenValue("USD", Fraction(3, 5)))
_PAID = (TokenValue("INR", Fraction(100)), TokenValue("USD", Fraction(6, 5)))
_VERSIONS = (
    ValueVersion(
        "bonus",
        "bonus-2",
        datetime(2026, 11, 30, 18, 30, tzinfo=UTC),
        (TokenValue("INR", Fraction(40)),),
        "coming",
    ),
    ValueVersion("bonus", "bonus-1", START, _BONUS, "in_force"),
    ValueVersion("paid", "paid-1", START, _PAID, "in_force"),
)
_FIELDS = (
    FieldValue("kind", "bonus"),
    FieldValue("effective_from", "2026-12-01"),
    FieldValue("value_INR", "0.40"),
    FieldValue("value_USD", "0.005"),
)
EFFECT = ValueEffect(
    "bonus",
    datetime(2026, 11, 30, 18, 30, tzinfo=UTC),
    2,
    (
        ValueChange("INR", Fraction(50), Fraction(40), Fraction(100), Fraction(80)),
        ValueChange("USD", None, Fraction(1, 2), None, Fraction(1)),
    ),
    Fraction(3, 5),
    "k-9",
    _FIELDS,
)
VALUES = AdminValues(
    _VERSIONS, ("bonus", "paid"), ("INR", "USD"), ZONE, date(2026, 11, 22), _FIELDS, EFFECT, "bonus-2"
)
VALUES_WRONG = AdminValues(
    _VERSIONS,
    ("bonus", "paid"),
    ("INR", "USD"),
    ZONE,
    date(2026, 11, 22),
    (FieldValue("value_INR", "0,4", "Write the amount with a point, such as 0.40."),),
)
_LINES = (
    AuditLine(
        NOW,
        "admin@example.com",
        "value.added",
        "bonus-2",
        (AuditChange("INR", "₹0.50", "₹0.40"), AuditChange("effective from", None, "2026-12-01")),
        None,
        "203.0.113.7",
    ),
    AuditLine(
        NOW - timedelta(days=2),
        "admin@example.com",
        "reward.refused",
        "rw_88",
        reason="Ten ads in one second",
    ),
)
ADMIN = AdminHome(
    NOW,
    (
        Attention("month_to_close", 1, "/admin/close", "October 2026"),
        Attention("rewards_held", 2, "/admin/rewards"),
    ),
    _VERSIONS,
    closing.READY,
    _LINES,
)
ADMIN_QUIET = AdminHome(NOW)
AUDIT = AuditFound((*_LINES, evolve(_LINES[0], as_whom="asha@example.com")), 2)
AUDIT_EMPTY = AuditFound((), None)
REWARDS = AdminRewards(
    (
        HeldReward(
            "rw_9", "asha@example.com", 1, NOW, "The wallet was frozen when the ad ended.", True, "k-11"
        ),
        HeldReward("rw_10", "Guest 4f1c", 1, NOW, "The wallet was frozen when the ad ended.", False, "k-12"),
    ),
    "release",
)
