"""What is told of being signed in, and what is never told."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pyotp import TOTP

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.onetime import PyotpCodes
from buddy_adapters.sealing import AesGcmSealer
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.sessions import (
    POLICY,
    BeginImpersonation,
    RefreshRefused,
    SignInLocked,
    Started,
    StartSession,
    begin_impersonation,
    confirm_second_factor,
    end_session,
    enrol_second_factor,
    find_second_factor,
    prove_second_factor,
    refresh_session,
    remove_second_factor,
    reserve_try,
    start_in,
)
from tests.contracts.cases import AT, account

pytestmark = pytest.mark.anyio


class World:
    """An empty store, a clock that stands, and what handlers need."""

    def __init__(self) -> None:
        self.uow, self.clock, self.ids = MemoryUnitOfWork(), SettableClock(AT), SequentialIds()
        self.tools: dict[str, Any] = {"uow": self.uow, "clock": self.clock, "ids": self.ids}
        self.seals: dict[str, Any] = {
            "codes": PyotpCodes("Buddy"),
            "sealer": AesGcmSealer([bytes(range(32))]),
        }

    async def sign_in(self, who: int) -> Started:
        """Begin a session."""
        async with self.uow.begin() as tx:
            return await start_in(tx, StartSession(account(who), "Firefox"), self.clock.now(), self.ids)

    async def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Return the events so far: the end of each type's name, and the body."""
        async with self.uow.read() as tx:
            found = await tx.outbox_queue.unsent(99)
        in_order = sorted(found, key=lambda item: item.id)
        return [(item.type.removeprefix("sessions."), json.loads(item.body)) for item in in_order]


async def test_each_event_is_told_once() -> None:
    """Sign-ins, ends and a revoked family are told with who and why, and a repeat tells nothing."""
    world = World()
    first, second = await world.sign_in(1), await world.sign_in(1)
    command = BeginImpersonation(account(1), second.session.id, account(2), "ticket 12")
    entered = await begin_impersonation(command, **world.tools)
    for _ in range(2):
        await end_session(account(1), entered.session.id, **world.tools)
    assert first.refresh_token is not None
    renewed = await refresh_session(first.refresh_token, **world.tools)
    for text in (first.refresh_token, first.refresh_token, renewed.refresh_token):
        with pytest.raises(RefreshRefused):
            await refresh_session(str(text), **world.tools)
    told = await world.told()
    assert [name for name, _ in told] == [
        "signed_in.v1",
        "signed_in.v1",
        "signed_in.v1",
        "signed_out.v1",
        "family_revoked.v1",
    ]
    me, other = str(account(1)), str(account(2))
    assert told[2][1] == {"session_id": entered.session.id, "account_id": other, "impersonator": me}
    assert told[3][1]["reason"] == "impersonation_ended"
    assert told[4][1] == {"session_id": first.session.id, "account_id": me}


async def test_a_lock_is_told_once() -> None:
    """The fifth try tells of the lock and when it ends; the refused ones after it tell nothing."""
    world = World()
    for _ in range(5):
        await reserve_try("password:x", **world.tools)
    for _ in range(3):
        with pytest.raises(SignInLocked):
            await reserve_try("password:x", **world.tools)
    [(name, body)] = await world.told()
    assert name == "locked.v1"
    assert body["what"] == "password"
    assert body["until"].startswith("2026-11-21T10:15:00")


async def test_a_second_factor_s_life() -> None:
    """Its secret is told once and stored sealed; confirming and removing are told, proving is not."""
    world = World()
    session = (await world.sign_in(1)).session
    enrolled = await enrol_second_factor(account(1), "asha", uow=world.uow, clock=world.clock, **world.seals)
    text = parse_qs(urlsplit(enrolled.uri).query)["secret"][0]
    stored = await find_second_factor(account(1), uow=world.uow)
    assert stored is not None
    assert stored.confirmed_at is None
    assert base64.b32decode(text) not in stored.sealed_secret

    def code() -> str:
        shown = TOTP(text).at(world.clock.now())
        return f"{shown[:3]} {shown[3:]}"

    await confirm_second_factor(account(1), session.id, code(), **world.tools, **world.seals)
    world.clock.advance(timedelta(seconds=30))
    proven = await prove_second_factor(account(1), session.id, code(), **world.tools, **world.seals)
    assert proven.second_factor_at == world.clock.now()
    await remove_second_factor(account(1), **world.tools)
    assert await find_second_factor(account(1), uow=world.uow) is None
    told = [name for name, _ in await world.told()]
    assert told == ["signed_in.v1", "second_factor_set.v1", "second_factor_removed.v1"]


async def test_good_codes_never_lock() -> None:
    """Each good code clears the tries before it, so that any number of them is let through."""
    world = World()
    session = (await world.sign_in(1)).session
    enrolled = await enrol_second_factor(account(1), "me", uow=world.uow, clock=world.clock, **world.seals)
    app = TOTP(parse_qs(urlsplit(enrolled.uri).query)["secret"][0])
    enter: Any = confirm_second_factor
    for _ in range(POLICY.lock_after * 2):
        await enter(account(1), session.id, app.at(world.clock.now()), **world.tools, **world.seals)
        world.clock.advance(timedelta(seconds=30))
        enter = prove_second_factor


async def test_secrets_do_not_show_in_logs() -> None:
    """Neither the refresh token nor the app's address is in the text of what a handler answers."""
    world = World()
    started = await world.sign_in(1)
    enrolled = await enrol_second_factor(account(1), "me", uow=world.uow, clock=world.clock, **world.seals)
    assert started.refresh_token is not None
    assert started.refresh_token not in repr(started)
    assert "secret" not in repr(enrolled)
    assert [body for _, body in await world.told() if started.refresh_token in str(body)] == []
