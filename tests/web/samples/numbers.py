"""Sample values for the producer's and the admin's pages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from attrs import evolve

from buddy_core.kernel.money import Money
from buddy_core.views import (
    AdminClose,
    AdminHome,
    AdminRewards,
    AdminValues,
    Attention,
    AuditChange,
    AuditFound,
    AuditLine,
    Check,
    CloseMonth,
    ClosePayout,
    FieldValue,
    HeldReward,
    ModelFigure,
    MonthFigure,
    ProducerPage,
    ProducersPage,
    StatementLine,
    StatementPage,
    TitleFigure,
    TokenValue,
    ValueChange,
    ValueEffect,
    ValueVersion,
    WhyPage,
    WhySpend,
)
from tests.web.samples.viewing import NOW

ZONE = "Asia/Kolkata"
START = datetime(2026, 1, 1, tzinfo=UTC)
DIGEST = "sha256:6f1d0c7a9b5e4ff2c8b7d9a14e03bb52c1f6a7785a0f2f9d3f4f0d6f5a1c2e90"


def rupees(minor: int) -> Money:
    """Return an amount in paise."""
    return Money(minor, "INR")


_MONTHS = (
    MonthFigure("2026-06", rupees(0), "closed"),
    MonthFigure("2026-07", rupees(1_204_530), "closed"),
    MonthFigure("2026-08", rupees(2_118_960), "closed"),
    MonthFigure("2026-09", rupees(1_880_010), "closed"),
    MonthFigure("2026-10", rupees(3_141_590), "ended"),
    MonthFigure("2026-11", rupees(3_642_060), "running"),
)
PRODUCER = ProducerPage(
    "Blue Lantern Films",
    "INR",
    _MONTHS[-1],
    _MONTHS[-2],
    _MONTHS,
    (
        ModelFigure("token_bonus", rupees(1_842_060), 61_402),
        ModelFigure("token_paid", rupees(1_800_000), 30_000),
    ),
    (
        TitleFigure("ln_1", "Night Ferry", "series", 18_204, 36_408, rupees(1_820_400)),
        TitleFigure("ln_2", "Salt Road", "film", 4_110, 41_100, rupees(1_404_660)),
        TitleFigure("ln_3", "Eleven Minutes", "short", 13_894, 13_894, rupees(417_000)),
    ),
    ("INR", "USD"),
)
PRODUCER_NEW = ProducerPage("Marigold Pictures", "INR", MonthFigure("2026-11", rupees(0), "running"))
PRODUCERS = ProducersPage((("Blue Lantern Films", "b7kd"), ("Marigold Pictures", "m3xq")))
STATEMENT = StatementPage(
    "2026-10",
    "closed",
    "Blue Lantern Films",
    "Newtact Media",
    "INR",
    ZONE,
    Fraction(3, 5),
    (
        StatementLine(
            "ln_1",
            "Night Ferry",
            "series",
            2,
            3,
            1,
            Fraction(250),
            Fraction(150),
            rupees(150),
            (("2026-09", 2),),
        ),
        StatementLine("ln_2", "Eleven Minutes", "short", 1, 1, 0, Fraction(50, 3), Fraction(10), rupees(10)),
    ),
    rupees(160),
    Fraction(160),
    Fraction(1, 4),
    datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
    DIGEST,
)
STATEMENT_RUNNING = StatementPage(
    "2026-11",
    "running",
    "Marigold Pictures",
    "Newtact Media",
    "INR",
    ZONE,
    Fraction(3, 5),
    (),
    rupees(0),
    Fraction(0),
)
WHY = WhyPage(
    "2026-10",
    "closed",
    "ln_1",
    "Night Ferry",
    "Blue Lantern Films",
    "INR",
    (
        WhySpend("bonus", 3, Fraction(50), "bonus-1", START, Fraction(150)),
        WhySpend("paid", 1, Fraction(100), "paid-1", START, Fraction(100)),
    ),
    Fraction(250),
    Fraction(3, 5),
    Fraction(150),
    rupees(150),
    "largest remainder",
)

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
_PAYOUTS = (
    ClosePayout("Blue Lantern Films", rupees(3_141_590), 3, "/producer/2026-10"),
    ClosePayout("Marigold Pictures", rupees(1_010_520), 2),
)
READY = CloseMonth(
    "2026-10",
    "newtact",
    ZONE,
    "ready",
    datetime(2026, 10, 31, 18, 30, tzinfo=UTC),
    (
        Check("month_ended", True),
        Check("values_complete", True),
        Check("rewards_settled", True),
        Check("ledger_verified", True),
    ),
    _PAYOUTS,
    (rupees(2_768_073),),
    idempotency_key="k-10",
)
BLOCKED = CloseMonth(
    "2026-11",
    "newtact",
    ZONE,
    "running",
    datetime(2026, 11, 30, 18, 30, tzinfo=UTC),
    (
        Check("month_ended", False),
        Check("values_complete", True),
        Check("rewards_settled", False, 2, "/admin/rewards"),
    ),
)
CLOSED = CloseMonth(
    "2026-09",
    "newtact",
    ZONE,
    "closed",
    datetime(2026, 9, 30, 18, 30, tzinfo=UTC),
    (),
    _PAYOUTS,
    closed_at=datetime(2026, 10, 1, 5, tzinfo=UTC),
    closed_by="admin@example.com",
    digest=DIGEST,
)
CLOSE = AdminClose((READY, BLOCKED, CLOSED), NOW)
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
    READY,
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
