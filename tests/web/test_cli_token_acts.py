"""`buddy tokens grant|freeze|unfreeze|expire|refund|reverse|adjust`: done, refused, and on the record."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import flows, tokens
from buddy_core.access import BUILT_IN
from buddy_web.reference import SELLER_ROUTES
from tests.web.test_cli_access import VIEWER, buddy, folder, inside, seeded

__all__ = ["buddy", "folder", "seeded"]

Buddy = Callable[..., Result]
WHY = ("--reason", "as the ticket says")


@pytest.fixture
def lived(folder: Path) -> Path:
    """The demo, in which the viewer has earned twice and unlocked a short."""

    async def work(uow: SqlUnitOfWork) -> None:
        ports: dict[str, Any] = {"uow": uow, "clock": SystemClock(), "ids": SystemIds()}
        async with uow.read() as tx:
            found = await tx.accounts.by_email(VIEWER)
            assert found is not None
            who = found[0].id
            title = next(item for item in await tx.titles.all() if item.name == "Paper Kites")
        for number in (1, 2):
            wish = tokens.EarnTokens(who, tokens.BONUS, 10, "ads.reward", "r", f"e-{number}", None, False)
            await tokens.earn_tokens(wish, **ports)
        async with uow.read() as tx:
            costs = await tx.token_costs.in_force(ports["clock"].now())
        seen = costs.by_type[title.type]
        command = flows.UnlockTitle(who, title.id, seen, costs.version, "IN", "u1")
        await flows.unlock_title(BUILT_IN.actor(who), command, routes=SELLER_ROUTES, **ports)

    inside(folder, work)
    return folder


def bonus(buddy: Buddy) -> int:
    """Return the viewer's bonus tokens as the command line shows them."""
    [found] = re.findall(r"bonus +([0-9]+)", buddy("tokens", "balance", VIEWER).output)
    return int(found)


def test_a_refund_gives_back_and_says_what_it_closed(lived: Path, buddy: Buddy) -> None:
    """By number or reference, once; the title is closed, and verify finds nothing wrong."""
    line = buddy("tokens", "statement", VIEWER, "--limit", "1").stdout.split()
    number, reference = line[0], line[-1]
    done = buddy("tokens", "refund", VIEWER, reference, *WHY, "--key", "r1")
    assert done.exit_code == 0, done.output
    assert "tokens back." in done.output
    assert "The title is closed." in done.output
    assert bonus(buddy) == 20
    again = buddy("tokens", "refund", VIEWER, number, *WHY, "--key", "r1")
    assert again.output == done.output
    other = buddy("tokens", "refund", VIEWER, number, *WHY)
    assert (other.exit_code, "tokens.already_refunded" in other.output) == (1, True)
    assert re.search(rf"tokens\.refund  {VIEWER}", buddy("audit", "search", "--action", "tokens").output)
    assert buddy("verify").exit_code == 0


def test_a_reversal_and_an_adjustment(lived: Path, buddy: Buddy) -> None:
    """What is left is taken and the rest told; a lot is put right, and more than 50 tokens wait."""
    before = bonus(buddy)
    done = buddy("tokens", "reverse", VIEWER, "2", *WHY)
    assert done.exit_code == 0, done.output
    taken, gone = map(int, re.findall(r"[0-9]+", done.output.replace(VIEWER, ""))[:2])
    assert taken + gone == 10
    assert bonus(buddy) == before - taken
    assert buddy("tokens", "adjust", VIEWER, "1", "-2", *WHY).exit_code == 0
    assert bonus(buddy) == before - taken - 2
    waits = buddy("tokens", "adjust", VIEWER, "1", "60", *WHY)
    assert waits.exit_code == 3
    [request] = re.findall(r"apr_[0-9a-f]{32}", waits.output)
    shown = buddy("approvals", "show", request).output
    assert re.search(rf"\+60 tokens for a bonus lot of {VIEWER}, entry 1-[0-9a-f]{{8}}", shown)
    for words, code in (
        (("adjust", VIEWER, "1", "0"), "tokens.bad_amount"),
        (("adjust", VIEWER, "1", "1", "--lot", "2"), "tokens.lot_not_found"),
        (("reverse", VIEWER, "2"), "tokens.already_reversed"),
        (("reverse", VIEWER, "3"), "tokens.not_reversible"),
        (("refund", VIEWER, "1"), "tokens.not_refundable"),
        (("refund", VIEWER, "99"), "views.wallet_entry_not_found"),
        (("refund", VIEWER, "first"), "views.wallet_entry_not_found"),
    ):
        answer = buddy("tokens", *words, *WHY)
        assert (answer.exit_code, code in answer.output) == (1, True), answer.output


