"""The ways access says no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound


@attrs.define
class NotPermitted(Forbidden):
    """The actor's roles do not include the permission for this thing."""

    code = "access.not_permitted"

    permission: str
    reason: str = "no_role"

    def message(self) -> str:
        if self.reason == "impersonating":
            return f"You look as somebody else: {self.permission} is theirs alone. Stop looking as them."
        if self.reason == "not_a_person":
            return "A person who signed in with a second factor approves; the command line does not."
        if self.reason == "out_of_scope":
            return f"Your role has the permission {self.permission}, but not for this. Ask an administrator."
        return f"You may not do this: it needs the permission {self.permission}. Ask an administrator for it."


@attrs.define
class SecondFactorNeeded(Forbidden):
    """The session has to prove a second factor first."""

    code = "access.second_factor_needed"

    permission: str

    def message(self) -> str:
        return "Confirm that it is you with the six digits of your authenticator, then go on."


@attrs.define
class UnknownRole(NotFound):
    """There is no such role."""

    code = "access.unknown_role"

    role: str

    def message(self) -> str:
        return f"There is no role {self.role!r}. The list of roles shows those that there are."


@attrs.define
class BadRole(Invalid):
    """The role cannot be defined like this."""

    code = "access.bad_role"

    role: str
    problem: str

    def message(self) -> str:
        return f"The role {self.role!r} cannot be kept: {self.problem}."


@attrs.define
class RoleInUse(Conflict):
    """The role is assigned to somebody or included in another role."""

    code = "access.role_in_use"

    role: str
    users: int

    def message(self) -> str:
        return f"{self.users} assignments or roles still use {self.role!r}. Take it away there first."


@attrs.define
class BadScope(Invalid):
    """The role does not go with this scope."""

    code = "access.bad_scope"

    role: str
    scope: str
    allowed: tuple[str, ...]

    def message(self) -> str:
        return f"The role {self.role!r} is given {' or '.join(self.allowed)}, not {self.scope}."


@attrs.define
class BeyondOwnReach(Forbidden):
    """Nobody gives, takes or resets what goes beyond their own permissions."""

    code = "access.beyond_own_reach"

    permission: str

    def message(self) -> str:
        return f"This reaches further than you do: you do not have {self.permission} there. Ask one who has."


@attrs.define
class NotAssigned(NotFound):
    """The account does not have this role within this scope."""

    code = "access.not_assigned"

    role: str
    scope: str

    def message(self) -> str:
        return f"This account does not have the role {self.role!r} ({self.scope}). Nothing was changed."


@attrs.define
class LastSuperAdmin(Conflict):
    """Nobody else could give roles any more."""

    code = "access.last_super_admin"

    def message(self) -> str:
        return "This is the last super admin. Give the role to somebody else before taking it away here."


@attrs.define
class ApprovalNotFound(NotFound):
    """There is no such request, or not for this actor."""

    code = "access.approval_not_found"

    request_id: str

    def message(self) -> str:
        return "There is no such request. The list of requests shows those that wait."


@attrs.define
class OwnRequest(Forbidden):
    """Nobody approves what they asked for themselves."""

    code = "access.own_request"

    request_id: str

    def message(self) -> str:
        return "You asked for this yourself: somebody else decides. You may withdraw it."


@attrs.define
class OwnAccount(Forbidden):
    """Nobody does this to their own account, nor approves what somebody else would do to it."""

    code = "access.own_account"

    def message(self) -> str:
        return "This is about your own account: somebody else has to do it."


@attrs.define
class RequestAltered(Conflict):
    """The stored request is not the one that the audit tells of."""

    code = "access.request_altered"

    request_id: str

    def message(self) -> str:
        return "This request was altered after it was made. Nothing was done; run `buddy verify`."


@attrs.define
class NotOwnRequest(Forbidden):
    """Only whoever asked withdraws a request."""

    code = "access.not_own_request"

    request_id: str

    def message(self) -> str:
        return "Somebody else asked for this: reject it instead of withdrawing it."


@attrs.define
class ApprovalDecided(Conflict):
    """The request has been decided before."""

    code = "access.approval_decided"

    request_id: str
    outcome: str

    def message(self) -> str:
        return f"This request was {self.outcome} before; it is decided once."


@attrs.define
class ApprovalExpired(Conflict):
    """The request waited too long."""

    code = "access.approval_expired"

    request_id: str
    expired_at: datetime

    def message(self) -> str:
        return f"This request expired at {self.expired_at:%Y-%m-%d %H:%M} UTC. Ask for it anew."


@attrs.define
class RequesterLacksPermission(Conflict):
    """Whoever asked may not do it themselves any more."""

    code = "access.requester_lacks_permission"

    permission: str

    def message(self) -> str:
        return f"Whoever asked for this has lost the permission {self.permission} since. Reject the request."


@attrs.define
class ReasonMissing(Invalid):
    """The act needs a reason for whoever reads the audit."""

    code = "access.reason_missing"

    def message(self) -> str:
        return "Say why, in 3 to 500 characters, for whoever reads the audit."
