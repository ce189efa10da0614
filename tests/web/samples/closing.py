"""Sample values for the pages of the months: running, blocked, ready, reviewed and published."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from attrs import evolve

from buddy_core.access import ApprovalState
from buddy_core.kernel.money import Money
from buddy_core.views import (
    AdminApprovals,
    AdminClose,
    Check,
    CloseCurrency,
    CloseFigures,
    CloseFund,
    CloseMonth,
    ClosePayout,
    ClosePool,
    CloseReview,
    FactsFile,
    MoneyRow,
    RequestShown,
    WantedClose,
)
from tests.web.samples.viewing import NOW

ZONE = "Asia/Kolkata"
DIGEST = "sha256:6f1d0c7a9b5e4ff2c8b7d9a14e03bb52c1f6a7785a0f2f9d3f4f0d6f5a1c2e90"
_REQUEST = "apr_" + "7" * 32


def rupees(minor: int) -> Money:
    """Return an amount in paise."""
    return Money(minor, "INR")


def _rows(**amounts: int | Fraction) -> tuple[MoneyRow, ...]:
    return tuple(MoneyRow(name, Fraction(amount)) for name, amount in amounts.items())


FIGURES = CloseFigures(
    (
        ClosePayout(
            "Blue Lantern Films", rupees(3_141_590), rupees(2_641_590), 3, ("2026-09",), "/producer/2026-10"
        ),
        ClosePayout("Marigold Pictures", rupees(1_010_520), rupees(1_010_520), 2),
        ClosePayout("Marigold Pictures", Money(12_345, "USD"), Money(12_345, "USD"), 1),
    ),
    (
        CloseCurrency(
            "INR",
            _rows(gross=9_000_000, stamped=Fraction(1_000_001, 2), rounding=Fraction(1, 2)),
            _rows(tax=1_372_881, refunds=50_000, fees=180_000, holders=4_152_110, platform=3_745_010),
            Fraction(0),
            rupees(3_745_010),
            CloseFund(Fraction(900_000), Fraction(2_000_003, 2), Fraction(-200_003, 2)),
            (
                ClosePool(
                    "gold/IN/INR",
                    "user_centric",
                    Fraction(4_500_000),
                    Fraction(4_400_000),
                    Fraction(100_000),
                    Fraction(0),
                    "12 subscribers watched nothing: their money is the platform's",
                ),
                ClosePool(
                    "ads/IN/INR",
                    "by deal",
                    Fraction(1_200_000),
                    Fraction(1_200_000),
                    Fraction(0),
                    Fraction(0),
                    "",
                ),
            ),
        ),
        CloseCurrency(
            "USD",
            _rows(gross=24_690),
            _rows(holders=12_345, platform=12_345),
            Fraction(0),
            Money(12_345, "USD"),
        ),
    ),
    5,
)
_CHECKS = (
    Check("month_ended", True),
    Check("facts_arrived", True),
    Check("values_complete", True),
    Check("terms_fit", True),
    Check("rewards_settled", False, 2, "/admin/rewards", is_blocking=False),
)
_FILES = (
    FactsFile("play-store-sales-2026-10.csv", "2026-10", NOW - timedelta(days=3), 4_211),
    FactsFile("watch-2026-10", "2026-10", NOW - timedelta(days=2), 1_204_530),
)
READY = CloseMonth(
    "2026-10",
    "newtact",
    "Newtact Media Private Limited",
    ZONE,
    "ready",
    datetime(2026, 10, 31, 18, 30, tzinfo=UTC),
    _CHECKS,
    _FILES,
    (FactsFile("refunds-of-september", "2026-09", NOW - timedelta(days=1), 12),),
    FIGURES,
    digest=DIGEST,
)
_REVIEW = CloseReview(
    _REQUEST,
    "waiting",
    "royalty@example.com",
    is_own=False,
    has_reviewed=False,
    at=NOW - timedelta(hours=3),
    expires_at=NOW + timedelta(days=7),
)
REVIEWED = evolve(READY, state="reviewed", review=_REVIEW, late=())
OWN = evolve(REVIEWED, entity="thaja", review=evolve(_REVIEW, is_own=True, has_reviewed=True))
OUTDATED = evolve(READY, entity="thaja", review=evolve(_REVIEW, state="outdated"))
EXPIRED = evolve(READY, entity="thaja", review=evolve(_REVIEW, state="expired", is_own=True))
REJECTED = evolve(
    READY,
    review=evolve(
        _REVIEW,
        state="rejected",
        decided_by="finance@example.com",
        reason="The ads of the last week are missing",
    ),
)
BLOCKED = evolve(
    READY,
    state="blocked",
    checks=(
        Check("month_ended", True),
        Check("facts_arrived", False, 1),
        Check("values_complete", True),
        Check("terms_fit", False, 130),
        Check("rewards_settled", True, is_blocking=False),
    ),
    files=(*_FILES, FactsFile("ad-network-2026-10", "2026-10", NOW - timedelta(days=4), None)),
    late=(),
    figures=None,
    problems=(
        "watch-2026-10.json, row 12, watch.seconds: is 2700000, more than the month has; check the unit",
        "plan gold has no rule that says how its pool is shared",
    ),
    problem_count=130,
    digest=None,
)
RUNNING = CloseMonth(
    "2026-11",
    "newtact",
    "Newtact Media Private Limited",
    ZONE,
    "running",
    datetime(2026, 11, 30, 18, 30, tzinfo=UTC),
    (
        Check("month_ended", False),
        Check("months_in_order", False),
        Check("facts_arrived", True),
        Check("values_complete", False, 1, "/admin/values"),
        Check("terms_fit", True),
        Check("rewards_settled", False, 2, "/admin/rewards", is_blocking=False),
    ),
    after="2026-10",
)
PUBLISHED = CloseMonth(
    "2026-09",
    "newtact",
    "Newtact Media Private Limited",
    ZONE,
    "closed",
    datetime(2026, 9, 30, 18, 30, tzinfo=UTC),
    figures=FIGURES,
    closed_at=datetime(2026, 10, 1, 5, tzinfo=UTC),
    reviewed_by="royalty@example.com",
    published_by="admin@example.com",
    digest=DIGEST,
)
ALONE = evolve(PUBLISHED, month="2026-08", reviewed_by=None, published_by="the operator")
EMPTY = evolve(RUNNING, entity="thaja", figures=CloseFigures((), (), 0), after=None)
CLOSE = AdminClose((READY, RUNNING, EMPTY, PUBLISHED, ALONE), NOW, "published")
CLOSE_REVIEWED = AdminClose((REVIEWED, OWN, RUNNING), NOW, "reviewed")
CLOSE_AGAIN = AdminClose((REJECTED, OUTDATED), NOW)
CLOSE_BLOCKED = AdminClose(
    (BLOCKED, EXPIRED),
    NOW,
    problem="The input has 2 problem(s); nothing was counted.\nwatch.csv, row 3: is odd; mend it",
    problem_of="newtact 2026-10",
)
CLOSE_NOTHING = AdminClose((), NOW)

_ASKED = RequestShown(
    _REQUEST,
    "period.close",
    ApprovalState.PENDING,
    "royalty@example.com",
    False,
    True,
    "",
    NOW,
    NOW + timedelta(days=7),
    None,
    Fraction(0),
    close=WantedClose("newtact", "2026-10", DIGEST, FIGURES),
)
APPROVALS = AdminApprovals(
    (
        _ASKED,
        evolve(_ASKED, id="apr_" + "8" * 32, close=WantedClose("newtact", "2026-10", DIGEST, None)),
    ),
    (
        evolve(
            _ASKED,
            id="apr_" + "9" * 32,
            state=ApprovalState.APPROVED,
            decided_by="finance@example.com",
            decided_at=NOW,
        ),
    ),
)
