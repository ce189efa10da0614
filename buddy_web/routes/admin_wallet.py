"""The desk's pages about one wallet: its entries, and refunding, reversing or adjusting one of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import frozen
from flask import Blueprint, abort, request
from werkzeug.wrappers import Response

from buddy_core.access import SECOND_PERSON_RULES, check_reason
from buddy_core.accounts import Account
from buddy_core.flows import (
    AdjustLot,
    AdjustmentForeseen,
    Awaiting,
    RefundedUnlock,
    RefundUnlock,
    ReversedEarning,
    ReverseEarning,
)
from buddy_core.kernel.errors import BuddyError
from buddy_core.tokens import BadTokenAmount
from buddy_core.views import EntryFound, LotNow, StaffWallet
from buddy_core.views.admin_wallet import Act
from buddy_core.views.errors import WalletEntryNotFound
from buddy_core.views.ledger import Look
from buddy_web.app import Web, web
from buddy_web.errors import status_of
from buddy_web.forms import submission_key, text, whole_number
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import current_actor, permission
from buddy_web.routes.api_tokens_admin import ADJUST, REFUND, REVERSE, entry_named, lot_of
from buddy_web.routes.desk import show_desk, user_named
from buddy_web.statement_cursors import LONGEST

admin_wallet = Blueprint("admin_wallet", __name__, url_prefix="/admin/users/<opaque_id:user>")

_SIGNED = re.compile(r"[+-]?[0-9]{1,17}", re.ASCII)
_LINES = 20


@frozen
class EntryPage:
    """One entry and the form of an act upon it.

    `refund`, `reversal` or `adjustment` is what the act would come to now; the last one once an
    amount was typed, for the lot `lot`. `problem` says what did not work.
    """

    account: Account
    act: Act
    found: EntryFound
    key: str
    refund: RefundedUnlock | None = None
    reversal: ReversedEarning | None = None
    adjustment: AdjustmentForeseen | None = None
    lot: LotNow | None = None
    alone: int = 0
    problem: str | None = None
    typed: dict[str, str] | None = None

    def was(self, name: str, otherwise: str = "") -> str:
        """Return what was typed into a field."""
        return (self.typed or {}).get(name, otherwise)


@frozen
class WalletShown:
    """A page of an account's wallet, or of a guest's that came along."""

    account: Account
    wallet: StaffWallet
    older_url: str | None


@admin_wallet.get("/wallet")
@permission("user:read")
def wallet(user: str) -> Response:
    """Show what happened to a wallet, and what may be done about it."""
    w = web()
    account = user_named(w, user)
    through = text(request.args, "through", longest=40) or None
    before = text(request.args, "before", longest=LONGEST)
    place = w.statement_cursors.read(before, account.id, through or "") if before else None
    found: StaffWallet = w.call(w.container.staff_wallet, _look(), account.id, through, place, _LINES)
    base = f"/admin/users/{user}/wallet?"
    also = f"through={through}&" if through else ""
    older = None
    if found.older:
        older = f"{base}{also}before={w.statement_cursors.show(found.older, account.id, through or '')}"
    page = WalletShown(account, found, older)
    return show_desk(w, "admin_wallet.html", page, public_id=w.public_ids.show(account.id))


@admin_wallet.get("/entries/<entry>/refund")
@permission(REFUND)
def refund_form(user: str, entry: str) -> Response:
    """Show what a refund would come to, and ask why."""
    return _show_entry(user, entry, "refund")


@admin_wallet.post("/entries/<entry>/refund")
@permission(REFUND)
def refund(user: str, entry: str) -> Response:
    """Give back what the entry spent."""
    w = web()

    def give_back(account: Account, found: EntryFound, key: str, reason: str) -> None:
        command = RefundUnlock(account.id, found.entry_id, reason, key)
        w.call(w.container.refund_unlock, current_actor(), command, correlation_id=correlation_id.get())

    return _act(user, entry, "refund", give_back, "refunded")


@admin_wallet.get("/entries/<entry>/reverse")
@permission(REVERSE)
def reverse_form(user: str, entry: str) -> Response:
    """Show what a reversal would come to, and ask why."""
    return _show_entry(user, entry, "reverse")


@admin_wallet.post("/entries/<entry>/reverse")
@permission(REVERSE)
def reverse(user: str, entry: str) -> Response:
    """Take back what the entry brought in."""
    w = web()

    def take_back(account: Account, found: EntryFound, key: str, reason: str) -> None:
        command = ReverseEarning(account.id, found.entry_id, reason, key)
        w.call(w.container.reverse_earning, current_actor(), command, correlation_id=correlation_id.get())

    return _act(user, entry, "reverse", take_back, "reversed")


@admin_wallet.get("/entries/<entry>/adjust")
@permission(ADJUST)
def adjust_form(user: str, entry: str) -> Response:
    """Ask which lot to put right, by how much and why."""
    return _show_entry(user, entry, "adjust")


@admin_wallet.post("/entries/<entry>/adjust")
@permission(ADJUST)
def adjust(user: str, entry: str) -> Response:
    """Show what an adjustment does; once that was seen, make it or ask a second person."""
    w = web()
    account = user_named(w, user)
    form = {name: text(request.form, name) for name in ("lot", "tokens", "reason")}
    found = _named(w, account, entry, ADJUST)
    if request.form.get("seen") != "yes":
        return _show_entry(user, entry, "adjust", typed=form)
    try:
        lot_id = lot_of(found, whole_number(form, "lot") or 0)
        tokens = _signed(form["tokens"])
        key = submission_key(request.form) or w.container.ids().opaque("adj")
        command = AdjustLot(account.id, found.entry_id, lot_id, tokens, form["reason"], key)
        done = w.call(w.container.adjust_lot, current_actor(), command, correlation_id=correlation_id.get())
    except BuddyError as error:
        return _show_entry(user, entry, "adjust", typed=form, problem=error)
    if isinstance(done, Awaiting):
        return go(f"/admin/users/{user}?waiting={done.request_id}")
    return go(f"/admin/users/{user}?done=adjusted")


def _act(
    user: str, entry: str, act: Act, work: Callable[[Account, EntryFound, str, str], None], done: str
) -> Response:
    """Do what needs nothing but a reason; a refusal is said at the form."""
    w = web()
    account, reason = user_named(w, user), text(request.form, "reason")
    found = _named(w, account, entry, {"refund": REFUND, "reverse": REVERSE}[act])
    key = submission_key(request.form) or w.container.ids().opaque("cor")
    try:
        work(account, found, key, reason)
    except BuddyError as error:
        return _show_entry(user, entry, act, typed={"reason": reason}, problem=error)
    return go(f"/admin/users/{user}?done={done}")


def _show_entry(
    user: str,
    entry: str,
    act: Act,
    *,
    typed: dict[str, str] | None = None,
    problem: BuddyError | None = None,
) -> Response:
    w = web()
    account = user_named(w, user)
    needs = {"refund": REFUND, "reverse": REVERSE, "adjust": ADJUST}[act]
    found = _named(w, account, entry, needs, is_recorded=True)
    refund: RefundedUnlock | None = None
    reversal: ReversedEarning | None = None
    adjustment: AdjustmentForeseen | None = None
    lot: LotNow | None = None
    try:
        if act == "refund":
            wanted = RefundUnlock(account.id, found.entry_id, "", "foreseen")
            refund = w.call(w.container.foresee_refund, current_actor(), wanted)
        elif act == "reverse":
            taken = ReverseEarning(account.id, found.entry_id, "", "foreseen")
            reversal = w.call(w.container.foresee_reversal, current_actor(), taken)
        elif typed and problem is None:
            lot = found.lot(whole_number(typed, "lot") or 0)
            lot_id, tokens = lot_of(found, lot.place if lot else 0), _signed(typed["tokens"])
            change = AdjustLot(account.id, found.entry_id, lot_id, tokens, "", "foreseen")
            adjustment = w.call(w.container.foresee_adjustment, current_actor(), change)
            check_reason(typed["reason"])
    except BuddyError as error:
        problem, adjustment = problem or error, None
    page = EntryPage(
        account=account,
        act=act,
        found=found,
        key=w.container.ids().opaque("cor"),
        refund=refund,
        reversal=reversal,
        adjustment=adjustment,
        lot=lot,
        alone=int(SECOND_PERSON_RULES["tokens.adjust"].above),
        problem=problem.message() if problem else None,
        typed=typed,
    )
    status = status_of(problem)[0] if problem else 200
    return show_desk(w, "admin_entry.html", page, status=status, public_id=w.public_ids.show(account.id))


def _named(w: Web, account: Account, reference: str, needs: str, *, is_recorded: bool = False) -> EntryFound:
    """Return the entry of an address; where none is called so, there is no page."""
    try:
        return entry_named(w, account.id, reference, needs, is_recorded=is_recorded)
    except WalletEntryNotFound:
        abort(404)


def _signed(typed: str) -> int:
    """Return a number of tokens with its sign.

    Raises:
        BadTokenAmount: it is none.
    """
    number = typed.strip().replace("−", "-")
    if not _SIGNED.fullmatch(number) or int(number) == 0:
        raise BadTokenAmount(typed[:40])
    return int(number)


def _look() -> Look:
    return Look(current_actor(), correlation_id.get())
