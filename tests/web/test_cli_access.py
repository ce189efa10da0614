"""`buddy users`, `roles`, `approvals`, `audit` and `sweep`: what they do, say, refuse and exit with."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SystemClock, SystemIds
from buddy_core import flows
from buddy_core.access import BUILT_IN, Actor
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.sessions import StartSession, start_in
from buddy_web import cli
from buddy_web.cli import main
from buddy_web.demo.seed import LOGINS

Buddy = Callable[..., Result]
T = TypeVar("T")

VIEWER, SUPPORT, FINANCE = "viewer@example.com", "support@example.com", "finance@example.com"
WHY = ("--reason", "the film stopped")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
REQUEST = re.compile(r"apr_[0-9a-f]{32}")


def _environment(folder: Path) -> dict[str, str]:
    return {
        "BUDDY_MODE": "demo",
        "BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'buddy.db'}",
        "BUDDY_SECRET_FILE": str(folder / "secret.key"),
        "BUDDY_MEDIA_DIR": str(folder / "media"),
    }


def _run(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(main, words, env=_environment(folder), prog_name="buddy")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's titles and accounts, made once."""
    folder = tmp_path_factory.mktemp("seeded")
    for words in (("migrate",), ("seed", "--demo")):
        assert _run(folder, *words).exit_code == 0
    return folder


@pytest.fixture
def folder(tmp_path: Path, seeded: Path) -> Path:
    """The test's own copy of the demo."""
    return shutil.copytree(seeded, tmp_path / "demo")


@pytest.fixture
def buddy(folder: Path) -> Buddy:
    """Run `buddy` with these words and return what it answered."""

    def run(*words: str) -> Result:
        return _run(folder, *words)

    return run


def inside(folder: Path, work: Callable[[SqlUnitOfWork], Awaitable[T]]) -> T:
    """Run work on the store, as the web would."""

    async def wired() -> T:
        engine = make_engine(_environment(folder)["BUDDY_DATABASE_URL"])
        try:
            return await work(SqlUnitOfWork(engine))
        finally:
            await engine.dispose()

    return asyncio.run(wired())


def asked_by_support(folder: Path, tokens: int = 80) -> str:
    """Have the person at the support desk ask for a large gift, and return the request's id."""

    async def work(uow: SqlUnitOfWork) -> str:
        async with uow.read() as tx:
            support, viewer = [(await tx.accounts.by_email(email) or ())[0] for email in (SUPPORT, VIEWER)]
            given = await tx.assignments.of(support.id)
        actor: Actor = BUILT_IN.actor(support.id, given, has_second_factor=True)
        command = flows.GrantTokens(viewer.id, tokens, "a long outage", "key-1")
        ports: dict[str, Any] = {"uow": uow, "clock": SystemClock(), "ids": SystemIds()}
        waits = await flows.grant_tokens(actor, command, correlation_id="test", **ports)
        assert isinstance(waits, flows.Awaiting)
        return waits.request_id

    return inside(folder, work)


def begin_session(folder: Path, email: str) -> None:
    """Sign somebody in."""

    async def work(uow: SqlUnitOfWork) -> None:
        async with uow.begin() as tx:
            account = (await tx.accounts.by_email(email) or ())[0]
            wanted = StartSession(account.id, "Firefox on Linux")
            await start_in(tx, wanted, SystemClock().now(), SystemIds())

    inside(folder, work)


def audited(folder: Path, action: str) -> list[tuple[str, str, str]]:
    """Return actor, correlation id and what was written, of each record of an action."""
    query = "SELECT actor, correlation_id, after FROM access_audit WHERE action = ? ORDER BY sequence"
    with closing(sqlite3.connect(folder / "buddy.db")) as connection:
        return connection.execute(query, [action]).fetchall()


def refused(result: Result, said: str) -> None:
    """Assert that a command ended with one line that says this, and nothing else."""
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_groups_say_what_they_are_for(buddy: Buddy) -> None:
    """`buddy --help` has a line for each group, and each group a line for each of its commands."""
    said = buddy("--help").stdout
    for group, commands in {
        "users": ("find", "show", "sign-out", "reset-second-factor", "grant-tokens"),
        "roles": ("list", "show", "grant", "revoke", "define", "drop", "explain"),
        "approvals": ("list", "show", "reject", "withdraw"),
        "audit": ("search", "export"),
    }.items():
        assert re.search(rf"^  {group} +[A-Z]\w+", said, re.MULTILINE), group
        of_group = buddy(group, "--help").stdout
        for command in commands:
            assert re.search(rf"^  {command} +[A-Z]\w+", of_group, re.MULTILINE), command
    assert re.search(r"^  sweep +[A-Z]\w+", said, re.MULTILINE)


