"""The API's wallet, its history, and the ads that fill it; staff read another's, which is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask import Response

from buddy_core.accounts import AccountNotFound
from buddy_core.ads import Reward, RewardCapReached, RewardNotFound, RewardStatus, TooManyOpen
from buddy_core.flows import BeginReward
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import BadStatementPlace, WalletFrozen
from buddy_core.views.ledger import ExpiringState, Instants, Look, WalletState
from buddy_core.views.wallet_lines import LedgerLine, LedgerPage, LinePiece
from buddy_web.app import Web, web
from buddy_web.guests import current_visitor
from buddy_web.logs import correlation_id
from buddy_web.operations import Api, File
from buddy_web.permissions import acting_account, current_actor
from buddy_web.routes import wallet_files
from buddy_web.routes.api_users import for_account
from buddy_web.schemas import wallet as schema
from buddy_web.schemas.access import UserPath

api = Api("wallet", "Tokens: what there is, what happened, and earning more by an ad.")

READ = "wallet:read"
LOOK = "user:read"
_CSV = File(
    wallet_files.MEDIA_TYPE, f"All entries, newest first. Columns: {', '.join(wallet_files.COLUMNS)}."
)


@api.get("/wallet", may=READ, answer=schema.Wallet, errors=(AccountNotFound, InvalidValue))
def wallet(query: schema.WalletQuery) -> dict[str, Any]:
    """Return what can be spent now, or could at an instant, and what expires when."""
    return _wallet(web(), acting_account(), query)


@api.get("/wallet/expiring", may=READ, answer=schema.Expiring, errors=(AccountNotFound,))
def expiring(query: schema.ExpiringQuery) -> dict[str, Any]:
    """Return what expires soon, the soonest first; what is on hold does not expire meanwhile."""
    return _expiring(web(), acting_account(), query)


@api.get("/wallet/entries", may=READ, answer=schema.Entries, errors=(AccountNotFound, BadStatementPlace))
def entries(query: schema.EntriesQuery) -> dict[str, Any]:
    """Return what happened to the wallet, newest first, with the balance after each entry."""
    return _entries(web(), acting_account(), query)


@api.get("/wallet/statement.csv", may=READ, answer=_CSV, errors=(AccountNotFound,))
def statement() -> Response:
    """Return the whole history as a file."""
    return _statement(web(), acting_account())


@api.get(
    "/admin/users/<id>/wallet",
    may=LOOK,
    answer=schema.Wallet,
    errors=(AccountNotFound, InvalidValue, Contention),
)
def users_wallet(path: UserPath, query: schema.WalletQuery) -> dict[str, Any]:
    """Return what an account can spend now, or could at an instant."""
    w, look = web(), _look()
    return for_account(w, path.id, lambda account: _wallet(w, account, query, look))


@api.get(
    "/admin/users/<id>/wallet/expiring",
    may=LOOK,
    answer=schema.Expiring,
    errors=(AccountNotFound, Contention),
)
def users_expiring(path: UserPath, query: schema.ExpiringQuery) -> dict[str, Any]:
    """Return what of an account's tokens expires soon."""
    w, look = web(), _look()
    return for_account(w, path.id, lambda account: _expiring(w, account, query, look))


@api.get(
    "/admin/users/<id>/wallet/entries",
    may=LOOK,
    answer=schema.Entries,
    errors=(AccountNotFound, BadStatementPlace, Contention),
)
def users_entries(path: UserPath, query: schema.EntriesQuery) -> dict[str, Any]:
    """Return what happened to an account's wallet, newest first."""
    w, look = web(), _look()
    return for_account(w, path.id, lambda account: _entries(w, account, query, look))


@api.get(
    "/admin/users/<id>/wallet/statement.csv", may=LOOK, answer=_CSV, errors=(AccountNotFound, Contention)
)
def users_statement(path: UserPath) -> Response:
    """Return the whole history of an account's wallet as a file."""
    w, look = web(), _look()
    return for_account(w, path.id, lambda account: _statement(w, account, look))


@api.post(
    "/ads/rewards",
    may="reward:earn",
    answer=schema.Reward,
    status=201,
    errors=(RewardCapReached, TooManyOpen, WalletFrozen, AccountNotFound),
)
def begin_reward() -> tuple[dict[str, Any], int]:
    """Begin a rewarded ad; tokens come when the network has told us, server to server, that it was seen."""
    w = web()
    visitor = current_visitor(w)
    command = BeginReward(visitor.account_id, visitor.device_id, visitor.ip_key, w.settings.ad_unit)
    return _reward(w.call(w.container.begin_reward, current_actor(), command)), 201


@api.get("/ads/rewards/<id>", may=READ, answer=schema.Reward, errors=(RewardNotFound, AccountNotFound))
def one_reward(path: schema.RewardPath) -> dict[str, Any]:
    """Say where a rewarded ad stands."""
    w = web()
    return _reward(w.call(w.container.find_reward, path.id, acting_account()))


