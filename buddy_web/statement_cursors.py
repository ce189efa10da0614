"""Cursors of statements: a place in a wallet's history, signed, so that the balances in it are our own."""

from __future__ import annotations

from attrs import frozen

from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import BadStatementPlace, StatementPlace
from buddy_web.keys import Signer

PURPOSE = "statement-cursor"
_SIGNATURE = 43
"""How long HMAC-SHA256 is in base64url without padding."""
LONGEST = 1000 + _SIGNATURE


@frozen
class StatementCursors:
    """Writes cursors, each for one wallet, and reads those that it wrote."""

    signer: Signer

    def show(self, place: StatementPlace, account: AccountId, through: str = "") -> str:
        """Return the place as one signed word; `through`: of the wallet that came along by that entry."""
        return place.text + self.signer.signature(_signed(place.text, account, through))

    def read(self, text: str, account: AccountId, through: str = "") -> StatementPlace:
        """Return the place that `show` was given for the same wallet.

        Raises:
            BadStatementPlace: it did not write this, or not for this wallet.
        """
        place, signature = text[:-_SIGNATURE], text[-_SIGNATURE:]
        if not self.signer.matches(_signed(place, account, through), signature):
            raise BadStatementPlace
        return StatementPlace.of_text(place)


def _signed(place: str, account: AccountId, through: str) -> str:
    return f"{account}/{through}/{place}"
