"""What staff do to tokens: refund, reverse, adjust."""

from __future__ import annotations

from typing import Annotated

from pydantic import AllowInfNan, BaseModel, Field, Strict, StringConstraints, WithJsonSchema

from buddy_core.tokens import MAX_TOKENS
from buddy_web.schemas.common import Answer, Body, Reason, UserId
from buddy_web.schemas.wallet import EntryTitle

_Number = Annotated[int, Strict()] | Annotated[float, Strict(), AllowInfNan(False)]
TokenCount = Annotated[
    _Number, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_TOKENS, "examples": [5]})
]
"""How many tokens: any number is taken; the ledger says which is none (`tokens.bad_amount`)."""
TokenChange = Annotated[
    _Number,
    WithJsonSchema({"type": "integer", "minimum": -MAX_TOKENS, "maximum": MAX_TOKENS, "examples": [-3]}),
]
"""Tokens to give, or below zero to take."""


class EntryPath(BaseModel):
    """Whose wallet, and which entry of it."""

    id: UserId
    entry: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{1,10}(-[0-9a-f]{8})?$"),
        Field(
            description="Its `number`, or its `reference`, which also names what a guest did before joining."
        ),
    ]


class CorrectionBody(Body):
    """Why."""

    reason: Reason


class Refunded(Answer):
    """What went back. Where it was an unlock, the title is closed and the royalty taken back."""

    title: EntryTitle | None
    tokens: int = Field(description="Given back to the lots that they came from.")
    expired: int = Field(description="Of these: in lots that had expired meanwhile, and lost at once.")
    withdrawn: int = Field(
        description="Of these: in lots whose earning or purchase had been taken back, and taken back at once."
    )
    grant_ended: bool = Field(description="False where another unlock of the title counts.")
    was_played: bool = Field(description="The title was begun after it was unlocked.")


class Reversed(Answer):
    """What was taken back, and what was gone already (spent, expired or taken by staff) and cannot be."""

    taken: int
    uncollectable: int


class AdjustmentBody(Body):
    """How many tokens to give to a lot, or to take from it below zero, and why.

    The lot is one that the entry touched: its place among the entry's lots, from 1.
    """

    lot: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    tokens: TokenChange
    reason: Reason


class Adjusted(Answer):
    """The lot was put right."""

    tokens: int
