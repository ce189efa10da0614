"""Signed cookies: what is ours is read, and everything else is as if it were not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel.ids import AccountId, DeviceId, LoginSessionId
from buddy_core.sessions import AccessClaims
from buddy_web.app import BuddyApp
from buddy_web.cookies import ACCESS, LIFETIME, REFRESH, DeviceCookie, Guest, GuestCookie
from buddy_web.keys import Signer, signer
from buddy_web.public_ids import public_ids
from buddy_web.tokens import AccessTokens
from tests.web.toy_app import ASHA, BILAL, SECRET, SESSION, START, Clock, started

KEYS = ("first-key", "second-key")
GUEST = GuestCookie(signer(KEYS, "account-cookie"), Clock(), secure=True)
DEVICE = DeviceCookie(signer(KEYS, "device-cookie"), Clock(), secure=True)
TOKENS = AccessTokens(signer(KEYS, "access-token"), public_ids(KEYS))
TOKENS_OF_TOY = AccessTokens(signer((SECRET,), "access-token"), public_ids((SECRET,)))
COOKIE_TEXT = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


@given(st.uuids(), st.integers(0, int(LIFETIME.total_seconds()) - 1))
def test_guest_round_trip(account: UUID, age_s: int) -> None:
    """What was written within 400 days is read back the same."""
    guest = Guest(AccountId(account), START - timedelta(seconds=age_s))
    assert GUEST.decode(GUEST.encode(guest)) == guest


@given(st.uuids(), st.uuids(), st.integers(1, 10**9 - 1), st.integers(0, 10**9), st.integers(1, 10**6))
def test_access_token_round_trip(session: UUID, account: UUID, number: int, since: int, life_s: int) -> None:
    """An access token says what was signed, and shows neither the account's internal id nor any other."""
    issued = datetime.fromtimestamp(since, UTC)
    claims = AccessClaims(
        LoginSessionId(f"sgn_{session.hex}"),
        AccountId(account),
        number,
        issued,
        issued + timedelta(seconds=life_s),
    )
    text = TOKENS.encode(claims)
    assert TOKENS.decode(text) == claims
    assert account.hex not in text.replace(session.hex, "")


def test_a_members_cookie_of_before_is_absent() -> None:
    """The cookie that named a member by itself lets nobody in any more: a session does."""
    old = GUEST.signer.sign(f"1~{ASHA.hex}~member~{int(START.timestamp())}~0")
    assert GUEST.decode(old) is None


@given(st.data())
def test_any_altered_character_makes_it_absent(data: st.DataObject) -> None:
    """A guest's or device's cookie or an access token with one character changed is nobody's."""
    guest = GUEST.encode(GUEST.issue(ASHA))
    token = TOKENS.encode(started(START).claims)
    device = DEVICE.encode(DeviceId("dev_1"))
    for text, decode in ((guest, GUEST.decode), (device, DEVICE.decode), (token, TOKENS.decode)):
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(COOKIE_TEXT.filter(lambda new, old=text[place]: new != old))
        assert decode(text[:place] + other + text[place + 1 :]) is None


@given(st.text())
def test_any_other_text_is_absent(text: str) -> None:
    """A cookie of any text that we did not write is nobody's, and raises nothing."""
    assert GUEST.decode(text) is None
    assert DEVICE.decode(text) is None
    assert TOKENS.decode(text) is None


@given(st.text(alphabet=COOKIE_TEXT))
def test_a_signed_text_of_another_form_is_absent(text: str) -> None:
    """Even rightly signed, only the exact form is read."""
    assert GUEST.decode(GUEST.signer.sign(text)) is None
    assert TOKENS.decode(TOKENS.signer.sign(text)) is None


def test_cookie_expires_after_400_days() -> None:
    """The cookie is good until 400 days after it was written, and not at that instant."""
    text = GUEST.encode(GUEST.issue(ASHA))
    last = GuestCookie(GUEST.signer, Clock(START + LIFETIME - timedelta(seconds=1)), secure=True)
    over = GuestCookie(GUEST.signer, Clock(START + LIFETIME), secure=True)
    assert last.decode(text) is not None
    assert over.decode(text) is None


