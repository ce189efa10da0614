"""Measured claims: each line is timed in turns with a yardstick, in one run on one machine."""

from __future__ import annotations

import pkgutil
from importlib import import_module


def load() -> None:
    """Import every file of this folder, so that its lines are registered."""
    for module in pkgutil.iter_modules(__path__):
        if module.name != "__main__":
            import_module(f"{__name__}.{module.name}")