def test_users_are_found_by_the_start_of_their_address(buddy: Buddy, folder: Path) -> None:
    """Each member has a line with the roles in words; that the command line looked is recorded."""
    found = buddy("users", "find", "Fin")
    assert found.exit_code == 0
    assert re.fullmatch(r"finance@example\.com  since \S+  finance \(everywhere\)\n", found.stdout)
    assert len(buddy("users", "find").stdout.splitlines()) == 7
    assert "producer " in buddy("users", "find", "marigold").stdout
    nobody = buddy("users", "find", "zz")
    assert (nobody.exit_code, nobody.stdout) == (0, "")
    assert "more" in buddy("users", "find", "--limit", "2").stderr
    assert [record[:2] for record in audited(folder, "user.search")] == [("system", "cli")] * 5


def test_a_user_is_shown_without_an_internal_id(buddy: Buddy, folder: Path) -> None:
    """Roles, tokens, second factor and open sessions are shown; the look is recorded."""
    begin_session(folder, SUPPORT)
    shown = buddy("users", "show", SUPPORT)
    assert shown.exit_code == 0
    assert "support (everywhere)" in shown.stdout
    assert "Second factor  confirmed" in shown.stdout
    assert "Firefox on Linux" in shown.stdout
    assert UUID.search(shown.stdout) is None
    assert "Second factor  none" in buddy("users", "show", VIEWER).stdout
    assert len(audited(folder, "user.read")) == 2


def test_a_user_is_signed_out_everywhere(buddy: Buddy, folder: Path) -> None:
    """Every session is ended and counted; a second time there is none left."""
    for _ in range(2):
        begin_session(folder, VIEWER)
    first = buddy("users", "sign-out", VIEWER, "--reason", "phone stolen")
    assert first.stdout == f"2 sessions of {VIEWER} were ended.\n"
    assert buddy("users", "sign-out", VIEWER, "--reason", "phone stolen").stdout.startswith("0 sessions")
    assert json.loads(audited(folder, "session.revoke")[0][2]) == {"ended": 2, "reason": "phone stolen"}
    assert "Sessions       0" in buddy("users", "show", VIEWER).stdout


def test_a_lost_second_factor_is_reset_once(buddy: Buddy, folder: Path) -> None:
    """The factor is gone and the sessions with it; there is nothing to reset a second time."""
    begin_session(folder, SUPPORT)
    assert buddy("users", "reset-second-factor", SUPPORT, "--reason", "lost phone").exit_code == 0
    shown = buddy("users", "show", SUPPORT).stdout
    assert "Second factor  none" in shown
    assert "Sessions       0" in shown
    refused(buddy("users", "reset-second-factor", SUPPORT, "--reason", "lost phone"), "no second factor")
    assert len(audited(folder, "second_factor.reset")) == 1


def test_a_gift_is_given_once_for_a_key(buddy: Buddy) -> None:
    """The same key again gives nothing more; without one, each command is a gift of its own."""
    for _ in range(2):
        given = buddy("users", "grant-tokens", VIEWER, "5", *WHY, "--key", "outage-1")
        assert (given.exit_code, given.stdout) == (0, f"{VIEWER} got 5 bonus tokens.\n")
    assert "Tokens         5" in buddy("users", "show", VIEWER).stdout
    buddy("users", "grant-tokens", VIEWER, "5", *WHY)
    assert "Tokens         10" in buddy("users", "show", VIEWER).stdout


