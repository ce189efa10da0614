"""A month has two people: one reviews its figures, another one publishes exactly these."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import (
    SYSTEM,
    Actor,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalState,
    NotPermitted,
    Outcome,
    OwnRequest,
    RequesterLacksPermission,
    SecondFactorNeeded,
    check_approvals,
)
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import BringFacts, Reviewed, digest_of, digest_of_closed
from buddy_core.royalty import (
    AlreadyPublished,
    BadInput,
    ClosedOutOfOrder,
    FactsPending,
    InputKind,
    OwnReview,
    ReviewOutdated,
    TermsProblems,
)
from buddy_web.reference import NEWTACT
from tests.contracts.cases import race
from tests.flows.world import START, TICK, VIEWER, World

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER = "2026-10", "2026-11"
AFTER = START + timedelta(days=30)
DAY = timedelta(days=1)


@pytest.fixture
async def world(world: World) -> World:
    """Answer a world in which an October with one unlock has ended, and the second person is at work."""
    await world.second()
    await unlock(world, await world.add_title(TitleType.SHORT))
    world.clock.set(AFTER)
    return world


async def unlock(world: World, title: Title) -> None:
    """Let a guest unlock a title."""
    guest = await world.guest()
    await world.earn(guest, 1)
    await world.unlock(guest, title)


async def reviewed(world: World, actor: Actor, month: str = OCTOBER) -> Reviewed:
    """Review a month; it is not closed by that."""
    report = await world.close(month, NEWTACT, actor=actor)
    assert (report.closed, report.open, report.refusals) == ((), (), ())
    [found] = report.reviewed
    return found


async def publish(world: World, asked: Reviewed, actor: Actor | None = None) -> None:
    """Approve a review."""
    await world.settle_request(asked.awaiting.request_id, actor=actor or await world.second())


async def closed(world: World) -> list[str]:
    """Return the closed months."""
    async with world.uow.read() as tx:
        found: list[str] = await tx.statements.months(NEWTACT.id)
    return found


async def bring(world: World, name: str, content: bytes | None, month: str = OCTOBER) -> None:
    """Bring facts in, or announce them."""
    command = BringFacts(NEWTACT, month, name, content)
    await flows.bring_facts(SYSTEM, command, correlation_id="c5", uow=world.uow, clock=world.clock)


def sold(title: Title, gross: int = 10_000) -> bytes:
    """Return a file with one rental."""
    sale = {
        "id": "s1",
        "title": f"{title.type}/{title.short_id}",
        "territory": "IN",
        "model": "rental",
        "currency": "INR",
        "units": 1,
        "gross": gross,
        "at": "2026-10-12T10:00:00Z",
    }
    return json.dumps({"sales": [sale]}).encode()


async def test_a_review_closes_nothing(world: World) -> None:
    """The month stays open, no statement is written, and a request waits with entity, month and digest."""
    operator = await world.staff("royalty_ops")
    asked = await reviewed(world, operator)
    assert await closed(world) == []
    stated = await world.provisional(OCTOBER)
    assert asked.digest == digest_of(stated)
    found = await flows.find_request(
        await world.second(), asked.awaiting.request_id, uow=world.uow, clock=world.clock
    )
    wanted = {"entity": "newtact", "month": OCTOBER, "digest": asked.digest}
    assert json.loads(found.request.command) == wanted
    assert (found.request.requested_by, found.may_decide) == (operator.account_id, True)
    assert [record.action for record in await world.records()][-1:] == ["approval.request"]


async def test_a_second_person_publishes_exactly_what_was_reviewed(world: World) -> None:
    """The month is closed with the digest that was reviewed, and its record names both."""
    operator, second = await world.staff("royalty_ops"), await world.second()
    asked = await reviewed(world, operator)
    await publish(world, asked)
    assert await closed(world) == [OCTOBER]
    async with world.uow.read() as tx:
        [month] = await tx.statements.closed(NEWTACT.id, [OCTOBER])
        stored = await tx.statements.of_month(NEWTACT.id, OCTOBER)
    assert digest_of_closed(month, stored) == asked.digest
    [record] = await world.records("period.close")
    after = json.loads(record.after)
    assert record.actor == str(second.account_id)
    assert (after["request"], after["requested_by"]) == (
        asked.awaiting.request_id,
        str(operator.account_id),
    )
    report = await world.close(OCTOBER, NEWTACT, actor=operator)
    assert [item.is_new for item in report.closed] == [False]


async def test_whoever_reviewed_a_month_does_not_publish_it(world: World) -> None:
    """Finance may do both, and never both to one month: the request stays, and somebody else publishes."""
    first = await world.staff("finance")
    asked = await reviewed(world, first)
    with pytest.raises(OwnRequest):
        await publish(world, asked, first)
    assert await closed(world) == []
    await publish(world, asked)
    assert await closed(world) == [OCTOBER]


async def test_who_may_only_review_publishes_nothing(world: World) -> None:
    """Royalty operations review and never publish; whoever may neither, does neither."""
    asked = await reviewed(world, await world.staff("royalty_ops"))
    with pytest.raises(NotPermitted):
        await publish(world, asked, await world.staff("royalty_ops"))
    with pytest.raises(NotPermitted):
        await world.close(OCTOBER, NEWTACT, actor=VIEWER)
    with pytest.raises(NotPermitted):
        await world.close(OCTOBER, NEWTACT, actor=await world.staff("analyst"))
    assert await closed(world) == []


async def test_a_review_is_of_these_figures_alone(world: World) -> None:
    """Facts that come after it make it outdated: nothing is published, and it has to be reviewed again."""
    title = await world.add_title(TitleType.FILM)
    operator = await world.staff("royalty_ops")
    asked = await reviewed(world, operator)
    await bring(world, "sales", sold(title))
    before = await world.books()
    with pytest.raises(ReviewOutdated) as raised:
        await publish(world, asked)
    assert (raised.value.entity, raised.value.month) == ("newtact", OCTOBER)
    assert await world.books() == before
    again = await reviewed(world, operator)
    assert again.digest != asked.digest
    assert again.awaiting.request_id != asked.awaiting.request_id
    await publish(world, again)
    with pytest.raises(AlreadyPublished):
        await publish(world, asked)
    assert await closed(world) == [OCTOBER]


async def test_facts_that_are_announced_after_a_review_stand_in_its_way(world: World) -> None:
    """What is awaited keeps a reviewed month from being published; when it has come empty, it is the same."""
    asked = await reviewed(world, await world.staff("royalty_ops"))
    await bring(world, "ads", None)
    with pytest.raises(FactsPending) as raised:
        await publish(world, asked)
    assert raised.value.names == ("ads",)
    await bring(world, "ads", b"{}")
    await publish(world, asked)
    assert await closed(world) == [OCTOBER]


async def test_two_who_reviewed_the_same_figures_publish_neither_review(world: World) -> None:
    """By nobody's request, until one of them takes the own review back."""
    first, second = await world.staff("finance"), await world.second()
    asked, other = await reviewed(world, first), await reviewed(world, second)
    assert other.digest == asked.digest
    for wanted, actor in ((other, first), (asked, second)):
        with pytest.raises(OwnReview) as raised:
            await publish(world, wanted, actor)
        assert "withdraw your own review first" in raised.value.message()
    assert await closed(world) == []
    await world.settle_request(asked.awaiting.request_id, Outcome.WITHDRAWN, actor=first)
    await publish(world, other, first)
    assert await closed(world) == [OCTOBER]


