"""The whole API: every group of operations under `/v1`, with its pages for developers."""

from __future__ import annotations

from flask import Blueprint
from flask_openapi3.blueprint import APIBlueprint

from buddy_web.routes import (
    api_access,
    api_accounts,
    api_admin,
    api_approvals,
    api_availability,
    api_entitlements,
    api_liability,
    api_numbers,
    api_playback,
    api_prices,
    api_promotions,
    api_rights,
    api_royalty,
    api_sessions,
    api_statements,
    api_titles,
    api_tokens_admin,
    api_users,
    api_wallet,
)
from buddy_web.routes.developers import developer_pages


def api_blueprints() -> list[Blueprint | APIBlueprint]:
    """Return the blueprints of the API and its documentation."""
    groups = (
        api_accounts,
        api_sessions,
        api_titles,
        api_availability,
        api_wallet,
        api_promotions,
        api_playback,
        api_statements,
        api_admin,
        api_numbers,
        api_prices,
        api_rights,
        api_royalty,
        api_liability,
        api_approvals,
        api_users,
        api_tokens_admin,
        api_access,
        api_entitlements,
    )
    return [*(group.api.blueprint for group in groups), developer_pages]
