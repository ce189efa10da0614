"""Standard Webhooks: signed messages are proven, and late, changed or unsigned ones refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.webhooks import (
    WebhookMessage,
    WebhookRefused,
    WebhookSecret,
    WebhookSecretWrong,
    sign,
    verify,
    verify_headers,
)

# The message that the convention's own libraries test with.
SECRET = WebhookSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def check(
    body: bytes = BODY,
    message_id: str = ID,
    timestamp: str = "1614265330",
    signatures: str = GOOD,
    secret: WebhookSecret = SECRET,
    now: datetime = AT,
) -> WebhookMessage:
    """Verify the published message, with one part changed."""
    return verify(
        body, message_id=message_id, timestamp=timestamp, signatures=signatures, secret=secret, now=now
    )


def test_the_published_signature_is_made_and_proven() -> None:
    """The convention's own message gets the published signature, and passes with it."""
    headers = sign(BODY, message_id=ID, sent_at=AT, secret=SECRET)
    assert headers == {"webhook-id": ID, "webhook-timestamp": "1614265330", "webhook-signature": GOOD}
    assert check() == WebhookMessage(ID, AT, BODY)


@given(st.binary(), st.binary(min_size=1), st.integers(0, 99_999_999_999))
def test_what_is_signed_is_proven(body: bytes, key: bytes, seconds: int) -> None:
    """Any body passes with its own headers, names in any case."""
    at = datetime.fromtimestamp(seconds, UTC)
    secret = WebhookSecret(key)
    headers = sign(body, message_id="m-1", sent_at=at, secret=secret)
    upper = {name.title(): value for name, value in headers.items()}
    assert verify_headers(body, upper, secret=secret, now=at).body == body


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    """A body with one byte changed is refused, as is one that was parsed and written again."""
    changed = bytearray(BODY)
    changed[place] ^= change
    with pytest.raises(WebhookRefused):
        check(body=bytes(changed))


@pytest.mark.parametrize("signatures", [f"{OTHER} v2,x {GOOD}", f"{GOOD} {OTHER}", f"v1a,x  {GOOD} é"])
def test_one_good_signature_of_a_list_is_enough(signatures: str) -> None:
    """While secrets are changed a sender signs with both; other versions are passed over."""
    check(signatures=signatures)


@pytest.mark.parametrize(
    "signatures",
    [
        "",
        " ",
        OTHER,
        GOOD.replace("v1,", "v2,"),
        GOOD.replace("v1,", "v1a,"),
        GOOD[3:],
        GOOD.rstrip("="),
        "\ud800",
    ],
)
def test_without_a_good_v1_signature_it_is_refused(signatures: str) -> None:
    """No signature, another version's, or half of one: refused."""
    with pytest.raises(WebhookRefused) as caught:
        check(signatures=signatures)
    assert caught.value.reason == "signature_wrong"


@pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
def test_five_minutes_either_way_are_good(seconds: int) -> None:
    """Clocks may differ and mail may be slow, up to five minutes."""
    check(now=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "why"), [(-301, "too_new"), (301, "too_old")])
def test_beyond_five_minutes_is_refused(seconds: int, why: str) -> None:
    """An old message is not taken again, and one from the future not at all."""
    with pytest.raises(WebhookRefused) as caught:
        check(now=AT + timedelta(seconds=seconds))
    assert caught.value.reason == why


@pytest.mark.parametrize("timestamp", ["", "-1", "1e9", "1614265330.0", " 1614265330", "٣", "9" * 40])
def test_a_malformed_timestamp_is_refused(timestamp: str) -> None:
    """The timestamp is a count of seconds and nothing else."""
    with pytest.raises(WebhookRefused) as caught:
        check(timestamp=timestamp)
    assert caught.value.reason == "timestamp_malformed"


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "é", "a\n", None])
def test_an_id_that_blurs_the_signed_text_is_refused(message_id: str) -> None:
    """With a full stop in the id, bytes could move between id, timestamp and body."""
    with pytest.raises(WebhookRefused):
        check(message_id=message_id)
    with pytest.raises(WebhookRefused):
        sign(BODY, message_id=message_id, sent_at=AT, secret=SECRET)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(missing: str) -> None:
    """Without one of the three headers nothing is proven."""
    headers = sign(BODY, message_id=ID, sent_at=AT, secret=SECRET)
    del headers[missing]
    with pytest.raises(WebhookRefused) as caught:
        verify_headers(BODY, headers, secret=SECRET, now=AT)
    assert caught.value.reason == "header_missing"
    with pytest.raises(WebhookRefused, match="header_missing"):
        verify_headers(BODY, {**headers, missing: None}, secret=SECRET, now=AT)  # type: ignore[dict-item]


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!", "whsec_é", "whsec_A", None, b"whsec_MfKQ"])
def test_an_empty_or_broken_secret_is_refused(text: str) -> None:
    """An empty secret would let anybody sign; it is an error before any message is looked at."""
    with pytest.raises(WebhookSecretWrong):
        WebhookSecret.parse(text)


def test_the_secret_is_not_printed() -> None:
    """A secret in a log is a secret lost."""
    assert repr(SECRET) == "WebhookSecret()"
