"""The content keys that lie beside packaged media, behind playback's port."""

from __future__ import annotations

from pathlib import Path

import anyio
import attrs
from attrs import frozen

from buddy_adapters.media.hls import KEY_BYTES, KEY_FILE, is_media_name
from buddy_core.kernel.errors import NotFound
from buddy_core.playback import ContentKey, ContentKeys


@attrs.define
class KeyNotFound(NotFound):
    """There is no content key for this media."""

    code = "media.key_not_found"

    def message(self) -> str:
        return "The key of this title cannot be found. Its pictures may have to be packaged again."


@frozen
class FileContentKeys:
    """Reads `<media_dir>/<media_key>/key.bin`; no name leads out of the folder."""

    media_dir: Path

    async def get(self, media_key: str) -> ContentKey:
        """Return the 16 bytes that a packaged title is encrypted with.

        Raises:
            KeyNotFound: there is no such media, or what lies there is no key.
        """
        if not is_media_name(media_key):
            raise KeyNotFound
        try:
            # Even a small file may lie on a slow disk; the loop must not wait for it.
            key = await anyio.to_thread.run_sync((self.media_dir / media_key / KEY_FILE).read_bytes)
        except OSError:
            raise KeyNotFound from None
        if len(key) != KEY_BYTES:
            raise KeyNotFound
        return ContentKey(media_key, key)


_conforms: type[ContentKeys] = FileContentKeys
