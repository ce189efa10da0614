"""Which counts a request adds to, whether each has room, and policies as plain data."""

from buddy_core.limits.rules.choosing import group_of, hits_for
from buddy_core.limits.rules.counting import (
    GRACE,
    Full,
    Taken,
    admit,
    admit_all,
    in_order,
    instant,
    micros,
    needed_until,
    refuse,
    room_of,
    stopped,
    tightest,
    wait_s,
)
from buddy_core.limits.rules.documents import policy_from, policy_to

__all__ = [
    "GRACE",
    "Full",
    "Taken",
    "admit",
    "admit_all",
    "group_of",
    "hits_for",
    "in_order",
    "instant",
    "micros",
    "needed_until",
    "policy_from",
    "policy_to",
    "refuse",
    "room_of",
    "stopped",
    "tightest",
    "wait_s",
]
