"""The contracts of `LoginSessions`, `RefreshTokens`, `Lockouts` and `SecondFactors`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import Contention, InvalidValue, LoginSessionId
from buddy_core.sessions import (
    POLICY,
    Attempts,
    BeginImpersonation,
    EndReason,
    LoginSession,
    RefreshRefused,
    RefreshToken,
    SecondFactor,
    SignInLocked,
    Started,
    StartSession,
    begin_impersonation,
    clear_tries,
    end_all_sessions,
    end_session,
    hash_token,
    refresh_session,
    reserve_try,
    start_in,
    sweep_sessions,
    touch_session,
)
from tests.contracts.cases import AT, LATER, Uow, account, race

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
KEY = "password:of-somebody"


def session(number: int, **changes: Any) -> LoginSession:
    """Return a session that was begun."""
    values: dict[str, Any] = {
        "id": LoginSessionId(f"sgn_{number}"),
        "account_id": account(1),
        "started_at": AT,
        "last_used_at": AT + number * MINUTE,
        "renew_by": AT + POLICY.refresh_life,
        "label": "Firefox on Linux",
    }
    return LoginSession(**{**values, **changes})


def impersonation(number: int, parent: LoginSession, **changes: Any) -> LoginSession:
    """Return a session of staff in the account of another."""
    values: dict[str, Any] = {
        "account_id": account(7),
        "renew_by": None,
        "impersonator": parent.account_id,
        "parent_id": parent.id,
        "reason": "ticket 12",
        "ends_at": LATER,
    }
    return session(number, **{**values, **changes})


def token(number: int, of: LoginSession, **changes: Any) -> RefreshToken:
    """Return a refresh token of a session."""
    made = RefreshToken(hash_token(f"rft_{number}"), of.id, number, AT, AT + POLICY.refresh_life)
    return evolve(made, **changes)


def factor(**changes: Any) -> SecondFactor:
    """Return a second factor that is still to be confirmed."""
    values: dict[str, Any] = {"account_id": account(1), "sealed_secret": b"\x01sealed\x00", "created_at": AT}
    return SecondFactor(**{**values, **changes})


async def write(uow: Uow, *works: Callable[[Any], Awaitable[Any]]) -> Any:
    """Do each in turn in one transaction; answer what the last answers."""
    answer = None
    async with uow.begin() as tx:
        for work in works:
            answer = await work(tx)
    return answer


async def add(uow: Uow, *sessions: LoginSession) -> None:
    """Add sessions in a transaction of its own."""
    await write(uow, *(lambda tx, item=item: tx.login_sessions.add(item) for item in sessions))


async def sign_in(uow: Uow, ids: SequentialIds, at: datetime = AT) -> Started:
    """Begin a session by the real step."""
    started: Started = await write(uow, lambda tx: start_in(tx, StartSession(account(1)), at, ids))
    return started


async def test_a_session_comes_back(uow: Uow) -> None:
    """A session is found by id with every field, an impersonation with its parent and hard end too."""
    first = session(1, second_factor_at=LATER, generation=7)
    second = impersonation(2, first)
    third = session(3, ended_at=LATER, end_reason=EndReason.REVOKED)
    await add(uow, first, second, third)
    async with uow.begin() as tx:
        assert [await tx.login_sessions.get(item.id) for item in (first, second, third)] == [
            first,
            second,
            third,
        ]
        assert await tx.login_sessions.lock(second.id) == second
        assert await tx.login_sessions.get("sgn_9") is None
        assert await tx.login_sessions.lock("sgn_9") is None


async def test_a_session_s_id_is_taken_once(uow: Uow) -> None:
    """A second session with an id that exists is contention, and the first stays."""
    await add(uow, session(1))
    with pytest.raises(Contention):
        await add(uow, session(1, account_id=account(2)))
    async with uow.read() as tx:
        assert await tx.login_sessions.get("sgn_1") == session(1)


@pytest.mark.parametrize("reason", EndReason)
async def test_a_session_is_saved(uow: Uow, reason: EndReason) -> None:
    """Every change is kept, each reason to end among them; the other sessions stay as they are."""
    await add(uow, session(1), session(2))
    changed = evolve(
        session(1),
        last_used_at=LATER,
        renew_by=LATER + POLICY.refresh_life,
        generation=2,
        second_factor_at=AT,
        ended_at=LATER,
        end_reason=reason,
    )
    await write(uow, lambda tx: tx.login_sessions.save(changed))
    async with uow.read() as tx:
        assert await tx.login_sessions.get("sgn_1") == changed
        assert await tx.login_sessions.get("sgn_2") == session(2)


async def test_an_unknown_session_is_not_saved(uow: Uow) -> None:
    """Saving what was never added is contention."""
    with pytest.raises(Contention):
        await write(uow, lambda tx: tx.login_sessions.save(session(1)))


async def test_an_account_s_sessions_come_open_ones_first(uow: Uow) -> None:
    """Those not ended come first, the last used first among them, and never more than asked for."""
    ended = {"ended_at": LATER, "end_reason": EndReason.SIGNED_OUT}
    others = (session(9, account_id=account(2)), session(8, account_id=account(2), **ended))
    await add(uow, session(2), session(3, **ended), session(1), session(4, **ended), session(5), *others)
    async with uow.read() as tx:
        found = await tx.login_sessions.of_account(account(1), 9)
        assert [item.id for item in found] == ["sgn_5", "sgn_2", "sgn_1", "sgn_4", "sgn_3"]
        assert await tx.login_sessions.of_account(account(1), 2) == found[:2]
        assert await tx.login_sessions.of_account(account(3), 9) == []


async def test_open_sessions_are_locked_in_order(uow: Uow) -> None:
    """An account's sessions that were not ended come in id order, those over by themselves too."""
    ended = session(4, ended_at=LATER, end_reason=EndReason.SIGNED_OUT)
    over = session(2, renew_by=AT + MINUTE)
    await add(uow, session(3), over, session(1), ended, session(5, account_id=account(2)))
    found = await write(uow, lambda tx: tx.login_sessions.lock_open(account(1)))
    assert found == [session(1), over, session(3)]


