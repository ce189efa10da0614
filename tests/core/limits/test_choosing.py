"""Which group a route belongs to, and which counts a caller's request adds to."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from time import perf_counter

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.limits import (
    BadLimits,
    Caller,
    Hit,
    LimitRule,
    Per,
    Policy,
    RouteGroup,
    Who,
    group_of,
    hits_for,
)

MEMBER = Caller("acc1", "adr1", is_guest=False)
GUEST = Caller("acc2", "adr1", is_guest=True)
STRANGER = Caller(None, "adr1", is_guest=True)
GROUPS = (
    RouteGroup("login", ("POST /sign-in",)),
    RouteGroup("titles", ("GET /v1/titles*",)),
    RouteGroup("wide", ("* /a/*/c", "GET /v1/titles/late")),
)


def policy(*rules: LimitRule) -> Policy:
    """Return a policy of the three groups."""
    return Policy(GROUPS, rules)


@pytest.mark.parametrize(
    ("method", "route", "group"),
    [
        ("POST", "/sign-in", "login"),
        ("GET", "/sign-in", "default"),
        ("POST", "/sign-in/x", "default"),
        ("GET", "/v1/titles", "titles"),
        ("GET", "/v1/titles/film/abcd", "titles"),
        ("HEAD", "/v1/titles", "titles"),
        ("POST", "/v1/titles", "default"),
        ("GET", "/v1/titles/late", "titles"),
        ("DELETE", "/a/b/c", "wide"),
        ("DELETE", "/a/b/b/c", "wide"),
        ("DELETE", "/a//c", "wide"),
        ("DELETE", "/a/c", "default"),
        ("GET", "/A/b/c", "default"),
    ],
)
def test_the_first_fitting_pattern_has_a_route(method: str, route: str, group: str) -> None:
    """Patterns are tried in order; what none names is in the default group."""
    assert group_of(policy(), method, route) == group


@given(st.text("ab/", max_size=6), st.text("ab/*", max_size=6))
def test_patterns_mean_what_a_search_of_all_splits_means(path: str, pattern: str) -> None:
    """A path fits exactly if texts can be found that, put for each star, make it."""
    found = group_of(Policy((RouteGroup("g", (f"GET /{pattern}",)),), ()), "GET", f"/{path}") == "g"
    assert found is _fits_slowly(path, pattern)


def _fits_slowly(path: str, pattern: str) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "*":
        return any(_fits_slowly(path[n:], pattern[1:]) for n in range(len(path) + 1))
    return path[:1] == pattern[0] and _fits_slowly(path[1:], pattern[1:])


def test_no_path_is_slow_to_place() -> None:
    """A long path made to have a matcher try all splits is placed within a tenth of a second."""
    slow = Policy((RouteGroup("g", ("GET /*a*a*a*a*b",)),), ())
    begin = perf_counter()
    assert group_of(slow, "GET", "/" + "a" * 10_000) == "default"
    assert perf_counter() - begin < 0.1


def hits(rules: Policy, caller: Caller, group: str = "titles") -> list[tuple[str, int]]:
    """Return the keys and limits of a caller's hits."""
    return [(hit.key, hit.limit) for hit in hits_for(rules, group, caller)]


BY_ACCOUNT = LimitRule("titles", Per.ACCOUNT, 100, 60)
BY_ADDRESS = LimitRule("titles", Per.ADDRESS, 500, 60)


def test_a_group_without_rules_is_not_limited() -> None:
    """No rule of the group, no count; other groups' rules do not matter."""
    assert hits(policy(BY_ACCOUNT), MEMBER, "login") == []


def test_a_member_counts_by_account() -> None:
    """A limit an account counts a member's account and nothing else."""
    assert hits_for(policy(BY_ACCOUNT), "titles", MEMBER) == (
        Hit("titles:account:60:acc1", 100, timedelta(seconds=60)),
    )


def test_without_an_account_the_address_counts() -> None:
    """A limit an account falls back on the address, apart from any account of the same text."""
    assert hits(policy(BY_ACCOUNT), STRANGER) == [("titles:account:60:@adr1", 100)]


def test_a_guest_counts_by_address_too() -> None:
    """A new guest account brings no new quota: the address has one as well."""
    assert hits(policy(BY_ACCOUNT), GUEST) == [
        ("titles:account:60:acc2", 100),
        ("titles:account:60:@adr1", 100),
    ]


def test_a_rule_for_addresses_says_what_a_guest_s_address_may() -> None:
    """With a rule for addresses its number holds for a guest's address; a member is counted by it as well."""
    both = policy(BY_ACCOUNT, BY_ADDRESS)
    assert hits(both, GUEST) == [("titles:account:60:acc2", 100), ("titles:address:60:@adr1", 500)]
    assert hits(both, MEMBER) == [("titles:account:60:acc1", 100), ("titles:address:60:@adr1", 500)]
    assert hits(both, STRANGER) == [("titles:account:60:@adr1", 100), ("titles:address:60:@adr1", 500)]


