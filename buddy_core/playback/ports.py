"""What playback needs: storage, signed links, and the keys of packaged media."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from buddy_core.kernel.ids import AccountId, DeviceId, SessionId, TitleId
from buddy_core.playback.model import ContentKey, PlaybackSession, Position


class Sessions(Protocol):
    """Playback sessions by id."""

    async def add(self, session: PlaybackSession) -> None:
        """Store a new session."""
        ...

    async def get(self, session: SessionId) -> PlaybackSession | None:
        """Return a session, or None."""
        ...

    async def running(self, account: AccountId, at: datetime, *, besides: DeviceId) -> int:
        """Count the account's other devices that play at `at`: not stopped, and heard of within the lease."""
        ...

    async def lock(self, session: SessionId) -> PlaybackSession | None:
        """Return a session and keep other writers off it."""
        ...

    async def save(self, session: PlaybackSession) -> None:
        """Store what a heartbeat or a stop changed, or by what the session goes on."""
        ...


class Positions(Protocol):
    """The newest position of an account in each title."""

    async def of_account(
        self, account: AccountId, titles: Sequence[TitleId] | None = None
    ) -> dict[TitleId, Position]:
        """Return positions by title; of all titles, or of those named."""
        ...

    async def save(self, positions: Sequence[Position]) -> None:
        """Store positions, unless a newer one is there."""
        ...


class UrlSigner(Protocol):
    """Makes a path of packaged media into a link that works for a while."""

    def sign(self, path: str, *, expires_at: datetime, client_prefix: str | None) -> str:
        """Return the signed link; with a prefix it works only from that network."""
        ...


class UrlVerifier(Protocol):
    """Checks links at the edge that serves them."""

    def check(self, url: str, *, at: datetime, client_prefix: str | None) -> None:
        """Return if the link is good.

        Raises:
            BuddyError: it was altered, has expired, or is for another network.
        """
        ...


class ContentKeys(Protocol):
    """The keys that packaged media are encrypted with."""

    async def get(self, media_key: str) -> ContentKey:
        """Return the key of a packaged title.

        Raises:
            NotFound: there is none.
        """
        ...


class PlaybackTx(Protocol):
    """A transaction that reads and writes sessions and positions."""

    @property
    def sessions(self) -> Sessions: ...

    @property
    def positions(self) -> Positions: ...
