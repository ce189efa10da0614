"""Home, titles and the unlock sheet."""

from __future__ import annotations

from attrs import evolve, frozen
from flask import Blueprint, Flask, redirect, request
from flask.blueprints import BlueprintSetupState
from werkzeug.wrappers import Response

from buddy_core.catalog import Title, TitleType
from buddy_core.flows import UnlockTitle
from buddy_core.kernel.countries import CountryUnknown
from buddy_core.kernel.errors import BuddyError, Contention, Unavailable
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.playback import PlaybackDenied
from buddy_core.pricing import PriceChanged
from buddy_core.tokens import InsufficientTokens, WalletFrozen
from buddy_core.views import TitlePage, Visitor, title_url, unlock_url, watch_url
from buddy_core.views.unlock import Notice
from buddy_web.app import Web, web
from buddy_web.errors import status_of
from buddy_web.forms import Source, submission_key, whole_number
from buddy_web.guests import current_visitor
from buddy_web.pages import go, install_pages, show, wants_part, with_query
from buddy_web.permissions import PUBLIC, current_actor, permission

viewer_pages = Blueprint("viewer_pages", __name__)

TAKEN_DOWN = "entitlements.taken_down"
_TITLE = "/<any(film, series, short, episode):type>/<short_id:short_id>"


@viewer_pages.record_once
def _install(state: BlueprintSetupState) -> None:
    assert isinstance(state.app, Flask)
    install_pages(state.app)


@frozen
class _Again:
    """What a sheet says when it is shown again: why, the cost before, and the key to send once more."""

    notice: Notice | None = None
    old_cost: int | None = None
    same_key: str | None = None
    status: int = 200


@viewer_pages.get("/")
@permission(PUBLIC)
def home() -> Response:
    """Show the home page."""
    w = web()
    visitor = current_visitor(w)
    return show(w, "home.html", visitor, w.call(w.container.home_page, visitor))


@viewer_pages.get(_TITLE)
@viewer_pages.get(f"{_TITLE}/<slug>")
@permission(PUBLIC)
def title(type: str, short_id: str, slug: str = "") -> Response:
    """Show a title; the id decides, and an address with another slug leads to the right one."""
    w = web()
    found: Title = w.call(w.container.find_title, type, short_id)
    if request.path != title_url(found):
        return redirect(with_query(title_url(found)), 301)
    visitor = current_visitor(w)
    page: TitlePage = w.call(w.container.title_page, found, visitor, w.settings.public_url)
    is_down = page.denial is not None and page.denial.code == TAKEN_DOWN
    return show(w, "title.html", visitor, page, status=451 if is_down else 200)


@viewer_pages.get("/unlock/<any(film, series, short, episode):type>/<short_id:short_id>")
@permission("wallet:read")
def unlock_offer(type: str, short_id: str) -> Response:
    """Show what an unlock costs and leaves."""
    w = web()
    found: Title = w.call(w.container.find_title, type, short_id)
    if short_id != found.short_id:
        return redirect(with_query(unlock_url(found)), 301)
    return _sheet(w, found, current_visitor(w), _Again())


@viewer_pages.post("/unlock/<any(film, series, short, episode):type>/<short_id:short_id>")
@permission("title:unlock")
def unlock(type: str, short_id: str) -> Response:
    """Unlock at the cost that was shown, and play; a refusal is said in the sheet."""
    w = web()
    found: Title = w.call(w.container.find_title, type, short_id)
    visitor = current_visitor(w)
    command = _command(request.form, found, visitor)
    if command is None:
        return _sheet(w, found, visitor, _Again("try_again", status=400))
    try:
        w.call(w.container.unlock_title, current_actor(), command)
    except PriceChanged as error:
        return _sheet(w, found, visitor, _again(error, "price_changed", old_cost=error.seen_tokens))
    except InsufficientTokens as error:
        return _sheet(w, found, visitor, _again(error, "not_enough"))
    except (WalletFrozen, CountryUnknown, PlaybackDenied) as error:
        # The sheet itself says what is in the way: it asks the same rules.
        return _sheet(w, found, visitor, _again(error))
    except IdempotencyMismatch as error:
        return _sheet(w, found, visitor, _again(error, "try_again"))
    except (Contention, Unavailable) as error:
        # It may have gone through after all: sent again with the same key, it is paid only once.
        again = evolve(_again(error, "try_again"), same_key=command.idempotency_key)
        return _sheet(w, found, visitor, again)
    return go(watch_url(found))


def _again(error: BuddyError, notice: Notice | None = None, old_cost: int | None = None) -> _Again:
    return _Again(notice, old_cost, status=status_of(error)[0])


def _sheet(w: Web, found: Title, visitor: Visitor, again: _Again) -> Response:
    if found.type is TitleType.SERIES:
        return go(title_url(found))
    key = again.same_key or w.container.ids().opaque("unl")
    page = w.call(w.container.unlock_sheet, found, visitor, key)
    if page is None:
        return go(watch_url(found))
    page = evolve(page, notice=again.notice, old_cost=again.old_cost)
    if wants_part():
        return show(w, "_unlock_sheet.html", visitor, page, status=again.status, heading="h2")
    return show(w, "unlock.html", visitor, page, status=again.status)


def _command(form: Source, found: Title, visitor: Visitor) -> UnlockTitle | None:
    """Read the form, or return None: it is none that a sheet of ours sends."""
    cost, version = whole_number(form, "cost"), whole_number(form, "rule_version")
    key = submission_key(form)
    if cost is None or version is None or key is None:
        return None
    return UnlockTitle(
        account_id=visitor.account_id,
        title_id=found.id,
        seen_tokens=cost,
        seen_version=version,
        country=visitor.country,
        idempotency_key=key,
        channel=visitor.channel,
    )