async def test_what_is_over_by_itself_is_found(uow: Uow) -> None:
    """Sessions that nobody renewed and impersonations past their hard end are found, at that very instant."""
    parent = session(1)
    over = session(2, renew_by=LATER)
    ended = session(4, renew_by=LATER, ended_at=LATER, end_reason=EndReason.EXPIRED)
    entered = impersonation(3, parent, ends_at=LATER)
    await add(uow, parent, over, entered, ended)

    async def found(at: datetime, limit: int) -> list[LoginSession]:
        return list(await write(uow, lambda tx: tx.login_sessions.lock_over(at, limit)))

    assert await found(LATER - timedelta(microseconds=1), 9) == []
    assert await found(LATER, 9) == [over, entered]
    assert await found(LATER, 1) == [over]


@pytest.mark.parametrize(
    "changes",
    [
        {"last_used_at": AT - MINUTE},
        {"ended_at": AT - MINUTE, "end_reason": EndReason.REVOKED},
        {"generation": 0},
    ],
    ids=["used before it began", "ended before it began", "no generation"],
)
async def test_sessions_that_cannot_be_are_refused_by_databases(
    database_url: str | None, uow: Uow, changes: dict[str, Any]
) -> None:
    """What the rules never make, a database refuses too; memory trusts the rules."""
    if database_url is not None:
        with pytest.raises(InvalidValue):
            await add(uow, session(1, **changes))


async def test_an_odd_label_is_cleaned_and_kept(uow: Uow) -> None:
    """What a browser calls itself is stored without what no database takes, cut to 120 characters."""
    odd = session(1, label="Fire\0fox \ud800" + "x" * 500)
    await add(uow, odd)
    async with uow.read() as tx:
        found = await tx.login_sessions.get("sgn_1")
    assert found == odd
    assert found.label == "Firefox " + "x" * 112


