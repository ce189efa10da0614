"""Pure decisions of access: may this actor, what is a role worth, does this need a second person."""

from buddy_core.access.rules.approving import check_reason, decide, needs_second_person, state_of
from buddy_core.access.rules.book import BUILT_IN, SYSTEM, RoleBook, check_assignment, check_reach
from buddy_core.access.rules.permits import (
    Considered,
    explain,
    may,
    may_anywhere,
    own_account,
    require,
    require_anywhere,
)

__all__ = [
    "BUILT_IN",
    "SYSTEM",
    "Considered",
    "RoleBook",
    "check_assignment",
    "check_reach",
    "check_reason",
    "decide",
    "explain",
    "may",
    "may_anywhere",
    "needs_second_person",
    "own_account",
    "require",
    "require_anywhere",
    "state_of",
]
