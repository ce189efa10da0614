"""The sandbox ad network's own side: its key pair, and its calls to our server in AdMob's form."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from attrs import field, frozen
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from buddy_adapters.ads.admob import SsvKeys, sign
from buddy_web.settings import Settings

KEY_ID = "1"
TRIES = 3
RETRY_AFTER_S = 2.0
TIMEOUT_S = 10.0

_LOG = logging.getLogger("buddy.sandbox.ads")
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@frozen
class ShownAd:
    """An ad that ran to its end: all the network knows is what the page told it."""

    ad_unit: str
    custom_data: str
    ended_at: datetime

    @property
    def transaction_id(self) -> str:
        """One id a shown ad, so that a second report of it is a duplicate."""
        return hashlib.sha256(self.custom_data.encode()).hexdigest()[:32]


def in_background(work: Callable[[], None]) -> None:
    """Run `work` in a thread that the process does not wait for."""
    threading.Thread(target=work, daemon=True, name="sandbox-ads").start()


@frozen
class SandboxNetwork:
    """Confirms shown ads by calls from server to server, signed with its own key.

    `transport` carries the calls (None: real HTTP), `run` starts them, `wait` passes
    the seconds between them; tests put their own in place.
    """

    key: EllipticCurvePrivateKey = field(repr=False)
    callback_url: str
    transport: httpx.BaseTransport | None = None
    run: Callable[[Callable[[], None]], None] = in_background
    wait: Callable[[float], None] = time.sleep

    def confirm(self, ad: ShownAd, *, after_s: float = 0, times: int = 1) -> None:
        """Call back for an ad, after some seconds and as often as told; each call is tried a few times."""
        query = sign(
            {
                "ad_network": "sandbox",
                "ad_unit": ad.ad_unit,
                "custom_data": ad.custom_data,
                "reward_amount": "1",
                "reward_item": "token",
                "timestamp": str((ad.ended_at - _EPOCH) // _MILLISECOND),
                "transaction_id": ad.transaction_id,
            },
            self.key,
            KEY_ID,
        )

        def work() -> None:
            if after_s:
                self.wait(after_s)
            for _ in range(times):
                self._call(query)

        self.run(work)

    def _call(self, query: str) -> None:
        with httpx.Client(transport=self.transport, timeout=TIMEOUT_S) as http:
            for attempt in range(1, TRIES + 1):
                answer = self._try(http, query)
                if answer is not None and answer < httpx.codes.INTERNAL_SERVER_ERROR:
                    _LOG.info("callback answered", extra={"facts": {"status": answer, "try": attempt}})
                    return
                if attempt < TRIES:
                    self.wait(RETRY_AFTER_S * attempt)
        _LOG.warning("callback given up", extra={"facts": {"tries": TRIES}})

    def _try(self, http: httpx.Client, query: str) -> int | None:
        try:
            return http.get(f"{self.callback_url}?{query}").status_code
        except httpx.HTTPError:
            return None


@frozen
class SandboxKeys:
    """The network's public key, in the place of the key list that Google publishes."""

    keys: SsvKeys

    async def keys_for(self, key_id: str) -> SsvKeys:
        """Return all keys there are; the one asked for may not be among them."""
        return self.keys


def sandbox_keys(key: EllipticCurvePrivateKey) -> SandboxKeys:
    """Return the source of keys that proves this network's callbacks."""
    return SandboxKeys(SsvKeys({KEY_ID: key.public_key()}))


def sandbox_key_file(settings: Settings) -> Path:
    """Return where the demo keeps the network's key."""
    return settings.secret_file.with_name("sandbox-ads.pem")


def sandbox_key(path: Path) -> EllipticCurvePrivateKey:
    """Return the network's key from `path`, made there the first time and readable by its owner alone.

    It is written aside and linked into place, so that two processes that start
    together read the same key.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = generate_private_key(SECP256R1())
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "wb") as aside:
            aside.write(pem)
        try:
            os.link(name, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(name)
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, EllipticCurvePrivateKey), "the sandbox writes only such keys"
    return key
