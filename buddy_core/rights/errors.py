"""The ways rights say no."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

import attrs

from buddy_core.kernel.errors import Invalid, Rejected


@attrs.define
class BadLicence(Invalid):
    """A licence's fields contradict each other or name no country."""

    code = "rights.bad_licence"

    problem: str

    def message(self) -> str:
        return f"The licence cannot be: {self.problem}."


@attrs.define
class SharesExceedWhole(Rejected):
    """The licences of a title give away more than there is."""

    code = "rights.shares_exceed_whole"

    country: str
    at: datetime
    total: Fraction

    def message(self) -> str:
        return (
            f"In {self.country} the shares of this title come to {self.total} from {self.at.isoformat()}, "
            "above 1. Lower one, or end one before the other begins."
        )
