"""Generated clips, packaged as encrypted HLS."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from attrs import evolve
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from buddy_adapters.media import (
    KEY_URI,
    Clip,
    EncodeFailed,
    Palette,
    Rendition,
    Source,
    encode_clip,
    package,
    probe,
)
from buddy_adapters.media.clips import LOOKS
from buddy_adapters.media.keys import FileContentKeys, KeyNotFound

LADDER = (Rendition("72p", 128, 72, 100, 32), Rendition("144p", 256, 144, 240, 48))
CLIP = Clip(
    title="It's: 100%, a\\test",
    subtitle="[in] brackets; and 'quotes'",
    look="rain",
    palette=Palette("#0b1d2a", "#1a5a66", "#f2a65a", "#fdf1dc"),
    seed=3,
    seconds=2,
    captions=("[rain]", "a < b & c --> d"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One packaged clip of two seconds."""
    folder = tmp_path_factory.mktemp("media") / "clip"
    percents = list(encode_clip(CLIP, folder, ladder=LADDER))
    assert percents == sorted(percents)
    assert percents[-1] == 100
    return folder


def _plain(folder: Path, rendition: str, segment: str = "00000.ts") -> bytes:
    """Decrypt a segment with the key beside it and the IV that the playlist names."""
    playlist = (folder / rendition / "index.m3u8").read_text("utf-8")
    named = re.search(r"IV=0x([0-9a-f]{32})", playlist)
    assert named is not None
    cipher = Cipher(algorithms.AES((folder / "key.bin").read_bytes()), modes.CBC(bytes.fromhex(named[1])))
    decryptor = cipher.decryptor()
    return decryptor.update((folder / rendition / segment).read_bytes()) + decryptor.finalize()


def test_master_names_renditions_and_captions(folder: Path) -> None:
    """The master playlist offers each rendition with size and rates, and the captions in a group."""
    master = (folder / "master.m3u8").read_text("utf-8")
    assert re.findall(r"RESOLUTION=(\d+x\d+)", master) == ["128x72", "256x144"]
    assert 'TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en"' in master
    for peak, average in re.findall(r":BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+)", master):
        assert int(peak) >= int(average) > 0
    for address in re.findall(r'^[^#\n]+$|URI="([^"]+)"', master, flags=re.M):
        assert not address or (folder / address).is_file()


def test_segments_are_encrypted_with_the_key_beside_them(folder: Path) -> None:
    """A segment is MPEG-TS only after decryption, and the key's address is left to the host."""
    playlist = (folder / "144p" / "index.m3u8").read_text("utf-8")
    assert f'#EXT-X-KEY:METHOD=AES-128,URI="{KEY_URI}"' in playlist
    assert len((folder / "key.bin").read_bytes()) == 16
    assert (folder / "144p" / "00000.ts").read_bytes()[0:189:188] != b"GG"
    assert _plain(folder, "144p")[0:189:188] == b"GG"


def test_the_clock_starts_at_zero_with_picture_and_sound(folder: Path, tmp_path: Path) -> None:
    """The decrypted segment holds both streams in the rendition's size, so captions timed from zero fit."""
    segment = tmp_path / "plain.ts"
    segment.write_bytes(_plain(folder, "144p"))
    facts = probe(segment)
    assert (facts.width, facts.height, facts.has_audio) == (256, 144, True)
    assert 1_900 <= facts.duration_ms <= 2_100
    captions = (folder / "captions" / "en" / "captions.vtt").read_text("utf-8")
    assert "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0" in captions
    assert "00:00:01.300 --> 00:00:01.700\na &lt; b &amp; c --&gt; d" in captions


def test_a_finished_clip_is_kept(folder: Path) -> None:
    """A second run answers at once and leaves key and segments as they were."""
    before = (folder / "key.bin").read_bytes()
    assert list(encode_clip(CLIP, folder, ladder=LADDER)) == [100]
    assert (folder / "key.bin").read_bytes() == before


def test_another_recipe_makes_it_anew(tmp_path: Path) -> None:
    """A changed clip replaces the old one whole, with a new key."""
    folder = tmp_path / "clip"
    short = evolve(CLIP, seconds=1, captions=())
    list(encode_clip(short, folder, ladder=LADDER[:1]))
    before = (folder / "key.bin").read_bytes()
    list(encode_clip(evolve(short, look="kites"), folder, ladder=LADDER[:1]))
    assert (folder / "key.bin").read_bytes() != before
    assert not (folder / "captions").exists()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Stopped in the middle, no folder stands; the next run makes the whole clip."""
    folder = tmp_path / "media" / "clip"
    long = evolve(CLIP, seconds=20)
    running = encode_clip(long, folder, ladder=LADDER)
    next(running)
    running.close()  # type: ignore[attr-defined]
    assert list(folder.parent.iterdir()) == []
    list(encode_clip(CLIP, folder, ladder=LADDER[:1]))
    assert (folder / "master.m3u8").is_file()


def test_a_file_can_be_packaged_too(folder: Path, tmp_path: Path) -> None:
    """A video file, even one without sound or a caption, becomes a title with the same layout."""
    segment = tmp_path / "in.ts"
    segment.write_bytes(_plain(folder, "72p"))
    list(package(Source.of_file(segment), tmp_path / "out", ladder=LADDER, preset="ultrafast"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["72p", "key.bin", "master.m3u8"]
    assert _plain(tmp_path / "out", "72p")[:1] == b"G"


def test_what_ffmpeg_says_is_told(tmp_path: Path) -> None:
    """A source that cannot be read raises EncodeFailed with ffmpeg's reason, and leaves no folder."""
    source = Source(("-i", "no-such-file.mp4"), "[0:v]null", "", 640, 360, 1000)
    with pytest.raises(EncodeFailed, match="no-such-file"):
        list(package(source, tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_look_is_refused(tmp_path: Path) -> None:
    """A look that nobody drew is named, with those there are."""
    with pytest.raises(ValueError, match=r"'plaid'; there are: .*rain"):
        list(encode_clip(evolve(CLIP, look="plaid"), tmp_path / "clip"))


@pytest.mark.parametrize("look", sorted(LOOKS))
def test_every_look_is_drawn(look: str, tmp_path: Path) -> None:
    """Each look encodes, for the length of one second."""
    list(encode_clip(evolve(CLIP, look=look, seconds=1, captions=()), tmp_path / "clip", ladder=LADDER[:1]))
    assert (tmp_path / "clip" / "72p" / "00000.ts").stat().st_size > 2_000


def test_keys_come_from_the_media_folder_alone(folder: Path) -> None:
    """The key of a title is found by its name; a name that leads elsewhere finds none."""
    keys = FileContentKeys(folder.parent)
    assert asyncio.run(keys.get("clip")).key == (folder / "key.bin").read_bytes()
    for name in ("other", "../clip", "clip/../clip", "", ".", "CLIP"):
        with pytest.raises(KeyNotFound):
            asyncio.run(keys.get(name))
