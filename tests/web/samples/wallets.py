"""Sample values for a wallet as staff see it, and for the acts upon its entries."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from attrs import evolve

from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import AdjustmentForeseen, RefundedUnlock, ReversedEarning
from buddy_core.kernel.ids import AccountId, EntryId, LotId, PartnerId, TitleId
from buddy_core.views import EntryFound, FrozenSince, LotNow, StaffLine, StaffWallet
from buddy_core.views.wallet_lines import Corrected, LedgerLine, LinePiece
from buddy_web.routes.admin_wallet import EntryPage, WalletShown
from tests.web.samples.viewing import NOW

_ASHA = AccountId(UUID("01890000-0000-7000-8000-000000000001"))
_FILM = Title(
    id=TitleId(UUID(int=5)),
    short_id="7fqk",
    slug="the-last-monsoon",
    type=TitleType.FILM,
    name="The Last Monsoon",
    synopsis="",
    producer_id=PartnerId(UUID(int=6)),
    maturity="U",
    languages=("hi",),
    year=2026,
    duration_s=60,
    published_at=NOW,
    media_key=None,
)
_SPEND = LedgerLine(
    number=14,
    at=NOW,
    recorded_at=NOW,
    operation="spend",
    tokens={"bonus": -6, "paid": -4},
    held={},
    after={"bonus": 3},
    source="unlock",
    rule_version=1,
    title=_FILM,
    reference="14-5f2c9a01",
    lots=(
        LinePiece("bonus", -6, NOW - timedelta(days=9), NOW, NOW + timedelta(days=20)),
        LinePiece("paid", -4, NOW - timedelta(days=2), NOW, None),
    ),
)
_EARN = evolve(_SPEND, number=13, operation="earn", tokens={"bonus": 9}, title=None, reference="13-0a0b0c0d")
_REFUND = evolve(
    _SPEND,
    number=15,
    operation="refund",
    tokens={"bonus": 6, "paid": 4},
    reference="15-77aa01ce",
    corrects=Corrected(14, "14-5f2c9a01", "spend", "unlock", NOW),
)
_GONE = evolve(
    _EARN,
    number=16,
    operation="reverse",
    tokens={},
    reference="16-90aa4c11",
    corrects=Corrected(13, "13-0a0b0c0d", "earn", "ads.reward", NOW),
    uncollectable=9,
)
_HOLD = evolve(_EARN, number=17, operation="hold", tokens={}, held={"bonus": 2}, reference="17-e5130b77")
_CAME = evolve(_EARN, number=1, operation="transfer_in", reference="1-c0ffee00")
_LINES = (
    StaffLine(_HOLD),
    StaffLine(_GONE),
    StaffLine(_REFUND, ("adjust",)),
    StaffLine(_SPEND, ("refund", "adjust")),
    StaffLine(_EARN, ("reverse", "adjust")),
    StaffLine(_CAME, ("adjust",)),
)
WALLET = StaffWallet(_LINES, None, False)
FROZEN = StaffWallet(_LINES[3:], None, True, FrozenSince(NOW, "support@example.com", "Forty ads in an hour"))
_MEMBER = Account(_ASHA, AccountType.REGISTERED, NOW, "asha@example.com")
SHOWN = WalletShown(_MEMBER, FROZEN, "/admin/users/usr_1/wallet?before=x")
BEFORE = WalletShown(_MEMBER, evolve(WALLET, through="1-c0ffee00"), None)
EMPTY = WalletShown(_MEMBER, StaffWallet((), None, False), None)

_LOTS = (
    LotNow(1, LotId(UUID(int=7)), "bonus", 3, NOW + timedelta(days=20), False),
    LotNow(2, LotId(UUID(int=8)), "paid", 0, NOW - timedelta(days=1), True),
)
_FOUND = EntryFound(_ASHA, EntryId(UUID(int=9)), StaffLine(_SPEND, ("refund", "adjust")), _LOTS)
_REFUNDED = RefundedUnlock(EntryId(UUID(int=10)), _FILM.id, 10, 4, 2, True, True)
REFUND = EntryPage(_MEMBER, "refund", _FOUND, "cor_1", refund=_REFUNDED)
REFUND_ONE = evolve(
    REFUND, refund=evolve(_REFUNDED, tokens=1, expired=1, withdrawn=0, grant_ended=False, was_played=False)
)
REFUND_DONE = evolve(REFUND, refund=None, problem="Everything that this entry spent was given back before.")
_EARNED = evolve(_FOUND, line=StaffLine(_EARN, ("reverse",)))
REVERSE = EntryPage(
    _MEMBER, "reverse", _EARNED, "cor_1", reversal=ReversedEarning(EntryId(UUID(int=11)), 7, 2)
)
REVERSE_ALL = evolve(REVERSE, reversal=ReversedEarning(EntryId(UUID(int=11)), 1, 0))
ADJUST = EntryPage(_MEMBER, "adjust", _FOUND, "cor_1", alone=50)
ADJUST_SEEN = evolve(
    ADJUST,
    lot=_LOTS[0],
    adjustment=AdjustmentForeseen(3, 0, True),
    typed={"lot": "1", "tokens": "-3", "reason": "Paid twice"},
)
ADJUST_WRONG = evolve(ADJUST, problem="'x' is not a number of tokens.", typed={"lot": "2", "tokens": "x"})
ADJUST_GONE = evolve(ADJUST, found=evolve(_FOUND, lots=()))