def test_a_large_gift_waits_and_is_named(buddy: Buddy) -> None:
    """Above what one person may give, nothing is given, the request is named, and the exit code is 3."""
    waits = buddy("users", "grant-tokens", VIEWER, "51", *WHY)
    assert waits.exit_code == 3
    (request,) = REQUEST.findall(waits.stdout)
    assert "Tokens         0" in buddy("users", "show", VIEWER).stdout
    assert f"{request}  pending " in buddy("approvals", "list").stdout
    assert buddy("users", "grant-tokens", VIEWER, "50", *WHY).exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("users", "show", "nobody@example.com"), "Nobody has registered"),
        (("users", "show", "no address"), "e-mail"),
        (("users", "sign-out", VIEWER, "--reason", "x"), "Say why"),
        (("users", "reset-second-factor", SUPPORT, "--reason", " "), "Say why"),
        (("users", "grant-tokens", VIEWER, "5", "--reason", "-"), "Say why"),
        (("roles", "show", "owner"), "no role 'owner'"),
        (("roles", "grant", VIEWER, "owner"), "no role 'owner'"),
        (("roles", "grant", VIEWER, "viewer"), "no role 'viewer'"),
        (("roles", "grant", VIEWER, "finance", "--territory", "IN"), "global"),
        (("roles", "grant", VIEWER, "partner_admin"), "partner"),
        (("roles", "grant", VIEWER, "partner_admin", "--producer", "zzzzzz"), "zzzzzz"),
        (("roles", "grant", VIEWER, "analyst", "--territory", "India"), "territory"),
        (("roles", "revoke", VIEWER, "finance"), "does not have the role"),
        (("roles", "revoke", "admin@example.com", "super_admin"), "last super admin"),
        (("roles", "define", "finance", "--title", "Mine", "--permission", "user:read"), "built-in"),
        (("roles", "define", "mine", "--title", "Mine"), "no permission"),
        (("roles", "define", "mine", "--title", "Mine", "--permission", "user:eat"), "user:eat"),
        (("roles", "define", "mine", "--title", "Mine", "--include", "owner"), "owner"),
        (("roles", "define", "Mine!", "--title", "Mine", "--include", "support"), "lower-case"),
        (("roles", "drop", "finance"), "built in"),
        (("roles", "drop", "mine"), "no role 'mine'"),
        (("roles", "explain", VIEWER, "user:eat"), "no permission"),
        (("roles", "explain", VIEWER, "statement:read", "--producer", "zzzzzz"), "zzzzzz"),
        (("approvals", "show", "apr_0"), "no such request"),
        (("approvals", "reject", "apr_0", "--reason", "too much"), "no such request"),
        (("approvals", "withdraw", "apr_0"), "no such request"),
        (("audit", "export", "/nowhere/at/all.jsonl"), "/nowhere/at/all.jsonl"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    buddy: Buddy, folder: Path, words: tuple[str, ...], said: str
) -> None:
    """A wrong name, scope, reason or place is one line that says so, and nothing is changed."""
    with closing(sqlite3.connect(folder / "buddy.db")) as connection:
        query = "SELECT count(*) FROM access_audit WHERE action NOT LIKE '%read'"
        (before,) = connection.execute(query).fetchone()
        refused(buddy(*words), said)
        assert connection.execute(query).fetchone() == (before,)


def test_a_role_comes_and_goes_within_its_scope(buddy: Buddy, folder: Path) -> None:
    """A role given in a territory is taken away there and nowhere else, each on the record."""
    given = buddy("roles", "grant", VIEWER, "analyst", "--territory", "in")
    assert given.stdout == f"{VIEWER} is analyst in IN now.\n"
    assert f"  {VIEWER}  IN" in buddy("roles", "show", "analyst").stdout
    refused(buddy("roles", "revoke", VIEWER, "analyst"), "does not have the role")
    taken = buddy("roles", "revoke", VIEWER, "analyst", "--territory", "IN")
    assert taken.stdout == f"{VIEWER} is not analyst in IN any more.\n"
    assert "viewer\n" in buddy("users", "find", VIEWER).stdout
    assert len(audited(folder, "role.revoke")) == 1


def test_another_system_s_name_gives_the_role_it_means(buddy: Buddy, folder: Path) -> None:
    """`creator` is a partner uploader, and the answer says so."""
    with closing(sqlite3.connect(folder / "buddy.db")) as connection:
        (producer,) = connection.execute("SELECT min(short_id) FROM catalog_producers").fetchone()
    given = buddy("roles", "grant", VIEWER, "creator", "--producer", producer)
    assert given.stdout == f"{VIEWER} is partner_uploader for {producer} now.\n"


def test_a_role_of_one_s_own_is_defined_given_and_dropped(buddy: Buddy) -> None:
    """It has its own and the included permissions, stays while somebody has it, and goes when nobody does."""
    words = ("--title", "Night desk", "--permission", "user:read", "--include", "analyst")
    assert buddy("roles", "define", "night_desk", *words, "--scope", "territory").exit_code == 0
    shown = buddy("roles", "show", "night_desk").stdout
    for said in ("Night desk", "Given      territory", "Includes   analyst", "user:read", "analytics:read"):
        assert said in shown
    assert buddy("roles", "grant", VIEWER, "night_desk", "--territory", "IN").exit_code == 0
    listed = buddy("roles", "list").stdout
    assert re.search(r"^night_desk .* 1 members  \(your own\)$", listed, re.MULTILINE)
    refused(buddy("roles", "drop", "night_desk"), "still use")
    refused(buddy("roles", "define", "night_desk", *words, "--scope", "global"), "still use")
    buddy("roles", "revoke", VIEWER, "night_desk", "--territory", "IN")
    assert buddy("roles", "drop", "night_desk").exit_code == 0
    assert "night_desk" not in buddy("roles", "list").stdout


