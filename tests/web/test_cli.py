"""The command `buddy`: what each command does, says and answers to the shell."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buddy_core.kernel.periods import next_month
from buddy_web.cli import main
from tests.crash.world import build

Buddy = Callable[..., Result]

PRODUCTION = {
    "BUDDY_MODE": "production",
    "BUDDY_SECRET_KEY": "k" * 48,
    "BUDDY_PUBLIC_URL": "https://watch.example.com",
}
COMMANDS = ("serve", "migrate", "seed", "close", "verify", "roles", "demo")


@pytest.fixture(scope="session")
def store_with_a_past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with spends from January to August 2026."""
    file = tmp_path_factory.mktemp("cli") / "past.db"
    asyncio.run(build(f"sqlite+aiosqlite:///{file}"))
    return file


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where the command's database lies."""
    return tmp_path / "buddy.db"


@pytest.fixture
def settings(tmp_path: Path, database: Path) -> dict[str, str]:
    """The environment of a demo that keeps everything in the test's folder."""
    return {
        "BUDDY_MODE": "demo",
        "BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "BUDDY_SECRET_FILE": str(tmp_path / "secret.key"),
        "BUDDY_MEDIA_DIR": str(tmp_path / "media"),
    }


@pytest.fixture
def buddy(settings: dict[str, str]) -> Buddy:
    """Run `buddy` with these words and return what it answered."""

    def run(*words: str, env: dict[str, str] | None = None) -> Result:
        result = CliRunner().invoke(main, words, env=settings | (env or {}), prog_name="buddy")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def past(buddy: Buddy, database: Path, store_with_a_past: Path) -> Buddy:
    """Run `buddy` on a store with a past."""
    shutil.copy(store_with_a_past, database)
    return buddy


@pytest.fixture(scope="session")
def seeded_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the demo, filled by the commands themselves; each test gets a copy."""
    file = tmp_path_factory.mktemp("cli") / "seeded.db"
    env = {
        "BUDDY_MODE": "demo",
        "BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{file}",
        "BUDDY_SECRET_FILE": str(file.with_name("secret.key")),
    }
    for words in (("migrate",), ("seed", "--demo")):
        assert CliRunner().invoke(main, words, env=env, prog_name="buddy").exit_code == 0
    return file


@pytest.fixture
def seeded(buddy: Buddy, database: Path, seeded_store: Path) -> Buddy:
    """Run `buddy` on a store with the demo."""
    shutil.copy(seeded_store, database)
    shutil.copy(seeded_store.with_name("secret.key"), database.parent)
    return buddy


def hashes(result: Result) -> list[str]:
    """Return the lines that name statements with their hashes."""
    return [
        line
        for line in result.stdout.splitlines()
        if re.fullmatch(r"  \S+ [A-Z]{3} sha256:[0-9a-f]{64}", line)
    ]


def test_help_names_every_command(buddy: Buddy) -> None:
    """`buddy --help` says what Buddy is, where settings come from, and a line a command."""
    result = buddy("--help")
    assert result.exit_code == 0
    assert "BUDDY_*" in result.stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} +[A-Z]\w+", result.stdout, re.MULTILINE), command


@pytest.mark.parametrize(
    ("words", "taught"),
    [
        (("serve",), ("gunicorn", "--port")),
        (("migrate",), ("newest schema", "before each start")),
        (("seed",), ("--demo", "stays as it is")),
        (("close",), ("YYYY-MM", "--entity", "exit code is 3", "another publishes")),
        (("verify",), ("Exits with 1", "What cannot be seen")),
        (("demo",), ("var/", "clock", "prepare")),
        (("demo", "clock"), ("+1month", "never goes back")),
    ],
)
def test_help_of_a_command_teaches(buddy: Buddy, words: tuple[str, ...], taught: tuple[str, ...]) -> None:
    """The help of a command says how it is used and what it answers."""
    result = buddy(*words, "--help")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    for words_taught in taught:
        assert words_taught in said


def test_migrate_and_seed_can_be_run_again(buddy: Buddy) -> None:
    """Schema and first numbers are there after one run, and a second one changes nothing."""
    for _ in range(2):
        assert buddy("migrate").stdout == "The database is at the newest schema.\n"
        assert buddy("seed").stdout == "Seeded.\n"
    checked = buddy("verify")
    assert (checked.exit_code, checked.stdout.splitlines()[-1]) == (0, "Clean.")


def test_seed_demo_writes_titles_once(buddy: Buddy, database: Path) -> None:
    """`seed --demo` adds the demo's titles and logins; again, it adds none."""
    buddy("migrate")
    counts = []
    for _ in range(2):
        assert buddy("seed", "--demo").exit_code == 0
        with closing(sqlite3.connect(database)) as connection:
            query = "SELECT (SELECT count(*) FROM catalog_titles), (SELECT count(*) FROM accounts)"
            counts.append(connection.execute(query).fetchone())
    assert counts[0] == counts[1]
    assert min(counts[0]) > 0


