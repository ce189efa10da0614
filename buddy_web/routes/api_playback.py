"""The API's playback: sessions, heartbeats, and where to go on."""

from __future__ import annotations

from typing import Any

from buddy_core.accounts import AccountNotFound
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows import Playing, SessionClaim
from buddy_core.kernel.ids import SessionId
from buddy_core.playback import (
    Beat,
    NoMedia,
    PlaybackDenied,
    PlaybackSession,
    SessionEnded,
    SessionNotFound,
    TakenDown,
)
from buddy_web.app import Web, web
from buddy_web.channels import current_context
from buddy_web.guests import current_device
from buddy_web.operations import Api
from buddy_web.permissions import acting_account, current_actor
from buddy_web.schemas import playback as schema

api = Api("playback", "Watching: a session for who may watch, on one device.")

WATCH = "title:watch"
HEARTBEAT_EVERY_S = 10


@api.post(
    "/playback/sessions",
    may=WATCH,
    answer=schema.Session,
    status=201,
    errors=(TitleNotFound, PlaybackDenied, TakenDown, NoMedia, AccountNotFound),
)
def start(body: schema.SessionBody) -> tuple[dict[str, Any], int]:
    """Start a session, if the title may be watched here and now."""
    w = web()
    title: Title = w.call(w.container.find_title, body.type, body.id)
    playing: Playing = w.call(
        w.container.start_playback, current_actor(), current_device(w), title.id, current_context(w)
    )
    session = playing.session
    answer = schema.Session(
        session_id=session.id,
        manifest_url=f"/play/{session.id}/master.m3u8",
        resume_position=playing.resume_ms // 1000,
        heartbeat_url=f"/v1/playback/sessions/{session.id}/beats",
        heartbeat_every_s=HEARTBEAT_EVERY_S,
        expires_at=session.ends_at,
    )
    return answer.model_dump(mode="json"), 201


@api.post(
    "/playback/sessions/<id>/beats",
    may=WATCH,
    answer=schema.Watched,
    errors=(SessionNotFound, SessionEnded, AccountNotFound),
)
def beat(path: schema.SessionPath, body: schema.BeatBody) -> dict[str, Any]:
    """Count what was watched since the last beat, and keep the position."""
    w = web()
    report = Beat(body.position_s * 1000, body.playing)
    return _watched(w.call(w.container.beat_session, _claim(w, path.id), report), body.position_s)


@api.post(
    "/playback/sessions/<id>/stop",
    may=WATCH,
    answer=schema.Watched,
    errors=(SessionNotFound, AccountNotFound),
)
def stop(path: schema.SessionPath, body: schema.StopBody) -> dict[str, Any]:
    """End the session; ending it again changes nothing."""
    w = web()
    report = Beat(body.position_s * 1000, is_playing=False)
    return _watched(w.call(w.container.stop_session, _claim(w, path.id), report), body.position_s)


def _claim(w: Web, session_id: str) -> SessionClaim:
    return SessionClaim(SessionId(session_id), acting_account(), current_device(w))


def _watched(session: PlaybackSession, position_s: int) -> dict[str, Any]:
    answer = schema.Watched(
        session_id=session.id,
        watched_s=session.watched_ms // 1000,
        position_s=position_s,
        is_over=session.stopped_at is not None,
    )
    return answer.model_dump(mode="json")