async def test_a_refresh_token_comes_back(uow: Uow) -> None:
    """A token is found by its hash with every field; its text is nowhere."""
    await add(uow, session(1))
    first, second = token(1, session(1), used_at=LATER), token(2, session(1))
    await write(uow, lambda tx: tx.refresh_tokens.add(first), lambda tx: tx.refresh_tokens.add(second))
    async with uow.begin() as tx:
        assert await tx.refresh_tokens.lock(first.hash) == first
        assert await tx.refresh_tokens.lock(second.hash) == second
        assert await tx.refresh_tokens.lock(hash_token("rft_9")) is None


async def test_hashes_and_generations_are_taken_once(uow: Uow) -> None:
    """A second token with a hash, or of a generation, that exists is contention."""
    await add(uow, session(1), session(2))
    first = token(1, session(1))
    await write(uow, lambda tx: tx.refresh_tokens.add(first))
    for clash in (token(1, session(2)), evolve(first, hash=hash_token("rft_other"))):
        with pytest.raises(Contention):
            await write(uow, lambda tx, clash=clash: tx.refresh_tokens.add(clash))
    async with uow.begin() as tx:
        assert await tx.refresh_tokens.lock(first.hash) == first
        assert await tx.refresh_tokens.lock(hash_token("rft_other")) is None


async def test_a_token_is_used_once(uow: Uow) -> None:
    """The instant of its use is kept; using it again, or one that is unknown, is contention."""
    await add(uow, session(1))
    made = token(1, session(1))
    await write(
        uow, lambda tx: tx.refresh_tokens.add(made), lambda tx: tx.refresh_tokens.mark_used(made.hash, LATER)
    )
    for missing in (made.hash, hash_token("rft_9")):
        with pytest.raises(Contention):
            await write(uow, lambda tx, gone=missing: tx.refresh_tokens.mark_used(gone, LATER))
    async with uow.begin() as tx:
        assert await tx.refresh_tokens.lock(made.hash) == evolve(made, used_at=LATER)


async def test_expired_tokens_are_swept(uow: Uow) -> None:
    """Tokens go at the instant of their expiry, used or not, and are counted."""
    await add(uow, session(1))
    items = [
        token(1, session(1), expires_at=LATER, used_at=AT),
        token(2, session(1), expires_at=LATER),
        token(3, session(1), expires_at=LATER + MINUTE),
    ]
    await write(uow, *(lambda tx, item=item: tx.refresh_tokens.add(item) for item in items))
    assert await write(uow, lambda tx: tx.refresh_tokens.sweep(LATER - MINUTE)) == 0
    assert await write(uow, lambda tx: tx.refresh_tokens.sweep(LATER)) == 2
    async with uow.begin() as tx:
        assert [await tx.refresh_tokens.lock(item.hash) for item in items] == [None, None, items[2]]
        await tx.refresh_tokens.add(items[0])


async def test_tries_come_back(uow: Uow) -> None:
    """A new key has no tries; what is saved is found again, every instant exact; other keys are apart."""
    made = Attempts(KEY, (AT, AT + timedelta(microseconds=1), LATER), LATER + MINUTE)
    assert await write(uow, lambda tx: tx.lockouts.lock(KEY)) == Attempts(KEY)
    await write(uow, lambda tx: tx.lockouts.lock(KEY), lambda tx: tx.lockouts.save(made))
    assert await write(uow, lambda tx: tx.lockouts.lock(KEY)) == made
    assert await write(uow, lambda tx: tx.lockouts.lock("totp:2")) == Attempts("totp:2")


async def test_tries_are_forgotten(uow: Uow) -> None:
    """A cleared key begins anew; clearing an unknown one changes nothing."""
    await write(
        uow,
        lambda tx: tx.lockouts.lock(KEY),
        lambda tx: tx.lockouts.save(Attempts(KEY, (AT,), LATER)),
        lambda tx: tx.lockouts.clear(KEY),
        lambda tx: tx.lockouts.clear("totp:2"),
    )
    assert await write(uow, lambda tx: tx.lockouts.lock(KEY)) == Attempts(KEY)


