"""The ways a webhook, or the secret to check it, is refused."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Forbidden, Invalid


@attrs.define
class WebhookRefused(Forbidden):
    """The message is not proven to be the sender's, or not of now. `reason` is stable."""

    code = "webhooks.refused"

    reason: str
    """One of: header_missing, id_malformed, timestamp_malformed, too_old, too_new, signature_wrong."""
    detail: str

    def message(self) -> str:
        return f"The webhook is refused ({self.reason}): {self.detail}."


@attrs.define
class WebhookSecretWrong(Invalid):
    """The shared secret is empty, or not of the form that the convention gives it."""

    code = "webhooks.secret_wrong"

    problem: str

    def message(self) -> str:
        return f"The webhook secret cannot be used: {self.problem}. Copy it again from the sender."
