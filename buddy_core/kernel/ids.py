"""The names of things: ids that modules share without importing each other.

Internal ids are UUIDv7 and never leave the service. The public sees short ids
(catalogue, partners) and opaque prefixed ids (sessions, orders).
"""

from __future__ import annotations

import hashlib
from typing import NewType, Protocol
from uuid import UUID

AccountId = NewType("AccountId", UUID)
TitleId = NewType("TitleId", UUID)
PartnerId = NewType("PartnerId", UUID)
LicenceId = NewType("LicenceId", UUID)
WindowId = NewType("WindowId", UUID)
TakedownId = NewType("TakedownId", UUID)
EntryId = NewType("EntryId", UUID)
LotId = NewType("LotId", UUID)
HoldId = NewType("HoldId", UUID)
GrantId = NewType("GrantId", UUID)
EventId = NewType("EventId", UUID)

EntityId = NewType("EntityId", str)
"""A selling entity, such as `newtact`."""
DeviceId = NewType("DeviceId", str)
SessionId = NewType("SessionId", str)
"""A playback session: `ses_` and 128 random bits."""
LoginSessionId = NewType("LoginSessionId", str)
"""A session of somebody who has signed in: `sgn_` and 128 random bits."""


class IdSource(Protocol):
    """Mints ids; a port, so that tests and replays can say which come next."""

    def uuid7(self) -> UUID:
        """Return a new UUIDv7 (RFC 9562): time-ordered, unique."""
        ...

    def opaque(self, prefix: str) -> str:
        """Return `prefix`, an underscore and 128 random bits in lower-case hex."""
        ...


def derived_uuid(*parts: UUID | str) -> UUID:
    """Return the UUIDv8 (RFC 9562) that always follows from `parts`.

    Used where a replay must arrive at the same id: a transferred lot's id
    follows from the first lot it came from and the account it moved to.
    """
    text = "\x1f".join(str(part) for part in parts)
    raw = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    raw[6] = (raw[6] & 0x0F) | 0x80
    raw[8] = (raw[8] & 0x3F) | 0x80
    return UUID(bytes=bytes(raw))
