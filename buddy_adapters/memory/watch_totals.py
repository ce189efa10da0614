"""Watch rows and subscriptions in memory, added up in plain Python; for small months and for tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from buddy_core.royalty import (
    MONEY,
    Paid,
    PoolName,
    PoolRule,
    PoolTotals,
    WatchMonth,
    WatchTotals,
    check_holders,
    check_rows,
    check_rule,
    missing_holders,
    pool_totals,
    refuse,
    subscription_rows,
    watch_rows,
)


class MemoryWatchTotals:
    """Rows as mappings of the columns in `WATCH_COLUMNS` and `SUBSCRIPTION_COLUMNS`."""

    def __init__(
        self, watch: Sequence[Mapping[str, Any]], subscriptions: Sequence[Mapping[str, Any]]
    ) -> None:
        self._watch, self._subscriptions = watch, subscriptions

    def totals(self, rule: PoolRule, month: WatchMonth) -> tuple[PoolTotals, ...]:
        check_rule(rule, month)
        refuse([*check_holders(month, rule), *check_rows(self._watch, self._subscriptions, month)])
        watch, subscriptions = watch_rows(self._watch), subscription_rows(self._subscriptions)
        watched = ((row.title, row.territory) for row in watch if rule.plan in ("*", row.plan))
        refuse(missing_holders(watched, rule, month))
        return pool_totals(watch, subscriptions, rule, month)

    def paid(self, month: WatchMonth) -> Mapping[PoolName, Paid]:
        refuse(check_rows(self._watch, self._subscriptions, month))
        found: dict[PoolName, Paid] = defaultdict(Paid)
        for row in self._subscriptions:
            name = PoolName(row["plan"], row["territory"], row["currency"])
            found[name] += Paid(**{column: row[column] for column in MONEY})
        return found


_conforms: type[WatchTotals] = MemoryWatchTotals
