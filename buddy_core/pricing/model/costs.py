"""Token costs as data: what an unlock costs from an instant on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.ids import TitleId
from buddy_core.pricing.errors import BadCost

MAX_COST = 1_000_000


def _costs(_: object, attribute: Any, value: Mapping[Any, Any]) -> None:
    for name, cost in value.items():
        if isinstance(cost, bool) or not isinstance(cost, int) or not 1 <= cost <= MAX_COST:
            raise BadCost(str(name), cost)


@frozen
class TokenCosts:
    """What an unlock costs from an instant on: by type of title, and by title where one differs."""

    version: int
    effective_from: datetime = field(converter=utc)
    by_type: Mapping[str, int] = field(validator=_costs)
    by_title: Mapping[TitleId, int] = field(factory=dict, validator=_costs)
