"""May this viewer watch this title here and now: reasons in their order, and what an Allowed says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.entitlements import (
    TOKEN_UNLOCK,
    Allowed,
    Denied,
    Grant,
    GrantStatus,
    Reason,
    TitleFacts,
    ViewerFacts,
    decide,
)
from tests.contracts.cases import AT, account, grant, title

DAY = timedelta(days=1)
TITLE = TitleFacts(title(1), is_published=True, is_licensed=True, unlockable_by=("tokens",))
MINE = grant(1, account(1), title(1))


def test_a_grant_opens_a_licensed_title() -> None:
    """With an active unlock, in a licensed country, the answer is yes, without end, by that grant."""
    assert decide(ViewerFacts("IN", [MINE]), TITLE, AT) == Allowed(
        MINE.id, TOKEN_UNLOCK, until=None, max_height=1080, ads=False, downloads=False
    )


@pytest.mark.parametrize("country", [None, "", "XX", "in", "IND"])
def test_an_unknown_country_is_denied(country: str | None) -> None:
    """What is no country code is never treated as some country, whatever was granted."""
    assert decide(ViewerFacts(country, [MINE]), TITLE, AT) == Denied(Reason.COUNTRY_UNKNOWN)


def test_the_first_reason_is_the_answer() -> None:
    """As faults are mended one by one the reasons come in their order, and the last names the way in."""
    worst = TitleFacts(title(1), is_published=False, is_licensed=False, unlockable_by=("tokens",))
    published = evolve(worst, is_published=True)
    nobody = ViewerFacts(None)
    answers = [
        decide(nobody, worst, AT),
        decide(nobody, published, AT),
        decide(ViewerFacts("IN"), published, AT),
        decide(ViewerFacts("IN"), TITLE, AT),
    ]
    assert answers == [
        Denied(Reason.NOT_PUBLISHED),
        Denied(Reason.COUNTRY_UNKNOWN),
        Denied(Reason.NO_LICENCE),
        Denied(Reason.NO_GRANT, ("tokens",)),
    ]
    assert [answer.reason for answer in answers if isinstance(answer, Denied)] == list(Reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"title_id": title(2)},
        {"status": GrantStatus.SUPERSEDED},
        {"status": GrantStatus.TRANSFERRED},
        {"status": GrantStatus.REFUNDED},
        {"granted_at": AT + timedelta(microseconds=1)},
        {"ends_at": AT},
    ],
)
def test_a_grant_that_does_not_hold_opens_nothing(changes: dict[str, Any]) -> None:
    """Another title's grant, one that passed on, one to come, and one that ends now are no grants."""
    assert decide(ViewerFacts("IN", [evolve(MINE, **changes)]), TITLE, AT) == Denied(
        Reason.NO_GRANT, ("tokens",)
    )


def test_the_oldest_live_grant_is_named() -> None:
    """Of two grants the older is the way in; the end is the latest of all, and none beats any."""
    old = evolve(MINE, granted_at=AT - DAY, ends_at=AT + DAY, kind="rental")
    new = grant(2, account(1), title(1), ends_at=AT + 2 * DAY)
    answer = decide(ViewerFacts("IN", [new, old]), TITLE, AT)
    assert isinstance(answer, Allowed)
    assert (answer.via, answer.kind, answer.until) == (old.id, "rental", AT + 2 * DAY)
    endless = decide(ViewerFacts("IN", [new, old, grant(3, account(1), title(1))]), TITLE, AT)
    assert isinstance(endless, Allowed)
    assert endless.until is None


HOURS = st.integers(-48, 48).map(lambda hours: AT + timedelta(hours=hours))


@st.composite
def grants(draw: st.DrawFn) -> list[Grant]:
    """Return grants of two titles, of every status, over some days."""
    return [
        grant(
            number,
            account(1),
            title(draw(st.integers(1, 2))),
            status=draw(st.sampled_from(GrantStatus)),
            granted_at=draw(HOURS),
            ends_at=draw(st.none() | HOURS),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@given(grants(), grants(), HOURS, st.booleans(), st.booleans(), st.sampled_from(["IN", "AE", None, "XX"]))
def test_another_grant_never_turns_a_yes_into_a_no(
    some: list[Grant], more: list[Grant], at: datetime, published: bool, licensed: bool, country: str | None
) -> None:
    """Adding grants keeps a yes a yes and never shortens it; the order of grants makes no difference."""
    facts = TitleFacts(title(1), published, licensed, ("tokens",))
    more = [evolve(item, id=grant(100 + n, account(1), title(1)).id) for n, item in enumerate(more)]
    before = decide(ViewerFacts(country, some), facts, at)
    after = decide(ViewerFacts(country, [*some, *more]), facts, at)
    assert after == decide(ViewerFacts(country, [*more, *some[::-1]]), facts, at)
    if isinstance(before, Allowed):
        assert published
        assert licensed
        assert isinstance(after, Allowed)
        assert after.until is None or (before.until is not None and before.until <= after.until)
    elif before.reason is not Reason.NO_GRANT:
        assert after == before