def test_a_rule_for_guests_addresses_spares_members() -> None:
    """Such a rule does not count those who signed in."""
    rules = policy(BY_ACCOUNT, evolve(BY_ADDRESS, who=Who.GUEST))
    assert hits(rules, MEMBER) == [("titles:account:60:acc1", 100)]
    assert hits(rules, GUEST)[1] == ("titles:address:guest:60:@adr1", 500)
    assert hits(rules, STRANGER)[1] == ("titles:address:guest:60:@adr1", 500)


def test_callers_without_an_address_count_together() -> None:
    """Nobody is unlimited for coming from nowhere."""
    assert hits(policy(BY_ADDRESS), Caller(None, None, is_guest=True)) == [
        ("titles:address:60:@unknown", 500)
    ]


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (evolve(MEMBER, plan="gold"), 4),
        (evolve(MEMBER, plan="tin"), 2),
        (MEMBER, 2),
        (evolve(GUEST, plan="gold"), 3),
        (GUEST, 1),
    ],
)
def test_the_most_specific_rule_wins(caller: Caller, expected: int) -> None:
    """The plan comes first, then guest or member, then anyone; in whatever order they stand."""
    rules = [
        LimitRule("titles", Per.ACCOUNT, 1, 60),
        LimitRule("titles", Per.ACCOUNT, 2, 60, Who.MEMBER),
        LimitRule("titles", Per.ACCOUNT, 3, 60, plan="gold"),
        LimitRule("titles", Per.ACCOUNT, 4, 60, Who.MEMBER, "gold"),
    ]
    for ordered in (rules, rules[::-1]):
        assert hits(policy(*ordered), caller)[0][1] == expected


def test_every_rule_has_a_count_of_its_own() -> None:
    """No two rules share a key, whatever they differ in; a changed window begins a new count."""
    rules = [
        LimitRule(group, Per.ACCOUNT, 1, 60, who, plan)
        for group, who, plan in product(("titles", "wide"), Who, (None, "gold"))
    ]
    names = {rule.name for rule in rules}
    assert len(names) == len(rules)
    longer = policy(evolve(BY_ACCOUNT, window_s=61))
    assert hits(longer, MEMBER) != hits(policy(BY_ACCOUNT), MEMBER)


def test_the_name_shows_nobody() -> None:
    """What a header may show names the rule and not whom it counted."""
    (hit,) = hits_for(policy(evolve(BY_ACCOUNT, plan="gold")), "titles", evolve(MEMBER, plan="gold"))
    assert hit.key == "titles:account:plan=gold:60:acc1"
    assert (hit.name, hit.window_s) == ("titles:account:plan=gold", 60)


@pytest.mark.parametrize("text", ["", "a:b", "@a", "a b", "ä", "a\0", "a\n", "x" * 129])
def test_a_subject_fits_into_a_key(text: str) -> None:
    """Account and address are short plain text without the signs that part a key."""
    with pytest.raises(InvalidValue):
        Caller(text, None, is_guest=False)
    with pytest.raises(InvalidValue):
        Caller(None, text, is_guest=False)


@pytest.mark.parametrize(
    ("groups", "entry"),
    [
        ([RouteGroup("Login", ())], "groups[0].name"),
        ([RouteGroup("", ())], "groups[0].name"),
        ([RouteGroup("default", ())], "groups[0].name"),
        ([RouteGroup("a", ()), RouteGroup("a", ())], "groups[1].name"),
        ([RouteGroup("a", ("GET /x", "get /y"))], "groups[0].routes[1]"),
        ([RouteGroup("a", ("/x",))], "groups[0].routes[0]"),
        ([RouteGroup("a", ("GET x",))], "groups[0].routes[0]"),
        ([RouteGroup("a", ("GET /x y",))], "groups[0].routes[0]"),
        ([RouteGroup("a", ("GET /x",)), RouteGroup("b", ("GET /y", "GET /x"))], "groups[1].routes[1]"),
    ],
)
def test_a_wrong_group_is_named(groups: list[RouteGroup], entry: str) -> None:
    """Names, patterns and repetitions that cannot be meant are refused with their place."""
    with pytest.raises(BadLimits) as refused:
        Policy(tuple(groups), ())
    assert refused.value.entry == entry


@pytest.mark.parametrize(
    ("rule", "entry"),
    [
        (evolve(BY_ACCOUNT, group="none"), "rules[1].group"),
        (evolve(BY_ACCOUNT, count=0), "rules[1].count"),
        (evolve(BY_ACCOUNT, count=10_001), "rules[1].count"),
        (evolve(BY_ACCOUNT, window_s=0), "rules[1].window_s"),
        (evolve(BY_ACCOUNT, window_s=86_401), "rules[1].window_s"),
        (evolve(BY_ACCOUNT, plan="a:b"), "rules[1].plan"),
        (evolve(BY_ADDRESS, count=7), "rules[1]"),
    ],
)
def test_a_wrong_rule_is_named(rule: LimitRule, entry: str) -> None:
    """Unknown groups, numbers out of bounds and second rules for the same are refused with their place."""
    with pytest.raises(BadLimits) as refused:
        policy(BY_ADDRESS, rule)
    assert refused.value.entry == entry
