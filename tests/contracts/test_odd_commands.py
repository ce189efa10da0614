"""Commands that no store could keep, or that name nothing: each is refused alone, alike on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve

from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import Done, EntryId, HoldId, InvalidValue, LotId, Outcome, Refused
from buddy_core.tokens import (
    PAID,
    AdjustTokens,
    BuyTokens,
    HoldTokens,
    MoveCommand,
    Moved,
    PostHold,
    RefundTokens,
    ReverseTokens,
    VoidHold,
    buy_tokens,
    earn_tokens,
    move_tokens,
)
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, Uow, account, earning, spending, title, uid

pytestmark = pytest.mark.anyio

ME = account(1)
WHY: dict[str, Any] = {"source": "s", "source_ref": "r", "idempotency_key": "odd"}
EARN, SPEND = earning(ME, 1, "odd"), spending(ME, 1, "odd")
BUY = BuyTokens(ME, PAID, 1, 100, "INR", expires_at=None, **WHY)
HOLD = HoldTokens(ME, ("type:episode",), 1, LATER, **WHY)
POST = PostHold(ME, HoldId(uid(9)), title(1), (), country="IN", entity=NEWTACT, currency="INR", **WHY)
VOID = VoidHold(ME, HoldId(uid(9)), **WHY)
REFUND, REVERSE = RefundTokens(ME, EntryId(uid(9)), **WHY), ReverseTokens(ME, EntryId(uid(9)), **WHY)
ADJUST = AdjustTokens(ME, EntryId(uid(9)), LotId(uid(9)), 1, "why", "me", "odd")
LAST = datetime.max.replace(tzinfo=UTC)
BEYOND = datetime.max.replace(tzinfo=timezone(-timedelta(hours=3)))
BIG = 2**63
INVALID = "kernel.invalid_value"

ODD: list[tuple[MoveCommand, dict[str, Any], str]] = [
    *((EARN, {"idempotency_key": key}, INVALID) for key in (None, 5, b"x", "", "\0", "\ud800")),
    *((SPEND, {"idempotency_key": key}, INVALID) for key in (None, ["k"], "unlock:1", "lapse:x")),
    *((item, {"account_id": "x"}, INVALID) for item in (EARN, BUY, SPEND, HOLD, POST, REFUND)),
    *((SPEND, {"title_id": value}, INVALID) for value in (None, "nope")),
    *((item, {"title_scopes": None}, INVALID) for item in (SPEND, HOLD, POST)),
    *((SPEND, {"title_scopes": value}, INVALID) for value in ("type:film", (None,), ["a"])),
    *((SPEND, {"country": value}, INVALID) for value in (None, "in", "I", "IND", 5)),
    *((POST, {name: None}, INVALID) for name in ("country", "entity", "title_id", "hold_id")),
    *((SPEND, {name: value}, INVALID) for name in ("entity", "source") for value in (None, "\0")),
    (SPEND, {"currency": None}, INVALID),
    (SPEND, {"currency": "XXX"}, "tokens.no_value_in_currency"),
    (SPEND, {"rule_version": BIG}, INVALID),
    (SPEND, {"rule_version": True}, INVALID),
    (SPEND, {"amount": 10**5_000}, INVALID),
    *((EARN, {"kind": value}, INVALID) for value in (None, ["bonus"], 5)),
    (EARN, {"kind": "gold"}, "tokens.unknown_kind"),
    *((EARN, {"priority": value}, INVALID) for value in (BIG, -(2**70))),
    *((EARN, {"priority": value}, "tokens.bad_lot") for value in (None, True, "1")),
    (EARN, {"earned_as_guest": None}, "tokens.bad_lot"),
    *((EARN, {"expires_at": value}, INVALID) for value in (LAST, BEYOND, "soon", 5, AT.date())),
    *((EARN, {name: "a\0b"}, INVALID) for name in ("source", "source_ref")),
    *((EARN, {name: None}, INVALID) for name in ("source", "source_ref")),
    (EARN, {"source": "\ud800"}, INVALID),
    *((EARN, {"scopes": (value,)}, "tokens.bad_scope") for value in ("title:nonsense", "type:No", "\0", "")),
    *((EARN, {name: "x" * 513}, INVALID) for name in ("source", "source_ref")),
    (EARN, {"scopes": tuple(f"type:a{number}" for number in range(101))}, "tokens.bad_lot"),
    *((item, {"amount": 1.5}, "tokens.bad_amount") for item in (EARN, BUY, SPEND, HOLD, POST, REFUND)),
    (ADJUST, {"amount": 1.5}, "tokens.bad_amount"),
    (EARN, {"amount": "2"}, "tokens.bad_amount"),
    *((BUY, {"cost_minor": value}, INVALID) for value in (BIG, 10**30)),
    *((BUY, {"cost_minor": value}, "tokens.bad_lot") for value in (-1, True, None, "1")),
    *((BUY, {"cost_currency": value}, INVALID) for value in (5, ["INR"])),
    *((BUY, {"effective_from": value}, INVALID) for value in (LAST, BEYOND, "now")),
    *((HOLD, {"expires_at": value}, INVALID) for value in (LAST, None, "later")),
    (HOLD, {"source": "\0"}, INVALID),
    *((VOID, {"hold_id": value}, INVALID) for value in (None, "x")),
    *((item, {"entry_id": value}, INVALID) for item in (REFUND, REVERSE) for value in (None, "x")),
    *((ADJUST, {name: None}, INVALID) for name in ("entry_id", "lot_id", "account_id")),
]  # fmt: skip


@pytest.fixture
async def who(uow: Uow) -> dict[str, Any]:
    """A store in which the account has ten tokens, with a clock and a source of ids."""
    async with uow.begin() as tx:
        for version in VERSIONS.values():
            await tx.token_values.add(version)
    made: dict[str, Any] = {"uow": uow, "clock": SettableClock(AT), "ids": SequentialIds()}
    await move_tokens([earning(ME, 10, "first")], **made)
    return made


def code_of(outcome: Outcome[Moved]) -> str:
    """Return the code of a refusal."""
    assert isinstance(outcome, Refused), outcome
    return outcome.error.code


async def test_what_cannot_be_is_refused_alone(who: dict[str, Any]) -> None:
    """Each odd command has its code, whether it comes alone or among others, and the others are done."""
    for number, (command, change, code) in enumerate(ODD):
        odd = evolve(command, **change)
        [alone] = await move_tokens([odd], **who)
        assert code_of(alone) == code, change
        before, refused, after = await move_tokens(
            [earning(ME, 1, f"a{number}"), odd, earning(ME, 1, f"b{number}")], **who
        )
        assert code_of(refused) == code, change
        assert isinstance(before, Done), change
        assert isinstance(after, Done), change


async def test_the_field_that_cannot_be_is_named(who: dict[str, Any]) -> None:
    """A value that no request can be told from another by is refused under the name of its field."""
    for command, change in (
        (BUY, {"cost_minor": 1.5}),
        (EARN, {"priority": 1.5}),
        (EARN, {"expires_at": AT.replace(tzinfo=None)}),
        (SPEND, {"country": {1}}),
        (SPEND, {"source": "\ud800"}),
        (SPEND, {"amount": 10**5_000}),
    ):
        [outcome] = await move_tokens([evolve(command, **change)], **who)
        assert isinstance(outcome, Refused)
        assert isinstance(outcome.error, InvalidValue)
        assert [outcome.error.field] == list(change)


async def test_the_reason_of_an_adjustment_is_a_text(who: dict[str, Any]) -> None:
    """A reason or a name that is none is refused where all else is right."""
    made = await earn_tokens(earning(ME, 5, "a"), **who)
    async with who["uow"].read() as tx:
        [lot] = (await tx.entries.get([made]))[made].lots
    right = AdjustTokens(ME, made, lot.id, 1, "why", "me", "k")
    for change in (
        {"reason": None},
        {"reason": "a\0"},
        {"reason": "a" * 513},
        {"by": None},
        {"by": "\ud800"},
    ):
        [outcome] = await move_tokens([evolve(right, **change)], **who)
        assert code_of(outcome) == INVALID, change
    [outcome] = await move_tokens([right], **who)
    assert isinstance(outcome, Done)


async def test_the_largest_numbers_are_kept(who: dict[str, Any]) -> None:
    """What is at the edge of what every store keeps comes back as it was."""
    scopes, longest = tuple(f"type:a{number}" for number in range(100)), "x" * 512
    most = evolve(BUY, cost_minor=BIG - 1, priority=1 - BIG, rule_version=BIG - 1, scopes=scopes)
    most = evolve(most, idempotency_key="k" * 255, source=longest, source_ref=longest)
    made = await buy_tokens(most, **who)
    async with who["uow"].read() as tx:
        entry = (await tx.entries.get([made]))[made]
    assert (entry.rule_version, entry.lots[0].priority, entry.lots[0].cost_minor) == (
        BIG - 1,
        1 - BIG,
        BIG - 1,
    )
    assert (entry.lots[0].scopes, entry.source, entry.source_ref) == (scopes, longest, longest)
