"""The default policy, and policies as plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.limits import (
    DEFAULT_POLICY,
    MAX_COUNT,
    MAX_WINDOW_S,
    BadLimits,
    Caller,
    LimitRule,
    Per,
    Policy,
    RouteGroup,
    Who,
    group_of,
    hits_for,
    policy_from,
    policy_to,
)

MEMBER = Caller("acc1", "adr1", is_guest=False)
GUEST = Caller("acc2", "adr1", is_guest=True)

PLACES = {
    "free": [
        "GET /static/css/buddy.css",
        "GET /media/clip/seg-1.ts",
        "GET /art/clip/poster.svg",
        "GET /health",
        "GET /ready",
        "GET /v1/webhooks/admob",
        "POST /v1/webhooks/stripe",
    ],
    "login": ["POST /sign-in", "POST /v1/auth/login"],
    "register": ["POST /join", "POST /v1/auth/register"],
    "code": ["POST /wallet/promotions", "POST /v1/wallet/promotions"],
    "admin_video": ["POST /admin/videos", "GET /v1/admin/videos/abcd"],
    "cms": [
        "GET /admin",
        "GET /admin/audit",
        "POST /admin/close/2026-10",
        "POST /admin/values/preview",
        "PUT /v1/admin/flags",
        "GET /v1/admin/audit",
        "POST /v1/admin/wallets/freeze",
    ],
    "stream": [
        "GET /watch/film/abcd",
        "GET /play/ses_1/master.m3u8",
        "GET /play/ses_1/720p.m3u8",
        "GET /play/ses_1/captions/hi.m3u8",
        "GET /play/ses_1/key",
        "POST /play/ses_1/beat",
        "POST /v1/playback/sessions",
        "POST /v1/playback/sessions/ses_1/beats",
        "POST /v1/playback/sessions/ses_1/stop",
    ],
    "catalogue": [
        "GET /",
        "GET /film/abcd",
        "GET /series/abcd/its-name",
        "GET /unlock/episode/abcd",
        "GET /v1/titles",
        "GET /v1/titles/film/abcd",
        "GET /v1/titles/film/abcd/quote",
    ],
    "default": [
        "GET /sign-in",
        "GET /join",
        "POST /sign-out",
        "POST /v1/auth/logout",
        "POST /v1/guests",
        "GET /v1/me",
        "GET /v1/config",
        "GET /v1/docs",
        "GET /v1/openapi.json",
        "POST /v1/unlocks",
        "POST /unlock/film/abcd",
        "GET /wallet",
        "GET /v1/wallet/entries",
        "POST /earn/start",
        "GET /earn/rwd_1/status",
        "POST /v1/ads/rewards",
        "POST /sandbox/ads/rwd_1",
        "GET /producer/2026-10/statement.csv",
        "GET /v1/producer/statements",
        "GET /problems/limits.too_many",
        "POST /country",
        "GET /administrators",
        "GET /nothing/here",
    ],
}


@pytest.mark.parametrize("group", PLACES)
def test_every_route_has_its_group(group: str) -> None:
    """The routes of the service lie in the groups that their limits are meant for."""
    found = {route: group_of(DEFAULT_POLICY, *route.split(" ")) for route in PLACES[group]}
    assert set(found.values()) == {group}, found


@pytest.mark.parametrize(
    ("group", "caller", "expected"),
    [
        ("login", MEMBER, {"login:account": (5, 900), "login:address": (5, 900)}),
        ("register", GUEST, {"register:address": (3, 3600)}),
        ("catalogue", MEMBER, {"catalogue:account": (100, 60)}),
        ("stream", MEMBER, {"stream:account": (50, 60)}),
        ("cms", MEMBER, {"cms:account": (200, 60)}),
        ("code", MEMBER, {"code:account": (10, 900)}),
        ("code", GUEST, {"code:account": (10, 900), "code:address:guest": (100, 900)}),
        ("admin_video", MEMBER, {"admin_video:account": (20, 60)}),
        ("default", MEMBER, {"default:account": (100, 60)}),
        ("free", GUEST, {}),
        ("stream", GUEST, {"stream:account": (50, 60), "stream:address:guest": (500, 60)}),
        ("default", GUEST, {"default:account": (100, 60), "default:address:guest": (1000, 60)}),
    ],
)
def test_the_default_limits(group: str, caller: Caller, expected: dict[str, tuple[int, int]]) -> None:
    """Each group has the numbers that the service promises."""
    found = hits_for(DEFAULT_POLICY, group, caller)
    assert {hit.name: (hit.limit, hit.window_s) for hit in found} == expected


def test_watching_fits_into_its_limit() -> None:
    """Beats each 30 s and positions each 10 s leave more than half of a minute's stream requests free."""
    (stream,) = hits_for(DEFAULT_POLICY, "stream", MEMBER)
    assert stream.window_s // 30 + stream.window_s // 10 <= stream.limit // 2


