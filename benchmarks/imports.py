"""How long a fresh interpreter takes to import Buddy's core."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.harness import Contest, line

STARTS = 3
"""Interpreters started in a round."""


EVERY_MODULE = """
import importlib, pkgutil
import buddy_core
for module in pkgutil.iter_modules(buddy_core.__path__):
    importlib.import_module(f"buddy_core.{module.name}")
"""
"""`import buddy_core` alone loads nothing, so every module's front door is opened."""


def _start(statement: str) -> Callable[[], int]:
    def run() -> int:
        for _ in range(STARTS):
            subprocess.run([sys.executable, "-c", statement], check=True)
        return STARTS

    return run


@line("imports.buddy_core", unit="ms", yardstick="import attrs", goal=8, better="lower")
def buddy_core() -> Contest:
    """Interpreter start and import of every domain module, against those of attrs alone.

    The aim is a fraction of a second; eight times attrs is about half of one.
    """
    return Contest(_start(EVERY_MODULE), _start("import attrs"))
