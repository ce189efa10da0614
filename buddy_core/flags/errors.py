"""The ways flags say no."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Invalid


@attrs.define
class UnknownFlag(Invalid):
    """No flag has this name."""

    code = "flags.unknown"

    name: str

    def message(self) -> str:
        return f"There is no flag {self.name!r}. The flags are listed in buddy_core.flags.DEFAULTS."
