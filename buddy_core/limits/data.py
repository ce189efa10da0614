"""The limits that hold until an operator gives others."""

from __future__ import annotations

from buddy_core.limits.model import LimitRule, Per, Policy, RouteGroup, Who

_MINUTE_S = 60
_QUARTER_S = 15 * 60
_HOUR_S = 60 * 60

_GROUPS = (
    # A film is hundreds of segments; and who asks for health or brings a callback is a machine we rely on.
    RouteGroup(
        "free",
        (
            "GET /static/*",
            "GET /media/*",
            "GET /art/*",
            "GET /health",
            "GET /ready",
            "* /v1/webhooks/*",
        ),
    ),
    RouteGroup("login", ("POST /sign-in*", "POST /v1/auth/login*")),
    RouteGroup("register", ("POST /join", "POST /v1/auth/register")),
    # Whoever guesses at codes is slowed down by what nobody else feels.
    RouteGroup("code", ("POST /wallet/promotions", "POST /v1/wallet/promotions")),
    RouteGroup("admin_video", ("* /admin/videos*", "* /v1/admin/videos*")),
    RouteGroup("cms", ("* /admin", "* /admin/*", "* /v1/admin", "* /v1/admin/*")),
    RouteGroup("stream", ("GET /watch/*", "* /play/*", "* /v1/playback/*")),
    RouteGroup(
        "catalogue",
        (
            "GET /",
            "GET /film/*",
            "GET /series/*",
            "GET /short/*",
            "GET /episode/*",
            "GET /unlock/*",
            "GET /v1/titles",
            "GET /v1/titles/*",
        ),
    ),
)

_RULES = (
    LimitRule("login", Per.ADDRESS, 5, _QUARTER_S),
    LimitRule("login", Per.ACCOUNT, 5, _QUARTER_S),
    LimitRule("register", Per.ADDRESS, 3, _HOUR_S),
    LimitRule("code", Per.ACCOUNT, 10, _QUARTER_S),
    LimitRule("admin_video", Per.ACCOUNT, 20, _MINUTE_S),
    LimitRule("cms", Per.ACCOUNT, 200, _MINUTE_S),
    LimitRule("stream", Per.ACCOUNT, 50, _MINUTE_S),
    LimitRule("catalogue", Per.ACCOUNT, 100, _MINUTE_S),
    LimitRule("default", Per.ACCOUNT, 100, _MINUTE_S),
    # A guest can throw its account away, so its address is counted too: as ten guests, for many may share it.
    LimitRule("stream", Per.ADDRESS, 500, _MINUTE_S, Who.GUEST),
    LimitRule("catalogue", Per.ADDRESS, 1000, _MINUTE_S, Who.GUEST),
    LimitRule("default", Per.ADDRESS, 1000, _MINUTE_S, Who.GUEST),
    LimitRule("code", Per.ADDRESS, 100, _QUARTER_S, Who.GUEST),
)

DEFAULT_POLICY = Policy(_GROUPS, _RULES)
"""Sign-in 5 and codes 10 in 15 minutes, registration 3 an hour; in a minute 100 of the catalogue, 50 of
streaming, 200 of the staff's pages, 20 of their videos, and 100 of all else."""
