"""Signed cookies: what is ours is read, and everything else is as if it were not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_web.app import BuddyApp
from buddy_web.cookies import LIFETIME, AccountCookie, DeviceCookie, Identity, VisitorKind
from buddy_web.keys import Signer, signer
from tests.web.toy_app import ASHA, START, Clock

KEYS = ("first-key", "second-key")
ACCOUNT = AccountCookie(signer(KEYS, "account-cookie"), Clock(), secure=True)
DEVICE = DeviceCookie(signer(KEYS, "device-cookie"), Clock(), secure=True)
COOKIE_TEXT = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(
    st.uuids(),
    st.sampled_from(VisitorKind),
    st.integers(0, 10**9 - 1),
    st.integers(0, int(LIFETIME.total_seconds()) - 1),
)
def test_identity_round_trip(account: UUID, kind: VisitorKind, session_version: int, age_s: int) -> None:
    """What was written within 400 days is read back the same."""
    identity = Identity(AccountId(account), kind, START - timedelta(seconds=age_s), session_version)
    assert ACCOUNT.decode(ACCOUNT.encode(identity)) == identity


@given(st.data())
def test_any_altered_character_makes_it_absent(data: st.DataObject) -> None:
    """An account or device cookie with one character changed is nobody's."""
    account = ACCOUNT.encode(ACCOUNT.issue(ASHA, VisitorKind.MEMBER))
    device = DEVICE.encode(DeviceId("dev_1"))
    for text, decode in ((account, ACCOUNT.decode), (device, DEVICE.decode)):
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(COOKIE_TEXT.filter(lambda new, old=text[place]: new != old))
        assert decode(text[:place] + other + text[place + 1 :]) is None


@given(st.text())
def test_any_other_text_is_absent(text: str) -> None:
    """A cookie of any text that we did not write is nobody's, and raises nothing."""
    assert ACCOUNT.decode(text) is None
    assert DEVICE.decode(text) is None


@given(st.text(alphabet=COOKIE_TEXT))
def test_a_signed_text_of_another_form_is_absent(text: str) -> None:
    """Even rightly signed, only the exact form is read."""
    assert ACCOUNT.decode(ACCOUNT.signer.sign(text)) is None


def test_cookie_expires_after_400_days() -> None:
    """The cookie is good until 400 days after it was written, and not at that instant."""
    text = ACCOUNT.encode(ACCOUNT.issue(ASHA, VisitorKind.GUEST))
    last = AccountCookie(ACCOUNT.signer, Clock(START + LIFETIME - timedelta(seconds=1)), secure=True)
    over = AccountCookie(ACCOUNT.signer, Clock(START + LIFETIME), secure=True)
    assert last.decode(text) is not None
    assert over.decode(text) is None


def test_cookie_from_the_future_is_absent() -> None:
    """A cookie written more than five minutes ahead of our clock is not believed."""
    text = ACCOUNT.encode(Identity(ASHA, VisitorKind.GUEST, START + timedelta(minutes=6)))
    assert ACCOUNT.decode(text) is None


def test_keys_rotate() -> None:
    """The first key signs, a former key still opens, and a removed key does not."""
    text = ACCOUNT.encode(ACCOUNT.issue(ASHA, VisitorKind.GUEST))
    added = AccountCookie(signer(("new", *KEYS), "account-cookie"), Clock(), secure=True)
    removed = AccountCookie(signer(("new",), "account-cookie"), Clock(), secure=True)
    assert added.decode(text) is not None
    assert removed.decode(text) is None
    assert added.encode(added.issue(ASHA, VisitorKind.GUEST)) != text


def test_one_purpose_does_not_pass_for_another() -> None:
    """A text signed as a device cookie is no account cookie."""
    text = ACCOUNT.encode(ACCOUNT.issue(ASHA, VisitorKind.GUEST))
    swapped = DEVICE.signer.sign(text.rpartition(".")[0])
    assert ACCOUNT.decode(swapped) is None


def test_keys_are_not_shown() -> None:
    """A signer can be printed without showing its keys."""
    assert "abc" not in repr(Signer((b"abc",)))


def test_visitor_is_remembered(client: FlaskClient) -> None:
    """A signed-in browser is the same account and device at its next request."""
    client.get("/sign-in/asha")
    answer = client.get("/me").get_json()
    assert (answer["account"], answer["device"]) == (str(ASHA), "dev_1")


def test_tampered_cookie_is_a_new_visitor(client: FlaskClient) -> None:
    """A cookie with another's account put in is nobody's, never the other's."""
    client.get("/sign-in/asha")
    cookie = client.get_cookie("buddy_account")
    assert cookie is not None
    forged = cookie.value.replace(ASHA.hex, ASHA.hex[:-1] + "b")
    assert forged != cookie.value
    client.set_cookie("buddy_account", forged)
    assert client.get("/me").get_json()["account"] is None


def test_sign_out_takes_the_cookie(client: FlaskClient) -> None:
    """After signing out the browser has no account cookie, and its device stays known."""
    client.get("/sign-in/asha")
    client.get("/sign-out")
    assert client.get_cookie("buddy_account") is None
    assert client.get("/me").get_json() == {
        **client.get("/me").get_json(),
        "account": None,
        "device": "dev_1",
    }


def test_cookie_rolls_once_a_day(client: FlaskClient, clock: Clock) -> None:
    """A visitor who comes back after a day gets the cookie anew; within the day it is not sent."""
    client.get("/sign-in/asha")
    clock.at = START + timedelta(hours=23)
    assert "Set-Cookie" not in client.get("/me").headers
    clock.at = START + timedelta(days=399)
    assert "buddy_account=" in client.get("/me").headers["Set-Cookie"]
    clock.at = START + timedelta(days=700)
    assert client.get("/me").get_json()["account"] == str(ASHA)


def test_cookie_attributes(production: BuddyApp, client: FlaskClient) -> None:
    """Cookies are HttpOnly and Lax for 400 days, and Secure where the public comes by https."""
    for browser, secure in ((production.test_client(), True), (client, False)):
        cookies = browser.get("/sign-in/asha").headers.getlist("Set-Cookie")
        assert len(cookies) == 3
        for cookie in cookies:
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            assert ("Secure" in cookie) is secure
        assert sum(f"Max-Age={400 * 86400}" in cookie for cookie in cookies) == 2


def test_issued_at_is_utc() -> None:
    """The time of writing comes back as an aware instant in UTC."""
    identity = ACCOUNT.decode(ACCOUNT.encode(ACCOUNT.issue(ASHA, VisitorKind.GUEST)))
    assert identity is not None
    assert identity.issued_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
