"""AdMob's server-side verification as pure functions: prove a callback on its raw query, and make one.

The signature is ECDSA on P-256 with SHA-256, in DER, as base64url without padding. It
covers the percent-decoded text before `&signature=`. Two different queries can decode to
one text, so a good signature alone does not say where one parameter ends and the next
begins: the checks on names, order and separators here do.

This answers one question, whether Google sent the callback. Whether it may be paid
(nonce, freshness, account) is the ads module's to decide.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote_to_bytes

from attrs import frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256

from buddy_adapters.ads.admob.errors import SsvRefused

# Google documents that parameters come in alphabetical order, then signature and key_id.
PARAMETERS = (
    "ad_network",
    "ad_unit",
    "custom_data",
    "reward_amount",
    "reward_item",
    "timestamp",
    "transaction_id",
    "user_id",
)
_KNOWN = frozenset({*PARAMETERS, "signature", "key_id"})
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@frozen
class SsvCallback:
    """What a proven callback says; a parameter that Google left out is None.

    `reward_amount` is what the ad unit is set to pay in AdMob's console; what Buddy pays
    comes from Buddy's rule. `transaction_id` is unique to one watched ad.
    """

    key_id: str
    ad_network: str | None = None
    ad_unit: str | None = None
    custom_data: str | None = None
    reward_amount: int | None = None
    reward_item: str | None = None
    timestamp: datetime | None = None
    transaction_id: str | None = None
    user_id: str | None = None


@frozen
class _Parts:
    """A query taken apart: what is signed, by whom it claims to be, and with which signature."""

    values: dict[str, str]
    signature: str
    key_id: str

    def signed_text(self) -> bytes:
        return "&".join(f"{name}={value}" for name, value in self.values.items()).encode()


def verify(raw_query: str | bytes, keys: Mapping[str, EllipticCurvePublicKey]) -> SsvCallback:
    """Return what the callback says, once its signature is proven.

    `raw_query` is the query string as it came over the wire, without the question mark:
    a framework's parsed arguments have lost what the checks need.

    Raises:
        SsvRefused: unknown, repeated or misplaced parameters, separators inside a decoded
            value, bad percent encoding, UTF-8, base64 or DER, an unknown key, or a
            signature that is not of this text.
    """
    parts = _taken_apart(raw_query)
    signature = _signature_bytes(parts.signature)
    key = keys.get(parts.key_id)
    if key is None:
        raise SsvRefused("key_unknown", f"no key has the id {parts.key_id!r}")
    try:
        key.verify(signature, parts.signed_text(), ECDSA(SHA256()))
    except InvalidSignature as error:
        raise SsvRefused("signature_wrong", "the signature is not of this text by this key") from error
    return _callback(parts)


def claimed_key_id(raw_query: str | bytes) -> str:
    """Return the key id that a well-formed callback names; nothing is proven by it.

    Raises:
        SsvRefused: the query is not of the callback's form.
    """
    return _taken_apart(raw_query).key_id


def sign(parameters: Mapping[str, str], private_key: EllipticCurvePrivateKey, key_id: str) -> str:
    """Return the callback query that AdMob would send with these parameters, in its order.

    Values are plain text; they are percent-encoded here.

    Raises:
        SsvRefused: a parameter is unknown, or a value could not be verified again.
    """
    unknown = sorted(parameters.keys() - set(PARAMETERS))
    if unknown:
        raise SsvRefused("parameter_unknown", f"{unknown[0]!r} is not a parameter of the callback")
    values = {name: parameters[name] for name in PARAMETERS if name in parameters}
    for name, value in values.items():
        _refuse_separators(name, value)
    text = _Parts(values, "", key_id).signed_text()
    signature = base64.urlsafe_b64encode(private_key.sign(text, ECDSA(SHA256()))).rstrip(b"=").decode()
    fields = [*values.items(), ("signature", signature), ("key_id", key_id)]
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields)


def _taken_apart(raw_query: str | bytes) -> _Parts:
    values: dict[str, str] = {}
    for part in _text(raw_query).split("&"):
        name, equals, raw_value = part.partition("=")
        if name not in _KNOWN or not equals:
            raise SsvRefused("parameter_unknown", f"{name!r} is not a parameter of the callback")
        if name in values:
            raise SsvRefused("parameter_repeated", f"{name!r} stands twice")
        values[name] = _percent_decoded(name, raw_value)
        _refuse_separators(name, values[name])
    names = list(values)
    if names[-2:] != ["signature", "key_id"]:
        raise SsvRefused("signature_missing", "the query must end with signature and key_id, in this order")
    # A user may put text into custom_data and user_id. Out of alphabetical order means that
    # such a text, decoded, poses as further parameters under a genuine signature.
    if not names[:-2] or names[:-2] != sorted(names[:-2]):
        raise SsvRefused("parameter_order", "the signed parameters must stand in alphabetical order")
    return _Parts(key_id=values.pop("key_id"), signature=values.pop("signature"), values=values)


def _text(raw_query: str | bytes) -> str:
    if isinstance(raw_query, str):
        return raw_query
    try:
        return raw_query.decode()
    except UnicodeDecodeError as error:
        raise SsvRefused("encoding", "the query is not UTF-8") from error


def _percent_decoded(name: str, raw_value: str) -> str:
    if _BAD_PERCENT.search(raw_value):
        raise SsvRefused("encoding", f"{name!r} holds a broken percent code")
    try:
        return unquote_to_bytes(raw_value).decode()
    except UnicodeError as error:
        raise SsvRefused("encoding", f"{name!r} is not UTF-8") from error


def _refuse_separators(name: str, value: str) -> None:
    if "&" in value or "=" in value:
        raise SsvRefused("separator_in_value", f"{name!r} holds '&' or '=', which may pose as parameters")


def _signature_bytes(text: str) -> bytes:
    """Decode base64url without padding; only the one canonical spelling is taken."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise SsvRefused("signature_malformed", "the signature is not base64url without padding") from error
    if not decoded or base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != text:
        raise SsvRefused("signature_malformed", "the signature is not base64url without padding")
    return decoded


def _callback(parts: _Parts) -> SsvCallback:
    values = parts.values
    amount = _whole(values, "reward_amount")
    millis = _whole(values, "timestamp")
    try:
        sent_at = None if millis is None else _EPOCH + timedelta(milliseconds=millis)
    except OverflowError as error:
        raise SsvRefused("value_malformed", "timestamp lies beyond the calendar") from error
    return SsvCallback(
        key_id=parts.key_id,
        ad_network=values.get("ad_network"),
        ad_unit=values.get("ad_unit"),
        custom_data=values.get("custom_data"),
        reward_amount=amount,
        reward_item=values.get("reward_item"),
        timestamp=sent_at,
        transaction_id=values.get("transaction_id"),
        user_id=values.get("user_id"),
    )


def _whole(values: Mapping[str, str], name: str) -> int | None:
    text = values.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise SsvRefused("value_malformed", f"{name} is not a whole number")
    return int(text)
