"""What goes from one period to the next: of each account and of each deal."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from attrs import field, frozen

from buddy_core.kernel.rounding import exact
from buddy_core.royalty.model.facts import Model


@frozen
class Held:
    """What was held back in one month."""

    month: str
    amount: int


@frozen
class AccountBalance:
    """An account between two periods, in minor units."""

    recouped: int = 0
    """What earnings have covered of the advance."""
    carried: int = 0
    """Not paid yet, as it was below the threshold; below zero: set against what comes."""
    held: tuple[Held, ...] = ()
    in_term: int = 0
    """Earned in the guarantee's term so far."""


@frozen
class DealBalance:
    """A deal between two periods; exact."""

    counted: Mapping[Model, Fraction] = field(factory=dict, hash=False)
    """What its tiers have counted by model."""
    laid_out: int = 0
    """Expenses so far, in minor units of its account."""
    taken_back: Fraction = field(default=Fraction(0), converter=exact)
    """What has been taken back of them."""


@frozen
class WaterfallBalance:
    """A title's waterfall between two periods: exact minor units of its currency."""

    currency: str
    received: Fraction = field(default=Fraction(0), converter=exact)
    """What the title netted to date, since it has the waterfall."""
    since: Fraction = field(default=Fraction(0), converter=exact)
    """How much of that came before the steps were as they are now; they take of what came after."""
    before: Mapping[str, Fraction] = field(factory=dict, hash=False)
    """By step, what it had taken until then."""
    taken: Mapping[str, Fraction] = field(factory=dict, hash=False)
    """By step, what it has taken to date."""


@frozen
class Balances:
    """Everything that is carried between two periods; what is not named is at zero."""

    accounts: Mapping[str, AccountBalance] = field(factory=dict, hash=False)
    deals: Mapping[str, DealBalance] = field(factory=dict, hash=False)
    pools: Mapping[str, Fraction] = field(factory=dict, hash=False)
    """Money of silent subscribers by pool, exact; it is shared with the next period's."""
    waterfalls: Mapping[str, WaterfallBalance] = field(factory=dict, hash=False)
