"""The README of the module is true."""

from __future__ import annotations

import doctest
from pathlib import Path

import buddy_core.shortids


def test_readme_examples() -> None:
    """Every example of the README gives what it says."""
    readme = Path(buddy_core.shortids.__file__).with_name("README.md")
    result = doctest.testfile(str(readme), module_relative=False)
    assert result.attempted > 10
    assert result.failed == 0
