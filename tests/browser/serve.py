"""Runs the real command line `buddy`; only the demo's clips and ads are cut short, to be done in seconds.

`python -m tests.browser.serve demo --port 8123`, with BUDDY_* variables as always.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs

from buddy_web import cli, routes
from buddy_web.demo.catalogue import TITLES
from buddy_web.demo.media import Progress, make_media
from buddy_web.sandbox.ads import sandbox_ads

WATCHED = "night-ferry-1"
WATCHED_S = 20
OTHERS_S = 4
AD_S = 2

SHORT = tuple(
    attrs.evolve(title, clip_s=WATCHED_S if title.key == WATCHED else OTHERS_S) if title.clip_s else title
    for title in TITLES
)


def make_short_media(root: Path) -> Iterator[Progress]:
    """Make the media of short clips; of two services that share a folder, one makes them and one waits."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from make_media(root, SHORT)


if __name__ == "__main__":
    cli.make_media = make_short_media
    routes.sandbox_ads = partial(sandbox_ads, ad_s=AD_S)
    cli.main()
