"""Rate limits: which routes count together, how many requests a caller may make, and what became of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from buddy_core.kernel.errors import InvalidValue
from buddy_core.limits.errors import BadLimits

MAX_COUNT = 10_000
"""The largest limit: a store keeps one instant for each request that a window holds."""
MAX_WINDOW_S = 86_400
DEFAULT_GROUP = "default"
"""The group of every route that no pattern names. It needs no entry."""

_SECOND = timedelta(seconds=1)
_GROUP_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_PLAN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_SUBJECT = re.compile(r"[A-Za-z0-9._=+/-]{1,128}", re.ASCII)
_ROUTE = re.compile(r"(\*|[A-Z]+) [/*][!-~]*", re.ASCII)


class Per(StrEnum):
    """What a limit counts by."""

    ACCOUNT = "account"
    ADDRESS = "address"


class Who(StrEnum):
    """Whom a rule is for."""

    ANYONE = "anyone"
    GUEST = "guest"
    MEMBER = "member"


@frozen
class LimitRule:
    """So many requests in a window, for the routes of a group."""

    group: str
    per: Per
    count: int
    window_s: int
    who: Who = Who.ANYONE
    plan: str | None = None
    """The plan that the rule is for; None for all."""

    @property
    def name(self) -> str:
        """Name the rule: no two of a policy have the same name. It is shown to clients."""
        parts = [self.group, self.per.value]
        if self.who is not Who.ANYONE:
            parts.append(self.who.value)
        if self.plan is not None:
            parts.append(f"plan={self.plan}")
        return ":".join(parts)


@frozen
class RouteGroup:
    """Routes that are limited together.

    A pattern is a method or `*`, a space and a path. `*` in the path stands for
    any text, none and slashes included: `GET /v1/titles*`.
    """

    name: str
    routes: tuple[str, ...]


@frozen(cache_hash=True)
class Policy:
    """All limits. The first group with a fitting pattern has a route; one without rules is not limited.

    Raises:
        BadLimits: names the first entry that cannot be used.
    """

    groups: tuple[RouteGroup, ...]
    rules: tuple[LimitRule, ...]

    def __attrs_post_init__(self) -> None:
        _check_groups(self.groups)
        _check_rules(self.rules, {group.name for group in self.groups} | {DEFAULT_GROUP})


def _check_subject(_: object, attribute: Any, value: str | None) -> None:
    if value is None:
        return
    # A key is made of it, with signs of its own; and any store can hold what is left.
    if _SUBJECT.fullmatch(value) is None:
        raise InvalidValue(attribute.name, "must be 1 to 128 letters, digits and any of . _ = + / -")


@frozen
class Caller:
    """Who makes a request, in words that may be stored."""

    account: str | None = field(validator=_check_subject)
    """The account's id; at a sign-in a keyed hash of the name that is tried, whoever tries it."""
    address: str | None = field(validator=_check_subject)
    """A keyed hash of the client's address. Callers without one are counted together."""
    is_guest: bool
    plan: str | None = None


def _check_limit(_: object, __: object, value: int) -> None:
    if not 1 <= value <= MAX_COUNT:
        raise InvalidValue("limit", f"must be 1 to {MAX_COUNT}")


def _check_window(_: object, __: object, value: timedelta) -> None:
    if not _SECOND <= value <= MAX_WINDOW_S * _SECOND:
        raise InvalidValue("window", f"must be 1 to {MAX_WINDOW_S} seconds")


@frozen
class Hit:
    """One count that a request adds to, and how many its window may hold.

    A key is always used with the same window: the length is a part of it.
    """

    key: str
    limit: int = field(validator=_check_limit)
    window: timedelta = field(validator=_check_window)

    @property
    def name(self) -> str:
        """Return the name of the rule, without whom it was counted for: what a header may show."""
        return self.key.rsplit(":", 2)[0]

    @property
    def window_s(self) -> int:
        """Return the window in whole seconds."""
        return self.window // _SECOND


@frozen
class Room:
    """How a count stands after a request was counted."""

    hit: Hit
    remaining: int
    """How many more would be admitted at this instant."""
    more_at: datetime
    """When the oldest counted request leaves the window."""


@frozen
class Let:
    """The request may go on, and was counted."""

    room: Room | None = None
    """The tightest of the counts; None where nothing limits the request."""


@frozen
class Stopped:
    """The request is refused, and was not counted anywhere."""

    hit: Hit
    """Of the counts that are full, the one that is full for longest."""
    retry_at: datetime
    """From this instant on, what was counted so far does not stop the request."""


Verdict = Let | Stopped


def _check_groups(groups: Sequence[RouteGroup]) -> None:
    names: set[str] = set()
    routes: set[str] = set()
    for number, group in enumerate(groups):
        entry = f"groups[{number}]"
        if _GROUP_NAME.fullmatch(group.name) is None:
            raise BadLimits(f"{entry}.name", f"{group.name!r} must be up to 40 of a-z, 0-9 and _")
        if group.name == DEFAULT_GROUP:
            raise BadLimits(f"{entry}.name", f"{DEFAULT_GROUP!r} is what no other group has; leave it out")
        if group.name in names:
            raise BadLimits(f"{entry}.name", f"two groups are named {group.name!r}")
        names.add(group.name)
        for place, route in enumerate(group.routes):
            where = f"{entry}.routes[{place}]"
            if _ROUTE.fullmatch(route) is None:
                raise BadLimits(where, f"{route!r} is not like 'GET /v1/titles*' or '* /admin/*'")
            if route in routes:
                raise BadLimits(where, f"{route!r} was named before, and the first has it")
            routes.add(route)


def _check_rules(rules: Sequence[LimitRule], groups: set[str]) -> None:
    names: set[str] = set()
    for number, rule in enumerate(rules):
        entry = f"rules[{number}]"
        if rule.group not in groups:
            raise BadLimits(f"{entry}.group", f"there is no group {rule.group!r}")
        if not 1 <= rule.count <= MAX_COUNT:
            raise BadLimits(f"{entry}.count", f"must be 1 to {MAX_COUNT}, not {rule.count}")
        if not 1 <= rule.window_s <= MAX_WINDOW_S:
            raise BadLimits(f"{entry}.window_s", f"must be 1 to {MAX_WINDOW_S}, not {rule.window_s}")
        if rule.plan is not None and _PLAN_NAME.fullmatch(rule.plan) is None:
            raise BadLimits(f"{entry}.plan", f"{rule.plan!r} must be up to 64 letters, digits, _, . and -")
        if rule.name in names:
            raise BadLimits(entry, f"another rule is for {rule.name!r} too; keep one of them")
        names.add(rule.name)
