"""Calls from other companies' servers, believed only for their signature."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from buddy_adapters.ads.admob import SsvCallback, verify_callback
from buddy_core.ads import AdCallback, CallbackRefused, Reward
from buddy_web.app import web
from buddy_web.csrf import exempt

provider_calls = Blueprint("webhooks", __name__)

NETWORK = "admob"


@provider_calls.get("/v1/webhooks/admob")
@exempt("signed by the ad network")
def admob() -> Response:
    """Take AdMob's server-side verification of a rewarded ad; 200 once the outcome is committed.

    The signature is proven on the raw query, then the nonce is admitted: two
    questions, two functions. What is paid comes from our rule, never from the query.
    """
    w = web()
    proven: SsvCallback = w.call(verify_callback, request.query_string, w.container.ssv_keys())
    reward: Reward = w.call(w.container.settle_reward, _callback(proven))
    return jsonify(status=reward.status.value)


def _callback(proven: SsvCallback) -> AdCallback:
    """Reduce a proven callback to what admission looks at.

    Raises:
        CallbackRefused: it lacks something without which it can be no reward of ours.
    """
    if not (proven.custom_data and proven.transaction_id and proven.ad_unit and proven.timestamp):
        raise CallbackRefused("it lacks custom_data, transaction_id, ad_unit or timestamp")
    return AdCallback(NETWORK, proven.transaction_id, proven.ad_unit, proven.custom_data, proven.timestamp)
