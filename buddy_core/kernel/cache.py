"""Values kept for a while, for display only; nothing of value is decided by what lies here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol


class Cache(Protocol):
    """Keeps values by key until they are dropped or grow old; may forget any of them at any time.

    Ask for a `mark` before you read what you will put: a key that was dropped since is not
    put, so that an event can never be overtaken by what was read before it.
    """

    def get(self, key: str, at: datetime) -> Any:
        """Return the value of a key, None if there is none or it is too old."""
        ...

    def mark(self) -> int:
        """Return a mark of now, to be given to `put`."""
        ...

    def put(self, key: str, value: Any, mark: int, until: datetime) -> None:
        """Keep a value until an instant, unless its key was dropped after `mark`."""
        ...

    def drop(self, keys: Collection[str]) -> None:
        """Forget these keys, and whatever is being read for them now."""
        ...

    def clear(self) -> None:
        """Forget everything."""
        ...
