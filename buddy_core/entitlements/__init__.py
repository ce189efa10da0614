"""May this guest or member watch this title here and now, and why; a pure decision over plain facts."""

from buddy_core.entitlements.data import DEFAULT_HOURS, GIVEN_RIGHTS
from buddy_core.entitlements.errors import BadFacts, BadGrant, GrantNotFound, NotExtended
from buddy_core.entitlements.events import AccessEnded, AccessGranted, GrantsMerged, GrantUsed
from buddy_core.entitlements.model.answers import Allowed, Decision, Denied, Reason, Untils
from buddy_core.entitlements.model.codec import terms_body, terms_from_body
from buddy_core.entitlements.model.facts import (
    Channel,
    Context,
    GrantKind,
    Holding,
    LicenceFacts,
    Membership,
    PlanState,
    Profile,
    Rights,
    TakedownFacts,
    TitleFacts,
    Viewer,
    WindowFacts,
)
from buddy_core.entitlements.model.grants import (
    RENTAL_HOURS,
    TO_START,
    TOKEN_UNLOCK,
    UNLOCK_TERMS,
    Grant,
    GrantChange,
    GrantStatus,
    GrantUse,
    Terms,
    UseKind,
)
from buddy_core.entitlements.ports import EntitlementsTx, GrantBooks, GrantRecords, Grants
from buddy_core.entitlements.proof import GrantFacts, PaidUnlock, check_grants
from buddy_core.entitlements.rules.deciding import decide, decide_each
from buddy_core.entitlements.rules.explaining import Asked, Fact, Seen, Trace, Verdict, explain
from buddy_core.entitlements.rules.holding import ONCE_HOURS, holdings_of
from buddy_core.entitlements.rules.merging import GrantMerge, is_live, merge_grants, refunded_grants
from buddy_core.entitlements.rules.placing import WAYS
from buddy_core.entitlements.rules.telling import answer_data, tell, tell_answer, trace_data
from buddy_core.entitlements.steps import end_in, end_refunded_in, grant_in, merge_grants_in, use_in

__all__ = [
    "DEFAULT_HOURS",
    "GIVEN_RIGHTS",
    "ONCE_HOURS",
    "RENTAL_HOURS",
    "TOKEN_UNLOCK",
    "TO_START",
    "UNLOCK_TERMS",
    "WAYS",
    "AccessEnded",
    "AccessGranted",
    "Allowed",
    "Asked",
    "BadFacts",
    "BadGrant",
    "Channel",
    "Context",
    "Decision",
    "Denied",
    "EntitlementsTx",
    "Fact",
    "Grant",
    "GrantBooks",
    "GrantChange",
    "GrantFacts",
    "GrantKind",
    "GrantMerge",
    "GrantNotFound",
    "GrantRecords",
    "GrantStatus",
    "GrantUse",
    "GrantUsed",
    "Grants",
    "GrantsMerged",
    "Holding",
    "LicenceFacts",
    "Membership",
    "NotExtended",
    "PaidUnlock",
    "PlanState",
    "Profile",
    "Reason",
    "Rights",
    "Seen",
    "TakedownFacts",
    "Terms",
    "TitleFacts",
    "Trace",
    "Untils",
    "UseKind",
    "Verdict",
    "Viewer",
    "WindowFacts",
    "answer_data",
    "check_grants",
    "decide",
    "decide_each",
    "end_in",
    "end_refunded_in",
    "explain",
    "grant_in",
    "holdings_of",
    "is_live",
    "merge_grants",
    "merge_grants_in",
    "refunded_grants",
    "tell",
    "tell_answer",
    "terms_body",
    "terms_from_body",
    "trace_data",
    "use_in",
]
