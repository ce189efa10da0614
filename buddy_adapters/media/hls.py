"""Packaging as HLS: segments of four seconds, AES-128, WebVTT captions, one master playlist.

Files of a packaged title, all in one folder:

    master.m3u8              the renditions and the captions
    <rendition>/index.m3u8   segments, EXT-X-KEY with the placeholder `KEY_URI` and the IV
    <rendition>/00000.ts ... encrypted segments
    captions/<language>/index.m3u8, captions/<language>/captions.vtt
    key.bin                  the 16 bytes of the content key; never served as a file

The playlists name the key by `KEY_URI`; the host puts its own address there
when it serves them, so that the key is asked for within a playback session.
Reference: RFC 8216.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import frozen

from buddy_adapters.media import ffmpeg
from buddy_adapters.media.ladder import DEFAULT_LADDER, Rendition, renditions_for

KEY_URI = "buddy:content-key"
KEY_FILE = "key.bin"
KEY_BYTES = 16
SEGMENT_S = 4


@frozen
class Cue:
    """One caption: shown from `start_ms` until `end_ms`."""

    start_ms: int
    end_ms: int
    text: str


@frozen
class Captions:
    """The captions of one language (BCP 47 tag) with the name that the player's menu shows."""

    language: str
    name: str
    cues: tuple[Cue, ...]


@frozen
class Source:
    """What ffmpeg reads: its input arguments, the filter that makes the picture, size and length.

    `video` and `audio` are filter graph inputs or chains such as `[0:v]` or a
    `lavfi` source; an empty `audio` gives silence.
    """

    arguments: tuple[str, ...]
    video: str
    audio: str
    width: int
    height: int
    duration_ms: int

    @classmethod
    def of_file(cls, path: Path) -> Source:
        """Describe a video file by probing it. Raises UnreadableMedia."""
        facts = ffmpeg.probe(path)
        return cls(
            arguments=("-i", str(path.resolve())),
            video="[0:v]null",
            audio="[0:a]anull" if facts.has_audio else "",
            width=facts.width,
            height=facts.height,
            duration_ms=facts.duration_ms,
        )


def is_media_name(name: str) -> bool:
    """Say whether a name is a plain folder name, and so cannot lead out of the media folder."""
    return re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", name) is not None


