"""Access tokens as text: what a session's claims look like in a cookie or an `Authorization` header."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from attrs import frozen

from buddy_core.kernel.ids import LoginSessionId
from buddy_core.sessions import AccessClaims
from buddy_web.keys import Signer
from buddy_web.public_ids import PublicIds

_TOKEN = re.compile(
    r"1~(sgn_[0-9a-f]{32})~(usr_[0-9a-f]{32})~([0-9]{1,9})~([0-9]{1,12})~([0-9]{1,12})", re.ASCII
)


@frozen
class AccessTokens:
    """Signs claims, and reads what was signed; whether they still count is the core's to say."""

    signer: Signer
    public_ids: PublicIds

    def encode(self, claims: AccessClaims) -> str:
        """Return the signed text of claims; it shows no internal id."""
        account = self.public_ids.show(claims.account_id)
        issued, expires = (int(at.timestamp()) for at in (claims.issued_at, claims.expires_at))
        return self.signer.sign(f"1~{claims.session_id}~{account}~{claims.generation}~{issued}~{expires}")

    def decode(self, text: str) -> AccessClaims | None:
        """Read what `encode` wrote, expired or not; None for everything else."""
        found = self.decode_all(text)
        return found[0] if found else None

    def decode_all(self, text: str) -> tuple[AccessClaims, ...]:
        """Read what `encode` wrote, once for each key that may have shown the account, the newest first.

        All but one name an account that the session is not of.
        """
        found = _TOKEN.fullmatch(self.signer.opened(text) or "")
        if found is None:
            return ()
        session_id, account, generation, issued, expires = found.groups()
        return tuple(
            AccessClaims(
                LoginSessionId(session_id),
                candidate,
                int(generation),
                datetime.fromtimestamp(int(issued), UTC),
                datetime.fromtimestamp(int(expires), UTC),
            )
            for candidate in self.public_ids.read(account)
        )
