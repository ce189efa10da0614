"""Policies as plain mappings, lists, texts and numbers: what a JSON file of an operator holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from buddy_core.limits.errors import BadLimits
from buddy_core.limits.model import LimitRule, Per, Policy, RouteGroup, Who

E = TypeVar("E", bound=StrEnum)

_POLICY = "policy"


def policy_from(data: object) -> Policy:
    """Read a policy from plain data, as `policy_to` writes it.

    `{"groups": [{"name", "routes"}], "rules": [{"group", "per", "count", "window_s", "who", "plan"}]}`;
    `who` and `plan` may be left out.

    Raises:
        BadLimits: names the first entry that is missing, unknown or wrong.
    """
    top = _mapping(data, _POLICY, needed=("groups", "rules"))
    groups = [_group(item, f"groups[{n}]") for n, item in enumerate(_list(top["groups"], "groups"))]
    rules = [_rule(item, f"rules[{n}]") for n, item in enumerate(_list(top["rules"], "rules"))]
    return Policy(tuple(groups), tuple(rules))


def policy_to(policy: Policy) -> dict[str, Any]:
    """Write a policy as plain data that JSON can hold."""
    return {
        "groups": [{"name": group.name, "routes": list(group.routes)} for group in policy.groups],
        "rules": [_plain_rule(rule) for rule in policy.rules],
    }


def _plain_rule(rule: LimitRule) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "group": rule.group,
        "per": rule.per.value,
        "count": rule.count,
        "window_s": rule.window_s,
    }
    if rule.who is not Who.ANYONE:
        plain["who"] = rule.who.value
    if rule.plan is not None:
        plain["plan"] = rule.plan
    return plain


def _group(data: object, entry: str) -> RouteGroup:
    found = _mapping(data, entry, needed=("name", "routes"))
    routes = _list(found["routes"], f"{entry}.routes")
    return RouteGroup(
        _text(found["name"], f"{entry}.name"),
        tuple(_text(route, f"{entry}.routes[{n}]") for n, route in enumerate(routes)),
    )


def _rule(data: object, entry: str) -> LimitRule:
    found = _mapping(data, entry, needed=("group", "per", "count", "window_s"), known=("who", "plan"))
    plan = found.get("plan")
    return LimitRule(
        group=_text(found["group"], f"{entry}.group"),
        per=_choice(Per, found["per"], f"{entry}.per"),
        count=_whole(found["count"], f"{entry}.count"),
        window_s=_whole(found["window_s"], f"{entry}.window_s"),
        who=_choice(Who, found.get("who", Who.ANYONE.value), f"{entry}.who"),
        plan=None if plan is None else _text(plan, f"{entry}.plan"),
    )


def _mapping(
    data: object, entry: str, *, needed: Sequence[str], known: Sequence[str] = ()
) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise BadLimits(entry, f"must be a mapping with {', '.join(needed)}")
    for name in needed:
        if name not in data:
            raise BadLimits(_within(entry, name), "is missing")
    for name in data:
        if name not in needed and name not in known:
            raise BadLimits(_within(entry, str(name)), "is not known; look for a slip of the pen")
    return data


def _within(entry: str, name: str) -> str:
    return name if entry == _POLICY else f"{entry}.{name}"


def _list(data: object, entry: str) -> Sequence[object]:
    if not isinstance(data, list | tuple):
        raise BadLimits(entry, "must be a list")
    return data


def _text(data: object, entry: str) -> str:
    if not isinstance(data, str):
        raise BadLimits(entry, f"must be text, not {data!r}")
    return data


def _whole(data: object, entry: str) -> int:
    # True is a whole number to Python, and 60.0 is none to us: a file that holds them was not meant so.
    if isinstance(data, bool) or not isinstance(data, int):
        raise BadLimits(entry, f"must be a whole number, not {data!r}")
    return data


def _choice(kind: type[E], data: object, entry: str) -> E:
    for member in kind:
        if data == member.value:
            return member
    raise BadLimits(entry, f"must be one of {', '.join(kind)}, not {data!r}")
