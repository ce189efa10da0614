"""The desk's page about what is owed for tokens."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.views.errors import MonthNotBegun
from buddy_core.views.token_liability import LiabilityWanted, TokenLiability
from buddy_web.app import Web, web
from buddy_web.errors import status_of
from buddy_web.forms import text
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.desk import show_desk

admin_liability = Blueprint("admin_liability", __name__, url_prefix="/admin")


@admin_liability.get("/liability")
@permission("period:read")
def liability() -> Response:
    """Show a month's roll-forward of every currency; a month that cannot be is named over the running one."""
    w = web()
    typed = text(request.args, "month").strip()
    problem: BuddyError | None = None
    try:
        page = _page(w, typed or None)
    except (InvalidMonth, MonthNotBegun) as error:
        problem, page = error, _page(w, None)
    return show_desk(
        w,
        "admin_liability.html",
        page,
        status=status_of(problem)[0] if problem else 200,
        problem=problem.message() if problem else None,
        typed=typed,
    )


def _page(w: Web, month: str | None) -> TokenLiability:
    found: TokenLiability = w.call(w.container.token_liability, current_actor(), LiabilityWanted(month))
    return found
