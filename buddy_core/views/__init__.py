"""What pages show: one plain value a page, filled by queries, formatted by templates."""

from buddy_core.views.account import DemoLogin, JoinPage, Kept, SignInPage
from buddy_core.views.admin_audit import AdminAudit, AuditChange, AuditLine
from buddy_core.views.admin_close import AdminClose, Check, CloseMonth, ClosePayout
from buddy_core.views.admin_home import AdminHome, Attention
from buddy_core.views.admin_rewards import AdminRewards, HeldReward
from buddy_core.views.admin_values import (
    AdminValues,
    FieldValue,
    TokenValue,
    ValueChange,
    ValueEffect,
    ValueVersion,
)
from buddy_core.views.common import Card, Denial, Viewer, Way
from buddy_core.views.earn import EarnPage, RewardStatus, SandboxAdPage, WantedTitle
from buddy_core.views.error import ErrorPage
from buddy_core.views.home import EarnOffer, HomePage, Rail, Spotlight
from buddy_core.views.producer import ModelFigure, MonthFigure, ProducerPage, TitleFigure
from buddy_core.views.statement import StatementLine, StatementPage, WhyPage, WhySpend
from buddy_core.views.title import Action, EpisodeRow, TitlePage
from buddy_core.views.unlock import UnlockSheet
from buddy_core.views.wallet import Expiring, LotPiece, WalletLine, WalletPage
from buddy_core.views.watch import CaptionTrack, NextUp, WatchPage

__all__ = [
    "Action",
    "AdminAudit",
    "AdminClose",
    "AdminHome",
    "AdminRewards",
    "AdminValues",
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
    "EpisodeRow",
    "ErrorPage",
    "Expiring",
    "FieldValue",
    "HeldReward",
    "HomePage",
    "JoinPage",
    "Kept",
    "LotPiece",
    "ModelFigure",
    "MonthFigure",
    "NextUp",
    "ProducerPage",
    "Rail",
    "RewardStatus",
    "SandboxAdPage",
    "SignInPage",
    "Spotlight",
    "StatementLine",
    "StatementPage",
    "TitleFigure",
    "TitlePage",
    "TokenValue",
    "UnlockSheet",
    "ValueChange",
    "ValueEffect",
    "ValueVersion",
    "Viewer",
    "WalletLine",
    "WalletPage",
    "WantedTitle",
    "WatchPage",
    "Way",
    "WhyPage",
    "WhySpend",
]