def test_thirteen_roles_are_listed(buddy: Buddy) -> None:
    """Without roles of one's own, the list has the thirteen with how many have each."""
    lines = buddy("roles", "list").stdout.splitlines()
    assert len(lines) == 13
    assert any(re.match(r"finance .* 2 members$", line) for line in lines)


def test_an_answer_is_explained(buddy: Buddy) -> None:
    """Yes or no comes with each role's say, the exit code tells which, and no internal id is in it."""
    yes = buddy("roles", "explain", FINANCE, "token_value:set")
    assert yes.exit_code == 0
    assert "token_value:set on the platform: yes (granted)" in yes.stdout
    no = buddy("roles", "explain", VIEWER, "statement:read")
    assert no.exit_code == 1
    assert "no (no_role)" in no.stdout
    own = buddy("roles", "explain", VIEWER, "title:watch")
    assert own.exit_code == 0
    far = buddy("roles", "explain", "marigold@example.com", "statement:read", "--territory", "IN")
    assert far.exit_code == 1
    assert "no (out_of_scope)" in far.stdout
    assert UUID.search(yes.stdout + no.stdout + own.stdout + far.stdout) is None


def test_the_command_line_approves_nothing(buddy: Buddy, folder: Path) -> None:
    """Approving says that a person must do it, and the request waits on."""
    request = asked_by_support(folder)
    refused(buddy("approvals", "approve", request), "second factor")
    assert "second factor" in " ".join(buddy("approvals", "--help").stdout.split())
    assert f"{request}  pending " in buddy("approvals", "list").stdout
    assert "Tokens         0" in buddy("users", "show", VIEWER).stdout


def test_a_person_s_request_is_shown_and_rejected(buddy: Buddy, folder: Path) -> None:
    """It is shown with who asks and what it would do, rejected once with a reason, and listed no more."""
    request = asked_by_support(folder)
    shown = buddy("approvals", "show", request).stdout
    for said in (SUPPORT, "80 bonus tokens for viewer@example.com", "a long outage", "pending"):
        assert said in shown
    refused(buddy("approvals", "withdraw", request), "Somebody else asked")
    refused(buddy("approvals", "reject", request, "--reason", "no"), "Say why")
    assert (
        buddy("approvals", "reject", request, "--reason", "too many").stdout
        == f"Request {request} is rejected.\n"
    )
    refused(buddy("approvals", "reject", request, "--reason", "too many"), "rejected before")
    assert buddy("approvals", "list").stdout == ""
    assert f"{request}  rejected " in buddy("approvals", "list", "--all").stdout
    assert "too many" in buddy("approvals", "show", request).stdout
    assert buddy("verify").exit_code == 0


def test_the_operator_s_own_request_is_withdrawn_not_rejected(buddy: Buddy) -> None:
    """Nobody rejects what they asked for; the command line withdraws it."""
    (request,) = REQUEST.findall(buddy("users", "grant-tokens", VIEWER, "99", *WHY).stdout)
    refused(buddy("approvals", "reject", request, "--reason", "too many"), "You asked for this yourself")
    assert buddy("approvals", "withdraw", request).stdout == f"Request {request} is withdrawn.\n"


def test_the_audit_is_searched(buddy: Buddy) -> None:
    """Each option narrows, the newest come first, older ones are reached by number, and nothing has an id."""
    buddy("roles", "grant", VIEWER, "analyst", "--territory", "IN")
    buddy("users", "sign-out", VIEWER, "--reason", "phone stolen")
    about = buddy("audit", "search", "--about", VIEWER)
    first, second = (line.split("  ") for line in about.stdout.splitlines())
    assert (first[1:4], second[1:4]) == (
        ["system", "session.revoke", VIEWER],
        ["system", "role.assign", VIEWER],
    )
    assert "reason: phone stolen" in first
    assert len(buddy("audit", "search", "--action", "role.assign").stdout.splitlines()) == 7
    assert len(buddy("audit", "search", "--reference", "cli", "--action", "role").stdout.splitlines()) == 1
    assert buddy("audit", "search", "--actor", FINANCE).stdout == ""
    assert buddy("audit", "search", "--ip", "192.0.2.1").stdout == ""
    assert buddy("audit", "search", "--until", "2020-01-01").stdout == ""
    assert buddy("audit", "search", "--since", "2020-01-01T10:30", "--limit", "1").stdout.count("\n") == 1
    page = buddy("audit", "search", "--action", "role", "--limit", "4")
    (before,) = re.findall(r"--before (\d+)", page.stderr)
    rest = buddy("audit", "search", "--action", "role", "--limit", "100", "--before", before)
    assert len((page.stdout + rest.stdout).splitlines()) == 7
    assert UUID.search(page.stdout + rest.stdout + about.stdout) is None


