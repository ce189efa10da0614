"""The API's operations on what months are stated from: facts from outside, and terms."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi3.models import RawModel

from buddy_core.access import require
from buddy_core.flows import BringFacts, Brought, Effect, SetTerms
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.periods import InvalidMonth
from buddy_core.royalty import (
    BadInput,
    BeingWorkedOut,
    Document,
    InputDiffers,
    InputKind,
    InputNotFound,
    PassedOver,
    TermsChanged,
    TermsProblems,
    read_terms_of,
)
from buddy_core.tax import SellingEntity, UnknownEntity, entities_named
from buddy_core.views import FactsMonth, LicenceTerms, NamedTerms, TermsBook
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest
from buddy_web.logs import correlation_id
from buddy_web.operations import Api, File
from buddy_web.permissions import current_actor
from buddy_web.schemas import royalty as schema
from buddy_web.security import body_limit

api = Api("royalty", "What months are stated from: facts from outside, and the terms of licences.")

MOST_SENT_MB = 20
MOST_SENT = MOST_SENT_MB * 2**20 + 100_000
"""How long a file of facts may be over HTTP, with what a form puts around it."""
READ, IMPORT, EDIT = "period:read", "royalty:import", "terms:edit"
CSV, JSON = "text/csv", "application/json"
_TERMS = "/admin/royalty/terms/<kind>"
_BRINGS = (
    BadInput,
    InputDiffers,
    PassedOver,
    InvalidMonth,
    InvalidValue,
    UnknownEntity,
    Contention,
)
_SETS = (BadInput, InputNotFound, InvalidValue, UnknownEntity)


@api.get("/admin/royalty/facts", may=READ, answer=schema.MonthFacts, errors=(InvalidMonth, UnknownEntity))
def facts(query: schema.FactsQuery) -> dict[str, Any]:
    """Return what was brought in for a month, newest first, and what is awaited."""
    w = web()
    found: FactsMonth = w.call(
        w.container.facts_of_month, current_actor(), entity_named(w, query.entity), query.month
    )
    files = [
        schema.FactsFile(
            name=item.name,
            sequence=item.sequence,
            facts=item.facts,
            at=item.at,
            is_awaited=item.is_awaited,
            is_late=item.is_late,
        )
        for item in found.files
    ]
    answer = schema.MonthFacts(
        entity=found.entity.id, month=found.month, is_closed=found.is_closed, files=files
    )
    return answer.model_dump(mode="json")


@api.get(
    "/admin/royalty/facts/content",
    may=READ,
    answer=File(JSON, "The facts as docs/schemas/royalty-facts.json has them; null while they are awaited."),
    errors=(InputNotFound, UnknownEntity),
)
def facts_content(query: schema.FileQuery) -> Response:
    """Return facts as they were brought in."""
    w = web()
    body: bytes = w.call(w.container.facts_file, current_actor(), entity_named(w, query.entity), query.name)
    return Response(body, content_type=JSON)


@api.post("/admin/royalty/facts", may=IMPORT, answer=schema.Brought, status=201, errors=_BRINGS)
@body_limit(MOST_SENT)
def bring_facts(query: schema.BringQuery, raw: schema.FactsBody) -> tuple[dict[str, Any], int]:
    """Bring in facts of a month, once by their name; what is wrong is told with place and fix.

    Facts of a closed month are late: the next month adjusts it. A body has up to 20 MB; `buddy facts
    bring` takes up to 50 MB.
    """
    w = web()
    # Before anything is said of the body.
    require(current_actor(), IMPORT)
    is_csv = request.mimetype == CSV
    if is_csv and query.section is None:
        raise InvalidRequest(({"field": "section", "problem": "names the kind of facts that a CSV has"},))
    if not is_csv and query.section is not None:
        raise InvalidRequest(({"field": "section", "problem": "is for CSV; JSON has sections of its own"},))
    file = f"{query.section}-{query.month}.csv" if is_csv else "facts.json"
    command = BringFacts(entity_named(w, query.entity), query.month, query.name, _bytes(raw), file)
    return _brought(w, command), 201


@api.post("/admin/royalty/facts/announce", may=IMPORT, answer=schema.Brought, status=201, errors=_BRINGS)
def announce_facts(body: schema.AnnounceBody) -> tuple[dict[str, Any], int]:
    """Announce facts: the month is not closed before they have come under that name."""
    w = web()
    return _brought(w, BringFacts(entity_named(w, body.entity), body.month, body.name, None)), 201


@api.get("/admin/royalty/terms", may=READ, answer=schema.TermsBook, errors=(UnknownEntity,))
def terms_book(query: schema.BookQuery) -> dict[str, Any]:
    """Return licences with their royalty terms, 40 a page, and all accounts, pool rules and waterfalls."""
    w = web()
    entity = entity_named(w, query.entity)
    found: TermsBook = w.call(w.container.terms_book, current_actor(), entity.id, query.q, query.page)
    answer = schema.TermsBook(
        entity=entity.id,
        licences=[_shown("licence", item) for item in found.licences],
        accounts=[_shown("account", item) for item in found.accounts],
        pools=[_shown("pool", item) for item in found.pools],
        waterfalls=[_shown("waterfall", item) for item in found.waterfalls],
        total=found.total,
    )
    return answer.model_dump(mode="json")


@api.get(_TERMS, may=READ, answer=schema.ShownTerms, errors=(InputNotFound, UnknownEntity))
def terms(path: schema.TermsPath, query: schema.TermsQuery) -> dict[str, Any]:
    """Return the terms of one licence, account, plan or title."""
    w = web()
    found: LicenceTerms | NamedTerms = w.call(
        w.container.terms_of,
        current_actor(),
        entity_named(w, query.entity),
        InputKind(path.kind),
        query.key,
    )
    return _shown(path.kind, found).model_dump(mode="json")


@api.put(_TERMS, may=EDIT, answer=schema.TermsSet, errors=(*_SETS, TermsChanged, Contention))
def set_terms(path: schema.TermsPath, query: schema.SetQuery, raw: schema.TermsBody) -> dict[str, Any]:
    """Set terms; they count for every month that is not closed. The same again changes nothing."""
    w = web()
    return _set(w, _command(w, path, query, _bytes(raw), query.base))


@api.delete(_TERMS, may=EDIT, answer=schema.TermsSet, errors=(*_SETS, TermsChanged, Contention))
def remove_terms(path: schema.TermsPath, query: schema.SetQuery) -> dict[str, Any]:
    """Take terms away; a licence's own share counts again, by every model."""
    w = web()
    return _set(w, _command(w, path, query, None, query.base))


