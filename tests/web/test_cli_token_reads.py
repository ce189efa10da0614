"""`buddy tokens balance` and `statement`: what they show, refuse and put on the record."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SettableClock, SystemIds
from buddy_core import tokens
from buddy_web.reference import FIRST_DAY
from buddy_web.routes.wallet_files import COLUMNS
from tests.contracts.cases import NEWTACT
from tests.web.test_cli_access import VIEWER, buddy, folder, inside, seeded

__all__ = ["buddy", "folder", "seeded"]

Buddy = Callable[..., Result]
AT, LATER = "2026-01-01T12:00:00Z", "2026-01-01T14:00:00Z"
# The command line goes by the machine's clock, which has this day behind it.
BEGIN = FIRST_DAY + timedelta(hours=11)


@pytest.fixture
def lived(folder: Path) -> Path:
    """The demo, in which the viewer earned twice, spent, set aside, and let an hour pass."""

    async def work(uow: SqlUnitOfWork) -> None:
        clock = SettableClock(BEGIN)
        ports: dict[str, Any] = {"uow": uow, "clock": clock, "ids": SystemIds()}
        async with uow.read() as tx:
            found = await tx.accounts.by_email(VIEWER)
            assert found is not None
            who = found[0].id
            title = next(item for item in await tx.titles.all() if item.name == "Paper Kites")
        scopes = (f"title:{title.id}",)
        for kind, amount in ((tokens.BONUS, 7), (tokens.PAID, 4)):
            wish = tokens.EarnTokens(who, kind, amount, "ads.reward", "r", f"e-{kind}", None, False)
            await tokens.earn_tokens(wish, **ports)
        clock.advance(timedelta(hours=2))
        spend = tokens.SpendTokens(
            who, title.id, scopes, 3, "unlock", "g", "s", "IN", NEWTACT, "INR", rule_version=1
        )
        await tokens.spend_tokens(spend, **ports)
        hold = tokens.HoldTokens(who, scopes, 5, clock.now() + timedelta(hours=1), "rental", "r", "h")
        await tokens.hold_tokens(hold, **ports)

    inside(folder, work)
    return folder


def test_a_balance_is_shown_now_and_then(lived: Path, buddy: Buddy) -> None:
    """By kind, with what was set aside; at an instant, and as was known at one."""
    now = buddy("tokens", "balance", VIEWER).output.splitlines()
    assert now[1:] == ["bonus      4", "paid       4"]
    then = buddy("tokens", "balance", VIEWER, "--at", AT).output.splitlines()
    assert then == ["At         2026-01-01 12:00:00 UTC", "bonus      7", "paid       4"]
    held = buddy("tokens", "balance", VIEWER, "--known-at", "2026-01-01T18:40:00+05:30").output.splitlines()
    assert held[:2] == ["At         2026-01-01 13:10:00 UTC", "Known at   2026-01-01 13:10:00 UTC"]
    assert held[2:] == ["bonus      0", "paid       3", "Set aside  bonus 4, paid 1"]
    believed = buddy("tokens", "balance", VIEWER, "--at", LATER, "--known-at", AT).output.splitlines()
    assert believed[2:] == ["bonus      7", "paid       4"]
    assert buddy("tokens", "balance", VIEWER, "--at", "2001-01-01T00:00:00Z").output.endswith(
        "paid       0\n"
    )


def test_a_statement_is_printed_line_by_line(lived: Path, buddy: Buddy) -> None:
    """Newest first, with balances; where more is left, the words that go on stand on the other stream."""
    first = buddy("tokens", "statement", VIEWER, "--limit", "2")
    lines = first.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["4", "3"]
    assert "hold          bonus -4, paid -1, set aside bonus +4, paid +1  = bonus 0, paid 3" in lines[0]
    assert "spend         bonus -3  = bonus 4, paid 4  Paper Kites  unlock  3-" in lines[1]
    [place] = re.findall(r"There are older ones: --before (\S+)", first.stderr)
    second = buddy("tokens", "statement", VIEWER, "--before", place)
    assert [line.split()[0] for line in second.stdout.splitlines()] == ["2", "1"]
    assert second.stderr == ""


def test_a_statement_is_written_as_csv(lived: Path, buddy: Buddy) -> None:
    """All of it, or as many entries as are asked for, with the columns of the file that pages give."""
    whole = buddy("tokens", "statement", VIEWER, "--csv")
    rows = list(csv.DictReader(io.StringIO(whole.stdout_bytes.decode("utf-8-sig"), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["number"], row["kind"], row["tokens"], row["balance_after"]) for row in rows] == [
        ("4", "bonus", "-4", "0"), ("4", "paid", "-1", "3"), ("3", "bonus", "-3", "4"),
        ("2", "paid", "4", "4"), ("1", "bonus", "7", "7"),
    ]  # fmt: skip
    some = buddy("tokens", "statement", VIEWER, "--csv", "--limit", "1")
    assert len(some.stdout_bytes.splitlines()) == 3
    assert "--before" in some.stderr


def test_looking_is_on_the_record(lived: Path, buddy: Buddy) -> None:
    """Each command leaves that the system looked, and at whose wallet."""
    for words in (("balance", VIEWER), ("statement", VIEWER), ("statement", VIEWER, "--csv")):
        assert buddy("tokens", *words).exit_code == 0
    found = buddy("audit", "search", "--action", "wallet.read").output
    assert len(re.findall(rf"wallet\.read  {VIEWER}", found)) == 3


def test_an_empty_wallet_says_so(buddy: Buddy) -> None:
    """There is nothing to print, and that is no failure; as CSV the first row alone."""
    assert buddy("tokens", "balance", VIEWER).output.splitlines()[1:] == ["bonus      0", "paid       0"]
    found = buddy("tokens", "statement", VIEWER)
    assert (found.stdout, found.stderr) == ("", "Nothing has happened to this wallet.\n")
    assert buddy("tokens", "statement", VIEWER, "--csv").stdout_bytes.count(b"\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("balance", "nobody@example.com"), 1, "accounts.member_not_found"),
        (("statement", "nobody@example.com"), 1, "accounts.member_not_found"),
        (("balance", "x"), 1, "accounts.bad_email"),
        (("balance", VIEWER, "--at", "2026-01-01T12:00:00"), 2, "names no instant"),
        (("balance", VIEWER, "--at", "2026-01-01"), 2, "names no instant"),
        (("balance", VIEWER, "--at", "then"), 2, "is no instant"),
        (("balance", VIEWER, "--at", "0001-01-01T00:00:00+14:00"), 2, "is no instant"),
        (("balance", VIEWER, "--known-at", "9000-01-01T00:00:00Z"), 1, "still to come"),
        (("statement", VIEWER, "--before", "7"), 1, "tokens.bad_statement_place"),
        (("statement", VIEWER, "--before", "Wzk5LHt9XQ"), 1, "tokens.bad_statement_place"),
        (("statement", VIEWER, "--limit", "0"), 2, "--limit"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(buddy: Buddy, words: tuple[str, ...], code: int, said: str) -> None:
    """An account, an instant or a place that is none is named, and nothing is printed."""
    found = buddy("tokens", *words)
    assert (found.exit_code, found.stdout) == (code, "")
    assert said in found.stderr
