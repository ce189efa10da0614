"""The desk's pages about access: what waits for a second person, users, and roles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, frozen
from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from buddy_core.access import (
    SECOND_PERSON_RULES,
    ApprovalState,
    NotPermitted,
    Outcome,
    Permission,
    Role,
    ScopeKind,
    SecondFactorNeeded,
    UnknownRole,
    may,
)
from buddy_core.accounts import Account
from buddy_core.flows import (
    Asked,
    AssignRole,
    Awaiting,
    DecideRequest,
    FindUsers,
    GrantTokens,
    Impersonate,
    UserRecord,
    UsersFound,
)
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.kernel.ids import AccountId
from buddy_core.sessions import POLICY, Started
from buddy_core.tokens import FreezeWallet
from buddy_core.views import (
    AdminApprovals,
    AdminUser,
    AdminUsers,
    ExplainWanted,
    RequestShown,
    StaffWallet,
    UserAside,
)
from buddy_core.views.admin_roles import AdminRoles, RoleShown
from buddy_core.views.ledger import Look
from buddy_web.app import Web, web
from buddy_web.errors import InvalidRequest, status_of
from buddy_web.forms import submission_key, text, whole_number
from buddy_web.logs import correlation_id
from buddy_web.pages import go
from buddy_web.permissions import SECOND_FACTOR, current_actor, current_session, current_who, permission
from buddy_web.routes.account_pages import label
from buddy_web.routes.desk import show_desk, user_named

admin_access = Blueprint("admin_access", __name__, url_prefix="/admin")

_OUTCOMES = {"approve": Outcome.APPROVED, "reject": Outcome.REJECTED, "withdraw": Outcome.WITHDRAWN}
_USER_DONE = {
    "role_given",
    "role_taken",
    "signed_out",
    "factor_reset",
    "tokens_given",
    "refunded",
    "reversed",
    "adjusted",
    "frozen",
    "unfrozen",
}
_NEWEST_LINES = 5
_SCOPES = (ScopeKind.GLOBAL, ScopeKind.PARTNER, ScopeKind.TERRITORY)
_LOOK_MINUTES = 15


# ---- what waits for a second person


@admin_access.get("/approvals")
@permission("approval:read")
def approvals() -> Response:
    """Show what waits, and below it what was decided."""
    w = web()
    done = request.args.get("done", "")
    page = _approvals(w)
    known = {outcome.value for outcome in Outcome}
    return _show_approvals(w, evolve(page, done=done if done in known else None))


@admin_access.get("/approvals/<opaque_id:request_id>")
@permission("approval:read")
def approval(request_id: str) -> Response:
    """Show one request."""
    w = web()
    return _show_approvals(w, _one(w, request_id))


@admin_access.post("/approvals/<opaque_id:request_id>")
@permission("approval:read")
def decide(request_id: str) -> Response:
    """Approve, reject or withdraw; what is approved is done in the same moment."""
    w = web()
    outcome = _OUTCOMES.get(request.form.get("decision", ""))
    if outcome is None:
        raise InvalidRequest(({"field": "decision", "problem": "must be approve, reject or withdraw"},))
    reason = text(request.form, "reason")
    command = DecideRequest(request_id, outcome, reason)
    try:
        w.call_long(w.container.decide_request, current_actor(), command, correlation_id=correlation_id.get())
    except SecondFactorNeeded:
        return go(f"{SECOND_FACTOR}?{urlencode({'next': request.path})}")
    except BuddyError as error:
        page = evolve(_one(w, request_id), problem=error.message(), problem_id=request_id, reason=reason)
        return _show_approvals(w, page, status=status_of(error)[0])
    return go(f"/admin/approvals?done={outcome.value}")


def _approvals(w: Web) -> AdminApprovals:
    actor = current_actor()
    waiting: Sequence[Asked] = w.call(w.container.list_requests, actor)
    newest: Sequence[Asked] = w.call(w.container.list_requests, actor, undecided=False)
    decided = [item for item in newest if item.state is not ApprovalState.PENDING]
    return AdminApprovals(_shown(w, waiting), _shown(w, decided))


def _one(w: Web, request_id: str) -> AdminApprovals:
    found: Asked = w.call(w.container.find_request, current_actor(), request_id)
    shown = _shown(w, [found])
    is_pending = found.state is ApprovalState.PENDING
    return AdminApprovals(shown if is_pending else (), () if is_pending else shown, is_one=True)


def _shown(w: Web, asked: Sequence[Asked]) -> tuple[RequestShown, ...]:
    found: tuple[RequestShown, ...] = w.call(
        w.container.show_requests, current_actor(), asked, correlation_id=correlation_id.get()
    )
    return found


def _show_approvals(w: Web, page: AdminApprovals, *, status: int = 200) -> Response:
    more = {} if page.is_one else {"waiting": len(page.waiting)}
    return show_desk(w, "admin_approvals.html", page, status=status, **more)


# ---- users


@admin_access.get("/users")
@permission("user:read")
def users() -> Response:
    """Find members by the start of their address; nothing typed: the newest."""
    w = web()
    email = text(request.args, "email", longest=254)
    after = _after(w)
    found: UsersFound = w.call(
        w.container.find_users,
        current_actor(),
        FindUsers(email, after),
        correlation_id=correlation_id.get(),
    )
    rows = w.call(w.container.name_roles, found.users)
    page = AdminUsers(rows, email, found.next_after, after is not None)
    return show_desk(w, "admin_users.html", page, public_id=w.public_ids.show)


@admin_access.get("/users/<opaque_id:user>")
@permission("user:read")
def user(user: str) -> Response:
    """Show one account, and what the actor may do about it."""
    w = web()
    return _show_user(w, user_named(w, user))


@admin_access.post("/users/<opaque_id:user>/roles")
@permission("role:assign")
def change_role(user: str) -> Response:
    """Give a role or take it away."""
    w = web()
    account, takes = user_named(w, user), request.form.get("act") == "take"
    form = {name: text(request.form, name) for name in ("role", "where", "producer", "territory")}
    try:
        command = _assignment(account, form)
        handler = w.container.revoke_role if takes else w.container.assign_role
        w.call(handler, current_actor(), command, correlation_id=correlation_id.get())
    except BuddyError as error:
        return _failed(w, account, "take" if takes else "role", form, error)
    return _done(user, "role_taken" if takes else "role_given")


@admin_access.post("/users/<opaque_id:user>/sign-out")
@permission("session:revoke")
def sign_out_user(user: str) -> Response:
    """End every session of the account."""
    return _with_reason(user, web().container.sign_out_user, "sign-out", "signed_out")


@admin_access.post("/users/<opaque_id:user>/second-factor")
@permission("second_factor:reset")
def reset_second_factor(user: str) -> Response:
    """Take away a second factor that its owner has lost."""
    return _with_reason(user, web().container.reset_second_factor, "second-factor", "factor_reset")


@admin_access.post("/users/<opaque_id:user>/tokens")
@permission("tokens:grant")
def grant_tokens(user: str) -> Response:
    """Give tokens; many of them wait for a second person."""
    w = web()
    account = user_named(w, user)
    form = {name: text(request.form, name) for name in ("tokens", "reason")}
    key = submission_key(request.form) or w.container.ids().opaque("gft")
    try:
        wanted = GrantTokens(account.id, whole_number(request.form, "tokens") or 0, form["reason"], key)
        given = w.call(w.container.grant_tokens, current_actor(), wanted, correlation_id=correlation_id.get())
    except BuddyError as error:
        return _failed(w, account, "tokens", form, error)
    if isinstance(given, Awaiting):
        return go(f"/admin/users/{user}?waiting={given.request_id}")
    return _done(user, "tokens_given")


@admin_access.post("/users/<opaque_id:user>/freeze")
@permission("wallet:freeze")
def freeze_wallet(user: str) -> Response:
    """Freeze the wallet, or let it go on."""
    w = web()
    account, actor, act = user_named(w, user), current_actor(), request.form.get("act")
    if act not in ("freeze", "unfreeze"):
        raise InvalidRequest(({"field": "act", "problem": "must be freeze or unfreeze"},))
    reason = text(request.form, "reason")
    key = submission_key(request.form) or w.container.ids().opaque("frz")
    try:
        command = FreezeWallet(account.id, act == "freeze", reason, actor.name, key)
        w.call(w.container.freeze_wallet, actor, command, correlation_id=correlation_id.get())
    except NotPermitted:
        # Some may freeze who may not look at accounts: their refusal is not said on an account's page.
        raise
    except BuddyError as error:
        return _failed(w, account, "freeze", {"reason": reason}, error)
    return _done(user, "frozen" if act == "freeze" else "unfrozen")


@admin_access.post("/users/<opaque_id:user>/look")
@permission("user:impersonate")
def look_as_user(user: str) -> Response:
    """Look at the service as this member, reading only, for a time."""
    w = web()
    account = user_named(w, user)
    form = {name: text(request.form, name) for name in ("minutes", "reason")}
    wanted = Impersonate(
        account.id, form["reason"], max(1, whole_number(request.form, "minutes") or _LOOK_MINUTES)
    )
    try:
        started: Started = w.call(
            w.container.begin_impersonation,
            current_actor(),
            wanted,
            current_session(),
            label=label(),
            correlation_id=correlation_id.get(),
        )
    except BuddyError as error:
        return _failed(w, account, "look", form, error)
    w.visitors.remember_looking(started)
    return go("/")


@admin_access.get(
    "/users/<opaque_id:user>/<any(roles, 'sign-out', 'second-factor', tokens, freeze, look):form>"
)
@permission("user:read")
def back_to_user(user: str, form: str) -> Response:
    """Lead back to the account: whoever proved themselves on the way to a form comes by here."""
    return redirect(f"/admin/users/{user}", 303)


def _show_user(
    w: Web,
    account: Account,
    *,
    problem: BuddyError | None = None,
    at: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    actor, asked = current_actor(), _explain_wanted()
    # Looking is recorded before anything is shown.
    record: UserRecord = w.call(
        w.container.look_at_user, actor, account.id, correlation_id=correlation_id.get()
    )
    try:
        aside: UserAside = w.call(w.container.user_aside, actor, account.id, asked)
    except InvalidValue as error:
        problem, at = error, "explain"
        aside = w.call(w.container.user_aside, actor, account.id, None)
    look = Look(actor, correlation_id.get())
    wallet: StaffWallet = w.call(w.container.staff_wallet, look, record.account.id, None, None, _NEWEST_LINES)
    done = request.args.get("done", "")
    who = current_who()
    page = AdminUser(
        record=record,
        aside=aside,
        is_self=record.account.id == who.account.id,
        wallet=wallet,
        requests=_waiting_about(w, record.account.id),
        freeze_key=w.container.ids().opaque("frz"),
        grant_key=w.container.ids().opaque("gft"),
        grant_alone=int(SECOND_PERSON_RULES["tokens.grant"].above),
        look_minutes=int(POLICY.impersonation_life.total_seconds()) // 60,
        this_session=who.session.id if who.session else None,
        done=done if done in _USER_DONE and problem is None else None,
        waiting_id=_request_id(),
        problem=problem.message() if problem else None,
        problem_at=at,
        typed=typed,
    )
    return show_desk(
        w,
        "admin_user.html",
        page,
        status=status_of(problem)[0] if problem else 200,
        public_id=w.public_ids.show(record.account.id),
    )


def _waiting_about(w: Web, account_id: AccountId) -> tuple[RequestShown, ...]:
    """Return what waits for a second person about an account; nothing where the actor may not see it."""
    actor = current_actor()
    if not may(actor, "approval:read"):
        return ()
    waiting: Sequence[Asked] = w.call(w.container.list_requests, actor)
    mine = [item for item in waiting if item.request.resource == str(account_id)]
    return _shown(w, mine) if mine else ()


def _failed(w: Web, account: Account, at: str, typed: dict[str, str], error: BuddyError) -> Response:
    """Show the account again, with what did not work at its form."""
    return _show_user(w, account, problem=error, at=at, typed=typed)


def _done(user: str, what: str) -> Response:
    return go(f"/admin/users/{user}?done={what}")


def _with_reason(user: str, handler: Callable[..., Any], form: str, done: str) -> Response:
    """Do to an account what needs nothing but a reason; a refusal is said at its form."""
    w = web()
    account, reason = user_named(w, user), text(request.form, "reason")
    try:
        w.call(handler, current_actor(), account.id, reason, correlation_id=correlation_id.get())
    except BuddyError as error:
        return _failed(w, account, form, {"reason": reason}, error)
    return _done(user, done)


def _assignment(account: Account, form: dict[str, str]) -> AssignRole:
    """Return the command of the form; a place that was not chosen does not count, whatever is in its field.

    Raises:
        InvalidValue: it does not say where, or a producer or territory was to be named, and is not.
    """
    named = {"global": "", "partner": form["producer"], "territory": form["territory"]}
    where = form["where"]
    if where not in named:
        raise InvalidValue("where", "choose everywhere, one producer or one territory")
    if where != "global" and not named[where]:
        raise InvalidValue("where", "name the producer or the territory that the role is for")
    return AssignRole(
        account.email or "",
        form["role"],
        named[where] if where == "partner" else None,
        named[where] if where == "territory" else None,
    )


def _explain_wanted() -> ExplainWanted | None:
    name = text(request.args, "permission")
    if not name:
        return None
    return ExplainWanted(name, text(request.args, "producer"), text(request.args, "territory"))


def _after(w: Web) -> AccountId | None:
    """Return the account after which the list goes on."""
    candidates = w.public_ids.read(request.args.get("after", ""))
    return candidates[0] if candidates else None


def _request_id() -> str | None:
    found = request.args.get("waiting", "")
    return found if found.startswith("apr_") and len(found) == 36 and found[4:].isalnum() else None


# ---- roles


@frozen
class RoleForm:
    """The form of a custom role: what is typed or kept, and what there is to choose from."""

    role: Role
    is_new: bool
    book: AdminRoles
    problem: str | None = None

    @property
    def others(self) -> tuple[RoleShown, ...]:
        """Return the roles that this one may include."""
        return tuple(item for item in self.book.roles if item.role.name != self.role.name)


@admin_access.get("/roles")
@permission("role:read")
def roles() -> Response:
    """Show every role: what it may do, and who has it."""
    w = web()
    done = request.args.get("done", "")
    page = _book(w)
    return show_desk(
        w, "admin_roles.html", page, done=done if done in ("saved", "dropped") else None, problem=None
    )


@admin_access.get("/roles/form")
@permission("role:edit")
def role_form() -> Response:
    """Show the form of a new custom role, or of one that is there."""
    w = web()
    book, name = _book(w), text(request.args, "role")
    if not name:
        # The name is checked when it is saved; until then something must stand for it.
        return _show_role_form(w, RoleForm(Role("new_role", "New role"), True, book))
    for item in book.roles:
        if item.role.name == name and not item.is_built_in:
            return _show_role_form(w, RoleForm(item.role, False, book))
    raise UnknownRole(name)


@admin_access.post("/roles/form")
@permission("role:edit")
def save_role() -> Response:
    """Keep a custom role; whoever has it may what it says from now on."""
    w = web()
    is_new = request.form.get("is_new") == "yes"
    permissions, includes = request.form.getlist("permissions"), request.form.getlist("includes")
    scopes = frozenset(kind for kind in _SCOPES if kind.value in request.form.getlist("scopes"))
    draft = Role("new_role", "New role", frozenset(permissions), frozenset(includes), scopes)
    typed = {name: text(request.form, name).strip() for name in ("name", "title", "note")}
    try:
        role = evolve(draft, name=typed["name"], title=typed["title"], note=typed["note"])
        book = _book(w)
        if is_new and any(item.role.name == role.name for item in book.roles):
            raise InvalidValue("name", f"{role.name!r} is a role already; edit that one or choose another")
        w.call(w.container.define_role, current_actor(), role, correlation_id=correlation_id.get())
    except BuddyError as error:
        form = RoleForm(draft, is_new, _book(w), error.message())
        return _show_role_form(w, form, typed, status=status_of(error)[0])
    return go("/admin/roles?done=saved")


@admin_access.post("/roles")
@permission("role:edit")
def drop_role() -> Response:
    """Remove a custom role that nobody has."""
    w = web()
    name = text(request.form, "role")
    try:
        w.call(w.container.drop_role, current_actor(), name, correlation_id=correlation_id.get())
    except BuddyError as error:
        page = _book(w)
        status = status_of(error)[0]
        return show_desk(w, "admin_roles.html", page, status=status, done=None, problem=error.message())
    return go("/admin/roles?done=dropped")


def _show_role_form(
    w: Web, form: RoleForm, typed: dict[str, str] | None = None, *, status: int = 200
) -> Response:
    kept = {"name": form.role.name, "title": form.role.title, "note": form.role.note}
    shown = typed or ({"name": "", "title": "", "note": ""} if form.is_new else kept)
    groups: dict[str, list[Permission]] = {}
    for item in form.book.permissions:
        groups.setdefault(item.name.partition(":")[0], []).append(item)
    return show_desk(w, "admin_role_form.html", form, status=status, typed=shown, groups=groups)


def _book(w: Web) -> AdminRoles:
    found: AdminRoles = w.call(w.container.roles_page, current_actor(), correlation_id=correlation_id.get())
    return found