async def test_no_review_of_a_published_month_is_left_waiting(world: World) -> None:
    """The other one ends with the month and says why; whoever comes too late is told so; all is proven."""
    first, second = await world.staff("royalty_ops"), await world.staff("finance")
    asked, other = await reviewed(world, first), await reviewed(world, second)
    await publish(world, asked)
    found = await flows.find_request(second, other.awaiting.request_id, uow=world.uow, clock=world.clock)
    assert (found.state, found.decision.reason if found.decision else "") == (
        ApprovalState.REJECTED,
        "The month has been published from another review.",
    )
    with pytest.raises(AlreadyPublished) as raised:
        await publish(world, other, await world.staff("finance"))
    assert "has been published already" in raised.value.message()
    assert await flows.list_requests(second, uow=world.uow, clock=world.clock) == ()
    async with world.uow.read() as tx:
        requests, decisions, _ = await tx.audit_books.approvals()
        records, *_ = await tx.audit_books.records()
    assert check_approvals(requests, decisions, records) == []


async def test_reviewing_twice_asks_once(world: World) -> None:
    """The same person gets the same request while it waits; another one makes one of their own."""
    first = await world.staff("finance")
    asked = await reviewed(world, first)
    assert await reviewed(world, first) == asked
    other = await reviewed(world, await world.second())
    assert other.digest == asked.digest
    assert other.awaiting.request_id != asked.awaiting.request_id
    assert len(await flows.list_requests(first, uow=world.uow, clock=world.clock)) == 2


async def test_a_request_that_was_decided_is_not_answered_again(world: World) -> None:
    """After a rejection or a withdrawal the same figures are asked for anew; the old request is over."""
    operator = await world.staff("royalty_ops")
    asked = await reviewed(world, operator)
    second = await world.second()
    await world.settle_request(
        asked.awaiting.request_id, Outcome.REJECTED, actor=second, reason="ads missing"
    )
    with pytest.raises(ApprovalDecided):
        await publish(world, asked)
    again = await reviewed(world, operator)
    assert again.awaiting.request_id != asked.awaiting.request_id
    await world.settle_request(again.awaiting.request_id, Outcome.WITHDRAWN, actor=operator)
    third = await reviewed(world, operator)
    await publish(world, third)
    assert await closed(world) == [OCTOBER]


