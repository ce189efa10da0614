"""Sample values for tokens, joining and errors."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve

from buddy_core.views import (
    CorrectedLine,
    DemoLogin,
    EarnPage,
    ErrorPage,
    Expiring,
    JoinPage,
    Kept,
    LotPiece,
    RewardStatus,
    SandboxAdPage,
    SignInPage,
    WalletLine,
    WalletPage,
    WantedTitle,
)
from tests.web.samples.viewing import NOW

STATUS = RewardStatus("ready", 1, 3, "rw_1", "/sandbox/ads/rw_1")
EARN = EarnPage(
    STATUS,
    8,
    10,
    90,
    "/unlock/film/7fqk",
    WantedTitle("The Last Monsoon", 10, 7, "/unlock/film/7fqk"),
)
EARN_STATES = {
    "ready": EARN,
    "playing": evolve(EARN, status=evolve(STATUS, state="playing")),
    "pending": evolve(EARN, status=evolve(STATUS, state="pending", waiting_s=3)),
    "slow": evolve(EARN, status=evolve(STATUS, state="pending", waiting_s=40)),
    "paid": evolve(EARN, status=evolve(STATUS, state="paid", balance=4)),
    "no_fill": evolve(EARN, status=evolve(STATUS, state="no_fill")),
    "failed": evolve(EARN, status=evolve(STATUS, state="failed")),
    "refused": evolve(EARN, status=evolve(STATUS, state="refused")),
    "held": evolve(EARN, status=evolve(STATUS, state="held")),
    "capped": EarnPage(
        evolve(STATUS, state="capped", resets_at=NOW.replace(hour=0, minute=0) + timedelta(days=1)), 0, 10, 90
    ),
}
SANDBOX_AD = SandboxAdPage(
    "rw_1",
    8,
    1,
    "/sandbox/ads/rw_1",
    "/earn?reward=rw_1",
    "Cutting Chai Co.",
    "Half a glass, whole afternoon",
)

_EARNED = NOW - timedelta(days=9)
_ENDS = _EARNED + timedelta(days=90)
WALLET = WalletPage(
    3,
    0,
    (Expiring("bonus", 1, _ENDS), Expiring("bonus", 2, _ENDS + timedelta(days=7))),
    (
        WalletLine(
            NOW, "reward", 1, 3, "ent_5f2c9a", None, None, "ads-1", (LotPiece("bonus", 1, NOW, _ENDS),), 14
        ),
        WalletLine(
            NOW - timedelta(hours=2),
            "spend",
            -2,
            2,
            "ent_91bb04",
            "Low Water",
            "/episode/k6ym/low-water",
            "costs-1",
            (LotPiece("bonus", -2, _EARNED, _ENDS),),
            13,
        ),
        WalletLine(
            NOW - timedelta(hours=3),
            "refund",
            1,
            4,
            "12-0c41aa90",
            "Low Water",
            "/episode/k6ym/low-water",
            lots=(LotPiece("bonus", 1, _EARNED, _ENDS), LotPiece("paid", 2, _EARNED, _EARNED)),
            number=12,
            kinds_after={"bonus": 3, "paid": 1},
            corrects=CorrectedLine("spend", NOW - timedelta(hours=6), "9-77aa01ce", 9, "#line-9"),
            expired=2,
        ),
        WalletLine(
            NOW - timedelta(hours=4),
            "reverse",
            0,
            3,
            "11-5b09c2d1",
            number=11,
            cause="reverse.ads.reward",
            corrects=CorrectedLine("reward", NOW - timedelta(days=30), "2-90aa4c11"),
            uncollectable=1,
        ),
        WalletLine(
            NOW - timedelta(hours=5),
            "post",
            0,
            3,
            "10-e5130b77",
            "Low Water",
            "/episode/k6ym/low-water",
            lots=(LotPiece("paid", -2, _EARNED),),
            number=10,
            held=-2,
            hold_until=NOW,
        ),
        WalletLine(
            NOW - timedelta(hours=6),
            "hold",
            -2,
            3,
            "9-77aa01ce",
            lots=(LotPiece("paid", -2, _EARNED, None, NOW - timedelta(days=1)),),
            number=9,
            held=2,
            hold_until=NOW,
        ),
        WalletLine(NOW - timedelta(hours=7), "freeze", 0, 5, "8-01f2a3b4", number=8, cause="freeze.staff"),
        WalletLine(
            NOW - timedelta(days=1),
            "transfer_in",
            3,
            4,
            "ent_0aa7c1",
            lots=(LotPiece("bonus", 3, _EARNED, _ENDS),),
            number=7,
        ),
        WalletLine(
            _EARNED,
            "reward",
            1,
            1,
            "ent_77d10e",
            None,
            None,
            "ads-1",
            (LotPiece("bonus", 1, _EARNED, _ENDS),),
            6,
        ),
    ),
    earn_tokens=1,
    expired=1,
    others={"gold": 4},
    held=2,
    soon=1,
    csv_url="/v1/wallet/statement.csv",
)
WALLET_EMPTY = WalletPage(0, 0, is_frozen=True)
JOIN = JoinPage(Kept(3, 2, 1), next_url="/film/7fqk/the-last-monsoon")
JOIN_TAKEN = JoinPage(Kept(1), "asha@example.com", "email_taken")
SIGN_IN = SignInPage(
    Kept(0, 1),
    "asha@example.com",
    "wrong_credentials",
    None,
    (
        DemoLogin("partner_admin", "producer@example.com", "demo"),
        DemoLogin("super_admin", "admin@example.com", "demo"),
    ),
)
MISSING = ErrorPage(
    404,
    "Not found",
    "There is nothing at this address. Check it, or start from the front page.",
    "web.no_such_page",
    "0f3a77c2",
    back_url="/wallet",
)
FORBIDDEN = ErrorPage(403, "Not allowed", "It is theirs alone.", "access.not_permitted", "0f3a77c2")
BROKEN = ErrorPage(
    500, "Error", "Something failed that should not have. Try once more.", "web.failed", "0f3a77c2"
)
