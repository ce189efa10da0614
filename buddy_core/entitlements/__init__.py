"""May this guest or member watch this title now, and why; a pure decision over plain facts."""

from buddy_core.entitlements.events import AccessEnded, AccessGranted, GrantsMerged
from buddy_core.entitlements.model import (
    TOKEN_UNLOCK,
    Allowed,
    Decision,
    Denied,
    Grant,
    GrantChange,
    GrantStatus,
    Reason,
    TitleFacts,
    ViewerFacts,
)
from buddy_core.entitlements.ports import EntitlementsTx, GrantBooks, GrantRecords, Grants
from buddy_core.entitlements.proof import GrantFacts, PaidUnlock, check_grants
from buddy_core.entitlements.rules import GrantMerge, decide, is_live, merge_grants, refunded_grants
from buddy_core.entitlements.steps import end_refunded_in, grant_in, merge_grants_in

__all__ = [
    "TOKEN_UNLOCK",
    "AccessEnded",
    "AccessGranted",
    "Allowed",
    "Decision",
    "Denied",
    "EntitlementsTx",
    "Grant",
    "GrantBooks",
    "GrantChange",
    "GrantFacts",
    "GrantMerge",
    "GrantRecords",
    "GrantStatus",
    "Grants",
    "GrantsMerged",
    "PaidUnlock",
    "Reason",
    "TitleFacts",
    "ViewerFacts",
    "check_grants",
    "decide",
    "end_refunded_in",
    "grant_in",
    "is_live",
    "merge_grants",
    "merge_grants_in",
    "refunded_grants",
]