async def test_a_review_expires(world: World) -> None:
    """At its end it publishes nothing any more; reviewing again makes a new one."""
    operator = await world.staff("royalty_ops")
    asked = await reviewed(world, operator)
    world.clock.set(asked.awaiting.expires_at)
    with pytest.raises(ApprovalExpired):
        await publish(world, asked)
    again = await reviewed(world, operator)
    assert again.awaiting.request_id != asked.awaiting.request_id
    world.clock.set(again.awaiting.expires_at - TICK)
    await publish(world, again)
    assert await closed(world) == [OCTOBER]


async def test_a_review_of_somebody_who_may_not_review_any_more_is_worth_nothing(world: World) -> None:
    """Their role was taken away since: the month is not published by it."""
    operator = await world.staff("royalty_ops")
    asked = await reviewed(world, operator)
    assert operator.account_id is not None
    command = flows.AssignRole(await world.email(operator.account_id), "royalty_ops")
    await flows.revoke_role(SYSTEM, command, correlation_id="c3", uow=world.uow, clock=world.clock)
    with pytest.raises(RequesterLacksPermission):
        await publish(world, asked)
    assert await closed(world) == []


async def test_the_operator_publishes_at_once(world: World) -> None:
    """The command line closes without a review; what a person had reviewed has nothing left to publish."""
    asked = await reviewed(world, await world.staff("royalty_ops"))
    report = await world.close(OCTOBER, NEWTACT)
    assert [item.is_new for item in report.closed] == [True]
    [record] = await world.records("period.close")
    assert record.actor == "system"
    assert "requested_by" not in json.loads(record.after)
    with pytest.raises(AlreadyPublished):
        await publish(world, asked)


async def test_months_are_reviewed_in_order(world: World) -> None:
    """The next month can be reviewed once the one before it is published, not once it is reviewed."""
    operator = await world.staff("royalty_ops")
    await unlock(world, await world.add_title(TitleType.SHORT))
    world.clock.set(AFTER + timedelta(days=30))
    asked = await reviewed(world, operator)
    report = await world.close(NOVEMBER, NEWTACT, actor=operator)
    [refused] = report.refusals
    assert (refused.entity, refused.month) == ("newtact", NOVEMBER)
    assert isinstance(refused.error, ClosedOutOfOrder)
    await publish(world, asked)
    await publish(world, await reviewed(world, operator, NOVEMBER))
    assert await closed(world) == [OCTOBER, NOVEMBER]


async def test_what_cannot_be_stated_cannot_be_reviewed(world: World) -> None:
    """A pool that its rule cannot share is refused with the problem, and no request is made."""
    rule = flows.SetTerms(NEWTACT, InputKind.POOL, "gold", {"method": "user_centric", "silent": "platform"})
    await flows.set_terms(SYSTEM, rule, correlation_id="c5", uow=world.uow, clock=world.clock)
    plan = {"plan": "gold", "territory": "IN", "currency": "INR", "gross": 10_000, "id": "p1"}
    await bring(world, "plans", json.dumps({"subscriptions": [plan]}).encode())
    report = await world.close(OCTOBER, NEWTACT, actor=await world.staff("royalty_ops"))
    [refused] = report.refusals
    assert isinstance(refused.error, BadInput | TermsProblems)
    assert "gold" in refused.error.message()
    assert (report.reviewed, report.closed) == ((), ())
    assert await world.records("approval.request") == []


async def test_two_who_publish_at_once_publish_once(world: World) -> None:
    """Of two approvals of one request one is too late; the month is closed once."""
    asked = await reviewed(world, await world.staff("royalty_ops"))
    second, third = await world.second(), await world.staff("finance")
    done, late = await race(publish(world, asked, second), publish(world, asked, third))
    assert (len(done), [type(item) for item in late]) == (1, [AlreadyPublished])
    assert len(await world.records("period.close")) == 1


async def test_the_close_tells_how_far_it_is(world: World) -> None:
    """Each entity gathers, states and seals; one that was closed before is stated again and not sealed."""
    told: list[tuple[str, str]] = []

    async def close() -> flows.CloseReport:
        return await flows.close_month(
            SYSTEM,
            OCTOBER,
            [NEWTACT],
            correlation_id="c1",
            uow=world.uow,
            clock=world.clock,
            ids=world.ids,
            progress=lambda entity, stage: told.append((entity, stage)),
        )

    await close()
    assert told == [("newtact", "gather"), ("newtact", "state"), ("newtact", "seal")]
    told.clear()
    assert [item.is_new for item in (await close()).closed] == [False]
    assert told == [("newtact", "gather"), ("newtact", "state")]


async def test_a_factor_that_was_not_proved_reviews_nothing(world: World) -> None:
    """Both steps are guarded: without the second factor neither is done."""
    operator, second = await world.staff("royalty_ops"), await world.second()
    asked = await reviewed(world, operator)
    for work in (
        lambda: world.close(OCTOBER, NEWTACT, actor=evolve(operator, has_second_factor=False)),
        lambda: publish(world, asked, evolve(second, has_second_factor=False)),
    ):
        with pytest.raises(SecondFactorNeeded):
            await work()
    assert await closed(world) == []
