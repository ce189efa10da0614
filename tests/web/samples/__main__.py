"""Write every sample page, the static files and the demo's pictures into a folder."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from buddy_adapters.media.posters import Poster, draw_poster
from buddy_web.demo.catalogue import PRODUCERS, TITLES
from tests.web.samples.pages import PARTS, SAMPLES, WEB, environment, render


def write(out: Path) -> int:
    """Write the preview and return how many pages it has."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copytree(WEB / "static", out / "static", dirs_exist_ok=True)
    names = {producer.key: producer.name for producer in PRODUCERS}
    for title in TITLES:
        poster = Poster(title.title, names[title.producer], title.look, title.palette, title.seed)
        folder = out / "media" / title.key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "poster.svg").write_text(draw_poster(poster, portrait=True), encoding="utf-8")
        (folder / "wide.svg").write_text(draw_poster(poster, portrait=False, words=False), encoding="utf-8")
    templates = environment()
    pages = SAMPLES | PARTS
    for name, sample in pages.items():
        (out / f"{name}.html").write_text(render(sample, templates), encoding="utf-8")
    links = "".join(f'<li><a href="{name}.html">{name}</a></li>' for name in pages)
    (out / "index.html").write_text(
        f"<!doctype html><title>Preview</title><ul>{links}</ul>", encoding="utf-8"
    )
    return len(pages)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tests.web.samples OUTDIR")
    folder = Path(sys.argv[1])
    print(f"{write(folder)} pages; look at them with: python -m http.server --bind 127.0.0.1 -d {folder}")
