"""Nothing stays undocumented: errors, events, ports, roles and settings are on their pages."""

from __future__ import annotations

import functools
import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from buddy_web.settings import all_settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


@functools.cache
def _pages() -> dict[str, str]:
    """Make all pages once; it takes a second."""
    found: dict[str, str] = GENERATE.pages()
    return found


@functools.cache
def _errors_of_the_core() -> list[Any]:
    """Find the error classes of the core once."""
    found: list[Any] = GENERATE.heirs(GENERATE.classes("buddy_core"), *GENERATE.KINDS)
    return found


@pytest.mark.parametrize("name", ["errors.md", "events.md", "ports.md", "access.md", "edge.md"])
def test_a_made_page_is_what_the_code_gives_now(name: str) -> None:
    """The page is the same to the byte when it is made again; if not: python docs/generate.py."""
    assert _pages()[name] == (DOCS / name).read_text("utf-8"), "run: python docs/generate.py"


def test_every_error_has_a_code_of_its_own_and_words() -> None:
    """No two errors share a code, each code names its module, and each class says what it is."""
    kinds = GENERATE.KINDS
    found = GENERATE.heirs(GENERATE.classes("buddy_core", "buddy_adapters", "buddy_web"), *kinds)
    errors = [item.load() for item in found if item.name not in kinds]
    codes = [error.code for error in errors]
    assert sorted(codes) == sorted(set(codes))
    assert [code for code in codes if "." not in code] == []
    assert [error.__name__ for error in errors if not error.__doc__] == []


def test_every_event_has_a_versioned_type_of_its_own() -> None:
    """No two events share a type, each type ends with its version, and each class says what happened."""
    events = [item.load() for item in GENERATE.heirs(GENERATE.classes("buddy_core"), "Event")]
    types = [event.type for event in events]
    assert len(types) > 5
    assert sorted(types) == sorted(set(types))
    assert [name for name in types if not name.rpartition(".v")[2].isdigit()] == []


def test_every_port_is_carried_out_by_an_adapter() -> None:
    """A port that nothing carries out would be a promise without a keeper."""
    assert "nothing yet" not in GENERATE.port_page()


def test_every_setting_is_on_its_page() -> None:
    """docs/settings.md names every variable that the process reads."""
    text = (DOCS / "settings.md").read_text("utf-8")
    assert [setting.name for setting in all_settings() if f"`{setting.name}`" not in text] == []


def test_every_module_has_a_readme_with_an_example() -> None:
    """Each package of the core says its words and shows one example that runs."""
    packages = sorted(path.parent for path in (ROOT / "buddy_core").glob("*/__init__.py"))
    without = [
        package.name
        for package in packages
        if not (package / "README.md").exists() or ">>> " not in (package / "README.md").read_text("utf-8")
    ]
    assert without == []


@pytest.mark.parametrize(
    "readme", sorted((ROOT / "buddy_core").glob("*/README.md")), ids=lambda path: path.parent.name
)
def test_a_module_s_readme_lists_its_error_codes(readme: Path) -> None:
    """A README with a section of errors names every code of its module, and none that is gone."""
    kinds = GENERATE.KINDS
    module = readme.parent.name
    owned = {
        item.load().code
        for item in _errors_of_the_core()
        if item.name not in kinds and item.module.split(".")[1] == module
    }
    _, heading, section = readme.read_text("utf-8").partition("\n## Errors\n")
    named = set(re.findall(rf"`({module}\.[a-z_]+)`", section.partition("\n## ")[0]))
    assert not heading or named == owned


def test_every_decision_is_in_the_index() -> None:
    """docs/decisions/index.md leads to each decision, in order."""
    pages = sorted(path.name for path in (DOCS / "decisions").glob("[0-9]*.md"))
    index = (DOCS / "decisions" / "index.md").read_text("utf-8")
    places = [index.find(f"({name})") for name in pages]
    assert pages
    assert -1 not in places
    assert places == sorted(places)
