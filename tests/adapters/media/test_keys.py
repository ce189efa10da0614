"""Content keys read from the media folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from buddy_adapters.media.keys import FileContentKeys, KeyNotFound

KEY = bytes(range(16))

pytestmark = pytest.mark.anyio


@pytest.fixture
def keys(tmp_path: Path) -> FileContentKeys:
    for folder, key in (("media/salt-road", KEY), ("media/broken", KEY[:8]), ("outside", KEY)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "key.bin").write_bytes(key)
    return FileContentKeys(tmp_path / "media")


async def test_a_packaged_titles_key_is_its_16_bytes(keys: FileContentKeys) -> None:
    """The key comes with the name of what it opens."""
    found = await keys.get("salt-road")
    assert (found.media_key, found.key) == ("salt-road", KEY)


@pytest.mark.parametrize("name", ["nothing", "../outside", "..", "", "/etc", "salt-road/", "broken"])
async def test_what_is_no_packaged_title_has_no_key(keys: FileContentKeys, name: str) -> None:
    """An unknown name, one that leads out of the folder, and a key of the wrong size are not found."""
    with pytest.raises(KeyNotFound):
        await keys.get(name)
