"""Video and art made on the spot: ffmpeg, the rendition ladder, HLS packaging, demo clips, posters.

Nothing in here decides who may watch; it only makes the files that a host
serves. The programs it needs (ffmpeg) are started as programs, never linked.
"""

from buddy_adapters.media.clips import Clip, encode_clip
from buddy_adapters.media.ffmpeg import EncodeFailed, FfmpegMissing, Probe, find_ffmpeg, probe
from buddy_adapters.media.hls import KEY_URI, Captions, Source, package
from buddy_adapters.media.ladder import DEFAULT_LADDER, DEMO_LADDER, Rendition, renditions_for
from buddy_adapters.media.posters import Palette, Poster, draw_poster, placeholder_colour

__all__ = [
    "DEFAULT_LADDER",
    "DEMO_LADDER",
    "KEY_URI",
    "Captions",
    "Clip",
    "EncodeFailed",
    "FfmpegMissing",
    "Palette",
    "Poster",
    "Probe",
    "Rendition",
    "Source",
    "draw_poster",
    "encode_clip",
    "find_ffmpeg",
    "package",
    "placeholder_colour",
    "probe",
    "renditions_for",
]
