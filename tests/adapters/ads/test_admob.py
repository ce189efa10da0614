"""AdMob's callbacks: real ones pass, and nothing that merely decodes to the same text does."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import anyio
import httpx
import pytest
from attrs import asdict, define
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from buddy_adapters.ads.admob import (
    SsvCallback,
    SsvKeys,
    SsvKeySource,
    SsvKeysUnavailable,
    SsvKeysWrong,
    SsvRefused,
    claimed_key_id,
    public_key_from_spki,
    sign,
    verify,
    verify_callback,
)

# Google's public key and two callbacks that Google signed with it, as printed in public test suites.
GOOGLE_SPKI = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+nzvoGqvDeB9+SzE6igTl7TyK4JBbglwir9oTcQta8NuG26ZpZFxt+F2NDk7asTE6"
    "/2Yc8i1ATcGIqtuS5hv0Q=="
)
GOOGLE_KEYS = {"3335741209": public_key_from_spki(base64.b64decode(GOOGLE_SPKI))}
REAL = (
    "ad_network=5450213213286189855&ad_unit=4075738622&reward_amount=1&reward_item=sdc"
    "&timestamp=1564744089011&transaction_id=233a2412ef448c463ad79b4956ca3f66"
    "&signature=MEUCIQDvSQRk2_lIkQjKoWxI8POerBYnLmXaDvSB6c_g7bqwngIgNYPbeUkyveKwJZRPX_uxSuuspIczIaY1dc1c9xcNLak"
    "&key_id=3335741209"
)
REAL_ENCODED = (
    "ad_network=5450213213286189855&ad_unit=1234567890&reward_amount=1"
    "&reward_item=Odblokowanie%20pu%C5%82apki&timestamp=1790368140021&transaction_id=123456789"
    "&signature=MEQCIBYBhBjuiTygD-Ut7pLNhlwO7nGVjhNUwGgDxjnSVM8zAiACnmc0o7rWmbCISEv5w6D9LQceSZezNFAQD18qqIuipA"
    "&key_id=3335741209"
)

PRIVATE = ec.derive_private_key(0xB0DD1, ec.SECP256R1())
KEYS = {"7": PRIVATE.public_key()}
FULL = {
    "ad_network": "1",
    "ad_unit": "2",
    "custom_data": "nonce",
    "reward_amount": "3",
    "reward_item": "coins",
    "timestamp": "1790000000123",
    "transaction_id": "t1",
    "user_id": "u1",
}


def signed_raw(signed_text: str, raw: str | None = None) -> str:
    """Sign a text as Google would, and send it in another spelling when one is given."""
    signature = PRIVATE.sign(signed_text.encode(), ec.ECDSA(SHA256()))
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{raw or signed_text}&signature={encoded}&key_id=7"


def reason(raw: str | bytes) -> str:
    """Return why a query is refused."""
    with pytest.raises(SsvRefused) as caught:
        verify(raw, KEYS)
    return caught.value.reason


def test_a_real_callback_is_proven_and_read() -> None:
    """Google's own callback passes; what it left out is None, its time is an instant."""
    assert verify(REAL, GOOGLE_KEYS) == SsvCallback(
        key_id="3335741209",
        ad_network="5450213213286189855",
        ad_unit="4075738622",
        reward_amount=1,
        reward_item="sdc",
        timestamp=datetime(2019, 8, 2, 11, 8, 9, 11000, UTC),
        transaction_id="233a2412ef448c463ad79b4956ca3f66",
    )


def test_the_decoded_text_is_what_is_signed() -> None:
    """A real callback with percent codes passes, which over its raw text would not verify."""
    assert verify(REAL_ENCODED.encode(), GOOGLE_KEYS).reward_item == "Odblokowanie pułapki"


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    """A real callback with any one character changed is refused, or says the very same."""
    raw = data.draw(st.sampled_from([REAL, REAL_ENCODED]))
    place = data.draw(st.integers(0, len(raw) - 1))
    other = data.draw(st.one_of(st.sampled_from("&=%+cC?0A"), st.characters(exclude_categories=[])))
    changed = raw[:place] + other + raw[place + 1 :]
    try:
        callback = verify(changed, GOOGLE_KEYS)
    except SsvRefused:
        return
    # The hex digits of a percent code may be of either case; nothing else may differ.
    assert changed.lower() == raw.lower()
    assert callback == verify(raw, GOOGLE_KEYS)


texts = st.text(st.characters(exclude_characters="&=", exclude_categories=["Cs"]))


@given(st.dictionaries(st.sampled_from(sorted(FULL.keys() - {"reward_amount", "timestamp"})), texts))
def test_signed_parameters_come_back(parameters: dict[str, str]) -> None:
    """Whatever text the parameters hold, it arrives unchanged, and absent ones are None."""
    callback = verify(sign({**parameters, "reward_amount": "3"}, PRIVATE, "7"), KEYS)
    said = {name: value for name, value in asdict(callback).items() if value is not None}
    assert said == {"key_id": "7", "reward_amount": 3, **parameters}


