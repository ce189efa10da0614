"""The API's titles: what there is, whether it may be watched, what it costs, and unlocking it."""

from __future__ import annotations

from typing import Any

from buddy_core.accounts import AccountNotFound
from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import Allowed, Denied
from buddy_core.flows import Unlocked as Done
from buddy_core.flows import UnlockTitle
from buddy_core.kernel.countries import CountryUnknown
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.playback import NoMedia, PlaybackDenied, TakenDown
from buddy_core.pricing import NotForTokens, PriceChanged
from buddy_core.tokens import InsufficientTokens, WalletFrozen
from buddy_core.views.addresses import poster_url, title_url, wide_url
from buddy_core.views.offers import Asker, TitlePageOfList, TitleWithAnswer
from buddy_web.app import Web, web
from buddy_web.channels import current_channel, current_context
from buddy_web.guests import who_asks
from buddy_web.operations import Api
from buddy_web.permissions import PUBLIC, acting_account, current_actor
from buddy_web.schemas import titles as schema
from buddy_web.schemas.common import IdempotencyHeader

api = Api("titles", "What there is to watch, and what opens it.")


@api.get("/titles", may=PUBLIC, answer=schema.Titles)
def list_titles(query: schema.TitlesQuery) -> dict[str, Any]:
    """Return the published titles, each with what it is to the visitor."""
    w = web()
    found: TitlePageOfList = w.call(w.container.list_titles, _asker(w), query.type, query.page, query.limit)
    answer = schema.Titles(
        titles=[_title(item) for item in found.items],
        page=query.page,
        limit=query.limit,
        total=found.total,
        total_pages=-(-found.total // query.limit),
    )
    return answer.model_dump(mode="json")


@api.get("/titles/<type>/<id>", may=PUBLIC, answer=schema.Title, errors=(TitleNotFound,))
def one_title(path: schema.TitlePath) -> dict[str, Any]:
    """Return a title, and whether the visitor may watch it now; if not, why and what would open it."""
    w = web()
    found: TitleWithAnswer = w.call(w.container.title_with_answer, _asker(w), path.type, path.id)
    return _title(found).model_dump(mode="json")


@api.get("/titles/<type>/<id>/quote", may=PUBLIC, answer=schema.Quote, errors=(TitleNotFound, NotForTokens))
def quote(path: schema.TitlePath) -> dict[str, Any]:
    """Say what an unlock costs now."""
    w = web()
    title, found = w.call(w.container.quote_title, path.type, path.id)
    answer = schema.Quote(
        type=title.type.value, id=title.short_id, tokens=found.tokens, rule_version=found.rule_version
    )
    return answer.model_dump(mode="json")


@api.post(
    "/unlocks",
    may="title:unlock",
    answer=schema.Unlocked,
    status=201,
    errors=(
        TitleNotFound,
        AccountNotFound,
        PriceChanged,
        InsufficientTokens,
        WalletFrozen,
        CountryUnknown,
        PlaybackDenied,
        TakenDown,
        NoMedia,
        IdempotencyMismatch,
        Contention,
    ),
)
def unlock(header: IdempotencyHeader, body: schema.UnlockBody) -> tuple[dict[str, Any], int]:
    """Spend tokens on a title at the cost that was shown, and open it for ever.

    A title that is open already costs nothing again.
    """
    w = web()
    title: Title = w.call(w.container.find_title, body.type, body.id)
    command = UnlockTitle(
        account_id=acting_account(),
        title_id=title.id,
        seen_tokens=body.seen_tokens,
        seen_version=body.seen_version,
        country=w.country(),
        idempotency_key=header.idempotency_key,
        channel=current_channel(),
    )
    done: Done = w.call(w.container.unlock_title, current_actor(), command)
    answer = schema.Unlocked(
        type=title.type.value,
        id=title.short_id,
        tokens_spent=done.tokens_spent,
        tokens_left=done.tokens_left,
    )
    return answer.model_dump(mode="json"), 201


def _asker(w: Web) -> Asker:
    who = who_asks(w)
    return Asker(who.account.id if who else None, current_context(w))


def _title(found: TitleWithAnswer) -> schema.Title:
    title = found.answer.title
    series = found.series
    return schema.Title(
        type=title.type.value,
        id=title.short_id,
        slug=title.slug,
        name=title.name,
        synopsis=title.synopsis,
        maturity=title.maturity,
        languages=list(title.languages),
        year=title.year,
        duration_s=title.duration_s,
        url=title_url(title),
        poster_url=poster_url(title),
        wide_url=wide_url(title),
        series=schema.Series(id=series.short_id, name=series.name) if series else None,
        number=title.number,
        access=_access(found),
    )


def _access(found: TitleWithAnswer) -> schema.Access:
    decision, offer = found.answer.decision, found.answer.offer
    if isinstance(decision, Allowed):
        return schema.Access(allowed=True, until=decision.until)
    assert isinstance(decision, Denied)
    return schema.Access(
        allowed=False,
        reason=decision.reason,
        unlockable_by=list(decision.unlockable_by),
        offer=schema.Offer(tokens=offer.tokens, rule_version=offer.rule_version) if offer else None,
    )
