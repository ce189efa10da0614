"""Samples of promotions: the desk's page, and the field of codes in the wallet."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from buddy_core.flows import PromotionNow
from buddy_core.promotions import Promotion, PromotionState
from buddy_web.routes.admin_promotions import PromotionsPage
from buddy_web.routes.earn import CodeForm
from tests.web.samples.viewing import NOW

CODE = CodeForm("cod_1")
CODE_DONE = evolve(CODE, done=True)
CODE_WRONG = evolve(
    CODE,
    typed="MONSON26",
    problem="This code is not known, or it does not count now. Check how it is written.",
)

_MONSOON = Promotion(
    code="MONSOON26",
    version=1,
    token_kind="bonus",
    tokens=5,
    days=30,
    starts_at=NOW - timedelta(days=2),
    ends_at=NOW + timedelta(days=5),
    limit=1000,
    for_guests=True,
    recorded_at=NOW - timedelta(days=3),
    recorded_by="system",
    reason="Posters in Pune",
)
_DIWALI = evolve(
    _MONSOON,
    code="DIWALI26",
    tokens=1,
    for_guests=False,
    starts_at=NOW + timedelta(days=9),
    ends_at=NOW + timedelta(days=12),
    reason="The lights of the season",
)
_ENDED = evolve(
    _MONSOON, code="LAUNCH", version=2, ends_at=NOW - timedelta(days=1), reason="Shared on a coupon site"
)
PROMOTIONS = PromotionsPage(
    (
        PromotionNow(_DIWALI, 0, PromotionState.COMING),
        PromotionNow(_MONSOON, 412, PromotionState.RUNNING),
        PromotionNow(evolve(_MONSOON, code="FIRST100", limit=100), 100, PromotionState.USED_UP),
        PromotionNow(_ENDED, 77, PromotionState.OVER),
    ),
    "Asia/Kolkata",
    10_000,
    50,
    "prm_1",
    has_more=True,
    done="promotion_added",
)
PROMOTIONS_NONE = PromotionsPage((), "Asia/Kolkata", 10_000, 50, "prm_1")
PROMOTIONS_WRONG = evolve(
    PROMOTIONS,
    done=None,
    number=2,
    typed={"code": "MONSOON26", "tokens": "5", "limit": "10", "days": "30", "for_guests": "yes"},
    problem="The code MONSOON26 was given to a promotion before. Choose another one.",
)
ENDING_WRONG = evolve(PROMOTIONS, done=None, ending="MONSOON26", problem="Say why, in 3 to 500 characters.")
