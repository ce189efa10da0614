"""The ways access says no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Forbidden


@attrs.define
class NotPermitted(Forbidden):
    """The actor's roles do not include the permission."""

    code = "access.not_permitted"

    permission: str

    def message(self) -> str:
        return f"You may not do this: it needs the permission {self.permission}. Ask an administrator for it."
