"""The import contracts hold, and each of them turns red when it is broken."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("buddy_core", "buddy_adapters", "buddy_web")
LINT = (
    "import sys; sys.path.insert(0, {folder!r}); import importlinter.cli as cli; cli.lint_imports_command()"
)

BREACHES = {
    "core importing sqlalchemy": ("buddy_core/kernel/clock.py", "import sqlalchemy"),
    "core importing adapters": ("buddy_core/tokens/rules.py", "import buddy_adapters.memory"),
    "model importing rules": ("buddy_core/ads/model.py", "import buddy_core.ads.rules"),
    "errors importing model": ("buddy_core/ads/errors.py", "from buddy_core.ads.model import Cap"),
    "rights importing tokens": ("buddy_core/rights/rules.py", "import buddy_core.tokens"),
    "a flow importing tokens.model": ("buddy_core/flows/play.py", "from buddy_core.tokens.model import Lot"),
    "one provider importing another": ("buddy_adapters/cdn/errors.py", "import buddy_adapters.ads.admob"),
    "a new package that no contract lists": ("buddy_core/novelty/__init__.py", '"""New."""'),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources that a breach may be planted in."""
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "vendor", "static", "templates")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return tmp_path


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT.format(folder=str(folder))],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_are_kept(copy: Path) -> None:
    """The sources as they are break no contract."""
    answer = _lint(copy)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("breach", BREACHES)
def test_a_planted_breach_is_found(copy: Path, breach: str) -> None:
    """Each planted breach turns the contracts red."""
    name, line = BREACHES[breach]
    path = copy / name
    path.parent.mkdir(exist_ok=True)
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\n{line}\n")
    answer = _lint(copy)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "BROKEN" in answer.stdout or "not listed" in answer.stdout, answer.stdout


def test_every_module_has_its_contracts() -> None:
    """A module of the core is named by the inner layers and has a guarded front door."""
    contracts = (ROOT / ".importlinter").read_text()
    outside = {"kernel", "flows", "views", "__pycache__"}
    modules = {path.name for path in (ROOT / "buddy_core").iterdir() if path.is_dir()} - outside
    for module in sorted(modules):
        assert f"\n    buddy_core.{module}\n" in contracts
        assert f"[importlinter:contract:front-door-{module}]" in contracts
