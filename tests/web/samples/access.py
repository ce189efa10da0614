"""Sample values for accounts, second factors, and the desk's pages about access."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from uuid import UUID

from attrs import evolve

from buddy_core.access import BUILT_IN, PERMISSIONS, ApprovalState, Assignment, Role
from buddy_core.accounts import Account, AccountType
from buddy_core.flows import FoundUser, UserRecord
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.sessions import LoginSession
from buddy_core.views import (
    AccountPage,
    AdminApprovals,
    AdminRoles,
    AdminUser,
    AdminUsers,
    DemoCode,
    Explained,
    GivenRole,
    Holder,
    RequestShown,
    RoleChoice,
    RoleShown,
    SecondFactorPage,
    SessionShown,
    UserAside,
    UserRow,
    ValueStep,
    WantedAdjustment,
    WantedGrant,
    WantedValue,
)
from buddy_web.pages import Looking
from buddy_web.routes.admin_access import RoleForm
from tests.web.samples import wallets
from tests.web.samples.viewing import NOW

_ASHA = AccountId(UUID("01890000-0000-7000-8000-000000000001"))
_STAFF = AccountId(UUID("01890000-0000-7000-8000-000000000002"))
_HERE, _THERE = LoginSessionId("sgn_" + "a" * 32), LoginSessionId("sgn_" + "b" * 32)
_URI = "otpauth://totp/Buddy:asha%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Buddy"

LOOKING = Looking("asha@example.com", NOW + timedelta(minutes=15), "Ticket 4711: an unlock is missing")
ACCOUNT = AccountPage(
    (
        SessionShown(_HERE, "Chrome on Android", NOW, NOW, is_this=True, is_proven=True),
        SessionShown(_THERE, "", NOW - timedelta(days=2), NOW - timedelta(days=3)),
        SessionShown(_THERE, "Firefox on Linux", NOW, NOW, is_staff_looking=True),
    ),
    True,
    NOW,
    "ended",
)
ACCOUNT_PLAIN = evolve(ACCOUNT, has_second_factor=False, factor_since=None, done=None)
FACTOR_NONE = SecondFactorPage("none")
FACTOR_NEW = SecondFactorPage("enrolling", "/admin", _URI, "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
FACTOR_ASKED = SecondFactorPage("asked", "/admin", demo=DemoCode("123456", 0))
FACTOR_WRONG = SecondFactorPage(
    "asked", problem="This code is wrong or was used before.", demo=DemoCode(None, 12)
)
FACTOR_PROVEN = SecondFactorPage("proven", "/admin")

_VALUE = RequestShown(
    "apr_" + "1" * 32,
    "token_value.set",
    ApprovalState.PENDING,
    "finance@example.com",
    False,
    True,
    "",
    NOW,
    NOW + timedelta(days=7),
    Fraction(7, 5),
    Fraction(1, 5),
    WantedValue(
        "bonus",
        NOW + timedelta(days=10),
        (
            ValueStep("INR", Fraction(50), Fraction(120), Fraction(7, 5)),
            ValueStep("KWD", None, Fraction(9), None),
            ValueStep("USD", Fraction(3, 5), Fraction(3, 5), Fraction(0)),
        ),
    ),
)
_GRANT = evolve(
    _VALUE,
    id="apr_" + "2" * 32,
    act="tokens.grant",
    is_own=True,
    may_decide=False,
    reason="The service was down for a day",
    measure=Fraction(120),
    above=Fraction(50),
    value=None,
    grant=WantedGrant(_ASHA, "asha@example.com", 120),
)
_ADJUSTMENT = evolve(
    _GRANT,
    id="apr_" + "5" * 32,
    act="tokens.adjust",
    is_own=False,
    reason="Counted twice",
    measure=Fraction(60),
    grant=None,
    adjustment=WantedAdjustment(_ASHA, "asha@example.com", -60, "bonus", "13-0a0b0c0d"),
)
_REJECTED = evolve(
    _GRANT,
    id="apr_" + "3" * 32,
    state=ApprovalState.REJECTED,
    decided_by="secondfinance@example.com",
    decided_at=NOW,
    decision_reason="An hour, not a day",
)
_OTHERS = evolve(_VALUE, id="apr_" + "4" * 32, may_decide=False, measure=None)
APPROVALS = AdminApprovals((_VALUE, _GRANT, _ADJUSTMENT, _OTHERS), (_REJECTED,), "approved")
APPROVALS_EMPTY = AdminApprovals(())
APPROVAL = AdminApprovals((_VALUE,), problem="Say why.", problem_id=_VALUE.id, reason="no", is_one=True)

_MEMBER = Account(_ASHA, AccountType.REGISTERED, NOW, "asha@example.com")
_GIVEN = (
    GivenRole("finance", "Finance / billing", "everywhere"),
    GivenRole("partner_admin", "Partner admin", "Marigold Films", producer="m4rg"),
)
_SESSION = LoginSession(_THERE, _ASHA, NOW, NOW, NOW + timedelta(days=7), "Chrome on Android")
USERS = AdminUsers((UserRow(FoundUser(_MEMBER, ()), _GIVEN),), "asha", _ASHA)
USERS_EMPTY = AdminUsers((), "zzz")
_ASIDE = UserAside(
    (),
    (RoleChoice("finance", "Finance / billing", ("global",)),),
    (("Marigold Films", "m4rg"),),
    tuple(PERMISSIONS.values()),
    Explained("title:watch", "", "", True, ("title:watch on the platform: yes (granted)",)),
)
USER = AdminUser(
    UserRecord(_MEMBER, (), (_SESSION,), True, NOW, 3, False),
    _ASIDE,
    False,
    "gft_1",
    50,
    30,
    wallet=wallets.WALLET,
    requests=(_GRANT, _ADJUSTMENT),
    freeze_key="frz_1",
    done="signed_out",
    waiting_id="apr_" + "1" * 32,
)
USER_STAFF = evolve(
    USER,
    record=UserRecord(_MEMBER, (Assignment(_ASHA, "finance"),), (), False, None, 0, True),
    aside=evolve(_ASIDE, roles=_GIVEN, explained=None),
    is_self=True,
    wallet=wallets.FROZEN,
    requests=(),
    done=None,
    waiting_id=None,
    problem="Say why, in 3 to 500 characters, for whoever reads the audit.",
    problem_at="role",
    typed={"role": "finance", "where": "partner"},
)

_NIGHT = Role("night_desk", "Night desk", frozenset({"user:read"}), frozenset({"analyst"}))
_HOLDER = Holder(_STAFF, "finance@example.com", "everywhere")
ROLES = AdminRoles(
    (
        *(
            RoleShown(role, True, tuple(BUILT_IN.permissions_of(name).values()), (_HOLDER,))
            for name, role in BUILT_IN.roles.items()
        ),
        RoleShown(_NIGHT, False, (PERMISSIONS["user:read"],), ()),
    ),
    tuple(PERMISSIONS.values()),
    (("Marigold Films", "m4rg"),),
    True,
    True,
)
ROLE_NEW = RoleForm(Role("new_role", "New role"), True, ROLES)
ROLE_CHANGED = RoleForm(_NIGHT, False, ROLES, "The role 'night_desk' cannot be kept.")
GROUPS = {"user": [item for item in PERMISSIONS.values() if item.name.startswith("user:")]}
TYPED = {"name": "night_desk", "title": "Night desk", "note": ""}
ASKED = {"actor": "admin@example.com", "about": "", "action": "", "ip": "", "reference": ""}
DAYS = {"since": "2026-11-01", "until": "later"}
