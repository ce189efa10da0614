"""Playing a title: sessions, heartbeats, positions, links and keys."""

from buddy_core.playback.errors import NoMedia, PlaybackDenied, SessionEnded, SessionNotFound, TakenDown
from buddy_core.playback.model import HARD_END, LEASE, Beat, ContentKey, PlaybackSession, Position
from buddy_core.playback.ports import ContentKeys, PlaybackTx, Positions, Sessions, UrlSigner, UrlVerifier
from buddy_core.playback.rules import beat, is_running, is_watched, newer, stop

__all__ = [
    "HARD_END",
    "LEASE",
    "Beat",
    "ContentKey",
    "ContentKeys",
    "NoMedia",
    "PlaybackDenied",
    "PlaybackSession",
    "PlaybackTx",
    "Position",
    "Positions",
    "SessionEnded",
    "SessionNotFound",
    "Sessions",
    "TakenDown",
    "UrlSigner",
    "UrlVerifier",
    "beat",
    "is_running",
    "is_watched",
    "newer",
    "stop",
]