async def test_quiet_keys_are_swept(uow: Uow) -> None:
    """Keys last tried before an instant, or cleared, are removed and counted; the others stay."""
    kept = Attempts("kept", (AT, LATER))
    for item in (kept, Attempts("old", (AT,)), Attempts("cleared")):
        await write(
            uow,
            lambda tx, item=item: tx.lockouts.lock(item.key),
            lambda tx, item=item: tx.lockouts.save(item),
        )
    assert await write(uow, lambda tx: tx.lockouts.sweep(AT + MINUTE)) == 2
    assert await write(uow, lambda tx: tx.lockouts.sweep(AT + MINUTE)) == 0
    assert await write(uow, lambda tx: tx.lockouts.lock("kept")) == kept
    assert await write(uow, lambda tx: tx.lockouts.lock("old")) == Attempts("old")


async def test_a_second_factor_comes_back(uow: Uow) -> None:
    """An account has one factor; every field is kept and changed, and it goes when it is removed."""
    confirmed = factor(sealed_secret=b"other", confirmed_at=LATER, last_step=2**40)
    await write(uow, lambda tx: tx.second_factors.add(factor()))
    async with uow.read() as tx:
        assert await tx.second_factors.get(account(1)) == factor()
        assert await tx.second_factors.get(account(2)) is None
    with pytest.raises(Contention):
        await write(uow, lambda tx: tx.second_factors.add(confirmed))
    await write(uow, lambda tx: tx.second_factors.save(confirmed))
    assert await write(uow, lambda tx: tx.second_factors.lock(account(1))) == confirmed
    await write(
        uow,
        lambda tx: tx.second_factors.remove(account(1)),
        lambda tx: tx.second_factors.remove(account(1)),
    )
    assert await write(uow, lambda tx: tx.second_factors.lock(account(1))) is None


async def test_an_unknown_second_factor_is_not_saved(uow: Uow) -> None:
    """Saving what was never added is contention."""
    with pytest.raises(Contention):
        await write(uow, lambda tx: tx.second_factors.save(factor()))


LOCKS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "a session": lambda tx: tx.login_sessions.lock("sgn_1"),
    "an account's open sessions": lambda tx: tx.login_sessions.lock_open(account(1)),
    "sessions that are over": lambda tx: tx.login_sessions.lock_over(LATER, 9),
    "a refresh token": lambda tx: tx.refresh_tokens.lock(hash_token("rft_1")),
    "tries": lambda tx: tx.lockouts.lock(KEY),
    "tries of a new key": lambda tx: tx.lockouts.lock("totp:new"),
    "a second factor": lambda tx: tx.second_factors.lock(account(1)),
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS.keys())
async def test_who_locks_second_waits(uow: Uow, lock: Callable[[Any], Awaitable[Any]]) -> None:
    """What one transaction has locked, another gets only after it has ended."""
    await add(uow, session(1, renew_by=LATER))
    await write(
        uow,
        lambda tx: tx.refresh_tokens.add(token(1, session(1))),
        lambda tx: tx.lockouts.lock(KEY),
        lambda tx: tx.second_factors.add(factor()),
    )
    async with uow.begin() as tx:
        await lock(tx)
        second = asyncio.create_task(write(uow, lock))
        await asyncio.sleep(0.1)
        assert not second.done()
    await second


async def test_of_two_rotations_at_once_one_wins(uow: Uow) -> None:
    """One refresh token sent twice at once gives tokens once; the other is reuse, and ends the session."""
    ids, clock = SequentialIds(), SettableClock(LATER)
    started = await sign_in(uow, ids)
    text = started.refresh_token
    assert text is not None
    won, refused = await race(*(refresh_session(text, uow=uow, clock=clock, ids=ids) for _ in range(2)))
    assert len(won) == 1
    assert [error.facts() for error in refused] == [{"reason": "reused"}]
    async with uow.read() as tx:
        ended = await tx.login_sessions.get(started.session.id)
    assert (ended.end_reason, ended.generation) == (EndReason.REUSED, 2)