def test_a_date_that_is_none_is_refused(buddy: Buddy) -> None:
    """What is no date is a mistake in the words of the command, with exit code 2."""
    assert buddy("audit", "search", "--since", "yesterday").exit_code == 2


def test_the_audit_is_exported_whole_with_its_chain(buddy: Buddy, folder: Path, tmp_path: Path) -> None:
    """Every record is a line; anyone can follow the hashes; only the owner may read the file."""
    file = tmp_path / "audit.jsonl"
    first = buddy("audit", "export", str(file))
    assert (first.exit_code, first.stdout) == (0, "")
    rows = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert rows[-1]["action"] == "audit.export"
    assert f"sha256:{rows[-1]['hash']}" in first.stderr
    head = bytes(32)
    for number, row in enumerate(rows, 1):
        assert row["sequence"] == number
        assert row["previous_hash"] == head.hex()
        body = [row[name] for name in HASHED]
        head = hashlib.sha256(head + canonical_bytes(body)).digest()
        assert row["hash"] == head.hex()
    again = buddy("audit", "export", str(file))
    later = [json.loads(line) for line in file.read_bytes().splitlines()]
    assert later[: len(rows)] == rows
    assert len(later) == len(rows) + 1
    assert f"{len(later)} records" in again.stderr
    assert [path.name for path in tmp_path.glob("*.jsonl*")] == ["audit.jsonl"]
    assert len(audited(folder, "audit.export")) == 2


HASHED = (
    "format",
    "sequence",
    "at",
    "actor",
    "action",
    "resource",
    "before",
    "after",
    "correlation_id",
    "as_whom",
    "ip",
)
"""The columns that a record's hash covers, in order."""


def test_the_export_goes_to_standard_output(buddy: Buddy) -> None:
    """`-` writes the records to standard output and nothing else; how many there were is said beside."""
    result = buddy("audit", "export", "-")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert f"{len(rows)} records" in result.stderr


def test_a_long_audit_is_exported_page_by_page(
    buddy: Buddy, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages join without a record lost or twice, and progress is told."""
    monkeypatch.setattr("buddy_core.views.audit_export.PAGE", 3)
    monkeypatch.setattr("buddy_web.commands.audit._TELL_EVERY", 5)
    file = tmp_path / "audit.jsonl"
    result = buddy("audit", "export", str(file))
    numbers = [json.loads(line)["sequence"] for line in file.read_bytes().splitlines()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 6
    assert f"5/{len(numbers)} records" in result.stderr


def test_an_export_that_fails_leaves_the_file_of_before(buddy: Buddy, folder: Path, tmp_path: Path) -> None:
    """Without the tables nothing is written, and what lay there is not touched."""
    file = tmp_path / "audit.jsonl"
    file.write_text("of before")
    (folder / "buddy.db").unlink()
    refused(buddy("audit", "export", str(file)), "buddy migrate")
    assert file.read_text() == "of before"
    assert [path.name for path in tmp_path.glob(".audit*")] == []


def test_sweep_says_what_it_removed(buddy: Buddy, folder: Path) -> None:
    """Sessions, tokens and tries are counted; run again there is nothing left, and the books are clean."""
    begin_session(folder, VIEWER)
    assert buddy("demo", "clock", "+1month").exit_code == 0
    first = buddy("sweep")
    assert first.exit_code == 0
    assert "Sessions: 1 were over, 1 refresh tokens and" in first.stdout
    assert "Rate limits: 0 counts removed." in first.stdout
    assert "Sessions: 0 were over, 0 refresh tokens and 0 counted tries removed." in buddy("sweep").stdout
    assert buddy("verify").exit_code == 0


def test_the_demo_names_every_login(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever starts the demo is told each login, where it begins, and where its second factor's code is."""
    cli._print_addresses(8000)
    said = capsys.readouterr().out
    for login in LOGINS:
        assert re.search(rf"^{login.role} +http://127\.0\.0\.1:8000/\S* +{login.email} ", said, re.MULTILINE)
    assert "second factor" in said
