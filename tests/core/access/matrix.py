"""Who may do what, written out: what `data.py` and docs/access.md are held to, and read from neither.

A column is a role. In a cell stands how the role is given where it has the
permission: G everywhere, P for one partner, T in one territory, O over one's
own account; a full stop where it has it not.
"""

from __future__ import annotations

COLUMNS = {
    "SA": "super_admin",
    "PA": "platform_admin",
    "CM": "content_manager",
    "CR": "content_reviewer",
    "FI": "finance",
    "RO": "royalty_ops",
    "PM": "partner_admin",
    "PU": "partner_uploader",
    "AD": "ads_manager",
    "SU": "support",
    "MK": "marketing",
    "AN": "analyst",
    "AU": "auditor",
    "VW": "viewer",
}

TABLE = """
                        SA PA CM CR FI RO PM PU AD SU MK AN AU VW
title:watch             .  .  .  .  .  .  .  .  .  .  .  .  .  O
title:unlock            .  .  .  .  .  .  .  .  .  .  .  .  .  O
reward:earn             .  .  .  .  .  .  .  .  .  .  .  .  .  O
wallet:read             .  .  .  .  .  .  .  .  .  .  .  .  .  O  looking
account:read            .  .  .  .  .  .  .  .  .  .  .  .  .  O  looking
account:manage          .  .  .  .  .  .  .  .  .  .  .  .  .  O
desk:read               G  G  GT GT G  G  .  .  G  G  GT GT G  .  unbound
user:read               G  G  .  .  .  .  .  .  .  G  .  .  .  .
user:impersonate        G  G  .  .  .  .  .  .  .  G  .  .  .  .  guarded
session:revoke          G  G  .  .  .  .  .  .  .  G  .  .  .  .
second_factor:reset     G  G  .  .  .  .  .  .  .  G  .  .  .  .  guarded
role:read               G  G  .  .  .  .  .  .  .  .  .  .  G  .
role:assign             G  .  .  .  .  .  .  .  .  .  .  .  .  .  guarded
role:edit               G  .  .  .  .  .  .  .  .  .  .  .  .  .  guarded
approval:read           G  G  .  .  G  .  .  .  .  G  .  .  G  .
audit:read              G  G  .  .  .  .  .  .  .  .  .  .  G  .
flag:set                G  G  .  .  .  .  .  .  .  .  .  .  .  .
demo:clock              G  G  .  .  .  .  .  .  .  .  .  .  .  .
token_value:read        G  .  .  .  G  G  .  .  .  .  .  .  G  .
token_value:set         G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded
token_value:approve     G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded
cost:read               G  G  .  .  G  G  .  .  .  G  .  .  G  .
cost:set                G  G  .  .  .  .  .  .  .  .  .  .  .  .  guarded
reward_rule:read        G  G  .  .  G  .  .  .  G  G  .  .  G  .
reward_rule:set         G  G  .  .  .  .  .  .  G  .  .  .  .  .  guarded
reward:read             G  G  .  .  G  .  .  .  G  G  .  .  G  .
reward:release          G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded
entitlement:read        G  .  .  .  .  .  .  .  .  G  .  .  G  .
entitlement:grant       G  .  .  .  .  .  .  .  .  G  .  .  .  .  guarded
wallet:freeze           G  .  .  .  G  .  .  .  .  G  .  .  .  .
tokens:grant            G  .  .  .  .  .  .  .  .  G  .  .  .  .  guarded
tokens:refund           G  .  .  .  G  .  .  .  .  G  .  .  .  .  guarded
tokens:reverse          G  .  .  .  G  .  .  .  .  G  .  .  .  .  guarded
tokens:adjust           G  .  .  .  G  .  .  .  .  G  .  .  .  .  guarded
tokens:approve          G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded
period:read             G  .  .  .  G  G  .  .  .  .  .  .  G  .
period:close            G  .  .  .  G  G  .  .  .  .  .  .  .  .  guarded
period:publish          G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded
royalty:import          G  .  .  .  G  G  .  .  .  .  .  .  .  .  guarded
statement:read          G  .  .  .  G  G  P  .  .  .  .  .  G  .
terms:edit              G  .  .  .  .  G  .  .  .  .  .  .  .  .  guarded
payout:read             G  .  .  .  G  G  P  .  .  .  .  .  G  .  planned
payout:prepare          G  .  .  .  .  G  .  .  .  .  .  .  .  .  guarded planned
payout:approve          G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded planned
refund:issue            G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded planned
refund:approve          G  .  .  .  G  .  .  .  .  .  .  .  .  .  guarded planned
invoice:read            G  .  .  .  G  .  .  .  .  .  .  .  G  .  planned
title:read              G  G  GT GT .  .  P  P  .  .  .  .  .  .  planned
title:edit              G  G  GT .  .  .  .  .  .  .  .  .  .  .  planned
title:submit            G  G  GT .  .  .  P  P  .  .  .  .  .  .  planned
title:review            G  .  .  GT .  .  .  .  .  .  .  .  .  .  planned
title:publish           G  G  GT .  .  .  .  .  .  .  .  .  .  .  planned
title:takedown          G  G  GT .  .  .  .  .  .  .  .  .  .  .
rights:read             G  G  GT GT G  G  .  .  .  G  .  .  G  .
rights:edit             G  G  GT .  .  .  .  .  .  .  .  .  .  .  guarded
price:edit              G  G  GT .  .  .  .  .  .  .  .  .  .  .
price:publish           G  G  GT .  .  .  .  .  .  .  .  .  .  .  guarded
master:upload           G  G  GT .  .  .  P  P  .  .  .  .  .  .  planned
ad:manage               G  .  .  .  .  .  .  .  G  .  .  .  .  .  planned
campaign:manage         G  .  .  .  .  .  .  .  .  .  GT .  .  .  guarded
coupon:manage           G  .  .  .  .  .  .  .  .  .  GT .  .  .  planned
analytics:read          G  G  .  .  G  .  P  .  .  .  GT GT G  .  planned
"""

_HEAD, *_ROWS = (line.split() for line in TABLE.strip().splitlines())

CELLS = {
    (COLUMNS[column], permission): cell
    for permission, *cells in _ROWS
    for column, cell in zip(_HEAD, cells, strict=False)
}
"""For each role and permission: the letters of its scopes, or a full stop."""

MARKS = {row[0]: frozenset(row[1 + len(_HEAD) :]) for row in _ROWS}
"""For each permission: guarded (second factor), planned, unbound, looking (left while impersonating)."""

NAMES = tuple(MARKS)
"""Every permission, in order."""

MEMBERS = frozenset(name for name in NAMES if CELLS["viewer", name] == "O")
"""What is everybody's own."""

STAFF_ROLES = tuple(role for role in COLUMNS.values() if role != "viewer")
"""The thirteen roles."""

GRANTED = {role: frozenset(name for name in NAMES if CELLS[role, name] != ".") for role in COLUMNS.values()}
"""For each role: its permissions."""

GIVEN = {
    "super_admin": "G",
    "platform_admin": "G",
    "content_manager": "GT",
    "content_reviewer": "GT",
    "finance": "G",
    "royalty_ops": "G",
    "partner_admin": "P",
    "partner_uploader": "P",
    "ads_manager": "G",
    "support": "G",
    "marketing": "GT",
    "analyst": "GT",
    "auditor": "G",
}
"""How each role may be given."""

REACH = {
    "everywhere": "platform own_partner foreign_partner own_territory foreign_territory account",
    "own_partner": "own_partner",
    "own_territory": "own_territory",
    "nowhere": "",
}
"""What a role reaches by how it was given, where its permission is about some thing."""
