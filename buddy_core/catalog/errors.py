"""The ways the catalogue says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import NotFound


@attrs.define
class TitleNotFound(NotFound):
    """There is no such title."""

    code = "catalog.title_not_found"

    type: str
    short_id: str

    def message(self) -> str:
        return f"There is no {self.type} {self.short_id!r}. Look for it from the home page."


@attrs.define
class ProducerNotFound(NotFound):
    """There is no such producer."""

    code = "catalog.producer_not_found"

    producer: str

    def message(self) -> str:
        return f"There is no producer {self.producer!r}."
