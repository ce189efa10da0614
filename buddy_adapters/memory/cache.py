"""A cache in this process's memory, with a bound on how many values it keeps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from threading import Lock
from typing import Any

from buddy_core.kernel import Cache


class MemoryCache:
    """Values by key; the ones not asked for longest go first. Safe to use from several threads."""

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._values: OrderedDict[str, tuple[datetime, Any]] = OrderedDict()
        self._dropped: OrderedDict[str, int] = OrderedDict()
        self._mark = 0
        self._forgotten = 0
        """The newest mark of a drop that is no longer remembered by key."""
        self._lock = Lock()

    def get(self, key: str, at: datetime) -> Any:
        with self._lock:
            found = self._values.get(key)
            if found is None or at >= found[0]:
                return None
            self._values.move_to_end(key)
            return found[1]

    def mark(self) -> int:
        return self._mark

    def put(self, key: str, value: Any, mark: int, until: datetime) -> None:
        with self._lock:
            if self._dropped.get(key, self._forgotten) > mark:
                return
            self._values[key] = (until, value)
            self._values.move_to_end(key)
            if len(self._values) > self._size:
                self._values.popitem(last=False)

    def drop(self, keys: Collection[str]) -> None:
        with self._lock:
            self._mark += 1
            for key in keys:
                self._values.pop(key, None)
                self._dropped[key] = self._mark
                self._dropped.move_to_end(key)
            while len(self._dropped) > self._size:
                _, self._forgotten = self._dropped.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._mark += 1
            self._forgotten = self._mark
            self._values.clear()
            self._dropped.clear()


def _conforms() -> Cache:
    """Hold the class here to its port; read by the type checker alone."""
    return MemoryCache()
