"""How often a secret may be guessed: tries are counted before they are checked."""

from __future__ import annotations

from datetime import datetime, timedelta

from buddy_core.sessions.errors import SignInLocked
from buddy_core.sessions.model import Attempts, SessionPolicy
from buddy_core.sessions.rules.living import MAX_SKEW

_SECOND = timedelta(seconds=1)


def begin_try(attempts: Attempts, at: datetime, policy: SessionPolicy) -> Attempts:
    """Return the tries with one more, which counts as failed until it is proven good and they are cleared.

    No window of `lock_window` holds more than `lock_after` of them: the last one
    locks the key for `lock_for`. Tries while it is locked are not counted.

    Raises:
        SignInLocked: the key is locked; says for how many seconds, rounded up.
    """
    until = attempts.locked_until
    # A lock longer than any that could have been set comes of a clock that was set back: it begins anew.
    if until is not None and at < until <= at + policy.lock_for + MAX_SKEW:
        raise SignInLocked(-((at - until) // _SECOND))
    # What another host's clock dates in the future counts as of now.
    counted = [min(failure, at) for failure in attempts.failures if failure > at - policy.lock_window]
    failures = (*counted, at)[-policy.lock_after :]
    is_last = len(failures) == policy.lock_after
    return Attempts(attempts.key, failures, at + policy.lock_for if is_last else None)


def forget_before(at: datetime, policy: SessionPolicy) -> datetime:
    """Return the instant such that keys last tried before it say nothing any more at `at`."""
    return at - policy.lock_for - MAX_SKEW
