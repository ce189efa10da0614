"""What all tests share: Hypothesis profiles, the printed seed, and the PostgreSQL server."""

from __future__ import annotations

import gc
import os
import secrets
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.contracts")

pytest_plugins = ["tests.postgres"]

# Examples are random in CI too, to find more over time; a failure prints what repeats it.
settings.register_profile("ci", print_blob=True, derandomize=False, deadline=None)
settings.register_profile("dev", print_blob=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For `nox -s mutants`: thousands of runs, each of which must end the same way each time; a mutant that is
# found out need not be made small. Of every law a few examples are run, whatever it asks for itself.
FEW = 20
settings.register_profile(
    "mutants",
    max_examples=FEW,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev")
settings.load_profile(PROFILE)


def a_few_examples(
    settings: settings, parent: settings | None = None, *, max_examples: int = FEW, **others: Any
) -> None:
    """Make settings of few examples."""
    whole_settings(settings, parent, max_examples=min(max_examples, FEW), **others)


if PROFILE == "mutants":
    whole_settings = settings.__init__
    settings.__init__ = a_few_examples


ROOT = Path(__file__).parents[1]
LONGEST = (
    "tests/browser/test_pages.py",
    "tests/adapters/sql/test_tamper.py",
    "tests/core/tokens/test_operations_machine.py",
    "tests/web/test_odd_input.py",
    "tests/web/test_api_fuzz.py",
    "tests/browser/test_reasons.py",
    "tests/browser/test_main_path.py",
    "tests/core/entitlements/test_decision_properties.py",
    "tests/flows/test_promotions.py",
    "tests/flows/test_nothing_past_changes.py",
    "tests/crash/test_crash_ledger.py",
    "tests/flows/test_caps.py",
    "tests/web/test_route_permissions.py",
    "tests/browser/test_access.py",
    "tests/web/test_whole_matrix.py",
    "tests/core/tokens/test_accounting_machine.py",
    "tests/web/test_web_edge.py",
    "tests/adapters/warehouse/test_totals.py",
    "tests/web/test_sessions_machine.py",
    "tests/crash/test_crash.py",
    "tests/adapters/sql/test_glances.py",
    "tests/concurrency/test_one_effect_a_key.py",
    "tests/flows/test_display.py",
    "tests/browser/test_promotions.py",
    "tests/core/royalty/test_period_laws.py",
    "tests/core/tokens/test_reading.py",
)
"""The files that take longest. A run in several processes begins with them: else it ends with one of them."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose one Hypothesis seed for the whole run, unless --hypothesis-seed names one.

    Workers of pytest-xdist get it through the environment, so that one number repeats the run.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _interrupt)
    if config.getoption("--hypothesis-seed", None) is None:
        seed = os.environ.setdefault("BUDDY_HYPOTHESIS_SEED", str(secrets.randbelow(2**32)))
        config.option.hypothesis_seed = seed


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop at Ctrl-C, as without this handler.

    Where Python's own one is in place, `asyncio.run` replaces it for each run, and in putting it back
    makes a text of all that the run answered: of a whole store, that takes longer than the test.
    """
    signal.default_int_handler(number, frame)


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from looking through all modules and tests again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first where pytest-xdist gives out the files."""
    if os.environ.get("PYTEST_XDIST_WORKER"):
        places = {ROOT / name: place for place, name in enumerate(LONGEST)}
        items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed that repeats this run's random examples."""
    return f"hypothesis: repeat with --hypothesis-seed={config.getoption('--hypothesis-seed')}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every test marked anyio on asyncio alone."""
    return "asyncio"
