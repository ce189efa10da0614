"""How a second factor is set and its codes are used up."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from buddy_core.kernel.ids import AccountId
from buddy_core.sessions.errors import SecondFactorExists, SecondFactorMissing, SecondFactorWrong
from buddy_core.sessions.model import LoginSession, SecondFactor, SessionPolicy
from buddy_core.sessions.rules.living import MAX_SKEW


def enrol(
    existing: SecondFactor | None, account: AccountId, sealed_secret: bytes, at: datetime
) -> SecondFactor:
    """Return a factor that is still to be confirmed; an unconfirmed one is replaced.

    Raises:
        SecondFactorExists: a confirmed one has to be removed first.
    """
    if existing is not None and existing.confirmed_at is not None:
        raise SecondFactorExists
    return SecondFactor(account, sealed_secret, at)


def confirm(factor: SecondFactor | None, step: int | None, at: datetime) -> SecondFactor:
    """Return the factor confirmed by its first code; `step` is the one that the code is of.

    Raises:
        SecondFactorMissing: none was enrolled.
        SecondFactorExists: it was confirmed before.
        SecondFactorWrong: the code is of no step.
    """
    if factor is None:
        raise SecondFactorMissing
    if factor.confirmed_at is not None:
        raise SecondFactorExists
    if step is None:
        raise SecondFactorWrong
    return evolve(factor, confirmed_at=max(at, factor.created_at), last_step=step)


def use(factor: SecondFactor | None, step: int | None) -> SecondFactor:
    """Return the factor with the code of `step` used up, and all earlier ones with it.

    Raises:
        SecondFactorMissing: there is no confirmed factor.
        SecondFactorWrong: the code is of no step, or of one that is used up.
    """
    if factor is None or factor.confirmed_at is None:
        raise SecondFactorMissing
    if step is None or (factor.last_step is not None and step <= factor.last_step):
        raise SecondFactorWrong
    return evolve(factor, last_step=step)


def is_proven(session: LoginSession, at: datetime, policy: SessionPolicy) -> bool:
    """Tell whether the session was proven by a second factor less than `second_factor_life` ago."""
    proven_at = session.second_factor_at
    return proven_at is not None and at - policy.second_factor_life < proven_at <= at + MAX_SKEW
