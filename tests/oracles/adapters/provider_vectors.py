"""Providers' published vectors: one function a group, each calling that provider's public functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from buddy_adapters.ads.admob import SsvKeys, SsvKeysWrong, SsvRefused, claimed_key_id, verify
from buddy_adapters.cdn.errors import LinkSettingsWrong
from buddy_adapters.cdn.nginx import LinkState, NginxSecureLink
from buddy_adapters.webhooks import WebhookRefused, WebhookSecret, WebhookSecretWrong, sign, verify_headers

Inputs = Mapping[str, Any]
Answers = dict[str, Any]

NGINX_SETTINGS = ("expression", "hash_argument", "expires_argument")
NGINX_HASHES = ("hash", "md5")
# The variables that a link is made of, besides those that its expression names.
NGINX_LINK = ("uri", "expires", "remote_addr")
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
HEADERS = {"id": "webhook-id", "timestamp": "webhook-timestamp", "signature": "webhook-signature"}


def answer(inputs: Inputs, group: str | None) -> Answers:
    """Answer one case by the function of its group."""
    return GROUPS[str(group)](inputs)


def nginx_secure_link(inputs: Inputs) -> Answers:
    """Judge a link where one is given, whole or as a hash, or the one just made where an instant is given.

    Where the expression names no expiry there is no argument for it. The secret stands in the expression.
    """
    inputs.get("secret")
    settings = {name: inputs[name] for name in NGINX_SETTINGS if name in inputs}
    if "expires" not in inputs["expression"] and "expires_argument" not in inputs:
        settings["expires_argument"] = None
    try:
        link = NginxSecureLink(**settings)
        if "url" in inputs:
            state, _ = link.state(inputs["url"], now(inputs, None), **nginx_variables(inputs, link))
            return judged(state)
        variables = nginx_variables(inputs, link)
        made = {"hash": link.hash(**variables), "url": link.sign(**variables), "error": False}
        at = now(inputs, inputs.get("expires"))
        hashes = [inputs[name] for name in NGINX_HASHES if name in inputs]
        if "now" in inputs:
            hashes = hashes or [made["hash"]]
        for given_hash in hashes:
            made.update(judged(link.state_of(given_hash=given_hash, at=at, **variables)))
        return made
    except LinkSettingsWrong:
        return {"error": True}


def nginx_variables(inputs: Inputs, link: NginxSecureLink) -> Answers:
    """Read what a link is made of: path, expiry, address, and any other variable of its expression."""
    return {name: inputs[name] for name in (*NGINX_LINK, *link.variables) if name in inputs}


def judged(state: LinkState) -> Answers:
    """Write what nginx says of a link."""
    return {"secure_link": state.value, "valid": state is GOOD, "expired": state is EXPIRED, "error": False}


GOOD, EXPIRED = LinkState.GOOD, LinkState.EXPIRED


def now(inputs: Inputs, otherwise: Any) -> datetime:
    """Read the instant of a check; a case that names none is asked at that of its own time.

    What is no count of seconds is refused by the library, which needs some instant to be asked.
    """
    try:
        return instant(otherwise if inputs.get("now") is None else inputs["now"])
    except (ValueError, TypeError, OverflowError):
        return EPOCH


def instant(seconds: Any) -> datetime:
    """Read seconds since 1970."""
    return datetime.fromtimestamp(int(seconds), UTC)


def admob_ssv(inputs: Inputs) -> Answers:
    """Verify one callback on its raw query with the case's key, by the id that it gives or claims."""
    query, key = inputs["query"], inputs["public_key_spki_b64"]
    try:
        key_id = claimed_key_id(query) if inputs.get("key_id") is None else inputs["key_id"]
        verify(query, SsvKeys.from_json(json.dumps({"keys": [{"keyId": key_id, "base64": key}]})))
    except (SsvKeysWrong, SsvRefused):
        return {"valid": False, "error": True}
    return {"valid": True, "error": False}


def standard_webhooks(inputs: Inputs) -> Answers:
    """Verify one message, or sign it, where there is neither a signature nor an instant of a check.

    Without `now` the message is looked at in its own second, so that its age is not in question.
    """
    headers = {header: text(inputs[name]) for name, header in HEADERS.items() if inputs.get(name) is not None}
    given = {**headers, **dict(inputs.get("headers") or {})}
    try:
        secret = WebhookSecret.parse(inputs["secret"])
        body = inputs["body"].encode()
        if "signature" in inputs or "now" in inputs or "headers" in inputs:
            at = now(inputs, given.get("webhook-timestamp"))
            verify_headers(body, given, secret=secret, now=at)
            return {"valid": True, "error": False}
        signed = sign(body, message_id=inputs["id"], sent_at=instant(inputs["timestamp"]), secret=secret)
    except (WebhookRefused, WebhookSecretWrong):
        return {"valid": False, "error": True}
    return {"signature": signed["webhook-signature"], "headers": signed, "error": False}


def text(value: Any) -> str:
    """Write a header's value, which is a text, from a JSON number too."""
    return str(value)


GROUPS: dict[str, Callable[[Inputs], Answers]] = {
    "admob_ssv": admob_ssv,
    "nginx_secure_link": nginx_secure_link,
    "standard_webhooks": standard_webhooks,
}
