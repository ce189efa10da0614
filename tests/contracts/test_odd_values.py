"""The contract of all ports about data that a store cannot hold: it is refused in the kernel's words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from buddy_core.ads import Cap, Reward
from buddy_core.catalog import Producer
from buddy_core.kernel import DeviceId, Envelope, EventId, InvalidValue, PartnerId, Receipt, RequestKey
from buddy_core.playback import Position
from tests.contracts.cases import AT, LATER, Uow, account, title, uid

pytestmark = pytest.mark.anyio

Write = Callable[[Any], Awaitable[Any]]

NUL = "secret\0words"
LONE_SURROGATE = "secret\ud800words"
# No index takes as much, even after compression: it has no pattern.
TOO_LONG = "".join(chr(0x4E00 + number * number % 20_000) for number in range(9_000))
TOO_LARGE = 2**63


def reward(**changes: Any) -> Reward:
    """Return a reward that was begun."""
    values: dict[str, Any] = {
        "id": "rwd_1",
        "nonce": "non_1",
        "account_id": account(1),
        "as_guest": True,
        "device_id": DeviceId("dev_1"),
        "ip_key": "key-of-ip",
        "ad_unit": "ca-app-pub/1",
        "started_at": AT,
        "expires_at": LATER,
    }
    return Reward(**{**values, **changes})


def receipt(key: str) -> Receipt:
    """Return a receipt of a key."""
    return Receipt(RequestKey("scope", key, bytes(32)), b"1", AT)


WRITES: dict[str, Write] = {
    "NUL in a reward": lambda tx: tx.rewards.add(reward(ad_unit=NUL)),
    "NUL in an event": lambda tx: tx.outbox.add([Envelope(EventId(uid(1)), "a.b.v1", NUL, AT, b"{}")]),
    "NUL in a count": lambda tx: tx.reward_counters.take([Cap("ip", NUL, "", 1)]),
    "a lone surrogate": lambda tx: tx.rewards.add(reward(ad_unit=LONE_SURROGATE)),
    "a lone surrogate in a name": lambda tx: tx.producers.add(
        Producer(PartnerId(uid(1)), LONE_SURROGATE, LONE_SURROGATE)
    ),
    "a key that no index takes": lambda tx: tx.rewards.add(reward(nonce=TOO_LONG)),
    "an integer of 64 bits": lambda tx: tx.positions.save([Position(account(1), title(1), TOO_LARGE, AT)]),
    "two integers of 64 bits": lambda tx: tx.positions.save(
        [Position(account(1), title(number), TOO_LARGE, AT) for number in (1, 2)]
    ),
    "a reward that ends before it begins": lambda tx: tx.rewards.add(
        reward(expires_at=AT - timedelta(seconds=1))
    ),
    "a position before the start": lambda tx: tx.positions.save([Position(account(1), title(1), -1, AT)]),
}

READS: dict[str, Write] = {
    "NUL in a nonce": lambda tx: tx.rewards.get(NUL),
    "NUL in a receipt's key": lambda tx: tx.receipts.find("scope", NUL),
    "NUL in a transaction's id": lambda tx: tx.rewards.reward_of_callback("admob", NUL),
    "a lone surrogate in a nonce": lambda tx: tx.rewards.get(LONE_SURROGATE),
    "a page of 64 bits": lambda tx: tx.entries.of_account(account(1), before=TOO_LARGE, limit=1),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
async def test_what_cannot_be_stored_is_an_invalid_value(uow: Uow, write: Write) -> None:
    """A store takes a value or raises InvalidValue that quotes none of it, and goes on working."""
    try:
        async with uow.begin() as tx:
            await write(tx)
    except InvalidValue as error:
        _says_little(error)
    async with uow.begin() as tx:
        await tx.rewards.add(reward(id="rwd_2", nonce="non_2"))
    async with uow.read() as tx:
        assert await tx.rewards.get("rwd_2") == reward(id="rwd_2", nonce="non_2")


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
async def test_what_cannot_be_stored_is_not_found(uow: Uow, read: Write) -> None:
    """Asking for a value that no row can have finds nothing, or is refused as an invalid value."""
    try:
        async with uow.read() as tx:
            assert not await read(tx)
    except InvalidValue as error:
        _says_little(error)


def _says_little(error: InvalidValue) -> None:
    assert error.field == "value"
    assert error.problem.startswith("cannot be stored: ")
    for word in ("secret", "INSERT", "SELECT", "sqlalche", "ck_", "ads_", str(TOO_LARGE)):
        assert word not in str(error)
