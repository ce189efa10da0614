"""What flags need from storage."""

from __future__ import annotations

from typing import Protocol


class Flags(Protocol):
    """How the flags stand now."""

    async def is_on(self, name: str) -> bool:
        """Tell whether a flag is on.

        Raises:
            UnknownFlag: no flag has this name.
        """
        ...

    async def set(self, name: str, is_on: bool) -> None:
        """Turn a flag on or off, for every process from its next question on.

        Raises:
            UnknownFlag: no flag has this name.
        """
        ...

    async def all(self) -> dict[str, bool]:
        """Return every flag and how it stands."""
        ...
