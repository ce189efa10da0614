"""Cases of other shapes than those that are kept here: allocation, currencies, lots and providers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracles.conftest import OracleCase

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {"secret": SECRET, "id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "body": '{"test": 2432232314}'}
SIGNED = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT = 1614265330
LINK = {"expression": "secret$uri", "secret": "secret", "uri": "/test.html"}
EXPIRING = {"expression": "$secure_link_expires$uri$remote_addr secret", "uri": "/s/link"}
KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+nzvoGqvDeB9+SzE6igTl7TyK4JBbglwir9oTcQta8NuG26ZpZFxt+F2NDk7asTE6/2Yc8i1AT"
    "cGIqtuS5hv0Q=="
)
QUERY = (
    "ad_network=5450213213286189855&ad_unit=4075738622&reward_amount=1&reward_item=sdc&timestamp=1564744089011"
    "&transaction_id=233a2412ef448c463ad79b4956ca3f66&signature=MEUCIQDvSQRk2_lIkQjKoWxI8POerBYnLmXaDvSB6c_g7bqwng"
    "IgNYPbeUkyveKwJZRPX_uxSuuspIczIaY1dc1c9xcNLak&key_id=3335741209"
)
LOT = {"lot_id": "a", "amount": 9, "effective_at": "2026-01-01T00:00:00Z"}
DAY = {"order": ["lot_id"], "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "lots": [LOT]}

SHAPES: list[tuple[str, str | None, dict[str, Any], dict[str, Any]]] = [
    (
        "allocation",
        None,
        {
            "total_minor": 1200,
            "weights": ["0.1", "0.2"],
            "method": "first_come",
            "weights_are": "fractions of one",
        },
        {"shares_minor": [400, 800]},
    ),
    (
        "allocation",
        None,
        {"total_minor": 300, "weights": ["0", "0"], "method": "max_amounts"},
        {"shares_minor": [0, 0], "remainder_minor": 300, "error": False},
    ),
    (
        "allocation",
        None,
        {"total_minor": 10, "parts": 3, "method": "equal_parts"},
        {"shares_minor": [4, 3, 3]},
    ),
    (
        "allocation",
        None,
        {"total_minor": 5, "weights": ["50%", "50 %"], "method": "first_come"},
        {"shares_minor": [3, 2]},
    ),
    ("allocation", None, {"total_minor": 5, "weights": ["half"], "method": "first_come"}, {"error": True}),
    ("allocation", None, {"value": "-2.5", "rounding": "half_odd"}, {"rounded": -3}),
    ("currency", None, {"code": "USD", "major": "1.500"}, {"minor_from_major": 150}),
    ("currency", None, {"code": "JPY", "major": 31}, {"minor_from_major": 31}),
    ("currency", None, {"code": "USD", "major": ".5"}, {"error": True}),
    ("currency", None, {"code": "XAU", "major": "1"}, {"exponent": None, "error": True}),
    ("currency", None, {"code": "KWD", "minor": 1050}, {"major_from_minor": "1.050"}),
    (
        "burn_down",
        None,
        {**DAY, "usage": [{"at": "2026-01-01T05:00:00Z", "amount": 4}, {"at": DAY["until"], "amount": 3}]},
        {"balances": {"a": 5}, "drawn": [[["a", 4]], []], "overage": 0},
    ),
    (
        "burn_down",
        None,
        {
            **DAY,
            "usage": [
                {"at": "2026-01-01T05:00:00Z", "amount": 4},
                {"at": "2026-01-01T06:00:00Z", "amount": 5, "kind": "void"},
            ],
        },
        {"balances": {"a": 0}, "drawn": [[["a", 4]], [["a", 5]]]},
    ),
    (
        "burn_down",
        None,
        {**DAY, "usage": [{"at": "2026-01-01T06:00:00Z", "amount": 10, "kind": "void"}]},
        {"error": True},
    ),
    ("burn_down", None, {**DAY, "resets": [{"at": "2025-12-31T00:00:00Z"}]}, {"error": True}),
    (
        "burn_down",
        None,
        {
            "order": ["expires_at", "lot_id"],
            "expiry_resolution": "whole second",
            "lots": [
                {"lot_id": "b", "expires_at_ms": 1767229200001},
                {"lot_id": "a", "expires_at_ms": 1767229200999, "amount": 3},
                {"lot_id": "c", "expires_at_ms": 1767229199999},
            ],
        },
        {"order": ["c", "a", "b"]},
    ),
    ("provider_vectors", "standard_webhooks", {**MESSAGE, "timestamp": SENT}, {"signature": SIGNED}),
    (
        "provider_vectors",
        "standard_webhooks",
        {**MESSAGE, "timestamp": SENT, "signature": SIGNED},
        {"valid": True, "error": False},
    ),
    (
        "provider_vectors",
        "standard_webhooks",
        {
            **MESSAGE,
            "timestamp": SENT,
            "now": SENT,
            "cases": [{"signature": SIGNED}, {"signature": None}, {}],
        },
        {"valid": [True, False, False]},
    ),
    (
        "provider_vectors",
        "standard_webhooks",
        {**MESSAGE, "signature": SIGNED, "cases": [{"timestamp": None}, {"timestamp": "hello"}, {}]},
        {"valid": [False, False, False]},
    ),
    (
        "provider_vectors",
        "standard_webhooks",
        {
            "secret": SECRET,
            "body": MESSAGE["body"],
            "headers": {
                "webhook-id": MESSAGE["id"],
                "webhook-timestamp": str(SENT),
                "webhook-signature": SIGNED,
            },
        },
        {"valid": True},
    ),
    ("provider_vectors", "standard_webhooks", {"secret": "whsec_"}, {"error": True}),
    (
        "provider_vectors",
        "nginx_secure_link",
        {**LINK, "cases": [{"hash": "q-5vpkjBkRXXtkUMXiJVHA=="}, {"md5": "q-5vpkjBkRXXtkUMXiJVHAQQ"}]},
        {"secure_link": ["1", ""], "valid": [True, False]},
    ),
    (
        "provider_vectors",
        "nginx_secure_link",
        {
            **EXPIRING,
            "expires": 2147483647,
            "remote_addr": "127.0.0.1",
            "hash": "_e4Nc3iduzkWRm01TBBNYw",
            "cases": [{"now": 2147483647}, {"now": 2147483648}, {}],
        },
        {"secure_link": ["1", "0", "1"], "expired": [False, True, False]},
    ),
    (
        "provider_vectors",
        "nginx_secure_link",
        {**EXPIRING, "expires": 100, "remote_addr": "::1", "cases": [{"now": 100}, {"now": 101}]},
        {"secure_link": ["1", "0"]},
    ),
    (
        "provider_vectors",
        "nginx_secure_link",
        {
            "expression": EXPIRING["expression"],
            "url": "/s/link?md5=_e4Nc3iduzkWRm01TBBNYw&expires=2147483647",
            "now": 1,
            "cases": [{"remote_addr": "127.0.0.1"}, {"remote_addr": "127.0.0.2"}],
        },
        {"secure_link": ["1", ""]},
    ),
    (
        "provider_vectors",
        "admob_ssv",
        {
            "query": QUERY,
            "cases": [
                {"key_id": 3335741209, "public_key_spki_b64": KEY},
                {"public_key_spki_b64": KEY},
                {"key_id": "1", "public_key_spki_b64": KEY},
                {"key_id": "3335741209", "public_key_spki_b64": "AAAA"},
                {"key_id": "3335741209", "public_key_spki_b64": None},
            ],
        },
        {"valid": [True, True, False, False, False]},
    ),
]


@pytest.mark.parametrize(("topic", "group", "inputs", "expected"), SHAPES)
def test_a_case_of_another_shape_is_answered(
    topic: str, group: str | None, inputs: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Other spellings, fields left out or null, and what is to be refused, all have their answer."""
    answered = OracleCase(topic, "shape", group, inputs, expected).answer()
    assert {name: answered.get(name) for name in expected} == expected
