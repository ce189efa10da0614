"""Runs a law until each thing that it checks has been met often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from hypothesis import settings

# `nox -s mutants` runs a few examples of each law, which meet what they meet.
OFTEN = 0 if settings.get_current_profile_name() == "mutants" else 50
"""How often each thing is met at least."""
MOST = 12
"""How many runs that may take."""


def often(run: Callable[[], Any], fired: Counter[Any], *keys: Hashable) -> None:
    """Run a law again and again until each of the keys has been counted often."""
    for _ in range(MOST):
        run()
        if all(fired[key] >= OFTEN for key in keys):
            break
    seldom = {key: fired[key] for key in keys if fired[key] < OFTEN}
    assert keys
    assert not seldom