def test_cookie_from_the_future_is_absent() -> None:
    """A cookie written more than five minutes ahead of our clock is not believed."""
    text = GUEST.encode(Guest(ASHA, START + timedelta(minutes=6)))
    assert GUEST.decode(text) is None


def test_keys_rotate() -> None:
    """The first key signs, a former key still opens, and a removed key does not."""
    text = GUEST.encode(GUEST.issue(ASHA))
    added = GuestCookie(signer(("new", *KEYS), "account-cookie"), Clock(), secure=True)
    removed = GuestCookie(signer(("new",), "account-cookie"), Clock(), secure=True)
    assert added.decode(text) is not None
    assert removed.decode(text) is None
    assert added.encode(added.issue(ASHA)) != text


def test_one_purpose_does_not_pass_for_another() -> None:
    """A text signed as a device cookie is no guest's, and one signed as a guest's is no access token."""
    text = GUEST.encode(GUEST.issue(ASHA))
    swapped = DEVICE.signer.sign(text.rpartition(".")[0])
    assert GUEST.decode(swapped) is None
    token = TOKENS.encode(started(START).claims)
    assert TOKENS.decode(GUEST.signer.sign(token.rpartition(".")[0])) is None


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


def test_a_sessions_cookies_take_the_guests_place(production: BuddyApp, client: FlaskClient) -> None:
    """Both tokens are HttpOnly and Lax for 400 days, Secure with https, and the guest's cookie goes."""
    for browser, secure in ((production.test_client(), True), (client, False)):
        browser.get("/sign-in/asha", base_url="https://watch.example.com" if secure else None)
        answer = browser.get("/enter", base_url="https://watch.example.com" if secure else None)
        cookies = {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}
        assert set(cookies) == {"buddy_account", "buddy_csrf", ACCESS, REFRESH}
        words = ("HttpOnly", "SameSite=Lax", f"Max-Age={400 * 86400}")
        assert all(word in cookies[name] for word in words for name in (ACCESS, REFRESH))
        assert all(("Secure" in cookie) is secure for cookie in cookies.values())
        assert "buddy_account=;" in cookies["buddy_account"]
    assert client.get("/me").get_json()["account"] == str(BILAL)


def test_signing_out_takes_a_sessions_cookies(client: FlaskClient) -> None:
    """After signing out no token is left in the browser."""
    client.get("/enter")
    client.get("/sign-out")
    assert [client.get_cookie(name) for name in (ACCESS, REFRESH, "buddy_looking")] == [None] * 3
    assert client.get("/me").get_json()["account"] is None


def test_a_bearers_token_is_the_only_thing_looked_at(client: FlaskClient) -> None:
    """Beside an access token in the header no cookie says who asks, not even where the token is none."""
    client.get("/sign-in/asha")
    token = TOKENS_OF_TOY.encode(started(START).claims)
    for sent, account in ((token, str(BILAL)), ("made-up", None)):
        headers = {"Authorization": f"Bearer {sent}"}
        assert client.get("/me", headers=headers).get_json()["account"] == account
        assert client.post("/change", headers=headers).get_json()["account"] == account


def test_a_tokens_session_is_named_by_its_opaque_id() -> None:
    """The session in the token is the one that began."""
    claims = TOKENS.decode(TOKENS.encode(started(START).claims))
    assert claims is not None
    assert (claims.session_id, claims.account_id) == (SESSION, BILAL)


def test_issued_at_is_utc() -> None:
    """The time of writing comes back as an aware instant in UTC."""
    guest = GUEST.decode(GUEST.encode(GUEST.issue(ASHA)))
    assert guest is not None
    assert guest.issued_at == datetime(2026, 11, 21, 10, tzinfo=UTC)