async def test_two_tabs_at_once_both_go_on(uow: Uow) -> None:
    """With a leeway, of ten tabs that refresh at once one gets the next token, and nothing is ended."""
    ids, clock = SequentialIds(), SettableClock(LATER)
    text = (await sign_in(uow, ids)).refresh_token
    assert text is not None
    leeway = timedelta(seconds=10)
    won, refused = await race(
        *(refresh_session(text, leeway=leeway, uow=uow, clock=clock, ids=ids) for _ in range(10))
    )
    assert refused == []
    assert len([item for item in won if item.refresh_token is not None]) == 1
    assert {(item.session.generation, item.session.ended_at) for item in won} == {(2, None)}


async def test_of_twenty_tries_at_once_five_are_let_through(uow: Uow) -> None:
    """Concurrent tries of a new key are counted exactly, and another key is free."""
    ids, clock = SequentialIds(), SettableClock(AT)
    won, refused = await race(*(reserve_try(KEY, uow=uow, clock=clock, ids=ids) for _ in range(20)))
    assert len(won) == POLICY.lock_after
    assert {type(error) for error in refused} == {SignInLocked}
    assert [error.facts() for error in refused] == [{"retry_after_s": 900}] * 15
    await reserve_try("totp:2", uow=uow, clock=clock, ids=ids)


async def test_tries_and_clearings_at_once(uow: Uow) -> None:
    """Tries, successes and sweeps of one key at once all end, and none fails for want of a row."""
    ids, clock = SequentialIds(), SettableClock(AT)

    async def succeed() -> None:
        await reserve_try(KEY, uow=uow, clock=clock, ids=ids)
        await clear_tries(KEY, uow=uow)

    sweeps = [sweep_sessions(uow=uow, clock=clock, ids=ids) for _ in range(4)]
    _, refused = await race(*(succeed() for _ in range(8)), *sweeps)
    assert {type(error) for error in refused} <= {SignInLocked}


async def test_a_rotation_and_a_log_out_at_once(uow: Uow) -> None:
    """Whichever comes first, the session has ended and its newest refresh token gives nothing."""
    ids, clock = SequentialIds(), SettableClock(LATER)
    started = await sign_in(uow, ids)
    text = started.refresh_token
    assert text is not None
    answers, _ = await race(
        refresh_session(text, uow=uow, clock=clock, ids=ids),
        end_session(account(1), started.session.id, uow=uow, clock=clock, ids=ids),
        end_all_sessions(account(1), uow=uow, clock=clock, ids=ids),
        touch_session(started.session.id, uow=uow, clock=clock),
    )
    newest = next((item.refresh_token for item in answers if isinstance(item, Started)), text)
    with pytest.raises(RefreshRefused) as refused:
        await refresh_session(newest, uow=uow, clock=clock, ids=ids)
    assert refused.value.reason == "ended"


async def test_a_sweep_writes_down_what_is_over(uow: Uow) -> None:
    """Sessions over by themselves are ended as expired; expired tokens and old counts go; again: nothing."""
    ids, clock = SequentialIds(), SettableClock(AT)
    old = await sign_in(uow, ids)
    clock.advance(POLICY.refresh_life - MINUTE)
    parent = await sign_in(uow, ids, clock.now())
    command = BeginImpersonation(account(1), parent.session.id, account(7), "ticket 12", life=MINUTE)
    entered = await begin_impersonation(command, uow=uow, clock=clock, ids=ids)
    await reserve_try(KEY, uow=uow, clock=clock, ids=ids)
    clock.advance(20 * MINUTE)
    swept = await sweep_sessions(uow=uow, clock=clock, ids=ids)
    assert (swept.sessions, swept.tokens, swept.keys) == (2, 1, 1)
    async with uow.read() as tx:
        ends = [(await tx.login_sessions.get(item.session.id)).end_reason for item in (old, entered, parent)]
    assert ends == [EndReason.EXPIRED, EndReason.EXPIRED, None]
    again = await sweep_sessions(uow=uow, clock=clock, ids=ids)
    assert (again.sessions, again.tokens, again.keys) == (0, 0, 0)