def _look() -> Look:
    return Look(current_actor(), correlation_id.get())


def _wallet(
    w: Web, account: AccountId, query: schema.WalletQuery, look: Look | None = None
) -> dict[str, Any]:
    wanted = Instants(query.at, query.known_at)
    found: WalletState = w.call(w.container.wallet_state, account, wanted, look=look)
    answer = schema.Wallet(
        at=found.at,
        known_at=found.known_at,
        is_final=found.is_final,
        bonus=found.tokens.get("bonus", 0),
        paid=found.tokens.get("paid", 0),
        tokens=found.tokens,
        held=found.held,
        expired=found.expired,
        is_frozen=found.is_frozen,
        lots=[
            schema.Lot(
                kind=lot.kind,
                tokens=lot.tokens,
                effective_from=lot.effective_from,
                expires_at=lot.expires_at,
            )
            for lot in found.lots
        ],
    )
    return answer.model_dump(mode="json")


def _expiring(
    w: Web, account: AccountId, query: schema.ExpiringQuery, look: Look | None = None
) -> dict[str, Any]:
    within = timedelta(days=query.within_days)
    found: ExpiringState = w.call(w.container.wallet_expiring, account, within, look=look)
    answer = schema.Expiring(
        at=found.at,
        until=found.until,
        expiring=[
            schema.SoonGone(kind=item.kind, tokens=item.tokens, expires_at=item.expires_at)
            for item in found.tokens
        ],
    )
    return answer.model_dump(mode="json")


def _entries(
    w: Web, account: AccountId, query: schema.EntriesQuery, look: Look | None = None
) -> dict[str, Any]:
    place, owner = None, None
    if query.cursor:
        # A guest may have become a member since: where their page ended is no place in the member's wallet.
        owner = w.call(w.container.find_account, account).id
        place = w.statement_cursors.read(query.cursor, owner)
    page: LedgerPage = w.call(w.container.ledger_page, account, place, query.limit, of=owner, look=look)
    answer = schema.Entries(
        entries=[_entry(line) for line in page.lines],
        next_cursor=w.statement_cursors.show(page.next, page.account_id) if page.next else None,
    )
    return answer.model_dump(mode="json")


def _statement(w: Web, account: AccountId, look: Look | None = None) -> Response:
    """Send the history page by page: no more than a page of it is ever held."""
    first: LedgerPage = w.call(w.container.ledger_page, account, None, wallet_files.PAGE, look=look)

    def body() -> Iterator[bytes]:
        yield wallet_files.csv_head()
        page = first
        yield wallet_files.csv_rows(page.lines)
        while page.next is not None:
            # That staff look is on record once for the file. Where a guest becomes a member meanwhile,
            # it ends in an error: the rest is no page of the member's.
            page = w.call(
                w.container.ledger_page, page.account_id, page.next, wallet_files.PAGE, of=page.account_id
            )
            yield wallet_files.csv_rows(page.lines)

    clock: Clock = w.container.clock()
    name = f"wallet-{clock.now():%Y-%m-%d}.csv"
    response = Response(body(), content_type=f"{wallet_files.MEDIA_TYPE}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _entry(line: LedgerLine) -> schema.Entry:
    title, corrects = line.title, line.corrects
    return schema.Entry(
        number=line.number,
        at=line.at,
        recorded_at=line.recorded_at,
        operation=line.operation,
        tokens=dict(line.tokens),
        held=dict(line.held),
        balance_after=dict(line.after),
        source=line.source,
        rule_version=line.rule_version,
        title=schema.EntryTitle(type=title.type.value, id=title.short_id, name=title.name) if title else None,
        reference=line.reference,
        lots=[_lot(piece) for piece in line.lots],
        corrects=schema.Corrected(
            number=corrects.number,
            reference=corrects.reference,
            operation=corrects.operation,
            at=corrects.at,
        )
        if corrects
        else None,
        hold_until=line.hold_until,
        expired=line.expired,
        uncollectable=line.uncollectable,
        withdrawn=line.withdrawn,
    )


def _lot(piece: LinePiece) -> schema.EntryLot:
    return schema.EntryLot(
        kind=piece.kind,
        tokens=piece.tokens,
        created_at=piece.created_at,
        effective_from=piece.effective_from,
        expires_at=piece.expires_at,
    )


def _reward(reward: Reward) -> dict[str, Any]:
    is_open = reward.status is RewardStatus.PENDING
    answer = schema.Reward(
        id=reward.id,
        status=reward.status.value,
        custom_data=reward.nonce if is_open else None,
        ad_unit=reward.ad_unit,
        expires_at=reward.expires_at,
        settled_at=reward.settled_at,
        note=reward.note,
    )
    return answer.model_dump(mode="json")
