"""AdMob's server-side verification: is this callback Google's, and what does it say."""

from buddy_adapters.ads.admob.client import SsvKeySource, verify_callback
from buddy_adapters.ads.admob.errors import SsvKeysUnavailable, SsvKeysWrong, SsvRefused
from buddy_adapters.ads.admob.keys import SsvKeys, public_key_from_spki
from buddy_adapters.ads.admob.mapping import SsvCallback, claimed_key_id, sign, verify

__all__ = [
    "SsvCallback",
    "SsvKeySource",
    "SsvKeys",
    "SsvKeysUnavailable",
    "SsvKeysWrong",
    "SsvRefused",
    "claimed_key_id",
    "public_key_from_spki",
    "sign",
    "verify",
    "verify_callback",
]
