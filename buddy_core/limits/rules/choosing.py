"""Which group a route belongs to, and which counts a caller's request adds to."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from attrs import frozen

from buddy_core.limits.model import DEFAULT_GROUP, Caller, Hit, LimitRule, Per, Policy, Who

_NOWHERE = "unknown"
"""The address of all callers who have none: together they have what one address has."""


def group_of(policy: Policy, method: str, route: str) -> str:
    """Return the name of the first group with a pattern that fits; `default` where none does.

    `route` is the decoded path. HEAD is GET without the body, and counts as such.
    """
    asked = "GET" if method == "HEAD" else method
    for group, wanted, first, between, last in _patterns(policy):
        # Most patterns fail at their first text, which is why it is looked at here.
        if route.startswith(first) and wanted in ("*", asked) and _fits(route, first, between, last):
            return group
    return DEFAULT_GROUP


def hits_for(policy: Policy, group: str, caller: Caller) -> tuple[Hit, ...]:
    """Return the counts that a request to a group's routes adds to: at most one an account, two an address.

    Of the rules of one kind the most specific holds: one for the caller's plan,
    else one for guests or members, else one for anyone. A limit an account counts
    by the address where there is no account. A guest makes a new account by
    dropping a cookie, so it is counted by address as well: by the rule for
    addresses, or where there is none by the account's.
    """
    who = Who.GUEST if caller.is_guest or caller.account is None else Who.MEMBER
    by_account, by_address = _chosen(policy, group, who, caller.plan)
    # No account's id has this sign, so that the two are never the same count.
    address = f"@{caller.address or _NOWHERE}"
    hits = []
    if by_account is not None:
        hits.append(by_account.hit(caller.account or address))
    if by_address is not None:
        hits.append(by_address.hit(address))
    elif by_account is not None and caller.account is not None and who is Who.GUEST:
        hits.append(by_account.hit(address))
    return tuple(hits)


@frozen
class _Counting:
    """A rule as it is needed at every request."""

    prefix: str
    limit: int
    window: timedelta

    def hit(self, subject: str) -> Hit:
        return Hit(self.prefix + subject, self.limit, self.window)


@lru_cache(maxsize=1024)
def _chosen(
    policy: Policy, group: str, who: Who, plan: str | None
) -> tuple[_Counting | None, _Counting | None]:
    """Return the rule by account and the rule by address that hold for such a caller."""
    found: dict[Per, LimitRule] = {}
    fitting = [
        rule
        for rule in policy.rules
        if rule.group == group and rule.who in (Who.ANYONE, who) and rule.plan in (None, plan)
    ]
    for rule in sorted(fitting, key=lambda rule: (rule.plan is not None, rule.who is not Who.ANYONE)):
        found[rule.per] = rule
    by_account, by_address = (_counting(found.get(per)) for per in (Per.ACCOUNT, Per.ADDRESS))
    return by_account, by_address


def _counting(rule: LimitRule | None) -> _Counting | None:
    if rule is None:
        return None
    # The window is in the key: instants that a shorter window forgot would be missed in a longer one.
    return _Counting(f"{rule.name}:{rule.window_s}:", rule.count, timedelta(seconds=rule.window_s))


_Pattern = tuple[str, str, str, tuple[str, ...], str | None]
"""Group, method, the text before the first `*`, those between, and after the last; None without a `*`."""


@lru_cache(maxsize=16)
def _patterns(policy: Policy) -> tuple[_Pattern, ...]:
    found: list[_Pattern] = []
    for group in policy.groups:
        for text in group.routes:
            method, path = text.split(" ", 1)
            first, *rest = path.split("*")
            found.append((group.name, method, first, tuple(rest[:-1]), rest[-1] if rest else None))
    return tuple(found)


def _fits(path: str, first: str, between: tuple[str, ...], last: str | None) -> bool:
    """Match what begins with `first`, by searching each text after the one before: no path takes long."""
    if last is None:
        return path == first
    place = len(first)
    for text in between:
        found = path.find(text, place)
        if found < 0:
            return False
        place = found + len(text)
    return len(path) - len(last) >= place and path.endswith(last)
