"""What all tests share: Hypothesis profiles, the printed seed, and the PostgreSQL server."""

from __future__ import annotations

import os
import secrets

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest.register_assert_rewrite("tests.contracts")

pytest_plugins = ["tests.postgres"]

# Examples are random in CI too, to find more over time; a failure prints what repeats it.
settings.register_profile("ci", print_blob=True, derandomize=False, deadline=None)
settings.register_profile("dev", print_blob=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# For `nox -s mutants`: thousands of runs, each of which must end the same way each time; a mutant that is
# found out need not be made small.
settings.register_profile(
    "mutants",
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") == "true" else "dev")
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose one Hypothesis seed for the whole run, unless --hypothesis-seed names one.

    Workers of pytest-xdist get it through the environment, so that one number repeats the run.
    """
    if config.getoption("--hypothesis-seed", None) is None:
        seed = os.environ.setdefault("BUDDY_HYPOTHESIS_SEED", str(secrets.randbelow(2**32)))
        config.option.hypothesis_seed = seed


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed that repeats this run's random examples."""
    return f"hypothesis: repeat with --hypothesis-seed={config.getoption('--hypothesis-seed')}"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run every test marked anyio on asyncio alone."""
    return "asyncio"
