"""Rate limits at the door: a request is counted before its view runs, by data that operators may replace."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from attrs import evolve
from flask import Blueprint, g, request
from werkzeug.wrappers import Response

from buddy_core.accounts import BadEmail
from buddy_core.flows import Who, password_key
from buddy_core.kernel.errors import Unavailable, Unproven
from buddy_core.limits import (
    DEFAULT_POLICY,
    BadLimits,
    Caller,
    Per,
    Policy,
    RateLimits,
    Room,
    Stopped,
    group_of,
    hits_for,
    policy_from,
    refuse,
    wait_s,
)
from buddy_web.app import Web, web
from buddy_web.guests import who_asks

LOGIN = "login"
_UNMATCHED = "/unmatched"
_LOG = logging.getLogger("buddy.limits")


door = Blueprint("door", __name__)


@door.before_app_request
def count() -> None:
    """Count the request wherever a limit applies to it.

    Raises:
        RateLimited: there were as many as the limit lets.
    """
    w = web()
    store: RateLimits | None = w.container.rate_limits()
    if store is None:
        return
    policy: Policy = w.container.limit_policy()
    group = group_of(policy, request.method, _route())
    # Where nothing is limited, nobody need be asked who they are.
    if not any(rule.group == group for rule in policy.rules):
        return
    hits, at = hits_for(policy, group, _caller(w, group)), w.clock.now()
    try:
        verdict = w.call(store.take, hits, at)
    except Unavailable:
        # A store of counts that is down must not stop the service; lock-outs are kept elsewhere and hold.
        _LOG.exception("rate limits are not counted")
        return
    if isinstance(verdict, Stopped):
        g.rate_room = Room(verdict.hit, 0, verdict.retry_at)
        raise refuse(verdict, at)
    g.rate_room = verdict.room


@door.after_app_request
def tell(response: Response) -> Response:
    """Say in headers of the IETF draft which limit is tightest, and what is left of it."""
    room: Room | None = g.get("rate_room")
    # At a sign-in the account's count would tell strangers whether somebody has been signing in.
    if room is not None and not room.hit.name.startswith(f"{LOGIN}:{Per.ACCOUNT.value}"):
        hit, wait = room.hit, wait_s(room.more_at, web().clock.now())
        response.headers["RateLimit-Policy"] = f'"{hit.name}";q={hit.limit};w={hit.window_s}'
        response.headers["RateLimit"] = f'"{hit.name}";r={room.remaining};t={wait}'
    return response


def policy_of(file: Path | None, *, is_demo: bool) -> Policy:
    """Return the policy of a JSON file, or the default one.

    Whoever tries the demo signs in as one after another from one address, so there
    the limit of sign-ins an address is ten times as high.

    Raises:
        BadLimits: the file cannot be read, or names the wrong entry.
    """
    if file is None:
        return _for_demo(DEFAULT_POLICY) if is_demo else DEFAULT_POLICY
    try:
        return policy_from(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise BadLimits(str(file), f"cannot be read as JSON ({type(error).__name__})") from error


def _for_demo(policy: Policy) -> Policy:
    rules = (
        evolve(rule, count=rule.count * 10) if (rule.group, rule.per.value) == (LOGIN, "address") else rule
        for rule in policy.rules
    )
    return Policy(policy.groups, tuple(rules))


def _route() -> str:
    return request.url_rule.rule if request.url_rule else _UNMATCHED


def _caller(w: Web, group: str) -> Caller:
    """Return whom the request counts for; at a sign-in that is the name that is tried."""
    address = w.ip_key()
    if group == LOGIN:
        return Caller(_tried(), address, is_guest=True)
    try:
        who: Who | None = who_asks(w)
    except Unproven:
        # Its refusal comes later, and is counted like anybody's.
        who = None
    if who is None:
        return Caller(None, address, is_guest=True)
    # Staff who look as a member use up their own requests, and not the member's.
    person = who.actor.impersonator or who.account.id
    return Caller(person.hex, address, is_guest=who.session is None)


def _tried() -> str | None:
    body = request.get_json(silent=True) if request.is_json else None
    named = body.get("email") if isinstance(body, dict) else request.form.get("email")
    try:
        return password_key(named).partition(":")[2] if isinstance(named, str) else None
    except BadEmail:
        return None
