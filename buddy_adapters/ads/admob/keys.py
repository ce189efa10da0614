"""AdMob's public keys by key id, read from the JSON document that Google publishes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping

from attrs import frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key

from buddy_adapters.ads.admob.errors import SsvKeysWrong


@frozen
class SsvKeys(Mapping[str, EllipticCurvePublicKey]):
    """The keys of one published list, by key id as text; use it as the mapping that `verify` takes."""

    _by_id: Mapping[str, EllipticCurvePublicKey]

    @classmethod
    def from_json(cls, document: bytes | str) -> SsvKeys:
        """Read `{"keys": [{"keyId": ..., "pem": ..., "base64": ...}]}`; one of pem and base64 is enough.

        Raises:
            SsvKeysWrong: it is not such a document, holds no key, repeats an id, or a key
                is not on the P-256 curve.
        """
        try:
            entries = json.loads(document)["keys"]
            pairs = [(str(entry["keyId"]), _key_of(entry)) for entry in entries]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SsvKeysWrong('it is not {"keys": [{"keyId", "pem" or "base64"}]}') from error
        if not pairs:
            raise SsvKeysWrong("it holds no key")
        if len(dict(pairs)) < len(pairs):
            raise SsvKeysWrong("it holds one key id twice")
        return cls(dict(pairs))

    def __getitem__(self, key_id: str) -> EllipticCurvePublicKey:
        return self._by_id[key_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)


def public_key_from_spki(der: bytes) -> EllipticCurvePublicKey:
    """Return the P-256 key of a SubjectPublicKeyInfo structure in DER.

    Raises:
        SsvKeysWrong: it holds no such key.
    """
    try:
        return _p256(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SsvKeysWrong("a key is not a DER public key") from error


def _key_of(entry: Mapping[str, str]) -> EllipticCurvePublicKey:
    if "base64" in entry:
        return public_key_from_spki(base64.b64decode(entry["base64"], validate=True))
    try:
        return _p256(load_pem_public_key(entry["pem"].encode()))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SsvKeysWrong("a key is not a PEM public key") from error


def _p256(key: PublicKeyTypes) -> EllipticCurvePublicKey:
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise SsvKeysWrong("a key is not on the P-256 curve")
    return key
