"""Fetches AdMob's verification keys, keeps them up to a day, and is not to be flooded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import anyio
import httpx

from buddy_adapters.ads.admob.errors import SsvKeysUnavailable, SsvKeysWrong
from buddy_adapters.ads.admob.keys import SsvKeys
from buddy_adapters.ads.admob.mapping import SsvCallback, claimed_key_id, verify
from buddy_core.kernel.clock import Clock

GOOGLE_KEYS_URL = "https://www.gstatic.com/admob/reward/verifier-keys.json"
KEEP = timedelta(hours=24)
"""Google changes its keys now and then and asks that none be cached for longer."""
GAP = timedelta(minutes=1)
"""At most one request in this time, whatever key ids strangers send."""


class SsvKeySource:
    """The current keys of one key server; one instance a process, shared by all requests."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock, url: str = GOOGLE_KEYS_URL) -> None:
        self._http = http
        self._clock = clock
        self._url = url
        self._keys: SsvKeys | None = None
        self._fetched_at: datetime | None = None
        self._tried_at: datetime | None = None
        self._problem = "they were not asked for yet"
        self._lock = anyio.Lock()

    async def keys_for(self, key_id: str) -> SsvKeys:
        """Return keys not older than a day, asked for anew when they lack `key_id`.

        They may still lack it: `verify` refuses the callback then.

        Raises:
            SsvKeysUnavailable: no list younger than a day is to be had.
        """
        async with self._lock:
            now = self._clock.now()
            if key_id not in (self._fresh(now) or {}) and self._may_ask(now):
                await self._refresh(now)
            keys = self._fresh(now)
        if keys is None:
            raise SsvKeysUnavailable(self._problem)
        return keys

    def _fresh(self, now: datetime) -> SsvKeys | None:
        if self._fetched_at is None or now - self._fetched_at >= KEEP:
            return None
        return self._keys

    def _may_ask(self, now: datetime) -> bool:
        return self._tried_at is None or now - self._tried_at >= GAP

    async def _refresh(self, now: datetime) -> None:
        # The attempt counts, not its success: a server that is down is left in peace too.
        self._tried_at = now
        try:
            response = await self._http.get(self._url)
            response.raise_for_status()
            keys = SsvKeys.from_json(response.content)
        except httpx.HTTPError as error:
            self._problem = f"{type(error).__name__} from the key server"
        except SsvKeysWrong as error:
            self._problem = error.message()
        else:
            self._keys, self._fetched_at = keys, now


class KeysById(Protocol):
    """Where keys come from: a key server, or a network's own key."""

    async def keys_for(self, key_id: str) -> SsvKeys:
        """Return the keys there are; `key_id` may not be among them."""
        ...


async def verify_callback(raw_query: str | bytes, source: KeysById) -> SsvCallback:
    """Prove a callback with the keys of `source`; a malformed one costs no request.

    Raises:
        SsvRefused: as `verify`.
        SsvKeysUnavailable: no keys are to be had; the network will send the callback again.
    """
    keys = await source.keys_for(claimed_key_id(raw_query))
    return verify(raw_query, keys)
