"""The ways the routing table says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import NotFound


@attrs.define
class UnknownEntity(NotFound):
    """No selling entity has this id."""

    code = "tax.unknown_entity"

    entity: str
    known: tuple[str, ...]

    def message(self) -> str:
        return f"There is no selling entity {self.entity!r}; there are {', '.join(self.known)}."
