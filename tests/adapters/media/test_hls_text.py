"""The playlists' arithmetic and ffmpeg's report, without ffmpeg."""

from __future__ import annotations

import pytest

from buddy_adapters.media.ffmpeg import Probe, UnreadableMedia, parse_report
from buddy_adapters.media.hls import Cue, bandwidths, h264_level, webvtt

PLAYLIST = "#EXTM3U\n#EXTINF:4.000000,\n0.ts\n#EXTINF:4.5,\n1.ts\n#EXTINF:0.100000,\n2.ts\n#EXT-X-ENDLIST\n"


def test_peak_and_average_come_from_the_segments() -> None:
    """The peak is the largest segment's rate, rounded up; a last sliver counts in the average alone."""
    peak, average = bandwidths(PLAYLIST, {"0.ts": 500_000, "1.ts": 450_000, "2.ts": 100_000})
    assert peak == 1_000_001
    assert average == 1_050_000 * 8 * 10 // 86


def test_cues_never_hold_an_empty_line() -> None:
    """An empty line in a caption would end the cue, so it is left out."""
    assert webvtt([Cue(3_723_004, 3_724_000, "one\n\ntwo")]).endswith(
        "01:02:03.004 --> 01:02:04.000\none\ntwo\n"
    )


@pytest.mark.parametrize(("height", "level"), [(144, 30), (480, 30), (720, 31), (1080, 40)])
def test_level_follows_the_picture(height: int, level: int) -> None:
    """A larger picture names the higher H.264 level that it needs."""
    assert h264_level(height) == level


def test_a_report_is_read() -> None:
    """Size, length and sound come out of ffmpeg's text."""
    report = """Input #0, mov,mp4, from 'x.mp4':
  Duration: 00:01:02.50, start: 0.000000, bitrate: 1 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 1280x720 [SAR 1:1], 24 fps
  Stream #0:1[0x2](und): Audio: aac (LC), 48000 Hz, stereo"""
    assert parse_report(report, path="x.mp4") == Probe(1280, 720, 62_500, True)


def test_a_file_without_a_picture_is_refused() -> None:
    """A report that names no video stream names the file and what is wanted."""
    with pytest.raises(UnreadableMedia, match=r"notes\.txt holds no video"):
        parse_report("notes.txt: Invalid data found when processing input", path="notes.txt")