def test_a_parameter_smuggled_inside_a_value_is_refused() -> None:
    """Genuine text, sent so that two parameters hide in one value, is refused."""
    text = "custom_data=nonce&reward_amount=1&user_id=u1"
    assert verify(signed_raw(text), KEYS).user_id == "u1"
    assert reason(signed_raw(text, "custom_data=nonce%26reward_amount=1&user_id=u1")) == "separator_in_value"
    assert reason(signed_raw(text, "custom_data=nonce%26reward_amount%3D1%26user_id%3Du1")) == (
        "separator_in_value"
    )
    assert reason(signed_raw(text, "custom_data=nonce&reward_amount%3D1&user_id=u1")) == "parameter_unknown"


def test_a_value_smuggled_out_as_parameters_is_refused() -> None:
    """A user's own text, signed by Google as one value, cannot be sent again as parameters."""
    # Google signed custom_data = "n&user_id=victim" and user_id = "me&user_id=victim".
    out_of_order = "custom_data=n&user_id=victim&reward_amount=1&transaction_id=t"
    assert reason(signed_raw(out_of_order)) == "parameter_order"
    assert reason(signed_raw("transaction_id=t&user_id=me&user_id=victim")) == "parameter_repeated"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "parameter_unknown"),
        ("ad_unit=1", "signature_missing"),
        (signed_raw("ad_unit=1") + "&user_id=u", "signature_missing"),
        (signed_raw("ad_unit=1") + "&", "parameter_unknown"),
        (signed_raw("ad_unit=1") + "&key_id=7", "parameter_repeated"),
        (signed_raw("ad_unit=1&ad_unit=2"), "parameter_repeated"),
        (signed_raw("ad_unit=1&vip=yes"), "parameter_unknown"),
        (signed_raw("ad_unit"), "parameter_unknown"),
        (signed_raw("ad%5Funit=1"), "parameter_unknown"),
        (signed_raw("user_id=1&ad_unit=1"), "parameter_order"),
        (signed_raw("ad_unit=a=b"), "separator_in_value"),
        (signed_raw("ad_unit=%", "ad_unit=%"), "encoding"),
        (signed_raw("ad_unit=%zz", "ad_unit=%zz"), "encoding"),
        (signed_raw("ad_unit=x", "ad_unit=%ff"), "encoding"),
        (b"ad_unit=\xff", "encoding"),
        ("ad_unit=\ud800&signature=AA&key_id=7", "encoding"),
        ("signature=AA&key_id=7", "parameter_order"),
        ("ad_unit=1&key_id=7&signature=AA", "signature_missing"),
        ("ad_unit=1&signature=&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=A&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=A%2B%2F&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=AB&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=AAAA%20&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=é&key_id=7", "signature_malformed"),
        ("ad_unit=1&signature=AAAA&key_id=7", "signature_wrong"),
        ("ad_unit=1&signature=AAAA&key_id=8", "key_unknown"),
        ("ad_unit=1&signature=AAAA&key_id=", "key_unknown"),
        (signed_raw("reward_amount=-1"), "value_malformed"),
        (signed_raw("reward_amount=٣"), "value_malformed"),
        (signed_raw("timestamp=soon"), "value_malformed"),
        (signed_raw("timestamp=999999999999999999"), "value_malformed"),
    ],
)
def test_malformed_queries_are_refused_by_name(raw: str | bytes, why: str) -> None:
    """Each fault has its own stable reason, however well the rest is signed."""
    assert reason(raw) == why


def test_a_signature_with_bytes_behind_it_is_refused() -> None:
    """DER is taken in its one exact form."""
    signature = PRIVATE.sign(b"ad_unit=1", ec.ECDSA(SHA256())) + b"\0"
    encoded = base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    assert reason(f"ad_unit=1&signature={encoded}&key_id=7") == "signature_wrong"


@pytest.mark.parametrize("parameters", [{"vip": "1"}, {"user_id": "a&b"}, {"custom_data": "a=b"}])
def test_what_could_not_be_verified_is_not_signed(parameters: dict[str, str]) -> None:
    """The sandbox network cannot send what Buddy would have to refuse."""
    with pytest.raises(SsvRefused):
        sign(parameters, PRIVATE, "7")


def document(*key_ids: int, form: str = "base64") -> bytes:
    """Write a key list as Google publishes it."""
    public, spki = PRIVATE.public_key(), serialization.PublicFormat.SubjectPublicKeyInfo
    if form == "pem":
        text = public.public_bytes(serialization.Encoding.PEM, spki).decode()
    else:
        text = base64.b64encode(public.public_bytes(serialization.Encoding.DER, spki)).decode()
    return json.dumps({"keys": [{"keyId": key_id, form: text} for key_id in key_ids]}).encode()


