"""The project's tasks, one question each. `python3 noxfile.py -s demo` needs nothing but Python 3.11.

Run as a plain script, this file makes itself a private environment in
`.venv-nox/`, installs nox and uv into it, and hands over to nox. With nox
already at hand, `nox -s demo` does the same. `nox -l` lists the sessions.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PRIVATE = ROOT / ".venv-nox"
CONSTRAINTS = ROOT / "constraints.txt"
OLDEST = (3, 11)


def private_python(folder: Path) -> Path:
    """Return where the Python of a virtual environment lies."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def has_nox(folder: Path) -> bool:
    """Say whether the environment's Python imports nox and uv: a folder alone proves nothing."""
    command = [str(private_python(folder)), "-c", "import nox, uv"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def what_is_missing() -> str | None:
    """Return the one line that says what to install before anything can start, or None."""
    if sys.version_info < OLDEST:
        return (
            f"Buddy needs Python 3.11 or newer; this is {sys.version.split()[0]}. Install a newer one first."
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        return "This Python has no ensurepip. Install it (Debian: apt-get install python3-venv) and retry."
    return None


def make_private(folder: Path) -> None:
    """Make the private environment from nothing; what an interrupted run left is removed first."""
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(private_python(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, "--constraint", str(CONSTRAINTS), "nox", "uv"], check=True)


def start(arguments: list[str], folder: Path = PRIVATE) -> int:
    """Hand over to the private environment's nox, making that environment first where it is not whole."""
    if not has_nox(folder):
        missing = what_is_missing()
        if missing is not None:
            print(missing, file=sys.stderr)
            return 1
        print(f"Setting up {folder.name}/ (once) ...", flush=True)
        try:
            make_private(folder)
        except subprocess.CalledProcessError as error:
            print(f"Setting up failed at: {' '.join(map(str, error.cmd))}", file=sys.stderr)
            return 1
    command = [str(private_python(folder)), "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *arguments]
    if os.name != "nt":
        # Replacing this process lets Ctrl-C and signals reach nox, and its exit code reach the caller.
        os.execv(command[0], command)
    return subprocess.call(command)


if __name__ == "__main__":
    raise SystemExit(start(sys.argv[1:]))

import nox  # noqa: E402 - a plain script must get past this line without nox
import nox.command  # noqa: E402

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["tests"]
# A Python that is not installed is reported, not downloaded.
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
if hasattr(nox.options, "download_python"):
    nox.options.download_python = "never"

# The longest files come first, as tests/conftest.py puts them; by itself xdist takes those of most tests.
PYTEST_QUICK = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


def install(session: nox.Session, *groups: str, project: str = ".[all]") -> None:
    """Install the project and dependency groups at the pinned versions, unless this very set is there.

    The stamp makes a second start quick and possible without a network. It is
    written last, so that an interrupted installation is done again.
    """
    inputs = [
        CONSTRAINTS.read_bytes(),
        (ROOT / "pyproject.toml").read_bytes(),
        repr((project, groups)).encode(),
    ]
    wanted = hashlib.sha256(b"\0".join(inputs)).hexdigest()
    stamp = Path(session.virtualenv.location) / "buddy-installed"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    stamp.unlink(missing_ok=True)
    arguments = ["--constraint", str(CONSTRAINTS)]
    if project:
        arguments += ["--editable", project]
    for group in groups:
        arguments += ["--group", group]
    session.install(*arguments)
    stamp.write_text(wanted, "utf-8")


def npm_group() -> tuple[str, ...]:
    """Return the dependency group that brings npm, on a machine that has none."""
    return () if shutil.which("npm") else ("npm",)


def fetch_front_end(session: nox.Session) -> None:
    """Put the pinned front-end packages in place."""
    session.run("python", "-m", "buddy_web.vendor")


@nox.session
def demo(session: nox.Session) -> None:
    """What does it look like? Encodes, seeds and serves the demo on 127.0.0.1:8000."""
    install(session, *npm_group())
    fetch_front_end(session)
    session.run("buddy", "demo", "--port", "8000", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Is everything right? All checks and all tests; `-- ARGS` runs pytest alone with ARGS."""
    install(session, "test", "docs", "lint", "bench", *npm_group())
    fetch_front_end(session)
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    # Side by side, beginning with the longest: each keeps one core busy.
    with ThreadPoolExecutor(2) as two:
        results = list(two.map(lambda given: part(session, *given), PARTS))
    for name, right, seconds in results:
        print(f"{name:<10}{'right' if right else 'WRONG':<8}{seconds:>4} s", flush=True)
    # Last, so that a reader of the output finds pytest's own summary at its end.
    session.run("pytest", *PYTEST_QUICK)
    wrong = [name for name, right, _ in results if not right]
    if wrong:
        session.error(f"pytest passed, but these did not: {', '.join(wrong)}")


MYPY = ["mypy", f"--cache-dir={os.devnull}"]
IMPORTS = ["lint-imports", "--no-cache"]
DOCS = ["sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "site"]
PARTS = (
    ("docs", DOCS),
    ("types", MYPY),
    ("lint", ["ruff", "check", "."], ["ruff", "format", "--check", "."]),
    ("imports", IMPORTS),
)


def part(session: nox.Session, name: str, *commands: list[str]) -> tuple[str, bool, int]:
    """Run one part to its end whatever it finds; return its name, whether it was right, and its seconds.

    What a command printed is shown where it failed.
    """
    began = time.monotonic()
    right = True
    for command in commands:
        try:
            session.run(*command, silent=True)
        except nox.command.CommandFailed:
            right = False
    return name, right, round(time.monotonic() - began)


@nox.session
def lint(session: nox.Session) -> None:
    """Is the style right?"""
    install(session, "lint", project="")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Do the types hold? mypy strict with a cold cache: a warm one misses broken ports."""
    install(session, "lint", "test", "bench")
    session.run(*MYPY)


@nox.session
def imports(session: nox.Session) -> None:
    """Does every import keep to the contracts?"""
    install(session, "lint")
    session.run(*IMPORTS)


@nox.session
def oracles(session: nox.Session) -> None:
    """Does Buddy give the published answers? BUDDY_ORACLES names another folder of cases."""
    install(session, "test")
    session.run("pytest", "tests/oracles", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """How quick is it? Prints the table and writes bench.json; `-- NAME` runs those that begin so."""
    install(session, "test", "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Do the docs build without a warning? They land in site/."""
    install(session, "docs")
    session.run(*DOCS)


@nox.session
def browser(session: nox.Session) -> None:
    """Does it work in a real Chromium, on a phone and on a desktop?"""
    install(session, "test", *npm_group())
    fetch_front_end(session)
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """What do the main pages look like? Writes the pictures of the docs into docs/images/."""
    install(session, "test", *npm_group())
    fetch_front_end(session)
    folder = str(ROOT / "docs" / "images")
    arguments = ["tests/browser/test_pages.py", "-k", "test_page_is_right", *session.posargs]
    session.run("pytest", *arguments, env={"BUDDY_SCREENSHOTS": folder})


@nox.session
def crash(session: nox.Session) -> None:
    """Does the ledger survive kill -9 of the app and of PostgreSQL? 200 kills of each; the tests alone do 10.

    BUDDY_CRASH_RUNS is another number of them, BUDDY_CRASH_SEED repeats a run that failed.
    """
    install(session, "test")
    runs = os.environ.get("BUDDY_CRASH_RUNS", "200")
    session.run("pytest", "tests/crash", *session.posargs, env={"BUDDY_CRASH_RUNS": runs})


@nox.session
def mutants(session: nox.Session) -> None:
    """Do the tests notice changed token rules? Half an hour; `-- NAME ...` runs those mutants again."""
    install(session, "test", "mutants")
    if not session.posargs:
        shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    session.run("mutmut", "run", *session.posargs, env={"HYPOTHESIS_PROFILE": "mutants"})
    session.run("python", "tests/mutants.py")


@nox.session
def postgres(session: nox.Session) -> None:
    """Does it also hold on the system's own PostgreSQL?"""
    install(session, "test")
    arguments = session.posargs or ["tests/contracts", "tests/adapters"]
    session.run("pytest", *arguments, env={"BUDDY_TEST_POSTGRES": "system"})


@nox.session(python=["3.11", "3.12", "3.13"])
def pythons(session: nox.Session) -> None:
    """Does it hold on every supported Python? Needs those Pythons installed."""
    install(session, "test", "docs", "lint", "bench", *npm_group())
    fetch_front_end(session)
    session.run("pytest", *PYTEST_QUICK, *session.posargs)


@nox.session
def lock(session: nox.Session) -> None:
    """Which versions are used? Writes constraints.txt anew; `-- --upgrade` takes newer ones."""
    install(session, "dev", project="")
    arguments = [
        "--universal",
        "--python-version",
        "3.11",
        "--all-extras",
        "--group",
        "dev",
        "--group",
        "npm",
    ]
    quiet = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    session.run(
        "uv", "pip", "compile", *arguments, *quiet, "pyproject.toml", "-o", str(CONSTRAINTS), *session.posargs
    )
    pins = [line for line in CONSTRAINTS.read_text("utf-8").splitlines() if not line.startswith("#")]
    head = "# The versions that every session uses, on Python 3.11 to 3.13. Made by: nox -s lock"
    CONSTRAINTS.write_text("\n".join([head, *pins]) + "\n", "utf-8")
