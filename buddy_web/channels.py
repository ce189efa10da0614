"""Where a visitor asks from: a browser, or an app that plays and shows no prices."""

from __future__ import annotations

from flask import request

from buddy_core.entitlements import Channel, Context
from buddy_web.app import Web

HEADER = "X-Buddy-Channel"
"""An app sends `app`. Anybody may: it only takes offers away and opens nothing."""


def current_channel() -> Channel:
    """Return the channel that the request names; the web where it names none."""
    return Channel.APP if request.headers.get(HEADER, "").lower() == Channel.APP else Channel.WEB


def current_context(w: Web) -> Context:
    """Return from where and how the request asks for titles."""
    return Context(w.country(), current_channel())