class TestKeys:
    """The published list of keys."""

    @pytest.mark.parametrize("form", ["base64", "pem"])
    def test_read(self, form: str) -> None:
        """Numeric ids become text, and either form of the key verifies."""
        keys = SsvKeys.from_json(document(7, 8, form=form))
        assert sorted(keys) == ["7", "8"]
        assert len(keys) == 2
        assert verify(sign(FULL, PRIVATE, "7"), keys).user_id == "u1"

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"[]",
            b"{}",
            b"\xff",
            b'{"keys": []}',
            b'{"keys": [7]}',
            b'{"keys": [{"keyId": 7}]}',
            b'{"keys": [{"keyId": 7, "base64": "!"}]}',
            b'{"keys": [{"keyId": 7, "base64": "AAAA"}]}',
            b'{"keys": [{"keyId": 7, "pem": "none"}]}',
            b'{"keys": [{"keyId": 7, "pem": 7}]}',
            document(7, 7),
        ],
    )
    def test_malformed_lists_are_refused(self, text: bytes) -> None:
        """A list that is not what Google publishes gives no key at all."""
        with pytest.raises(SsvKeysWrong):
            SsvKeys.from_json(text)

    def test_other_curves_are_refused(self) -> None:
        """Only P-256 keys are taken."""
        other = ec.generate_private_key(ec.SECP384R1()).public_key()
        der = other.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(SsvKeysWrong):
            public_key_from_spki(der)


@define
class HandClock:
    """A clock that the test moves."""

    at: datetime = datetime(2026, 10, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@define
class KeyServer:
    """A key server that counts its requests and can be broken."""

    document: bytes
    status: int = 200
    down: bool = False
    asked: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(self.status, content=self.document)


class TestKeySource:
    """Fetching the keys: seldom, and never too seldom."""

    def setup_method(self) -> None:
        self.clock = HandClock()
        self.server = KeyServer(document(7))
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self.server.answer))
        self.source = SsvKeySource(self.http, self.clock)

    def keys_for(self, key_id: str) -> SsvKeys:
        """Ask the source from this synchronous test."""
        return anyio.run(self.source.keys_for, key_id)

    def test_kept_for_a_day_and_no_longer(self) -> None:
        """One request serves a day; after 24 hours the list is asked for again."""
        self.keys_for("7")
        self.clock.at += timedelta(hours=23, minutes=59)
        self.keys_for("7")
        assert self.server.asked == 1
        self.clock.at += timedelta(minutes=1)
        self.keys_for("7")
        assert self.server.asked == 2

    def test_an_unknown_key_asks_once_a_minute(self) -> None:
        """Strangers' key ids cost one request a minute, and a new key of Google's is found by it."""
        self.keys_for("7")
        for _ in range(100):
            assert "9" not in self.keys_for("9")
        assert self.server.asked == 1
        self.server.document = document(7, 9)
        self.clock.at += timedelta(minutes=1)
        assert "9" in self.keys_for("9")
        assert self.server.asked == 2

    def test_an_old_list_is_good_while_the_server_is_down(self) -> None:
        """Up to a day the kept list serves, whatever the server says; then callbacks wait."""
        self.keys_for("7")
        self.server.down = True
        self.clock.at += timedelta(hours=2)
        assert "7" in self.keys_for("9")
        self.clock.at += timedelta(hours=22)
        with pytest.raises(SsvKeysUnavailable):
            self.keys_for("7")
        with pytest.raises(SsvKeysUnavailable):
            self.keys_for("7")
        assert self.server.asked == 3
        self.server.down = False
        self.clock.at += timedelta(minutes=1)
        assert "7" in self.keys_for("7")

    @pytest.mark.parametrize(("status", "body"), [(500, document(7)), (200, b"<html>")])
    def test_a_broken_answer_is_no_list(self, status: int, body: bytes) -> None:
        """An error page gives no keys and is not kept."""
        self.server.status, self.server.document = status, body
        with pytest.raises(SsvKeysUnavailable):
            self.keys_for("7")

    def test_verify_callback(self) -> None:
        """A callback is proven with fetched keys; a malformed one does not even ask for them."""
        callback = anyio.run(verify_callback, sign(FULL, PRIVATE, "7"), self.source)
        assert callback.custom_data == "nonce"
        assert self.server.asked == 1
        fresh = SsvKeySource(self.http, self.clock)
        with pytest.raises(SsvRefused):
            anyio.run(verify_callback, "junk", fresh)
        assert self.server.asked == 1


def test_claimed_key_id() -> None:
    """The key id can be read before there are keys."""
    assert claimed_key_id(REAL) == "3335741209"