@api.post(
    f"{_TERMS}/effect",
    may=EDIT,
    answer=schema.Effect,
    errors=(*_SETS, InvalidMonth, TermsProblems, BeingWorkedOut),
)
def terms_effect(path: schema.TermsPath, query: schema.EffectQuery, raw: schema.TermsBody) -> dict[str, Any]:
    """Return who would have what of a month by these terms, by holder and title; nothing is written."""
    w = web()
    body = _bytes(raw)
    command = _command(w, path, query, None if body.strip() == b"null" else body)
    found: Effect = w.call_long(w.container.terms_effect, current_actor(), command, query.month)
    answer = schema.Effect(
        month=found.month,
        is_changed=found.is_changed,
        problems=list(found.problems),
        totals=[
            schema.HolderTotal(
                holder=item.holder,
                currency=item.currency,
                earned=item.earned.minor,
                earned_then=item.earned_then.minor,
                payable=item.payable.minor,
                payable_then=item.payable_then.minor,
            )
            for item in found.totals
        ],
        differences=[
            schema.TitleDifference(
                holder=item.holder,
                title=item.title,
                currency=item.currency,
                now=item.now,
                then=item.then,
                change=item.change,
            )
            for item in found.differences
        ],
    )
    return answer.model_dump(mode="json")


def entity_named(w: Web, wanted: str) -> SellingEntity:
    """Return the entity of that id.

    Raises:
        UnknownEntity: none has it.
    """
    return entities_named(w.container.routes(), wanted)[0]


def _brought(w: Web, command: BringFacts) -> dict[str, Any]:
    done: Brought = w.call_long(
        w.container.bring_facts, current_actor(), command, correlation_id=correlation_id.get()
    )
    found = schema.Brought(sequence=done.sequence, facts=done.facts, is_new=done.is_new, is_late=done.is_late)
    return found.model_dump(mode="json")


def _command(
    w: Web,
    path: schema.TermsPath,
    query: schema.TermsQuery,
    body: bytes | None,
    base: int | None = None,
) -> SetTerms:
    require(current_actor(), EDIT)
    entity, kind = entity_named(w, query.entity), InputKind(path.kind)
    found = None if body is None else read_terms_of(kind, query.key, Document("terms", body), entity.zone)
    return SetTerms(entity, kind, query.key, found, base)


def _set(w: Web, command: SetTerms) -> dict[str, Any]:
    done: int = w.call(w.container.set_terms, current_actor(), command, correlation_id=correlation_id.get())
    return schema.TermsSet(sequence=done).model_dump(mode="json")


def _shown(kind: schema.Kind, item: LicenceTerms | NamedTerms) -> schema.ShownTerms:
    terms = None if item.terms is None else dict(item.terms)
    if isinstance(item, NamedTerms):
        holder = item.holder.short_id if item.holder else None
        return schema.ShownTerms(kind=kind, key=item.key, terms=terms, sequence=item.sequence, holder=holder)
    licence = item.licence
    return schema.ShownTerms(
        kind=kind,
        key=item.number,
        terms=terms,
        sequence=item.sequence,
        holder=item.holder.short_id,
        title_type=item.title.type.value,
        title_id=item.title.short_id,
        title=item.title.name,
        part=licence.ownership,
        territories=[
            *licence.territories.included,
            *(f"^{code}" for code in licence.territories.excluded),
        ],
        starts_at=licence.starts_at,
        ends_at=licence.ends_at,
        shares={text: list(models) for text, models in item.shares},
    )


def _bytes(raw: RawModel) -> bytes:
    data: bytes = raw.get_data()
    return data
