"""Play a title: a session for who may watch, asked again wherever media are given out."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import evolve, frozen

from buddy_core.access import Actor, own_account
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.catalog import Title
from buddy_core.entitlements import Allowed, Context, Denied, Grant, GrantKind, GrantUse, UseKind, use_in
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
    is_watched,
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
    """Who says that a session is theirs: the account and device of signed cookies or of an app's token."""

    session_id: SessionId
    account_id: AccountId
    device_id: DeviceId


async def start_playback(
    actor: Actor,
    device_id: DeviceId,
    title_id: TitleId,
    context: Context,
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
        running = await tx.sessions.running(account, at, besides=device_id)
        asked = evolve(context, streams=running)
        title, decision = await _allowed_in(tx, account, title_id, asked, at)
        session_id = SessionId(ids.opaque("ses"))
        if await _started_in(tx, account, decision, session_id, at, ids):
            # What begins now ends at another time than what was only held.
            title, decision = await _allowed_in(tx, account, title_id, asked, at)
        assert context.country is not None, "a decision without a country is a denial"
        session = PlaybackSession(
            id=session_id,
            account_id=account,
            title_id=title.id,
            device_id=device_id,
            grant_id=decision.via,
            country=context.country,
            started_at=at,
            ends_at=at + HARD_END,
            last_beat_at=at,
            is_playing=False,
            watched_ms=0,
            via_kind=decision.kind,
        )
        await tx.sessions.add(session)
        known = (await tx.positions.of_account(account, [title.id])).get(title.id)
        return Playing(session, title, decision, known.position_ms if known else 0)


async def open_session(
    claim: SessionClaim, context: Context, *, uow: UnitOfWork[PlayTx], clock: Clock, ids: IdSource
) -> Playing:
    """Return a running session for the links and the key it asks for, deciding once more.

    Where it goes on by another grant that runs from its first play, such as a rental after the end
    of a plan, that grant begins here and ends in its hours.

    Raises:
        SessionNotFound: it is another account's or another device's, or none.
        SessionEnded, PlaybackDenied: it may not go on.
    """
    async with uow.read() as tx:
        session, owner = await _own_in(tx, await tx.sessions.get(claim.session_id), claim)
        playing = await _going_on_in(tx, owner, session, context, clock.now())
        if not await _is_handed_on_in(tx, owner, playing):
            return playing
    return await retried(uow, lambda tx: _hand_on_in(tx, claim, context, clock.now(), ids))


async def beat_session(
    claim: SessionClaim, report: Beat, *, uow: UnitOfWork[PlayTx], clock: Clock, ids: IdSource
) -> PlaybackSession:
    """Count what was played since the last heartbeat and keep the newest position.

    Raises:
        SessionNotFound, SessionEnded.
    """
    return await retried(uow, lambda tx: _report_in(tx, claim, report, clock.now(), ids, is_last=False))


async def stop_session(
    claim: SessionClaim, report: Beat, *, uow: UnitOfWork[PlayTx], clock: Clock, ids: IdSource
) -> PlaybackSession:
    """Count up to here and end the session; stopping twice changes nothing.

    Raises:
        SessionNotFound.
    """
    return await retried(uow, lambda tx: _report_in(tx, claim, report, clock.now(), ids, is_last=True))


async def _report_in(
    tx: PlayTx, claim: SessionClaim, report: Beat, at: datetime, ids: IdSource, *, is_last: bool
) -> PlaybackSession:
    found, owner = await _own_in(tx, await tx.sessions.lock(claim.session_id), claim)
    if is_last and found.stopped_at is not None:
        return found
    session = stop(found, at) if is_last else beat(found, report, at)
    await tx.sessions.save(session)
    await tx.positions.save([Position(owner, session.title_id, report.position_ms, at)])
    if session.via_kind == GrantKind.WATCH_ONCE:
        await _consume_in(tx, owner, session, report, at, ids)
    return session


async def _going_on_in(
    tx: PlayTx, owner: AccountId, session: PlaybackSession, context: Context, at: datetime
) -> Playing:
    """Decide for a session that runs."""
    if session.stopped_at is not None or at >= session.ends_at:
        raise SessionEnded
    asked = evolve(context, session_id=session.id)
    title, decision = await _allowed_in(tx, owner, session.title_id, asked, at)
    return Playing(session, title, decision, 0)


async def _is_handed_on_in(tx: PlayTx, owner: AccountId, playing: Playing) -> bool:
    """Tell whether a session goes on by another grant whose end depends on its use."""
    session, via = playing.session, playing.decision.via
    return via != session.grant_id and await _timed_in(tx, owner, via) is not None


async def _hand_on_in(
    tx: PlayTx, claim: SessionClaim, context: Context, at: datetime, ids: IdSource
) -> Playing:
    """Have a session run by the grant that lets it go on, which begins here if it did not before."""
    session, owner = await _own_in(tx, await tx.sessions.lock(claim.session_id), claim)
    playing = await _going_on_in(tx, owner, session, context, at)
    if not await _is_handed_on_in(tx, owner, playing):
        return playing
    if await _started_in(tx, owner, playing.decision, session.id, at, ids):
        playing = await _going_on_in(tx, owner, session, context, at)
    decision = playing.decision
    session = evolve(session, grant_id=decision.via, via_kind=decision.kind)
    await tx.sessions.save(session)
    return evolve(playing, session=session)


async def _started_in(
    tx: PlayTx, account: AccountId, decision: Allowed, session: SessionId, at: datetime, ids: IdSource
) -> bool:
    """Record the first play of a grant that runs from it; tell whether this was the first."""
    grant = await _timed_in(tx, account, decision.via)
    if grant is None:
        return False
    return await use_in(tx, account, GrantUse(grant.origin_id, UseKind.STARTED, at, at, session), ids)


async def _consume_in(
    tx: PlayTx, owner: AccountId, session: PlaybackSession, report: Beat, at: datetime, ids: IdSource
) -> None:
    """Use up what may be watched once, when it was watched; this session may still see its end."""
    title = (await tx.titles.get([session.title_id]))[session.title_id]
    if not is_watched(report.position_ms, title.duration_s * 1000):
        return
    grant = await _timed_in(tx, owner, session.grant_id)
    if grant is not None:
        await use_in(tx, owner, GrantUse(grant.origin_id, UseKind.CONSUMED, at, at, session.id), ids)


async def _timed_in(tx: PlayTx, account: AccountId, via: UUID) -> Grant | None:
    """Return the grant if it is one whose end depends on its use."""
    for grant in await tx.grants.of_account(account):
        if grant.is_timed and via in (grant.id, grant.origin_id):
            return grant
    return None


async def _own_in(
    tx: PlayTx, session: PlaybackSession | None, claim: SessionClaim
) -> tuple[PlaybackSession, AccountId]:
    """Return the claimed session and whose it is now: the account that a guest has joined counts."""
    if session is None or session.device_id != claim.device_id:
        raise SessionNotFound
    owner = (await resolve_in(tx, session.account_id)).id
    # Another guest of the same member may have begun it.
    is_told = claim.account_id in (session.account_id, owner)
    if not is_told and owner != (await resolve_in(tx, claim.account_id)).id:
        raise SessionNotFound
    return session, owner


async def _allowed_in(
    tx: PlayTx, account: AccountId, title_id: TitleId, context: Context, at: datetime
) -> tuple[Title, Allowed]:
    title = (await tx.titles.get([title_id])).get(title_id)
    if title is None or title.media_key is None:
        raise NoMedia
    decision = (await may_watch_in(tx, account, [title], context, at))[0].decision
    if isinstance(decision, Denied):
        raise denied(decision)
    return title, decision