def test_close_writes_statements(past: Buddy) -> None:
    """Closing a finished month names each statement by holder, currency and hash, for every entity."""
    result = past("close", "2026-01")
    assert result.exit_code == 0
    assert "newtact 2026-01: closed, 2 statements" in result.stdout
    assert "thaja 2026-01: closed, 2 statements" in result.stdout
    assert len(hashes(result)) == 4
    assert past("verify").exit_code == 0


def test_closing_again_is_the_same_to_the_byte(past: Buddy, database: Path) -> None:
    """A second close answers the stored statements and leaves every byte of them alone."""

    def stored() -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(database)) as connection:
            return connection.execute("SELECT * FROM royalty_statements ORDER BY 1, 2").fetchall()

    first = past("close", "2026-01")
    kept = stored()
    again = past("close", "2026-01")
    assert again.exit_code == 0
    assert again.stdout.count("was closed before; its statements are the same to the byte") == 2
    assert hashes(again) == hashes(first)
    assert stored() == kept
    assert len(kept) == 4


def test_close_one_entity(past: Buddy) -> None:
    """With --entity only that entity's month is closed."""
    result = past("close", "2026-01", "--entity", "thaja")
    assert result.exit_code == 0
    assert "thaja 2026-01: closed" in result.stdout
    assert "newtact" not in result.output
    assert "newtact 2026-01: closed" in past("close", "2026-01").stdout


def test_an_unfinished_month_stays_open(past: Buddy) -> None:
    """A month that has not ended is not closed: the exit code is 3 and every entity is named."""
    result = past("close", "2999-12")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "newtact" in result.stderr
    assert "thaja" in result.stderr


