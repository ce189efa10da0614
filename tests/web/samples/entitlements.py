"""Pages of what an account may watch, and why: as they are when there is much, little, and a problem."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from attrs import evolve

from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import GrantKind, GrantStatus, PlanState, Reason
from buddy_core.kernel import AccountId, PartnerId, TitleId
from buddy_web.routes.admin_entitlements import KINDS, AccessPage, WhyPage
from buddy_web.schemas import entitlements as schema

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 21, 10, 0, tzinfo=UTC)
ACCOUNT = Account(AccountId(UUID(int=7)), AccountType.REGISTERED, AT, email="asha@example.com")
MORE = {"public_id": "usr_1", "kinds": KINDS, "plans": list(PlanState), "hours": (24, 36, 48, 72)}
_RIGHTS = schema.Rights(max_height=1080, ads=False, downloads=True, streams=2)


def _grant(number: int, kind: GrantKind, status: GrantStatus = GrantStatus.ACTIVE) -> schema.Grant:
    is_plan = kind is GrantKind.SUBSCRIPTION
    is_over = status is not GrantStatus.ACTIVE
    return schema.Grant(
        id=f"gra_{number:032}",
        kind=kind,
        status=status,
        title=None if is_plan else schema.TitleRef(type="film", id="k6ym"),
        tier="premium" if is_plan else "",
        plan=PlanState.GRACE if is_plan else None,
        granted_at=AT,
        ends_at=LATER,
        ended_at=AT if is_over else None,
        ended_because="given by mistake" if is_over else None,
        until=AT if is_over or kind is GrantKind.WATCH_ONCE else LATER,
        over_because=Reason.CONSUMED if kind is GrantKind.WATCH_ONCE else None,
        reopened_at=None,
        started_at=AT if kind is GrantKind.RENTAL else None,
        consumed_at=AT if kind is GrantKind.WATCH_ONCE else None,
        rights=_RIGHTS,
    )


ACCESS = AccessPage(
    ACCOUNT,
    [
        _grant(1, GrantKind.RENTAL),
        _grant(2, GrantKind.SUBSCRIPTION),
        _grant(3, GrantKind.TOKEN_UNLOCK),
        _grant(4, GrantKind.WATCH_ONCE),
        _grant(5, GrantKind.GIFT, GrantStatus.REVOKED),
    ],
    {"film/k6ym": "The Last Monsoon"},
    "acs_1",
    done="access_give",
)
ACCESS_EMPTY = AccessPage(ACCOUNT, [], {}, "acs_1")
ACCESS_WRONG = evolve(
    ACCESS_EMPTY,
    problem="A rental runs 24, 36, 48, 72 hours, not 25.",
    problem_at="give",
    typed={"kind": "rental", "title": "film/k6ym", "reason": "made up for an outage"},
)
TITLE = Title(
    id=TitleId(UUID(int=1)),
    short_id="k6ym",
    slug="the-last-monsoon",
    type=TitleType.FILM,
    name="The Last Monsoon",
    synopsis="",
    producer_id=PartnerId(UUID(int=2)),
    maturity="UA 13+",
    languages=("hi",),
    year=2026,
    duration_s=5400,
    published_at=AT,
)
_TYPED = {"title": "film/k6ym", "country": "IN", "at": "", "known_at": "", "max_age": ""}
_RULES = [schema.Rule(reason=item, applies=item is Reason.NO_GRANT, why="of nothing held") for item in Reason]


def _source(kind: str, verdict: str, *, is_grant: bool) -> schema.Source:
    return schema.Source(
        id="gra_" + "1" * 32 if is_grant else None,
        kind=kind,
        starts_at=AT,
        ends_at=LATER if is_grant else None,
        rights=_RIGHTS if is_grant else None,
        verdict=verdict,
        why="opens it, until: 2026-12-21T10:00:00Z",
        gave=["max_height", "until"] if verdict == "won" else [],
    )


_DENIED = schema.Why(
    at=AT,
    known_at=None,
    answer=schema.Answered(allowed=False, reason=Reason.NO_GRANT, unlockable_by=["tokens", "rental"]),
    decided_by=Reason.NO_GRANT,
    rules=_RULES,
    sources=[_source("tvod", "not_open", is_grant=False)],
    facts=[schema.Fact(name="country", value="IN")],
    text="title film/k6ym\nanswer: no, no_grant\n",
)
_ALLOWED = _DENIED.model_copy(
    update={
        "answer": schema.Answered(
            allowed=True, via="gra_" + "1" * 32, kind="rental", until=LATER, rights=_RIGHTS, is_in_grace=True
        ),
        "decided_by": None,
        "known_at": AT,
        "sources": [_source("rental", "won", is_grant=True), _source("gift", "lost", is_grant=True)],
    }
)
WHY = WhyPage(ACCOUNT, _TYPED, TITLE, _DENIED)
WHY_YES = WhyPage(ACCOUNT, _TYPED, TITLE, _ALLOWED)
WHY_ASK = WhyPage(ACCOUNT, dict.fromkeys(_TYPED, ""))
WHY_WRONG = WhyPage(ACCOUNT, _TYPED, problem="There is no film called zzzz.")
