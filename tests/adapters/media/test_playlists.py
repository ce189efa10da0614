"""Packaged playlists as those of a session: what is offered, linked, and never given out."""

from __future__ import annotations

import pytest

from buddy_adapters.media.hls import KEY_URI, Captions, Cue, master_playlist
from buddy_adapters.media.ladder import DEFAULT_LADDER
from buddy_adapters.media.playlists import PlaylistUnusable, offered, session_master, session_media

SEGMENTS = "#EXTM3U\n#EXTINF:4.000000,\n00000.ts\n#EXT-X-ENDLIST\n"
CAPTIONS = (Captions("en", "English", (Cue(0, 1000, "Hello"),)), Captions("hi", "हिन्दी", ()))
MASTER = master_playlist(
    [(rung, SEGMENTS) for rung in DEFAULT_LADDER], [{"00000.ts": 1000} for _ in DEFAULT_LADDER], CAPTIONS
)
MEDIA = f"""#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-KEY:METHOD=AES-128,URI="{KEY_URI}",IV=0x00
#EXT-X-MAP:URI="init.mp4"
#EXTINF:4.000000,
00000.ts
#EXTINF:2.500000,
00001.ts
#EXT-X-ENDLIST
"""


def session(master: str, max_height: int) -> str:
    return session_master(
        master,
        max_height=max_height,
        rendition=lambda name: f"/play/s/{name}.m3u8",
        captions=lambda language: f"/play/s/captions/{language}.m3u8",
    )


def link(name: str) -> str:
    return f"/media/m/144p/{name}?md5=x"


def test_a_packaged_master_is_offered_up_to_the_height() -> None:
    """What the packager writes is read back: renditions up to the height, and every language."""
    found = offered(MASTER, max_height=480)
    assert found.renditions == ("144p", "360p", "480p")
    assert found.captions == ("en", "hi")


def test_a_sessions_master_names_its_own_addresses() -> None:
    """Renditions and captions have the session's addresses, and what is too high is left out whole."""
    lines = session(MASTER, 480).splitlines()
    assert [line for line in lines if not line.startswith("#")] == [
        f"/play/s/{name}.m3u8" for name in ("144p", "360p", "480p")
    ]
    assert sum(line.startswith("#EXT-X-STREAM-INF") for line in lines) == 3
    assert any('URI="/play/s/captions/hi.m3u8"' in line for line in lines)
    assert lines[:3] == MASTER.splitlines()[:3]


def test_every_line_of_a_rendition_but_the_addresses_stays() -> None:
    """Segments become links and the key the session's; times and tags are as packaged."""
    expected = (
        MEDIA.replace(KEY_URI, "/play/s/key")
        .replace("init.mp4", link("init.mp4"))
        .replace("00000.ts", link("00000.ts"))
        .replace("00001.ts", link("00001.ts"))
    )
    assert session_media(MEDIA, segment=link, key_uri="/play/s/key") == expected


def test_a_link_may_hold_what_a_pattern_would_expand() -> None:
    r"""Addresses are put in as they are, with `\1` and all."""
    text = session_media(MEDIA, segment=lambda name: rf"/\1/\g<0>/{name}", key_uri=r"/\1")
    assert r'URI="/\1"' in text
    assert r"/\1/\g<0>/00000.ts" in text


@pytest.mark.parametrize("height", [0, 143])
def test_nothing_low_enough_is_said(height: int) -> None:
    """A master of which nothing may be shown is an error, not an empty playlist."""
    with pytest.raises(PlaylistUnusable):
        session(MASTER, height)


@pytest.mark.parametrize(
    "text",
    [
        "not a playlist",
        MEDIA.replace(KEY_URI, "https://keys.example/1"),
        MEDIA.replace(f'URI="{KEY_URI}",', ""),
        MEDIA.replace("00000.ts", "../key.bin"),
        MEDIA.replace("00000.ts", "https://elsewhere.example/0.ts"),
        MEDIA.replace("00000.ts", ".hidden"),
    ],
)
def test_a_playlist_that_leads_elsewhere_is_refused(text: str) -> None:
    """Another key, or a file that is not beside the playlist, is never given out."""
    with pytest.raises(PlaylistUnusable):
        session_media(text, segment=link, key_uri="/play/s/key")


def test_captions_name_no_key() -> None:
    """A playlist given out without a key address must not name one."""
    with pytest.raises(PlaylistUnusable):
        session_media(MEDIA, segment=link)
    assert session_media(SEGMENTS, segment=link) == SEGMENTS.replace("00000.ts", link("00000.ts"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#EXTM3U", "#NOTHING"),
        ("RESOLUTION=256x144,", ""),
        ("144p/index.m3u8", "../144p/index.m3u8"),
        ("144p/index.m3u8", "https://elsewhere.example/index.m3u8"),
        ("captions/en/index.m3u8", "https://elsewhere.example/en.m3u8"),
    ],
)
def test_a_master_of_another_form_is_refused(before: str, after: str) -> None:
    """What the packager would never write is not passed on."""
    with pytest.raises(PlaylistUnusable):
        session(MASTER.replace(before, after, 1), 1080)
