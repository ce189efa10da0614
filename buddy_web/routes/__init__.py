"""The addresses of the service, one file a subject."""

from __future__ import annotations

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from buddy_web.rate_limits import door
from buddy_web.routes.account_pages import joining
from buddy_web.routes.admin import admin_pages
from buddy_web.routes.admin_access import admin_access
from buddy_web.routes.admin_entitlements import admin_entitlements
from buddy_web.routes.admin_liability import admin_liability
from buddy_web.routes.admin_numbers import admin_numbers
from buddy_web.routes.admin_prices import admin_prices
from buddy_web.routes.admin_promotions import admin_promotions
from buddy_web.routes.admin_rights import admin_rights
from buddy_web.routes.admin_royalty import admin_royalty
from buddy_web.routes.admin_wallet import admin_wallet
from buddy_web.routes.api import api_blueprints
from buddy_web.routes.earn import earning
from buddy_web.routes.looking import looking
from buddy_web.routes.pages import viewer_pages
from buddy_web.routes.playback import watching
from buddy_web.routes.producer import producer_pages
from buddy_web.routes.security_pages import security_pages
from buddy_web.routes.webhooks import provider_calls
from buddy_web.sandbox.ads import sandbox_ads
from buddy_web.sandbox.network import SandboxNetwork, sandbox_key, sandbox_key_file
from buddy_web.settings import Settings


def blueprints(settings: Settings, network: SandboxNetwork | None = None) -> list[Blueprint | APIBlueprint]:
    """Return all addresses of an installation; only the demo has the sandbox.

    `network` takes the place of the sandbox network that calls back over HTTP.
    """
    found: list[Blueprint | APIBlueprint] = [
        door,
        looking,
        viewer_pages,
        watching,
        earning,
        joining,
        provider_calls,
        producer_pages,
        admin_pages,
        admin_access,
        admin_numbers,
        admin_prices,
        admin_rights,
        admin_promotions,
        admin_royalty,
        admin_liability,
        admin_wallet,
        admin_entitlements,
        security_pages,
        *api_blueprints(),
    ]
    if settings.demo:
        found.append(sandbox_ads(network or _network(settings)))
    return found


def _network(settings: Settings) -> SandboxNetwork:
    key = sandbox_key(sandbox_key_file(settings))
    return SandboxNetwork(key, f"{settings.public_url}/v1/webhooks/admob")
