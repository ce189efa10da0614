"""The sandbox ad network's pages: a short ad with a countdown, and buttons for what can go wrong."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.ads import Reward, RewardStatus
from buddy_core.views import AdSaid, Asked, EarnPage, SandboxAdPage
from buddy_web.ad_links import earn_address, sandbox_address
from buddy_web.app import web
from buddy_web.forms import Source
from buddy_web.guests import current_visitor
from buddy_web.pages import go, local_path, show
from buddy_web.permissions import PUBLIC, permission
from buddy_web.sandbox.network import SandboxNetwork, ShownAd

AD_S = 6
LATE_S = 5.0
SLACK = timedelta(seconds=1)
"""Clocks of a page and a server need not agree to the second."""

_ENDINGS = ("late", "twice")
"""What may happen to the callback once the ad has run; chosen early, the ad runs to its end first."""
_UNSEEN: dict[str, AdSaid] = {"no_fill": "no_fill", "fail": "failed"}


def sandbox_ads(network: SandboxNetwork, ad_s: int = AD_S) -> Blueprint:
    """Return the network's pages; an ad runs `ad_s` seconds."""
    ads = Blueprint("sandbox_ads", __name__)

    @ads.get("/sandbox/ads/<opaque_id:reward_id>")
    @permission(PUBLIC)
    def ad(reward_id: str) -> Response:
        """Show the ad of a reward that was begun."""
        w = web()
        visitor = current_visitor(w)
        reward: Reward = w.call(w.container.find_reward, reward_id, visitor.account_id)
        next_url = local_path(request.args.get("next"))
        if reward.status is not RewardStatus.PENDING:
            return go(earn_address(reward.id, None, next_url))
        earning: EarnPage = w.call(w.container.earn_page, visitor, Asked())
        page = SandboxAdPage(
            reward_id=reward.id,
            seconds=ad_s,
            tokens=earning.status.tokens,
            finish_url=sandbox_address(reward.id, next_url, _ending(request.args)),
            cancel_url=earn_address(reward.id, None, next_url),
            advertiser="Cutting Chai Co.",
            headline="Half a glass, whole afternoon",
        )
        return show(w, "sandbox_ad.html", visitor, page)

    @ads.post("/sandbox/ads/<opaque_id:reward_id>")
    @permission(PUBLIC)
    def ended(reward_id: str) -> Response:
        """Take what became of the ad, and confirm it to our server if it ran."""
        w = web()
        visitor = current_visitor(w)
        reward: Reward = w.call(w.container.find_reward, reward_id, visitor.account_id)
        next_url = local_path(request.args.get("next"))
        unseen, now = _UNSEEN.get(request.form.get("act", "")), w.clock.now()
        if unseen is not None:
            return go(earn_address(reward.id, unseen, next_url))
        act = _ending(request.form) or _ending(request.args)
        if now < reward.started_at + timedelta(seconds=ad_s) - SLACK:
            return go(sandbox_address(reward.id, next_url, act))
        shown = ShownAd(reward.ad_unit, reward.nonce, now)
        network.confirm(shown, after_s=LATE_S if act == "late" else 0, times=2 if act == "twice" else 1)
        return go(earn_address(reward.id, "done", next_url))

    return ads


def _ending(source: Source) -> str | None:
    act = source.get("act", "")
    return act if act in _ENDINGS else None
