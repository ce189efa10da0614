"""The steps of a film waterfall: what each asks for, of what, and who takes it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.territories import Territories, territories
from buddy_core.royalty.model.facts import Model
from buddy_core.royalty.model.fields import Word, each, is_name, many
from buddy_core.royalty.model.fields import name as a_name

Exact = int | Fraction
"""What a step has as a number."""


class Takes(Word):
    """What a step asks for."""

    PERCENT_OF_GROSS = "percent_of_gross"
    PERCENT_OF_REMAINING = "percent_of_remaining"
    FIXED = "fixed"
    """The same amount in each run; in a title's waterfall, which is run on all to date, once."""
    RECOUP = "recoup"
    """An amount once, over as many runs as it needs; with a percent, that percent of it (equity at 120)."""


@frozen
class Step:
    """One step: what it asks for, and who takes it; money in minor units, in a title's waterfall whole ones.

    `of_gross`, `of_remaining`, `fixed`, `recoup` and `premium` make one.
    """

    name: str
    takes: Takes = field(converter=Takes)
    percent: Exact = 100
    amount: Exact | None = None
    """Fixed, or to be recouped."""
    cap: Exact | None = None
    """The most it takes over all runs."""
    taken_before: Exact = 0
    """In earlier runs, towards the cap or what is to be recouped."""
    taker: str | None = None
    """Who gets it; without one, the step's own name. In a title's waterfall: a holder, or `platform`."""
    account: str | None = None
    """In a title's waterfall: where the taker's money is settled; without one, in an account of its own."""

    @classmethod
    def of_gross(
        cls,
        name: str,
        percent: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
        account: str | None = None,
    ) -> Step:
        """Return a step that asks for a percent of the gross, such as an exhibitor's share."""
        return cls(name, Takes.PERCENT_OF_GROSS, percent, None, cap, taken_before, taker, account)

    @classmethod
    def of_remaining(
        cls,
        name: str,
        percent: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
        account: str | None = None,
    ) -> Step:
        """Return a step that asks for a percent of what the steps before it leave."""
        return cls(name, Takes.PERCENT_OF_REMAINING, percent, None, cap, taken_before, taker, account)

    @classmethod
    def fixed(
        cls,
        name: str,
        amount: Exact,
        *,
        cap: Exact | None = None,
        taken_before: Exact = 0,
        taker: str | None = None,
        account: str | None = None,
    ) -> Step:
        """Return a step that asks for an amount in each run."""
        return cls(name, Takes.FIXED, 100, amount, cap, taken_before, taker, account)

    @classmethod
    def recoup(
        cls,
        name: str,
        amount: Exact,
        recouped_before: Exact = 0,
        *,
        taker: str | None = None,
        account: str | None = None,
    ) -> Step:
        """Return a step that asks for what is left of an amount over all runs, such as debt."""
        return cls(name, Takes.RECOUP, 100, amount, None, recouped_before, taker, account)

    @classmethod
    def premium(
        cls,
        name: str,
        principal: Exact,
        percent: Exact,
        recouped_before: Exact = 0,
        *,
        taker: str | None = None,
        account: str | None = None,
    ) -> Step:
        """Return a step that recoups a percent of a principal over all runs: equity at 120."""
        return cls(name, Takes.RECOUP, percent, principal, None, recouped_before, taker, account)


def _of_terms(_: object, attribute: Any, steps: tuple[Step, ...]) -> None:
    """Refuse a step that no file of terms could hold: names by which lines are found, whole amounts."""
    for number, step in enumerate(steps, start=1):
        for key, value in (("name", step.name), ("taker", step.taker), ("account", step.account)):
            if not is_name(value) and not (value is None and key != "name"):
                raise InvalidValue(
                    attribute.name, f"step {number}: its {key} must be a text of 1 to 200 characters"
                )
        for key, amount in (("amount", step.amount), ("cap", step.cap), ("taken_before", step.taken_before)):
            if type(amount) is not int and not (amount is None and key != "taken_before"):
                raise InvalidValue(
                    attribute.name, f"step {number}: its {key} must be a whole number of minor units"
                )


def _models(value: Iterable[Model | str]) -> frozenset[Model]:
    """Return models as a set; what is no collection is left for the validator to refuse."""
    found: Any = many(value)
    return frozenset(Model(model) for model in found) if isinstance(found, tuple) else found


@frozen
class FilmWaterfall:
    """The waterfall of one title: ordered steps take of all that it netted to date.

    What they leave, the net profits, is what the deals of the title share. Two waterfalls of
    one title must not meet in a country and model.
    """

    id: str = field(validator=a_name)
    title: str = field(validator=a_name)
    currency: str = field(validator=a_name)
    """What its amounts and caps are in; receipts in others count at the stamped rate."""
    steps: tuple[Step, ...] = field(converter=many, validator=[each(Step, "Step"), _of_terms])
    territories: Territories = field(default=Territories(("*",)), converter=territories)
    models: frozenset[Model] = field(default=frozenset(Model), converter=_models)

    @models.validator
    def _some(self, _: object, models: Any) -> None:
        if not isinstance(models, frozenset):
            raise InvalidValue("models", f"is {models!r}; give models in a list or set")
        if not models:
            raise InvalidValue("models", "is empty; name some, or leave it out for all")

    def takes_of(self, territory: str, model: Model) -> bool:
        """Say whether what the title netted in a country by a model runs through it."""
        return model in self.models and territory in self.territories
