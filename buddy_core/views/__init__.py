"""What pages show: one plain value a page, filled by queries, formatted by templates."""

from buddy_core.views.account import (
    AccountPage,
    DemoCode,
    DemoLogin,
    JoinPage,
    Kept,
    SecondFactorPage,
    SessionShown,
    SignInPage,
)
from buddy_core.views.addresses import title_url, unlock_url, watch_url
from buddy_core.views.admin_approvals import (
    AdminApprovals,
    RequestShown,
    ValueStep,
    WantedGrant,
    WantedValue,
    show_requests,
)
from buddy_core.views.admin_audit import AuditChange, AuditFound, AuditLine, AuditWanted, find_audit
from buddy_core.views.admin_close import AdminClose, Check, CloseMonth, ClosePayout, close_page
from buddy_core.views.admin_explain import explain_access
from buddy_core.views.admin_home import AdminHome, Attention, admin_home
from buddy_core.views.admin_members import find_member
from buddy_core.views.admin_rewards import AdminRewards, HeldReward, held_rewards, wallet_owner
from buddy_core.views.admin_roles import AdminRoles, Holder, RoleShown, roles_page
from buddy_core.views.admin_users import (
    AdminUser,
    AdminUsers,
    Explained,
    ExplainWanted,
    GivenRole,
    RoleChoice,
    UserAside,
    UserRow,
    name_roles,
    user_aside,
)
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
from buddy_core.views.audit_export import AuditExport, audit_row, export_audit
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
    "AccountPage",
    "Action",
    "AdSaid",
    "AdminApprovals",
    "AdminClose",
    "AdminHome",
    "AdminRewards",
    "AdminRoles",
    "AdminUser",
    "AdminUsers",
    "AdminValues",
    "Asked",
    "Attention",
    "AuditChange",
    "AuditExport",
    "AuditFound",
    "AuditLine",
    "AuditWanted",
    "CaptionTrack",
    "Card",
    "Check",
    "CloseMonth",
    "ClosePayout",
    "DemoCode",
    "DemoLogin",
    "Denial",
    "EarnOffer",
    "EarnPage",
    "EarnPageTx",
    "EpisodeRow",
    "ErrorPage",
    "Expiring",
    "ExplainWanted",
    "Explained",
    "FieldValue",
    "GivenRole",
    "HeldReward",
    "Holder",
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
    "RequestShown",
    "RewardStatus",
    "RoleChoice",
    "RoleShown",
    "SandboxAdPage",
    "SecondFactorPage",
    "SessionShown",
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
    "UserAside",
    "UserRow",
    "ValueChange",
    "ValueEffect",
    "ValueStep",
    "ValueVersion",
    "Viewer",
    "ViewerTx",
    "Visitor",
    "WalletLine",
    "WalletPage",
    "WalletPageTx",
    "WantedGrant",
    "WantedTitle",
    "WantedValue",
    "WatchPage",
    "WatchPageTx",
    "Way",
    "WhyPage",
    "WhySpend",
    "admin_home",
    "audit_row",
    "close_page",
    "earn_page",
    "explain_access",
    "export_audit",
    "find_audit",
    "find_member",
    "find_producer",
    "held_rewards",
    "home_page",
    "kept",
    "ledger_page",
    "list_statements",
    "list_titles",
    "name_roles",
    "producer_name",
    "producer_page",
    "producers_page",
    "quote_title",
    "roles_page",
    "show_requests",
    "statement_file",
    "statement_page",
    "title_page",
    "title_url",
    "title_with_answer",
    "unlock_sheet",
    "unlock_url",
    "user_aside",
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
