"""Watching: the page with its session, its playlists, its key, its heartbeats, and the media themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

from attrs import frozen
from flask import Blueprint, abort, jsonify, make_response, redirect, request, send_from_directory
from werkzeug.wrappers import Response

from buddy_adapters.cdn.nginx import remote_prefix
from buddy_adapters.media.hls import is_media_name
from buddy_adapters.media.playlists import offered, session_master, session_media
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import Playing, SessionClaim
from buddy_core.kernel.ids import SessionId
from buddy_core.playback import (
    Beat,
    ContentKey,
    NoMedia,
    PlaybackDenied,
    PlaybackSession,
    SessionNotFound,
    UrlSigner,
    UrlVerifier,
)
from buddy_core.views import title_url, watch_url
from buddy_web.app import Web, web
from buddy_web.channels import current_context
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.guests import current_visitor, known_device, who_asks
from buddy_web.pages import show, with_query
from buddy_web.permissions import OWN, PUBLIC, current_actor, permission

watching = Blueprint("playback", __name__)

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
MEDIA_TYPES = {".ts": "video/mp2t", ".m4s": "video/iso.segment", ".mp4": "video/mp4", ".vtt": "text/vtt"}
"""What is given out as a file. Keys and packaged playlists never are."""
MAX_POSITION_S = 24 * 60 * 60


@frozen
class _Stage:
    """A running session on disk: the folder of its media, and the master playlist as packaged."""

    playing: Playing
    media_key: str
    folder: Path
    master: str

    @property
    def max_height(self) -> int:
        return self.playing.decision.max_height


@watching.get("/watch/<any(film, series, short, episode):type>/<short_id:short_id>")
@permission("title:watch")
def watch(type: str, short_id: str) -> Response:
    """Start a session and show the player, or say why not and what would help."""
    w = web()
    found: Title = w.call(w.container.find_title, type, short_id)
    if found.type is TitleType.SERIES:
        return redirect(title_url(found), 303)
    if short_id != found.short_id:
        return redirect(with_query(watch_url(found)), 301)
    visitor = current_visitor(w)
    session, refusal, status = None, None, 200
    try:
        playing: Playing = w.call(
            w.container.start_playback, current_actor(), visitor.device_id, found.id, visitor.context
        )
        session = playing.session.id
    except (PlaybackDenied, NoMedia) as error:
        refusal = error if isinstance(error, PlaybackDenied) else None
        status = status_of(error)[0]
    page = w.call(w.container.watch_page, found, visitor, session, refusal)
    return show(w, "watch.html", visitor, page, status=status)


@watching.get("/play/<opaque_id:session_id>/master.m3u8")
@permission(OWN)
def master(session_id: str) -> Response:
    """Give a session its renditions and captions."""
    stage = _stage(web(), session_id)
    base = f"/play/{session_id}"
    return _playlist(
        session_master(
            stage.master,
            max_height=stage.max_height,
            rendition=lambda name: f"{base}/{name}.m3u8",
            captions=lambda language: f"{base}/captions/{language}.m3u8",
        )
    )


@watching.get("/play/<opaque_id:session_id>/<rendition>.m3u8")
@permission(OWN)
def media_playlist(session_id: str, rendition: str) -> Response:
    """Give a session the signed links of one rendition, and its own address for the key."""
    w = web()
    stage = _stage(w, session_id)
    if rendition not in offered(stage.master, max_height=stage.max_height).renditions:
        abort(404)
    return _links(w, stage, rendition, key_uri=f"/play/{session_id}/key")


@watching.get("/play/<opaque_id:session_id>/captions/<language>.m3u8")
@permission(OWN)
def captions_playlist(session_id: str, language: str) -> Response:
    """Give a session the signed link of one language's captions."""
    w = web()
    stage = _stage(w, session_id)
    if language not in offered(stage.master, max_height=stage.max_height).captions:
        abort(404)
    return _links(w, stage, f"captions/{language}", key_uri=None)


@watching.get("/play/<opaque_id:session_id>/key")
@permission(OWN)
def key(session_id: str) -> Response:
    """Give the content key to the session's own account and device; the decision is asked once more."""
    w = web()
    playing = _open(w, session_id)
    if playing.title.media_key is None:
        raise NoMedia
    found: ContentKey = w.call(w.container.content_keys().get, playing.title.media_key)
    response = make_response(found.key)
    response.content_type = "application/octet-stream"
    return response


