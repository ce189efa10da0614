"""Where a rewarded ad runs, and where it leads back to."""

from __future__ import annotations

from urllib.parse import urlencode

from buddy_core.views import AdSaid


def earn_address(reward_id: str, said: AdSaid | None, next_url: str | None) -> str:
    """Return the earn page for an ad that was begun, with what the ad said and where to go on."""
    found = {"reward": reward_id, "ad": said, "next": next_url}
    return "/earn?" + urlencode({name: value for name, value in found.items() if value})


def sandbox_address(reward_id: str, next_url: str | None, act: str | None = None) -> str:
    """Return where the sandbox network shows the ad of a reward, and what is to happen at its end."""
    found = {"act": act, "next": next_url}
    query = urlencode({name: value for name, value in found.items() if value})
    return f"/sandbox/ads/{reward_id}" + (f"?{query}" if query else "")
