"""Webhooks that follow a public convention rather than one vendor's own."""

from buddy_adapters.webhooks.errors import WebhookRefused, WebhookSecretWrong
from buddy_adapters.webhooks.standard import WebhookMessage, WebhookSecret, sign, verify, verify_headers

__all__ = [
    "WebhookMessage",
    "WebhookRefused",
    "WebhookSecret",
    "WebhookSecretWrong",
    "sign",
    "verify",
    "verify_headers",
]