def test_a_month_after_an_open_one_is_refused(past: Buddy) -> None:
    """A month cannot be closed while an earlier one with spends is open; entity and month are named."""
    result = past("close", "2026-03")
    assert result.exit_code == 3
    assert "newtact 2026-03 is not closed. 2026-01 of newtact is not closed yet" in result.stderr
    assert hashes(result) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("close", "2026-13"), "2026-13"),
        (("close", "last month"), "last month"),
        (("close", "2026-01", "--entity", "nobody"), "newtact"),
    ],
)
def test_what_cannot_be_closed_is_said_in_one_line(past: Buddy, words: tuple[str, ...], said: str) -> None:
    """A bad month or an unknown entity is one line that says what is wrong, without a traceback."""
    result = past(*words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_verify_names_the_altered_row(past: Buddy, database: Path) -> None:
    """One token more in one lot, and verify ends with 1 and names the lot."""
    assert past("verify").exit_code == 0
    with closing(sqlite3.connect(database)) as connection:
        (lot,) = connection.execute("SELECT min(lot_id) FROM token_lot_balances").fetchone()
        connection.execute("UPDATE token_lot_balances SET remaining = remaining + 1 WHERE lot_id = ?", [lot])
        connection.commit()
    result = past("verify")
    assert result.exit_code == 1
    assert f"FAULT token_lot_balances {lot}: " in result.stderr
    assert "Clean." not in result.output
    assert "1 faults." in result.stderr


def test_the_demo_clock_moves_and_lets_a_month_be_closed(past: Buddy) -> None:
    """A month ahead, the month that is running now can be closed; the clock moves on from where it stands."""
    now = datetime.now(UTC)
    running = f"{now:%Y-%m}"
    month = "2026-01"
    while month < running:
        assert past("close", month).exit_code == 0
        month = next_month(month)
    assert past("close", running).exit_code == 3
    first = past("demo", "clock", "+1month")
    assert first.exit_code == 0
    assert past("close", running).exit_code == 0
    second = past("demo", "clock", "+3days")
    stands = [_clock(result) for result in (first, second)]
    assert 28 <= (stands[0] - now).days <= 31
    assert 2 <= (stands[1] - stands[0]).days <= 3


@pytest.mark.parametrize("shift", ["yesterday", "+1year", "reset"])
def test_the_demo_clock_never_goes_back(buddy: Buddy, shift: str) -> None:
    """What is no step forward is refused and says so."""
    result = buddy("demo", "clock", shift)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")


@pytest.mark.parametrize(
    "words", [("demo",), ("demo", "prepare"), ("demo", "clock", "+1month"), ("seed", "--demo")]
)
def test_production_refuses_the_demo(buddy: Buddy, database: Path, words: tuple[str, ...]) -> None:
    """With BUDDY_MODE=production nothing of the demo is done, and the reason is said."""
    result = buddy(*words, env=PRODUCTION)
    assert result.exit_code == 1
    assert "production" in result.stderr
    assert "password" in result.stderr
    assert not database.exists()


@pytest.mark.parametrize(
    "words", [("verify",), ("seed",), ("close", "2026-01"), ("roles", "grant", "a@b.example", "admin")]
)
def test_before_migrate_a_command_names_it(buddy: Buddy, words: tuple[str, ...]) -> None:
    """What needs the tables says in one line that `buddy migrate` comes first."""
    result = buddy(*words)
    assert result.exit_code == 1
    assert "buddy migrate" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_migrate_makes_the_folder_of_its_file(buddy: Buddy, tmp_path: Path) -> None:
    """In a clean clone there is no var/, and migrate makes it."""
    file = tmp_path / "not" / "there" / "buddy.db"
    result = buddy("migrate", env={"BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{file}"})
    assert (result.exit_code, file.exists()) == (0, True)


@pytest.mark.parametrize("url", ["garbage", "mysql://a:secret-word@b/c", "sqlite:///x.db"])
def test_a_wrong_database_address_is_one_line(buddy: Buddy, url: str) -> None:
    """The variable is named with what it should be; the address, which may hold a password, is not."""
    result = buddy("verify", env={"BUDDY_DATABASE_URL": url})
    assert result.exit_code == 1
    assert "BUDDY_DATABASE_URL: must be an address such as" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "secret-word" not in result.stderr


def test_a_port_that_is_taken_is_said_before_any_address(buddy: Buddy, tmp_path: Path) -> None:
    """The demo and serve name the taken port, and neither encodes nor prints addresses first."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words in (("demo", "--port", port), ("serve", "--port", port)):
            result = buddy(*words)
            assert result.exit_code == 1
            assert f"Cannot listen on 127.0.0.1:{port}" in result.stderr
            assert "Viewer" not in result.output
    assert not (tmp_path / "media").exists()


@pytest.mark.parametrize("command", ["demo", "serve"])
def test_a_port_out_of_range_is_refused(buddy: Buddy, command: str) -> None:
    """There is no port 99999, and the command line says so."""
    result = buddy(command, "--port", "99999")
    assert result.exit_code == 2
    assert "1<=x<=65535" in result.stderr


def test_a_role_is_granted_and_on_record(seeded: Buddy, database: Path) -> None:
    """A registered member becomes finance or a producer's admin, once, and the audit says so."""
    with closing(sqlite3.connect(database)) as connection:
        (producer,) = connection.execute("SELECT min(short_id) FROM catalog_producers").fetchone()

        def records() -> int:
            query = "SELECT count(*) FROM access_audit WHERE action = 'role.assign'"
            return int(connection.execute(query).fetchone()[0])

        before = records()
        for _ in range(2):
            granted = seeded("roles", "grant", "Viewer@example.com", "finance")
            assert (granted.exit_code, granted.stdout) == (0, "Viewer@example.com is finance now.\n")
            assert records() == before + 1
        words = ("viewer@example.com", "partner_admin", "--producer", producer.upper())
        assert seeded("roles", "grant", *words).exit_code == 0
        assert records() == before + 2
    assert seeded("verify").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nobody@example.com", "finance"), "Nobody has registered"),
        (("viewer@example.com", "owner"), "no role 'owner'"),
        (("viewer@example.com", "partner_admin"), "is given partner, not global"),
        (("viewer@example.com", "finance", "--producer", "blue"), "blue"),
        (("viewer@example.com", "partner_admin", "--producer", "zzzzzz"), "zzzzzz"),
        (("no address", "finance"), "e-mail"),
    ],
)
def test_a_role_that_cannot_be_granted_is_refused(seeded: Buddy, words: tuple[str, ...], said: str) -> None:
    """An unknown person, role or producer is one line that says which."""
    result = seeded("roles", "grant", *words)
    assert result.exit_code == 1
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_wrong_settings_are_named(buddy: Buddy) -> None:
    """Settings that contradict each other end the command with the variables' names."""
    result = buddy("verify", env=PRODUCTION | {"BUDDY_SECRET_KEY": "short"})
    assert result.exit_code == 1
    assert "BUDDY_SECRET_KEY" in result.stderr


