"""Packaging into a folder that is named relative to where the process stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from buddy_adapters.media import encode_clip
from buddy_web.demo.catalogue import title_of
from buddy_web.demo.media import clip_of


def test_a_relative_folder_is_packaged_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The media folder may be named as `var/media`, as the settings' default does."""
    monkeypatch.chdir(tmp_path)
    clip = evolve(clip_of(title_of("paper-kites")), seconds=1)
    assert list(encode_clip(clip, Path("var/media/paper-kites")))[-1] == 100
    assert (tmp_path / "var/media/paper-kites/master.m3u8").is_file()