groups = st.lists(
    st.builds(
        RouteGroup,
        st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name != "default"),
        st.lists(st.from_regex(r"(\*|GET|POST) /[a-z*/]{0,6}", fullmatch=True), max_size=3).map(tuple),
    ),
    max_size=3,
    unique_by=lambda group: group.name,
).filter(lambda found: len({r for g in found for r in g.routes}) == sum(len(g.routes) for g in found))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw a policy that is valid."""
    found = draw(groups)
    rule = st.builds(
        LimitRule,
        st.sampled_from(["default", *(group.name for group in found)]),
        st.sampled_from(Per),
        st.integers(1, MAX_COUNT),
        st.integers(1, MAX_WINDOW_S),
        st.sampled_from(Who),
        st.sampled_from([None, "gold", "tin"]),
    )
    return Policy(tuple(found), tuple(draw(st.lists(rule, max_size=6, unique_by=lambda one: one.name))))


@given(policies())
def test_a_policy_round_trips_through_json(policy: Policy) -> None:
    """What is written as JSON is read as the same policy."""
    assert policy_from(json.loads(json.dumps(policy_to(policy)))) == policy


def test_the_default_policy_round_trips() -> None:
    """An operator may write the default policy to a file and begin from it."""
    assert policy_from(policy_to(DEFAULT_POLICY)) == DEFAULT_POLICY


RULE = {"group": "a", "per": "account", "count": 1, "window_s": 60}


def data(**changes: Any) -> dict[str, Any]:
    """Return a policy's data with one group and one rule, and changes to the rule."""
    rule = {name: value for name, value in {**RULE, **changes}.items() if value != "absent"}
    return {"groups": [{"name": "a", "routes": ["GET /"]}], "rules": [rule]}


def test_what_may_be_left_out_has_its_default() -> None:
    """A rule without `who` and `plan` is for anyone."""
    assert policy_from(data()).rules == (LimitRule("a", Per.ACCOUNT, 1, 60),)
    assert policy_from(data(plan=None)).rules == policy_from(data()).rules


@pytest.mark.parametrize(
    ("wrong", "entry"),
    [
        (None, "policy"),
        ([], "policy"),
        ({"groups": []}, "rules"),
        ({"groups": [], "rules": [], "rule": []}, "rule"),
        ({"groups": {}, "rules": []}, "groups"),
        ({"groups": ["a"], "rules": []}, "groups[0]"),
        ({"groups": [{"name": "a"}], "rules": []}, "groups[0].routes"),
        ({"groups": [{"name": 1, "routes": []}], "rules": []}, "groups[0].name"),
        ({"groups": [{"name": "a", "routes": "GET /"}], "rules": []}, "groups[0].routes"),
        ({"groups": [{"name": "a", "routes": ["GET /", 1]}], "rules": []}, "groups[0].routes[1]"),
        (data(group="b"), "rules[0].group"),
        (data(per="planet"), "rules[0].per"),
        (data(per=["account"]), "rules[0].per"),
        (data(count="5"), "rules[0].count"),
        (data(count=True), "rules[0].count"),
        (data(count=0), "rules[0].count"),
        (data(count="absent"), "rules[0].count"),
        (data(window_s=60.0), "rules[0].window_s"),
        (data(who="nobody"), "rules[0].who"),
        (data(plan=7), "rules[0].plan"),
        (data(windows=1), "rules[0].windows"),
    ],
)
def test_a_wrong_entry_is_named(wrong: object, entry: str) -> None:
    """Data that cannot be used is refused with the place to correct."""
    with pytest.raises(BadLimits) as refused:
        policy_from(wrong)
    assert refused.value.entry == entry
    assert str(refused.value).startswith(f"limits.bad_policy: {entry}: ")