def test_the_command_in_a_process_of_its_own(buddy: Buddy, settings: dict[str, str]) -> None:
    """From the shell it is the same: output on stdout, refusals on stderr, and the exit codes."""
    buddy("migrate")

    def run(*words: str) -> tuple[int, str, str]:
        code = "from buddy_web.cli import main; main(prog_name='buddy')"
        command = [sys.executable, "-W", "error", "-c", code, *words]
        done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    exit_code, output, refusal = run("close", "2999-12")
    assert (exit_code, output) == (3, "")
    assert "newtact" in refusal
    exit_code, output, refusal = run("verify")
    assert (exit_code, output.splitlines()[-1], refusal) == (0, "Clean.", "")


ROOT = Path(__file__).resolve().parents[2]


def _clock(result: Result) -> datetime:
    found = re.search(r"stands at (\S+ \S+) UTC", result.stdout)
    assert found is not None
    return datetime.strptime(found[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)


def test_numbers_are_changed_on_the_record(past: Buddy) -> None:
    """Costs and the reward rule get a new version, whose effect is said; the same again changes nothing."""
    shown = past("costs", "episode=3", "film=8", "--preview").stdout
    assert "film: 10 tokens -> 8 tokens, 4 titles" in shown
    assert "version" not in shown
    first = past("costs", "episode=3", "film=8")
    assert first.exit_code == 0
    assert "episode: 2 tokens -> 3 tokens" in first.stdout
    assert "Costs are at version 2" in first.stdout
    assert past("costs", "film=8").stdout == "Costs are at version 2.\n"
    assert "nothing would change" in past("costs", "film=8", "--preview").stdout
    listed = past("costs").stdout.splitlines()
    assert re.match(r" +2  coming  +from 20.* UTC  short 1, episode 3, film 8$", listed[0])
    assert "in force" in listed[1]
    rule = past("rewards", "tokens=2", "account_daily=8", "--key", "k1").stdout
    assert rule == "The reward rule is at version 2.\n"
    assert past("rewards", "tokens=2", "account_daily=8", "--key", "k1").stdout == rule
    assert (
        "at most 24 tokens a day; spent, they count ₹12.00" in past("rewards", "tokens=3", "--preview").stdout
    )
    assert "tokens 2, days 90, account_daily 8" in past("rewards").stdout


def test_numbers_count_from_a_day(past: Buddy) -> None:
    """A day is midnight where the first entity sells, an instant is what it is; the past is refused."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=3)
    said = past("costs", "film=8", "--from", str(tomorrow)).stdout
    assert f"From {tomorrow - timedelta(days=1)} 18:30:00 UTC" in said
    later = datetime.now(UTC) + timedelta(days=9)
    assert f"{later:%Y-%m-%d %H:%M:%S} UTC" in past("costs", "film=7", "--from", later.isoformat()).stdout
    refused = past("costs", "film=6", "--from", "2026-01-02")
    assert "pricing.costs_in_past" in refused.stderr
    assert past("costs", "film=6", "--from", "someday").exit_code == 2


def test_a_title_is_given_a_cost_of_its_own(seeded: Buddy, database: Path) -> None:
    """A title is named by type and id, its cost is taken away by `type`, and a type has none to take away."""
    with closing(sqlite3.connect(database)) as store:
        [(short_id,)] = store.execute("SELECT short_id FROM catalog_titles WHERE type = 'film' LIMIT 1")
    assert ": 10 tokens -> 4 tokens, 1 titles" in seeded("costs", f"film/{short_id}=4").stdout
    assert f"film/{short_id} 4" in seeded("costs").stdout.splitlines()[0]
    assert ": 4 tokens -> 10 tokens" in seeded("costs", f"film/{short_id}=type").stdout
    assert seeded("costs", "film=type").exit_code == 2


def test_what_a_token_counts_is_shown_and_set(past: Buddy) -> None:
    """The versions are listed; a new one says its effect, a large one waits, and the past is refused."""
    listed = past("tokens", "value").stdout
    assert re.search(r"bonus-1 +in force +from 2026-01-01 00:00 UTC  ₹0.50, \$0.006", listed)
    assert "bonus-1" not in past("tokens", "value", "paid").stdout
    day = str(datetime.now(UTC).date() + timedelta(days=3))
    words = ("tokens", "value", "bonus", "INR=0.45", "USD=0.0055", "--from", day)
    shown = past(*words, "--preview").stdout
    assert "From then an unlock of 2 bonus tokens counts ₹0.90 instead of ₹1.00" in shown
    same = past("tokens", "value", "bonus", "INR=0.50", "USD=0.0055", "--from", day, "--preview").stdout
    assert "counts $0.011 instead of $0.012" in same
    assert "counts ₹1.00, as before." in same
    saved = past(*words, "--key", "k1").stdout
    assert saved.endswith("Version bonus-2 is saved.\n")
    assert past(*words, "--key", "k1").stdout == saved
    assert "coming" in past("tokens", "value", "bonus").stdout
    later = str(datetime.now(UTC).date() + timedelta(days=5))
    large = past("tokens", "value", "bonus", "INR=2.00", "USD=0.02", "--from", later)
    assert (large.exit_code, "waits for a second person" in large.stdout) == (3, True)
    for wrong, said in (
        (("bonus", "INR=0.45", "USD=0.0055", "--from", "2026-01-05"), "value_version_in_past"),
        (("bonus", "INR=0.45", "--from", later), "USD"),
        (("bonus", "INR=0,45", "USD=1", "--from", later), "CURRENCY=AMOUNT"),
        (("bonus", "INR=0.45", "USD=1"), "--from"),
        (("bonus", "INR=0.45", "INR=0.5", "USD=0.0056", "--from", later), "INR is named twice"),
        (("bonus", "INR=0.45", "USD=0.0056", "--from", later, "--key", ""), "--key"),
    ):
        result = past("tokens", "value", *wrong)
        assert result.exit_code != 0
        assert said in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("costs", "film"), "NAME=NUMBER"),
        (("costs", "opera=3"), "film"),
        (("costs", "film=0"), "from 1 to"),
        (("costs", "film=5", "film=6"), "film is named twice"),
        (("rewards", "tokens=2", "tokens=3"), "tokens is named twice"),
        (("rewards", "price=1"), "account_daily"),
    ],
)
def test_numbers_that_cannot_be_are_said_in_one_line(past: Buddy, words: tuple[str, ...], said: str) -> None:
    """What is wrong with a number or its name is said, and nothing is changed."""
    result = past(*words)
    assert result.exit_code != 0
    assert said in result.stderr
