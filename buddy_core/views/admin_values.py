"""Token values: the versions there are, a new one, and its effect before it is saved."""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Literal

from attrs import frozen

ValueState = Literal["in_force", "coming", "past"]


@frozen
class TokenValue:
    """What one token counts in a currency, in minor units (3/5 of a US cent is `Fraction(3, 5)`)."""

    currency: str
    per_token: Fraction


@frozen
class ValueVersion:
    """A version of one kind's value in every settlement currency."""

    kind: str
    version: str
    effective_from: datetime
    values: tuple[TokenValue, ...]
    state: ValueState


@frozen
class FieldValue:
    """A field of the form as it was typed; `problem` says in words what is wrong with it."""

    name: str
    text: str = ""
    problem: str | None = None


@frozen
class ValueChange:
    """One currency before and after; the example counts `tokens` tokens at each value.

    `before` is None where the currency had no value yet.
    """

    currency: str
    before: Fraction | None
    after: Fraction
    example_before: Fraction | None
    example_after: Fraction


@frozen
class ValueEffect:
    """What saving would do; nothing is changed before `effective_from`."""

    kind: str
    effective_from: datetime
    tokens: int
    changes: tuple[ValueChange, ...]
    producer_share: Fraction
    idempotency_key: str
    fields: tuple[FieldValue, ...]


@frozen
class AdminValues:
    """Versions, newest first, and the form: kind, effective date, and a value a currency.

    Form fields are `kind`, `effective_from` (a date, midnight in `zone`) and
    `value_<CUR>` in major units (`0.50`). `effect` is set after a preview.
    """

    versions: tuple[ValueVersion, ...]
    kinds: tuple[str, ...]
    currencies: tuple[str, ...]
    zone: str
    earliest: date
    fields: tuple[FieldValue, ...] = ()
    effect: ValueEffect | None = None
    saved_version: str | None = None

    def field(self, name: str) -> FieldValue:
        """Return the field of that name, empty if it was not typed."""
        return next((field for field in self.fields if field.name == name), FieldValue(name))
