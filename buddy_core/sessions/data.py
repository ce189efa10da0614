"""The policy in force where a host names no other."""

from __future__ import annotations

from datetime import timedelta

from buddy_core.sessions.model import SessionPolicy

POLICY = SessionPolicy(
    access_life=timedelta(minutes=15),
    refresh_life=timedelta(days=7),
    second_factor_life=timedelta(hours=12),
    impersonation_life=timedelta(minutes=30),
    lock_after=5,
    lock_window=timedelta(minutes=15),
    lock_for=timedelta(minutes=15),
)
