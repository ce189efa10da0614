"""One-time codes against the published vectors, and where they are refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp import TOTP

from buddy_adapters.onetime import PyotpCodes

CODES = PyotpCodes("Buddy")
SECRET = b"12345678901234567890"
STEP = timedelta(seconds=30)
# RFC 6238, appendix B, SHA-1: seconds, and the last six of the eight digits printed there.
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


def instant(seconds: int) -> datetime:
    """Return the instant so many seconds after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_published_codes_are_recognised(seconds: int, code: str) -> None:
    """Each code of the RFC's table is the one of its own step."""
    assert CODES.matching_step(SECRET, code, instant(seconds)) == seconds // 30


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_a_code_is_good_one_step_early_and_late(seconds: int, code: str) -> None:
    """A code is recognised in the steps beside its own, and in no other."""
    start = instant(seconds // 30 * 30)
    last = start + STEP - timedelta(microseconds=1)
    for at in (start - STEP, last + STEP):
        assert CODES.matching_step(SECRET, code, at) == seconds // 30
    for at in (start - STEP - timedelta(microseconds=1), last + STEP + timedelta(microseconds=1)):
        if at >= instant(0):
            assert CODES.matching_step(SECRET, code, at) is None


@pytest.mark.parametrize(
    "code", ["", "28708", "2870822", " 287082", "28708a", "２８７０８２", "²⁸⁷⁰⁸²", "-28708"]
)
def test_what_is_no_code_is_of_no_step(code: str) -> None:
    """Anything but six ASCII digits is refused without an error."""
    assert CODES.matching_step(SECRET, code, instant(59)) is None


@given(st.text(max_size=8))
def test_any_text_is_taken(code: str) -> None:
    """No text makes the check fail in another way than by its answer."""
    assert CODES.matching_step(SECRET, code, instant(59)) in (None, 0, 1, 2)


def test_secrets_are_long_and_new() -> None:
    """A secret has 160 bits, and no two are alike."""
    made = [CODES.new_secret() for _ in range(50)]
    assert {len(secret) for secret in made} == {20}
    assert len(set(made)) == 50


def test_an_app_that_reads_the_address_makes_the_codes() -> None:
    """The address names issuer and account, and an app that knows nothing else shows the right code."""
    secret = CODES.new_secret()
    parts = urlsplit(CODES.uri(secret, "asha@example.com"))
    facts = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Buddy:asha%40example.com")
    assert facts["issuer"] == ["Buddy"]
    assert {"digits", "period", "algorithm"} & set(facts) == set()
    code = TOTP(facts["secret"][0]).at(instant(1234567890))
    assert CODES.matching_step(secret, code, instant(1234567890)) == 1234567890 // 30
