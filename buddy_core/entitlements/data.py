"""What each kind of grant gives where its seller says nothing else; as data."""

from __future__ import annotations

from collections.abc import Mapping

from buddy_core.entitlements.model.facts import GrantKind, Rights
from buddy_core.entitlements.model.grants import UNLOCK_TERMS

_BOUGHT = UNLOCK_TERMS.rights
_KEPT = Rights(max_height=1080, ads=False, downloads=True, streams=2)

GIVEN_RIGHTS: Mapping[GrantKind, Rights] = {
    GrantKind.RENTAL: _BOUGHT,
    GrantKind.WATCH_ONCE: Rights(max_height=1080, ads=False, downloads=False, streams=1),
    GrantKind.EST: _KEPT,
    GrantKind.PVOD: _BOUGHT,
    GrantKind.PPV: _BOUGHT,
    GrantKind.FESTIVAL_PASS: _BOUGHT,
    GrantKind.EDITION: _KEPT,
    GrantKind.SUBSCRIPTION: _KEPT,
    GrantKind.TOKEN_UNLOCK: _BOUGHT,
    GrantKind.GIFT: _BOUGHT,
    GrantKind.PROMOTION: _BOUGHT,
    GrantKind.SUPPORT: _BOUGHT,
}
DEFAULT_HOURS = 48
"""How long a rental runs where nothing is said (decision C5)."""
