"""Standard Webhooks (standardwebhooks.com): sign a message, and prove one, by a shared secret.

The signature is `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`, keyed by
the bytes whose base64 follows `whsec_`. The body is the raw bytes: decoding and encoding
JSON again changes them, and the signature with them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from attrs import field, frozen

from buddy_adapters.webhooks.errors import WebhookRefused, WebhookSecretWrong
from buddy_core.kernel.clock import utc

TOLERANCE = timedelta(minutes=5)
"""How far, either way, a message's time may lie from ours."""

_PREFIX = "whsec_"
_ID = re.compile(r"[!-\-/-~]+")
_MAX_TIMESTAMP_DIGITS = 11


@frozen
class WebhookSecret:
    """The key that sender and receiver share; never shown when printed."""

    key: bytes = field(repr=False)

    def __attrs_post_init__(self) -> None:
        # HMAC takes an empty key without complaint, and then anybody can sign.
        if not self.key:
            raise WebhookSecretWrong("it is empty")

    @classmethod
    def parse(cls, text: str) -> WebhookSecret:
        """Read `whsec_` and base64 (the prefix may be left out).

        Raises:
            WebhookSecretWrong: it is empty, no text or not base64.
        """
        given: object = text
        if not isinstance(given, str):
            raise WebhookSecretWrong("it is no text")
        try:
            return cls(base64.b64decode(text.removeprefix(_PREFIX), validate=True))
        except ValueError as error:
            raise WebhookSecretWrong("what follows whsec_ is not base64") from error


@frozen
class WebhookMessage:
    """A proven message: its id (the same for each try, so dedupe on it), its time, and its body."""

    id: str
    sent_at: datetime
    body: bytes


def sign(body: bytes, *, message_id: str, sent_at: datetime, secret: WebhookSecret) -> dict[str, str]:
    """Return the three headers to send along with `body`.

    Raises:
        WebhookRefused: `message_id` could not be told from the timestamp after it.
    """
    _check_id(message_id)
    timestamp = str(int(utc(sent_at, "sent_at").timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(body, message_id, timestamp, secret),
    }


def verify(
    body: bytes,
    *,
    message_id: str,
    timestamp: str,
    signatures: str,
    secret: WebhookSecret,
    now: datetime,
) -> WebhookMessage:
    """Return the message once one of its v1 signatures is proven and its time is near `now`.

    `signatures` is the header's list, separated by spaces; other versions in it are passed over.

    Raises:
        WebhookRefused: no v1 signature is right, the time is more than five minutes off, or
            id or timestamp are malformed.
    """
    _check_id(message_id)
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_TIMESTAMP_DIGITS):
        raise WebhookRefused("timestamp_malformed", "the timestamp is not a count of seconds")
    expected = _signature(body, message_id, timestamp, secret).encode()
    # Every signature is compared, so that the time taken does not tell which one is right.
    listed = [given.encode(errors="replace") for given in signatures.split(" ")]
    matches = [hmac.compare_digest(expected, given) for given in listed]
    if not any(matches):
        raise WebhookRefused("signature_wrong", "no v1 signature is of this id, time and body by this secret")
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    _check_time(sent_at, utc(now, "now"))
    return WebhookMessage(message_id, sent_at, body)


def verify_headers(
    body: bytes, headers: Mapping[str, str], *, secret: WebhookSecret, now: datetime
) -> WebhookMessage:
    """`verify` with the values of the three `webhook-` headers; names count in any case.

    Raises:
        WebhookRefused: as `verify`, or a header is missing.
    """
    given = {name.lower(): value for name, value in headers.items()}
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        if given.get(name) is None:
            raise WebhookRefused("header_missing", f"the header {name} is missing")
    return verify(
        body,
        message_id=given["webhook-id"],
        timestamp=given["webhook-timestamp"],
        signatures=given["webhook-signature"],
        secret=secret,
        now=now,
    )


def _check_id(message_id: str) -> None:
    # A full stop in the id would let bytes move between id, timestamp and body unnoticed.
    given: object = message_id
    if not isinstance(given, str) or not _ID.fullmatch(given):
        raise WebhookRefused("id_malformed", "the id must be printable ASCII without spaces and full stops")


def _check_time(sent_at: datetime, now: datetime) -> None:
    if now - sent_at > TOLERANCE:
        raise WebhookRefused("too_old", "the message is more than five minutes old")
    if sent_at - now > TOLERANCE:
        raise WebhookRefused("too_new", "the message is more than five minutes ahead of our clock")


def _signature(body: bytes, message_id: str, timestamp: str, secret: WebhookSecret) -> str:
    text = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret.key, text, hashlib.sha256)).decode()
