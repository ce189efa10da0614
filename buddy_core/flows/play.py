"""Play a title: a session for who may watch, asked again wherever media are given out."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from attrs import frozen

from buddy_core.access import Actor, own_account
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import Title
from buddy_core.entitlements import Allowed, Denied
from buddy_core.flows.may_watch import MayWatchTx, may_watch_in
from buddy_core.flows.unlock import denied
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId, DeviceId, IdSource, SessionId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import (
    HARD_END,
    Beat,
    NoMedia,
    PlaybackSession,
    PlaybackTx,
    Position,
    SessionEnded,
    SessionNotFound,
    beat,
    stop,
)


class PlayTx(MayWatchTx, PlaybackTx, AccountsTx, Protocol):
    """What playing needs of a transaction."""


@frozen
class Playing:
    """A session, its title, and where to go on."""

    session: PlaybackSession
    title: Title
    decision: Allowed
    resume_ms: int


@frozen
class SessionClaim:
    """Who says that a session is theirs: the account and device of the signed cookies."""

    session_id: SessionId
    account_id: AccountId
    device_id: DeviceId


async def start_playback(
    actor: Actor,
    device_id: DeviceId,
    title_id: TitleId,
    country: str | None,
    *,
    uow: UnitOfWork[PlayTx],
    clock: Clock,
    ids: IdSource,
) -> Playing:
    """Open a playback session if the title may be watched, on facts read fresh.

    Raises:
        NotPermitted: the actor only looks as the account's owner; what they played would count.
        PlaybackDenied: with the reason and what would unlock it.
        NoMedia: the title holds others and plays nothing itself.
    """
    account_id = own_account(actor, "title:watch")
    async with uow.begin() as tx:
        at = clock.now()
        account = (await resolve_in(tx, account_id)).id
        title, decision = await _allowed_in(tx, account, title_id, country, at)
        assert country is not None, "a decision without a country is a denial"
        session = PlaybackSession(
            id=SessionId(ids.opaque("ses")),
            account_id=account,
            title_id=title.id,
            device_id=device_id,
            grant_id=decision.via,
            country=country,
            started_at=at,
            ends_at=at + HARD_END,
            last_beat_at=at,
            is_playing=False,
            watched_ms=0,
        )
        await tx.sessions.add(session)
        known = (await tx.positions.of_account(account, [title.id])).get(title.id)
        return Playing(session, title, decision, known.position_ms if known else 0)


async def open_session(
    claim: SessionClaim, country: str | None, *, uow: UnitOfWork[PlayTx], clock: Clock
) -> Playing:
    """Return a running session for the links and the key it asks for, deciding once more.

    Raises:
        SessionNotFound: it is another account's or another device's, or none.
        SessionEnded, PlaybackDenied: it may not go on.
    """
    async with uow.read() as tx:
        at = clock.now()
        session = await _own_in(tx, await tx.sessions.get(claim.session_id), claim)
        if session.stopped_at is not None or at >= session.ends_at:
            raise SessionEnded
        owner = (await resolve_in(tx, session.account_id)).id
        title, decision = await _allowed_in(tx, owner, session.title_id, country, at)
        return Playing(session, title, decision, 0)


async def beat_session(
    claim: SessionClaim, report: Beat, *, uow: UnitOfWork[PlayTx], clock: Clock
) -> PlaybackSession:
    """Count what was played since the last heartbeat and keep the newest position.

    Raises:
        SessionNotFound, SessionEnded.
    """
    return await retried(uow, lambda tx: _report_in(tx, claim, report, clock.now(), is_last=False))


async def stop_session(
    claim: SessionClaim, report: Beat, *, uow: UnitOfWork[PlayTx], clock: Clock
) -> PlaybackSession:
    """Count up to here and end the session; stopping twice changes nothing.

    Raises:
        SessionNotFound.
    """
    return await retried(uow, lambda tx: _report_in(tx, claim, report, clock.now(), is_last=True))


async def _report_in(
    tx: PlayTx, claim: SessionClaim, report: Beat, at: datetime, *, is_last: bool
) -> PlaybackSession:
    found = await _own_in(tx, await tx.sessions.lock(claim.session_id), claim)
    if is_last and found.stopped_at is not None:
        return found
    session = stop(found, at) if is_last else beat(found, report, at)
    await tx.sessions.save(session)
    owner = (await resolve_in(tx, session.account_id)).id
    await tx.positions.save([Position(owner, session.title_id, report.position_ms, at)])
    return session


async def _own_in(tx: PlayTx, session: PlaybackSession | None, claim: SessionClaim) -> PlaybackSession:
    if session is None or session.device_id != claim.device_id:
        raise SessionNotFound
    owner = await resolve_in(tx, session.account_id)
    if owner.id != (await resolve_in(tx, claim.account_id)).id:
        raise SessionNotFound
    return session


async def _allowed_in(
    tx: PlayTx, account: AccountId, title_id: TitleId, country: str | None, at: datetime
) -> tuple[Title, Allowed]:
    title = (await tx.titles.get([title_id])).get(title_id)
    if title is None or title.media_key is None:
        raise NoMedia
    decision = (await may_watch_in(tx, account, [title], country, at))[0].decision
    if isinstance(decision, Denied):
        raise denied(decision)
    return title, decision
