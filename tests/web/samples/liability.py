"""Sample values for the page of what is owed for tokens, made by the real rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from buddy_core.kernel import LotId
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    PAID,
    BoughtLot,
    BreakagePolicies,
    BreakagePolicy,
    GivenLots,
    Liability,
    LotMovement,
    Operation,
    roll_given,
)
from buddy_core.views import GivenMonth, LiabilityMonth, TokenLiability

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
STARTS, ENDS = datetime(2026, 10, 31, 18, 30, tzinfo=UTC), datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
_INSTANTS = [STARTS - timedelta(microseconds=1), NOW]
_LATER = len(_INSTANTS)


def _spent(tokens: int, by: int) -> LotMovement:
    return LotMovement(Operation.SPEND, -tokens, by, is_valued=True)


def _lot(number: int, amount: int, cost: int, by: int, *moved: LotMovement, ends: int = _LATER) -> BoughtLot:
    bought = LotMovement(Operation.PURCHASE, amount, by)
    opened_at = _INSTANTS[by] - timedelta(days=10)
    return BoughtLot(LotId(UUID(int=number)), amount, cost, opened_at, ends, (bought, *moved))


_LOTS = (
    _lot(1, 12_000, 1_200_000, 0, _spent(7_400, 0), _spent(2_117, 1)),
    _lot(2, 900, 89_900, 0, _spent(333, 0), ends=1),
    _lot(3, 6_500, 650_000, 1, _spent(912, 1), LotMovement(Operation.HOLD, -40, 1, hold_over_by=_LATER)),
    _lot(
        4, 100, 9_900, 1, _spent(38, 1), LotMovement(Operation.REVERSE, -62, 1),
        LotMovement(Operation.REVERSE, -38, 1, account=ADJUSTED),
    ),
    _lot(5, 250, 24_900, 1, LotMovement(Operation.ADJUST, 10, 1)),
)  # fmt: skip
_GIVEN = (
    GivenLots(BONUS, _LATER, (LotMovement(Operation.EARN, 31_804, 0), _spent(25_000, 0))),
    GivenLots(BONUS, 1, (LotMovement(Operation.EARN, 410, 0), _spent(102, 1))),
    GivenLots(PAID, _LATER, (LotMovement(Operation.EARN, 20, 1), _spent(7, 1))),
)


def _month(
    currency: str, zone: str, policies: BreakagePolicies, lots: tuple[BoughtLot, ...]
) -> LiabilityMonth:
    liability = Liability(currency, _INSTANTS, policies)
    liability.add(lots)
    [roll] = liability.roll_forwards()
    return LiabilityMonth("2026-11", zone, "running", STARTS, ENDS, roll)


_TENTH = BreakagePolicies((BreakagePolicy("USD", STARTS - timedelta(days=90), Fraction(1, 10)),))
LIABILITY = TokenLiability(
    month="2026-11",
    since="2026-11",
    currency=None,
    as_of=NOW,
    months=(
        _month("INR", "Asia/Kolkata", BreakagePolicies(), _LOTS),
        _month("USD", "Asia/Dubai", _TENTH, _LOTS[:2]),
    ),
    given=(GivenMonth("2026-11", "UTC", "running", roll_given(_GIVEN, len(_INSTANTS))[0]),),
    earlier="2026-10",
    later=None,
)
NOTHING = TokenLiability("2026-10", "2026-10", None, NOW, (), (), "2026-09", "2026-11")
