"""The examples in each module's README are true: they run as doctests."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = sorted((ROOT / "buddy_core").glob("*/README.md"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


class _Fenced(doctest.DocTestParser):
    """Reads doctests out of Markdown, where a closing fence ends the expected output."""

    def parse(self, string: str, name: str = "<string>") -> list[doctest.Example | str]:
        lines = ["" if line.lstrip().startswith("```") else line for line in string.split("\n")]
        return super().parse("\n".join(lines), name)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_examples_of_a_module_s_readme_are_true(path: Path) -> None:
    """Every example prints what the page says it prints."""
    result = doctest.testfile(
        str(path), module_relative=False, optionflags=FLAGS, parser=_Fenced(), encoding="utf-8"
    )
    assert result.failed == 0


def test_there_are_readmes() -> None:
    """The modules do have READMEs, so that the test above tests something."""
    assert READMES
