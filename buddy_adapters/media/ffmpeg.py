"""Finding ffmpeg, running it with progress, and reading what a file holds."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import define, frozen

from buddy_core.kernel.errors import Invalid, Unavailable


@define
class FfmpegMissing(Unavailable):
    """No ffmpeg was found on the system or among the installed packages."""

    code = "media.ffmpeg_missing"

    def message(self) -> str:
        return "No ffmpeg was found. Install it (apt-get install ffmpeg) or run: pip install imageio-ffmpeg"


@define
class EncodeFailed(Unavailable):
    """The ffmpeg program stopped with an error; the files it began are thrown away."""

    code = "media.encode_failed"

    exit_code: int
    last_words: str

    def message(self) -> str:
        return f"ffmpeg stopped with exit code {self.exit_code}: {self.last_words}"


@define
class UnreadableMedia(Invalid):
    """A file holds no video stream that ffmpeg can read."""

    code = "media.unreadable"

    path: str

    def message(self) -> str:
        return f"{self.path} holds no video that ffmpeg can read. Give a file with a video stream."


@frozen
class Probe:
    """What a media file holds: the picture's size in pixels, the length in milliseconds, its sound."""

    width: int
    height: int
    duration_ms: int
    has_audio: bool


def find_ffmpeg() -> str:
    """Return the path of an ffmpeg program: the system's, else the one of the imageio-ffmpeg wheel.

    Raises FfmpegMissing when there is neither.
    """
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        raise FfmpegMissing from None
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        raise FfmpegMissing from None


def run(arguments: Sequence[str], *, duration_ms: int, cwd: Path) -> Iterator[int]:
    """Run ffmpeg in `cwd` and yield the percent done (0 to 100, never falling).

    The process is ended when the caller stops asking, so that an interrupted
    encode leaves no ffmpeg behind. Raises EncodeFailed on a non-zero exit.
    """
    command = [find_ffmpeg(), "-hide_banner", "-nostdin", "-y", "-v", "error", "-nostats"]
    command += ["-progress", "pipe:1", *arguments]
    # Errors go to a file: two pipes read by one thread could fill up and block each other.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as words:
        process = subprocess.Popen(
            command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=words, text=True
        )
        try:
            yield from _percents(process, duration_ms)
            exit_code = process.wait()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if exit_code != 0:
            words.seek(0)
            said = [line.strip() for line in words.read().splitlines() if line.strip()]
            raise EncodeFailed(exit_code, " / ".join(said[-3:]) or "it gave no reason")
    yield 100


def probe(path: Path) -> Probe:
    """Read size, length and the presence of sound from ffmpeg's own report on `path`.

    The imageio-ffmpeg wheel carries no ffprobe, so the text of `ffmpeg -i` is read.
    Raises UnreadableMedia when it names no video stream.
    """
    command = [find_ffmpeg(), "-hide_banner", "-nostdin", "-i", str(path)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
    return parse_report(done.stderr, path=str(path))


def parse_report(report: str, *, path: str) -> Probe:
    """Read a Probe from the text that `ffmpeg -i` prints. Raises UnreadableMedia."""
    size = re.search(r"Stream #.*?: Video: .*?\b(\d{2,5})x(\d{2,5})\b", report)
    length = re.search(r"Duration: (\d+):(\d\d):(\d\d)\.(\d\d)", report)
    if size is None or length is None:
        raise UnreadableMedia(path)
    hours, minutes, seconds, hundredths = (int(part) for part in length.groups())
    duration_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10
    return Probe(
        width=int(size[1]),
        height=int(size[2]),
        duration_ms=duration_ms,
        has_audio=re.search(r"Stream #.*?: Audio: ", report) is not None,
    )


def _percents(process: subprocess.Popen[str], duration_ms: int) -> Iterator[int]:
    """Turn ffmpeg's progress lines into percents; 100 is left to the caller, after the exit code."""
    percent = -1
    for line in process.stdout or ():
        name, _, value = line.strip().partition("=")
        if name != "out_time_us" or not value.isdigit():
            continue
        now = min(99, int(value) // (10 * max(duration_ms, 1)))
        if now > percent:
            percent = now
            yield percent
