"""Earning tokens by an ad, and the wallet they land in."""

from __future__ import annotations

import re
from typing import cast, get_args

from attrs import frozen
from flask import Blueprint, current_app, request
from werkzeug.wrappers import Response

from buddy_core.ads import Reward, RewardCapReached
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.flows import BeginReward
from buddy_core.kernel.errors import BuddyError
from buddy_core.promotions import ClaimPromotion
from buddy_core.tokens import WalletFrozen
from buddy_core.views import AdSaid, Asked, EarnPage, Visitor, WalletPage
from buddy_web.ad_links import earn_address, sandbox_address
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import opaque_id, submission_key, text
from buddy_web.guests import current_visitor
from buddy_web.pages import go, local_path, show, show_part, wants_part
from buddy_web.permissions import current_actor, permission
from buddy_web.statement_cursors import LONGEST

earning = Blueprint("earn", __name__)

_WANTED = re.compile(r"/(?:(?:unlock|watch)/)?(film|short|episode)/([A-Za-z0-9]{1,16})(?:[/?].*)?")


@frozen
class CodeForm:
    """Where a code is typed: what was typed, and what the rule said of it."""

    key: str
    typed: str = ""
    problem: str | None = None
    done: bool = False


@earning.get("/earn")
@permission("wallet:read")
def earn_page() -> Response:
    """Show the offer of an ad, or where one that was begun stands."""
    w = web()
    visitor = current_visitor(w)
    return show(w, "earn.html", visitor, _page(w, visitor, opaque_id(request.args, "reward")))


@earning.post("/earn/start")
@permission("reward:earn")
def start() -> Response:
    """Begin a reward and go to its ad."""
    w = web()
    visitor = current_visitor(w)
    command = BeginReward(visitor.account_id, visitor.device_id, visitor.ip_key, w.settings.ad_unit)
    next_url = local_path(request.form.get("next"))
    try:
        reward: Reward = w.call(w.container.begin_reward, current_actor(), command)
    except (RewardCapReached, WalletFrozen) as error:
        # The page itself says what is in the way: it asks the same rules.
        return show(w, "earn.html", visitor, _page(w, visitor, None), status=status_of(error)[0])
    address = _ad_address(reward.id, next_url)
    return go(address or earn_address(reward.id, "no_fill", next_url))


@earning.get("/earn/<opaque_id:reward_id>/status")
@permission("wallet:read")
def status(reward_id: str) -> Response:
    """Show where an ad stands, as the part that the page asks for again while it waits."""
    w = web()
    visitor = current_visitor(w)
    if not wants_part():
        return go(earn_address(reward_id, _said(), local_path(request.args.get("next"))))
    page = _page(w, visitor, reward_id)
    part = {
        "status": page.status,
        "next_url": page.next_url,
        "wanted": page.wanted,
        "left_today": page.left_today,
        "oob": True,
    }
    return show_part(w, "_earn_status.html", visitor, part)


@earning.get("/wallet")
@permission("wallet:read")
def wallet() -> Response:
    """Show the wallet, or older lines of it."""
    w = web()
    code = CodeForm(_code_key(w), done=request.args.get("done") == "code_claimed")
    return _wallet(w, current_visitor(w), code)


@earning.post("/wallet/promotions")
@permission("reward:earn")
def claim_promotion() -> Response:
    """Claim what a code brings; what is wrong with it is said beside the field."""
    w = web()
    visitor = current_visitor(w)
    typed = text(request.form, "code")
    key = submission_key(request.form)
    if key is None:
        raise InvalidRequest(({"field": "idempotency_key", "problem": "is missing"},))
    try:
        command = ClaimPromotion(visitor.account_id, visitor.device_id, typed, key)
        w.call(w.container.claim_promotion, current_actor(), command)
    except BuddyError as error:
        status = status_of(error)[0]
        if status in (401, 403, 503):
            raise
        code = CodeForm(_code_key(w), typed, error.message())
        # What is not there is the code; the page is.
        return _code_refused(w, visitor, code, 422 if status == 404 else status)
    return go("/wallet?done=code_claimed")


@earning.get("/wallet/promotions")
@permission("wallet:read")
def code_form() -> Response:
    """Lead back to the wallet: whoever comes by the address of the form finds it there."""
    return go("/wallet")


def _code_refused(w: Web, visitor: Visitor, code: CodeForm, status: int) -> Response:
    if not wants_part():
        return _wallet(w, visitor, code, status)
    response = show_part(w, "_code.html", visitor, {"code": code})
    response.status_code = status
    return response


def _code_key(w: Web) -> str:
    key: str = w.container.ids().opaque("cod")
    return key


def _wallet(w: Web, visitor: Visitor, code: CodeForm, status: int = 200) -> Response:
    before = text(request.args, "before", longest=LONGEST)
    cursors, owner = w.statement_cursors, visitor.account_id
    place = cursors.read(before, owner) if before else None
    page: WalletPage = w.call(w.container.wallet_page, visitor, place)
    older = f"/wallet?before={cursors.show(page.older, owner)}" if page.older else None
    return show(w, "wallet.html", visitor, page, status=status, older_url=older, code=code)


def _ad_address(reward_id: str, next_url: str | None) -> str | None:
    """Return where the ad runs; None where no network that shows ads in a browser is installed."""
    return sandbox_address(reward_id, next_url) if "sandbox_ads" in current_app.blueprints else None


def _page(w: Web, visitor: Visitor, reward_id: str | None) -> EarnPage:
    next_url = local_path(request.values.get("next"))
    asked = Asked(
        reward_id=reward_id,
        ad_said=_said(),
        ad_url=_ad_address(reward_id, next_url) if reward_id else None,
        wanted=_wanted(w, next_url),
        next_url=next_url,
    )
    page: EarnPage = w.call(w.container.earn_page, visitor, asked)
    return page


def _said() -> AdSaid | None:
    said = request.args.get("ad")
    return cast(AdSaid, said) if said in get_args(AdSaid) else None


def _wanted(w: Web, next_url: str | None) -> Title | None:
    """Return the title that the viewer came from, if they came from one."""
    match = _WANTED.fullmatch(next_url or "")
    if match is None:
        return None
    try:
        found: Title = w.call(w.container.find_title, match[1], match[2])
    except TitleNotFound:
        return None
    return found
