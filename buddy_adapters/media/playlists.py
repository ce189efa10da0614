"""Packaged playlists made into those of one playback session; pure text in, text out.

A packaged playlist names files beside it and a placeholder for the key. A
session's playlist names signed links and the session's own key address, and
offers no picture higher than the decision allows. Reference: RFC 8216.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import attrs
from attrs import frozen

from buddy_adapters.media.hls import KEY_URI
from buddy_core.kernel.errors import Unavailable

Link = Callable[[str], str]
"""Makes the name of a file in the playlist into the address to give out."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_RENDITION = re.compile(r"([^/\n]+)/index\.m3u8")
_CAPTIONS = re.compile(r"captions/([^/\n]+)/index\.m3u8")
_RESOLUTION = re.compile(r"[:,]RESOLUTION=[0-9]+x([0-9]+)")
_URI = re.compile(r'(?<=[:,]URI=")[^"]*(?=")')


@attrs.define
class PlaylistUnusable(Unavailable):
    """A packaged playlist is not of the form in which Buddy packages."""

    code = "media.playlist_unusable"

    problem: str

    def message(self) -> str:
        return f"This title cannot be played just now: {self.problem}. It has to be packaged again."


@frozen
class Offered:
    """What a master playlist offers: the renditions that may be shown, and the caption languages."""

    renditions: tuple[str, ...]
    captions: tuple[str, ...]


def offered(master: str, *, max_height: int) -> Offered:
    """Return the renditions up to `max_height` lines of picture, and every caption language.

    Raises:
        PlaylistUnusable: it is no packaged master playlist, or nothing in it may be shown.
    """
    renditions = tuple(name for _, name, height in _variants(master) if height <= max_height)
    if not renditions:
        raise PlaylistUnusable("no rendition is low enough for what may be shown")
    return Offered(renditions, tuple(name for _, name in _caption_lines(master)))


def session_master(master: str, *, max_height: int, rendition: Link, captions: Link) -> str:
    """Return the master playlist for one session; renditions above `max_height` are left out.

    `rendition` and `captions` give the address of a rendition's and of a language's playlist.

    Raises:
        PlaylistUnusable: as `offered`.
    """
    offered(master, max_height=max_height)
    variants = {line: (name, height) for line, name, height in _variants(master)}
    languages = dict(_caption_lines(master))
    lines = master.splitlines()
    written: list[str] = []
    for number, line in enumerate(lines):
        if number in languages:
            written.append(_with_uri(line, captions(languages[number])))
        elif number in variants:
            name, height = variants[number]
            if height <= max_height:
                written += [line, rendition(name)]
        elif number - 1 not in variants:
            written.append(line)
    return "\n".join(written) + "\n"


def session_media(playlist: str, *, segment: Link, key_uri: str | None = None) -> str:
    """Return a rendition's playlist for one session: every segment a link, the key at `key_uri`.

    Without a `key_uri` (captions are not encrypted) a playlist that names a key is refused.

    Raises:
        PlaylistUnusable: it names another key than the placeholder, or a file that is none.
    """
    return "\n".join(_media_lines(playlist, segment, key_uri)) + "\n"


def _media_lines(playlist: str, segment: Link, key_uri: str | None) -> Iterator[str]:
    if not playlist.startswith("#EXTM3U"):
        raise PlaylistUnusable("a file is no playlist")
    for line in playlist.splitlines():
        if line.startswith("#EXT-X-KEY:") and "METHOD=NONE" not in line:
            found = _URI.search(line)
            # Another address there would be given out as it is: a key that anybody may fetch.
            if found is None or found[0] != KEY_URI or key_uri is None:
                raise PlaylistUnusable("a playlist names a key that is not the session's")
            yield _with_uri(line, key_uri)
        elif line.startswith("#EXT-X-MAP:"):
            found = _URI.search(line)
            yield _with_uri(line, segment(_file(found[0] if found else "")))
        elif line and not line.startswith("#"):
            yield segment(_file(line.strip()))
        else:
            yield line


def _variants(master: str) -> Iterator[tuple[int, str, int]]:
    """Yield line number, name and height of each rendition."""
    if not master.startswith("#EXTM3U"):
        raise PlaylistUnusable("a file is no playlist")
    lines = master.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("#EXT-X-STREAM-INF:"):
            continue
        height = _RESOLUTION.search(line)
        address = _RENDITION.fullmatch(lines[number + 1]) if number + 1 < len(lines) else None
        if height is None or address is None or not _NAME.fullmatch(address[1]):
            raise PlaylistUnusable("a rendition has no size or no address")
        yield number, address[1], int(height[1])


def _caption_lines(master: str) -> Iterator[tuple[int, str]]:
    """Yield line number and language of each captions playlist."""
    for number, line in enumerate(master.splitlines()):
        if line.startswith("#EXT-X-MEDIA:") and "TYPE=SUBTITLES" in line:
            address = _URI.search(line)
            found = _CAPTIONS.fullmatch(address[0]) if address else None
            if found is None or not _NAME.fullmatch(found[1]):
                raise PlaylistUnusable("captions have no address")
            yield number, found[1]


def _with_uri(line: str, uri: str) -> str:
    """Put another address into a tag's URI attribute."""
    return _URI.sub(lambda _: uri, line, count=1)


def _file(name: str) -> str:
    if not _FILE.fullmatch(name):
        raise PlaylistUnusable("a playlist names a file that is not beside it")
    return name
