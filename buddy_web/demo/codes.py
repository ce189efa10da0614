"""What the authenticator of a seeded account shows: its secret is public, so the demo can say it."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

from pyotp import TOTP

from buddy_core.accounts import Account
from buddy_core.sessions import Sealer, SecondFactor, SecretUnreadable, factor_context
from buddy_core.views import DemoCode
from buddy_web.demo.seed import LOGINS, demo_secret

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(seconds=30)


def demo_code(account: Account, factor: SecondFactor, sealer: Sealer, at: datetime) -> DemoCode | None:
    """Return the code that a seeded account may enter now; None for any other account or secret.

    Each code is good once: where the one of now is used up, the next one is accepted already.
    """
    email = account.email
    if email is None or email not in {login.email for login in LOGINS}:
        return None
    secret = demo_secret(email)
    try:
        is_seeded = hmac.compare_digest(sealer.open(factor.sealed_secret, factor_context(account.id)), secret)
    except SecretUnreadable:
        return None
    if not is_seeded:
        return None
    now = (at - _EPOCH) // _STEP
    step = max(now, (factor.last_step or 0) + 1)
    if step <= now + 1:
        return DemoCode(TOTP(base64.b32encode(secret).decode("ascii")).generate_otp(step), 0)
    until = _EPOCH + (step - 1) * _STEP
    return DemoCode(None, -((at - until) // timedelta(seconds=1)))
