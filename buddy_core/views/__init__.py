"""What pages show: one plain value a page, filled by queries, formatted by templates."""

from buddy_core.views.account import DemoLogin, JoinPage, Kept, SignInPage
from buddy_core.views.addresses import title_url, unlock_url, watch_url
from buddy_core.views.admin_audit import AdminAudit, AuditChange, AuditLine, find_audit
from buddy_core.views.admin_close import AdminClose, Check, CloseMonth, ClosePayout, close_page
from buddy_core.views.admin_home import AdminHome, Attention, admin_home
from buddy_core.views.admin_rewards import AdminRewards, HeldReward, held_rewards, wallet_owner
from buddy_core.views.admin_values import (
    AdminValues,
    FieldValue,
    TokenValue,
    ValueChange,
    ValueEffect,
    ValueVersion,
    value_versions,
    values_page,
)
from buddy_core.views.common import Card, Denial, Viewer, Way
from buddy_core.views.earn import EarnPage, RewardStatus, SandboxAdPage, WantedTitle
from buddy_core.views.earn_page import AdSaid, Asked, EarnPageTx, earn_page
from buddy_core.views.error import ErrorPage
from buddy_core.views.home import EarnOffer, HomePage, Rail, Spotlight
from buddy_core.views.home_page import HomeTx, home_page
from buddy_core.views.ledger import ledger_page, wallet_state
from buddy_core.views.offers import list_titles, quote_title, title_with_answer
from buddy_core.views.producer import (
    ModelFigure,
    MonthFigure,
    ProducerPage,
    ProducersPage,
    TitleFigure,
    find_producer,
    producer_name,
    producer_page,
    producers_page,
)
from buddy_core.views.statement import (
    StatementLine,
    StatementPage,
    WhyPage,
    WhySpend,
    list_statements,
    statement_file,
    statement_page,
    why_page,
)
from buddy_core.views.title import Action, EpisodeRow, TitlePage
from buddy_core.views.title_page import TitlePageTx, title_page
from buddy_core.views.unlock import UnlockSheet
from buddy_core.views.unlock_sheet import UnlockSheetTx, unlock_sheet
from buddy_core.views.visitor import KeptTx, ViewerTx, Visitor, kept, viewer
from buddy_core.views.wallet import Expiring, LotPiece, WalletLine, WalletPage
from buddy_core.views.wallet_page import WalletPageTx, wallet_page
from buddy_core.views.watch import CaptionTrack, NextUp, WatchPage
from buddy_core.views.watch_page import WatchPageTx, watch_page

__all__ = [
    "Action",
    "AdSaid",
    "AdminAudit",
    "AdminClose",
    "AdminHome",
    "AdminRewards",
    "AdminValues",
    "Asked",
    "Attention",
    "AuditChange",
    "AuditLine",
    "CaptionTrack",
    "Card",
    "Check",
    "CloseMonth",
    "ClosePayout",
    "DemoLogin",
    "Denial",
    "EarnOffer",
    "EarnPage",
    "EarnPageTx",
    "EpisodeRow",
    "ErrorPage",
    "Expiring",
    "FieldValue",
    "HeldReward",
    "HomePage",
    "HomeTx",
    "JoinPage",
    "Kept",
    "KeptTx",
    "LotPiece",
    "ModelFigure",
    "MonthFigure",
    "NextUp",
    "ProducerPage",
    "ProducersPage",
    "Rail",
    "RewardStatus",
    "SandboxAdPage",
    "SignInPage",
    "Spotlight",
    "StatementLine",
    "StatementPage",
    "TitleFigure",
    "TitlePage",
    "TitlePageTx",
    "TokenValue",
    "UnlockSheet",
    "UnlockSheetTx",
    "ValueChange",
    "ValueEffect",
    "ValueVersion",
    "Viewer",
    "ViewerTx",
    "Visitor",
    "WalletLine",
    "WalletPage",
    "WalletPageTx",
    "WantedTitle",
    "WatchPage",
    "WatchPageTx",
    "Way",
    "WhyPage",
    "WhySpend",
    "admin_home",
    "close_page",
    "earn_page",
    "find_audit",
    "find_producer",
    "held_rewards",
    "home_page",
    "kept",
    "ledger_page",
    "list_statements",
    "list_titles",
    "producer_name",
    "producer_page",
    "producers_page",
    "quote_title",
    "statement_file",
    "statement_page",
    "title_page",
    "title_url",
    "title_with_answer",
    "unlock_sheet",
    "unlock_url",
    "value_versions",
    "values_page",
    "viewer",
    "wallet_owner",
    "wallet_page",
    "wallet_state",
    "watch_page",
    "watch_url",
    "why_page",
]