@watching.post("/play/<opaque_id:session_id>/beat")
@permission(OWN)
def beat(session_id: str) -> Response:
    """Take a heartbeat; the server counts the time, and `stop` ends the session."""
    w = web()
    report, is_last = _report(request.get_json(silent=True))
    handler = w.container.stop_session if is_last else w.container.beat_session
    session: PlaybackSession = w.call(handler, _claim(w, session_id), report)
    return jsonify(watched_s=session.watched_ms // 1000, is_stopped=session.stopped_at is not None)


@watching.get("/media/<path:name>")
@permission(PUBLIC)
def media(name: str) -> Response:
    """Serve a segment or captions to whoever has a good link, as nginx or a CDN does in front."""
    w = web()
    kind = MEDIA_TYPES.get(Path(name).suffix)
    if kind is None:
        abort(404)
    verifier: UrlVerifier = w.container.url_verifier()
    # The link is checked for the very path that is served, however it was written.
    target = quote(request.path, safe="/-._~!$'()*,;:@") + "?" + request.query_string.decode("latin-1")
    verifier.check(target, at=w.clock.now(), client_prefix=_client_prefix(w))
    response = send_from_directory(_root(w), name, mimetype=kind, conditional=True)
    life_s = int(w.container.link_life().total_seconds())
    response.headers["Cache-Control"] = f"private, max-age={life_s}, immutable"
    return response


@watching.get("/art/<media_key>/<any(poster, wide, hero):shape>.svg")
@permission(PUBLIC)
def art(media_key: str, shape: str) -> Response:
    """Serve a title's picture: `poster` is 2:3, `wide` 16:9 without words, `hero` 16:9 with them."""
    if not is_media_name(media_key):
        abort(404)
    name = {"poster": "portrait", "wide": "art", "hero": "hero"}[shape]
    response = send_from_directory(_root(web()) / "posters", f"{media_key}-{name}.svg", conditional=True)
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _claim(w: Web, session_id: str) -> SessionClaim:
    """Return who says the session is theirs: by both signed cookies, or by the access token of an app.

    Raises:
        SessionNotFound: the request names no account, or no device.
        TokenRefused: an access token was sent, and it is not accepted.
    """
    who, device = who_asks(w), known_device(w)
    if who is None or device is None or who.actor.impersonator is not None:
        raise SessionNotFound
    return SessionClaim(SessionId(session_id), who.account.id, device)


def _open(w: Web, session_id: str) -> Playing:
    playing: Playing = w.call(w.container.open_session, _claim(w, session_id), current_context(w))
    return playing


def _stage(w: Web, session_id: str) -> _Stage:
    playing = _open(w, session_id)
    media_key = playing.title.media_key
    if media_key is None or not is_media_name(media_key):
        raise NoMedia
    folder = _root(w) / media_key
    return _Stage(playing, media_key, folder, _text(folder / "master.m3u8"))


def _links(w: Web, stage: _Stage, folder: str, *, key_uri: str | None) -> Response:
    """Answer a packaged playlist with links signed now: one that is loaded again has fresh ones."""
    signer: UrlSigner = w.container.url_signer()
    expires_at, prefix = w.clock.now() + w.container.link_life(), _client_prefix(w)

    def link(name: str) -> str:
        path = f"/media/{stage.media_key}/{folder}/{name}"
        return signer.sign(path, expires_at=expires_at, client_prefix=prefix)

    text = _text(stage.folder / folder / "index.m3u8")
    return _playlist(session_media(text, segment=link, key_uri=key_uri))


def _client_prefix(w: Web) -> str | None:
    """Return the network that links are bound to; None where the installation does not bind them."""
    if not w.settings.bind_links_to_network:
        return None
    # Written as nginx's own map writes it, for nginx may be the one that checks.
    return remote_prefix(str(w.client_ip() or ""))


def _playlist(text: str) -> Response:
    response = make_response(text)
    response.content_type = PLAYLIST_TYPE
    return response


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise NoMedia from None


def _root(w: Web) -> Path:
    # Flask takes a relative folder as one beside the package; the setting is relative to where we run.
    return w.settings.media_dir.absolute()


def _report(body: Any) -> tuple[Beat, bool]:
    """Read `{position_s, playing, stop?}`.

    Raises:
        InvalidRequest: it is not that.
    """
    if not isinstance(body, dict):
        _refuse("body", "must be an object with position_s and playing")
    position, playing, stop = body.get("position_s"), body.get("playing"), body.get("stop", False)
    if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position <= MAX_POSITION_S:
        _refuse("position_s", f"must be whole seconds from 0 to {MAX_POSITION_S}")
    if not isinstance(playing, bool):
        _refuse("playing", "must be true or false")
    if not isinstance(stop, bool):
        _refuse("stop", "must be true or false")
    return Beat(position * 1000, playing), stop


def _refuse(field: str, problem: str) -> NoReturn:
    raise InvalidRequest(({"field": field, "problem": problem},))
