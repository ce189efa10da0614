"""Providers' published vectors: one function a group, each calling that provider's public functions."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from buddy_adapters.ads.admob import SsvRefused, public_key_from_spki, verify
from buddy_adapters.cdn.errors import LinkSettingsWrong
from buddy_adapters.cdn.nginx import NginxSecureLink
from buddy_adapters.webhooks import WebhookRefused, WebhookSecret, WebhookSecretWrong
from buddy_adapters.webhooks import verify as verify_webhook

Inputs = Mapping[str, Any]
Answers = dict[str, Any]

NGINX_SETTINGS = ("expression", "hash_argument", "expires_argument")


def answer(inputs: Inputs, group: str | None) -> Answers:
    """Answer one case by the function of its group."""
    return GROUPS[str(group)](inputs)


def nginx_secure_link(inputs: Inputs) -> Answers:
    """Hash and sign one link; a case without an expiry has no argument for it."""
    settings = {name: inputs[name] for name in NGINX_SETTINGS if name in inputs}
    if "expires" not in inputs:
        settings["expires_argument"] = None
    variables = {name: inputs[name] for name in inputs if name not in NGINX_SETTINGS}
    try:
        link = NginxSecureLink(**settings)
        return {"hash": link.hash(**variables), "url": link.sign(**variables), "error": False}
    except LinkSettingsWrong:
        return {"error": True}


def admob_ssv(inputs: Inputs) -> Answers:
    """Verify one callback on its raw query with the case's key."""
    key = public_key_from_spki(base64.b64decode(inputs["public_key_spki_b64"]))
    try:
        verify(inputs["query"], {inputs["key_id"]: key})
    except SsvRefused:
        return {"valid": False, "error": True}
    return {"valid": True, "error": False}


def standard_webhooks(inputs: Inputs) -> Answers:
    """Verify one message at the case's instant."""
    try:
        verify_webhook(
            inputs["body"].encode(),
            message_id=inputs["id"],
            timestamp=str(inputs["timestamp"]),
            signatures=inputs["signature"],
            secret=WebhookSecret.parse(inputs["secret"]),
            now=datetime.fromtimestamp(inputs["now"], UTC),
        )
    except (WebhookRefused, WebhookSecretWrong):
        return {"valid": False, "error": True}
    return {"valid": True, "error": False}


GROUPS: dict[str, Callable[[Inputs], Answers]] = {
    "admob_ssv": admob_ssv,
    "nginx_secure_link": nginx_secure_link,
    "standard_webhooks": standard_webhooks,
}