def test_a_wallet_is_frozen_and_goes_on(lived: Path, buddy: Buddy) -> None:
    """Frozen it takes no gift; unfrozen it does. A reason that says nothing is refused."""
    assert buddy("tokens", "freeze", VIEWER, *WHY).exit_code == 0
    assert "Frozen" in buddy("tokens", "balance", VIEWER).output
    refusal = buddy("tokens", "grant", VIEWER, "5", *WHY)
    assert (refusal.exit_code, "tokens.wallet_frozen" in refusal.output) == (1, True)
    assert buddy("tokens", "unfreeze", VIEWER, *WHY).exit_code == 0
    twice = buddy("tokens", "unfreeze", VIEWER, *WHY)
    assert "tokens.not_frozen" in twice.output
    before = bonus(buddy)
    assert buddy("tokens", "grant", VIEWER, "5", *WHY).exit_code == 0
    assert bonus(buddy) == before + 5
    short = buddy("tokens", "freeze", VIEWER, "--reason", "x")
    assert "access.reason_missing" in short.output


@pytest.mark.parametrize("amount", ["-5", "0", "1.5", "many", "9" * 19])
def test_an_amount_that_is_none_is_said(folder: Path, buddy: Buddy, amount: str) -> None:
    """Whatever stands in the place of the amount, a minus too, the answer says what an amount is."""
    refusal = buddy("tokens", "grant", VIEWER, amount, *WHY)
    assert refusal.exit_code == 2
    assert "must be a whole number from 1" in " ".join(refusal.output.split())


def test_what_has_expired_is_written_off(folder: Path, buddy: Buddy) -> None:
    """In one wallet or in all; done again there is nothing left to write off."""

    async def past(uow: SqlUnitOfWork) -> None:
        class Then:
            def now(self) -> datetime:
                return datetime.now(UTC) - timedelta(days=2)

        async with uow.read() as tx:
            found = await tx.accounts.by_email(VIEWER)
        assert found is not None
        who, over = found[0].id, datetime.now(UTC) - timedelta(days=1)
        for number in (3, 4):
            wish = tokens.EarnTokens(who, tokens.BONUS, number, "gift", "r", f"e-{number}", over, False)
            await tokens.earn_tokens(wish, uow=uow, clock=Then(), ids=SystemIds())

    inside(folder, past)
    assert buddy("tokens", "expire", VIEWER).output.startswith("7 tokens had expired")
    assert buddy("tokens", "expire").output.startswith("0 tokens had expired")


@pytest.mark.parametrize("acting", [("grant", VIEWER, "3"), ("freeze", VIEWER), ("adjust", VIEWER, "1", "2")])
def test_an_empty_key_is_refused(lived: Path, buddy: Buddy, acting: tuple[str, ...]) -> None:
    """It would name no request, so that the same act twice would be done twice; nothing is done."""
    before = bonus(buddy)
    refused = buddy("tokens", *acting, *WHY, "--key", "")
    assert (refused.exit_code, "it is empty" in refused.output) == (2, True), refused.output
    assert bonus(buddy) == before