def package(
    source: Source,
    folder: Path,
    *,
    ladder: Sequence[Rendition] = DEFAULT_LADDER,
    captions: Sequence[Captions] = (),
    preset: str = "veryfast",
    workspace: Path | None = None,
) -> Iterator[int]:
    """Encode and encrypt a source into `folder`; yield the percent done.

    All is made in a temporary folder beside it and renamed at the end, so an
    interrupted run leaves either the whole title or nothing. `workspace` is
    ffmpeg's working folder, where text and font files of the filters lie.
    Raises EncodeFailed.
    """
    # ffmpeg works in a folder of its own, from which a relative path leads elsewhere.
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        rungs = renditions_for(ladder, width=source.width, height=source.height)
        key_info = _write_key(making)
        for rung in rungs:
            (making / rung.name).mkdir()
        arguments = _arguments(source, rungs, making, key_info=key_info, preset=preset)
        yield from ffmpeg.run(arguments, duration_ms=source.duration_ms, cwd=workspace or making)
        key_info.unlink()
        for track in captions:
            _write_captions(making, track, duration_ms=source.duration_ms)
        playlists = [(rung, (making / rung.name / "index.m3u8").read_text("utf-8")) for rung in rungs]
        sizes = [_segment_sizes(making / rung.name) for rung in rungs]
        (making / "master.m3u8").write_text(master_playlist(playlists, sizes, captions), "utf-8")
        # mkdtemp makes folders for their owner only; a web server may run as another user.
        making.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def master_playlist(
    playlists: Sequence[tuple[Rendition, str]],
    sizes: Sequence[dict[str, int]],
    captions: Sequence[Captions],
) -> str:
    """Write the master playlist from the renditions' playlists and the bytes of their segments."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for number, track in enumerate(captions):
        default = "YES" if number == 0 else "NO"
        lines.append(
            f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="{_quoted(track.name)}",'
            f'LANGUAGE="{_quoted(track.language)}",DEFAULT={default},AUTOSELECT=YES,FORCED=NO,'
            f'URI="captions/{track.language}/index.m3u8"'
        )
    for (rung, text), bytes_of in zip(playlists, sizes, strict=True):
        peak, average = bandwidths(text, bytes_of)
        line = (
            f"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},"
            f'RESOLUTION={rung.width}x{rung.height},CODECS="avc1.4d40{h264_level(rung.height):02x},mp4a.40.2"'
        )
        lines += [line + (',SUBTITLES="captions"' if captions else ""), f"{rung.name}/index.m3u8"]
    return "\n".join(lines) + "\n"


def bandwidths(playlist: str, bytes_of: dict[str, int]) -> tuple[int, int]:
    """Return a rendition's peak and average bits per second, from its true segment sizes.

    RFC 8216 4.3.4.2: BANDWIDTH is the largest of the segments' rates. A last
    segment shorter than a second says nothing about the peak and is left out of it.
    """
    peak = total_bits = total_us = 0
    for seconds, name in re.findall(r"#EXTINF:([0-9.]+),[^\n]*\n([^#\n]+)", playlist):
        whole, _, fraction = seconds.partition(".")
        duration_us = int(whole) * 1_000_000 + int((fraction + "000000")[:6])
        bits = bytes_of[name.strip()] * 8
        total_bits += bits
        total_us += duration_us
        if duration_us >= 1_000_000 or peak == 0:
            peak = max(peak, bits * 1_000_000 // max(duration_us, 1) + 1)
    return peak, total_bits * 1_000_000 // max(total_us, 1)


def h264_level(height: int) -> int:
    """Return the H.264 level, times ten, that a picture of this height needs at up to 30 frames a second."""
    if height <= 480:
        return 30
    return 31 if height <= 720 else 40


def webvtt(cues: Sequence[Cue]) -> str:
    """Write cues as WebVTT, on the clock of the segments (which starts at zero)."""
    blocks = ["WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0"]
    for cue in cues:
        # `-->` and `<` have a meaning in WebVTT; text may hold neither unescaped.
        text = cue.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        # An empty line would end the cue.
        text = "\n".join(line for line in text.splitlines() if line.strip())
        blocks.append(f"{_vtt_time(cue.start_ms)} --> {_vtt_time(cue.end_ms)}\n{text}")
    return "\n\n".join(blocks) + "\n"


def _arguments(
    source: Source, rungs: Sequence[Rendition], making: Path, *, key_info: Path, preset: str
) -> list[str]:
    """Build the one ffmpeg call that makes every rendition: decode once, scale and encode many times."""
    split = "".join(f"[v{n}]" for n in range(len(rungs)))
    graph = [f"{source.video},format=yuv420p,split={len(rungs)}{split}"]
    graph += [
        f"[v{n}]scale={rung.width}:{rung.height}:flags=bicubic,setsar=1[o{n}]" for n, rung in enumerate(rungs)
    ]
    audio = source.audio or "anullsrc=r=48000:cl=stereo"
    sounds = "".join(f"[a{n}]" for n in range(len(rungs)))
    graph.append(f"{audio},asplit={len(rungs)}{sounds}")
    arguments = [*source.arguments, "-filter_complex", ";".join(graph)]
    for number, rung in enumerate(rungs):
        arguments += _output(number, rung, making / rung.name, source, key_info=key_info, preset=preset)
    return arguments


def _output(
    number: int, rung: Rendition, folder: Path, source: Source, *, key_info: Path, preset: str
) -> list[str]:
    """Return the arguments of one rendition's output."""
    return [
        *("-map", f"[o{number}]", "-map", f"[a{number}]"),
        *("-t", f"{source.duration_ms // 1000}.{source.duration_ms % 1000:03d}"),
        *("-c:v", "libx264", "-preset", preset, "-profile:v", "main"),
        *("-level", str(h264_level(rung.height))),
        *("-b:v", f"{rung.video_kbps}k", "-maxrate", f"{rung.video_kbps * 5 // 4}k"),
        *("-bufsize", f"{rung.video_kbps * 2}k", "-sc_threshold", "0"),
        # Every rendition has its key frames at the same times, so that a player may switch.
        *("-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_S})"),
        *("-c:a", "aac", "-b:a", f"{rung.audio_kbps}k", "-ar", "48000", "-ac", "2"),
        *("-f", "hls", "-hls_time", str(SEGMENT_S), "-hls_playlist_type", "vod"),
        *("-hls_key_info_file", str(key_info), "-hls_segment_filename", str(folder / "%05d.ts")),
        # Captions are timed from zero, so the segments are too.
        *("-hls_flags", "independent_segments", "-hls_segment_options", "mpegts_copyts=1"),
        str(folder / "index.m3u8"),
    ]


def _write_key(making: Path) -> Path:
    """Mint the content key and IV; return the key info file that ffmpeg's hls muxer wants."""
    key_file = making / KEY_FILE
    descriptor = os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as opened:
        opened.write(secrets.token_bytes(KEY_BYTES))
    key_info = making / "key.info"
    key_info.write_text(f"{KEY_URI}\n{key_file}\n{secrets.token_hex(KEY_BYTES)}\n", "utf-8")
    return key_info


def _write_captions(making: Path, track: Captions, *, duration_ms: int) -> None:
    """Write one language's captions and their playlist of a single segment."""
    folder = making / "captions" / track.language
    folder.mkdir(parents=True)
    (folder / "captions.vtt").write_text(webvtt(track.cues), "utf-8")
    whole_s = -(-duration_ms // 1000)
    lines = [
        *("#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-PLAYLIST-TYPE:VOD", f"#EXT-X-TARGETDURATION:{whole_s}"),
        *(f"#EXTINF:{duration_ms // 1000}.{duration_ms % 1000:03d},", "captions.vtt", "#EXT-X-ENDLIST"),
    ]
    (folder / "index.m3u8").write_text("\n".join(lines) + "\n", "utf-8")


def _segment_sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.glob("*.ts")}


def _vtt_time(at_ms: int) -> str:
    seconds, thousandths = divmod(at_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"


def _quoted(text: str) -> str:
    """Drop what a quoted playlist attribute may not hold: quotes and line ends."""
    return text.replace('"', "'").replace("\n", " ").replace("\r", " ")
