"""Demo clips: generated moving pictures with a title, a running timecode, and tones as sound.

Each look is a small ffmpeg filter graph over a title's palette. Pictures are
computed at half size and enlarged: they are soft by design, and it is four
times as quick.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from attrs import asdict, frozen

from buddy_adapters.media.hls import Captions, Cue, Source, package
from buddy_adapters.media.ladder import DEMO_LADDER, Rendition
from buddy_adapters.media.posters import Palette

WIDTH, HEIGHT, FRAMES_PER_S = 854, 480, 24
_SMALL = "428x240"
_RECIPE_FILE = "recipe.json"
# A change of what is drawn makes the clips of earlier versions stale.
_RECIPE_VERSION = 1


@frozen
class Clip:
    """What to generate: words burnt in, the look and its colours, the length, captions in English."""

    title: str
    subtitle: str
    look: str
    palette: Palette
    seed: int
    seconds: int
    captions: tuple[str, ...] = ()


def encode_clip(
    clip: Clip,
    folder: Path,
    *,
    ladder: Sequence[Rendition] = DEMO_LADDER,
    preset: str = "ultrafast",
) -> Iterator[int]:
    """Generate a clip and package it as HLS into `folder`; yield the percent done.

    A folder that already holds this very clip is left as it is and answers 100
    at once; one of another recipe is made anew, with a new key.
    Raises EncodeFailed, FfmpegMissing, and ValueError for an unknown look.
    """
    recipe = _recipe(clip, ladder=ladder, preset=preset)
    if is_encoded(folder, recipe):
        yield 100
        return
    with tempfile.TemporaryDirectory(prefix="buddy-clip-") as scratch:
        workspace = Path(scratch)
        source = _source(clip, workspace)
        tracks = [english(clip)] if clip.captions else []
        yield from package(source, folder, ladder=ladder, captions=tracks, preset=preset, workspace=workspace)
    # Written last: a folder without it was not finished.
    (folder / _RECIPE_FILE).write_text(recipe, "utf-8")


def is_encoded(folder: Path, recipe: str) -> bool:
    """Say whether a folder holds the finished clip of this recipe."""
    try:
        return (folder / _RECIPE_FILE).read_text("utf-8") == recipe
    except (FileNotFoundError, NotADirectoryError):
        return False


def english(clip: Clip) -> Captions:
    """Spread the caption lines evenly over the clip."""
    share_ms = clip.seconds * 1000 // len(clip.captions)
    cues = [
        Cue(number * share_ms + 300, (number + 1) * share_ms - 300, text)
        for number, text in enumerate(clip.captions)
    ]
    return Captions("en", "English", tuple(cues))


def _recipe(clip: Clip, *, ladder: Sequence[Rendition], preset: str) -> str:
    """Write down all that decides the outcome, to tell a finished clip from a stale one."""
    facts = {
        "version": _RECIPE_VERSION,
        "clip": asdict(clip),
        "ladder": [asdict(rung) for rung in ladder],
        "preset": preset,
    }
    return json.dumps(facts, sort_keys=True, indent=1) + "\n"


def _source(clip: Clip, workspace: Path) -> Source:
    """Lay text and font files into the workspace and describe the generated source."""
    import fontpkg_noto_sans

    # Plain names: the font's own has brackets and a comma, which filter graphs read as syntax.
    font = next(Path(fontpkg_noto_sans.ROOT).rglob("NotoSans[[]*.ttf"))
    shutil.copyfile(font, workspace / "font.ttf")
    (workspace / "title.txt").write_text(clip.title, "utf-8")
    (workspace / "subtitle.txt").write_text(clip.subtitle, "utf-8")
    (workspace / "timecode.txt").write_text("%{pts:hms}", "utf-8")
    if clip.look not in LOOKS:
        raise ValueError(f"no look is called {clip.look!r}; there are: {', '.join(sorted(LOOKS))}")
    picture = LOOKS[clip.look](clip)
    return Source(
        arguments=(),
        video=f"{picture},format=yuv420p,scale={WIDTH}:{HEIGHT}:flags=bicubic,vignette=PI/4.5,{_words()}",
        audio=_tones(clip),
        width=WIDTH,
        height=HEIGHT,
        duration_ms=clip.seconds * 1000,
    )


def _words() -> str:
    """Return the filters that burn in title, subtitle and timecode."""
    common = "fontfile=font.ttf:fontcolor=white:shadowcolor=black@0.55:shadowx=2:shadowy=2"
    return ",".join(
        [
            f"drawtext={common}:textfile=title.txt:expansion=none:fontsize=52:x=44:y=h-128",
            f"drawtext={common}:textfile=subtitle.txt:expansion=none:fontsize=22:x=46:y=h-62:alpha=0.85",
            f"drawtext={common}:textfile=timecode.txt:fontsize=22:x=w-tw-44:y=h-62:alpha=0.85",
        ]
    )


def _tones(clip: Clip) -> str:
    """Return a soft chord that swells and fades; its root note comes from the seed."""
    step = clip.seed % 12
    parts = [
        f"{level}*sin(2*PI*{ratio}*110*pow(2,{step}/12)*t)*(0.6+0.4*sin(2*PI*t/{swell}))"
        for level, ratio, swell in (
            ("0.12", "1", 7),
            ("0.08", "1.5", 5),
            ("0.06", "2", 11),
            ("0.04", "2.5", 3),
        )
    ]
    fade_at = max(clip.seconds - 2, 0)
    return (
        f"aevalsrc=exprs='{'+'.join(parts)}':s=48000:d={clip.seconds},"
        f"afade=t=in:d=1,afade=t=out:st={fade_at}:d=2,aformat=channel_layouts=stereo"
    )


def _gradient(clip: Clip, kind: str, speed: str) -> str:
    """Return the moving ground of a look: a gradient over the palette."""
    colours = [clip.palette.deep, clip.palette.ground, clip.palette.accent, clip.palette.light]
    named = ":".join(f"c{n}={colour.replace('#', '0x')}" for n, colour in enumerate(colours))
    return (
        f"gradients=s={_SMALL}:r={FRAMES_PER_S}:n={len(colours)}:{named}:type={kind}:speed={speed}"
        f":seed={clip.seed},format=gbrp[ground]"
    )


def _over(ground: str, shapes: str, mode: str, opacity: str) -> str:
    """Blend moving shapes over a ground."""
    return (
        f"{ground};{shapes},format=gbrp[shapes];[ground][shapes]blend=all_mode={mode}:all_opacity={opacity}"
    )


def _rain(clip: Clip) -> str:
    shapes = (
        f"life=s=428x12:r=12:ratio=0.08:seed={clip.seed}:mold=30:life_color=0xcfeff5"
        f":death_color=0x000000:mold_color=0x1b4b5a,fps={FRAMES_PER_S},scale=428:240:flags=bicubic,"
        "scroll=vertical=-0.035"
    )
    return _over(_gradient(clip, "linear", "0.012"), shapes, "screen", "0.55")


def _salt(clip: Clip) -> str:
    shapes = (
        f"mandelbrot=s=214x120:r={FRAMES_PER_S}:maxiter=300:start_scale=0.4:end_scale=0.0005:end_pts=900"
        ":inner=mincol,scale=428:240:flags=bicubic,format=gray,gblur=2"
    )
    return _over(_gradient(clip, "radial", "0.01"), shapes, "softlight", "0.9")


def _harbour(clip: Clip) -> str:
    shapes = (
        f"life=s=107x60:r=6:ratio=0.12:seed={clip.seed}:mold=20:life_color=0xffd38a"
        f":death_color=0x000000:mold_color=0x1a2f63,fps={FRAMES_PER_S},scale=428:240:flags=bicubic,gblur=4"
    )
    return _over(_gradient(clip, "circular", "0.012"), shapes, "screen", "0.8")


def _kites(clip: Clip) -> str:
    shapes = (
        f"sierpinski=s=428x240:r={FRAMES_PER_S}:type=triangle:jump=30:seed={clip.seed},format=gray,gblur=1"
    )
    return _over(_gradient(clip, "spiral", "0.015"), shapes, "screen", "0.45")


def _minutes(clip: Clip) -> str:
    shapes = (
        f"cellauto=s=107x60:r=12:rule=110:seed={clip.seed}:ratio=0.3:scroll=1,"
        f"fps={FRAMES_PER_S},scale=428:240:flags=bicubic,gblur=2"
    )
    return _over(_gradient(clip, "spiral", "0.02"), shapes, "overlay", "0.8")


LOOKS: dict[str, Callable[[Clip], str]] = {
    "harbour": _harbour,
    "kites": _kites,
    "minutes": _minutes,
    "rain": _rain,
    "salt": _salt,
}
"""The looks by name: each turns a clip into a filter graph that ends in one picture stream."""
