"""The core imports where nothing but attrs is installed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import attr
import attrs
import pytest

ROOT = Path(__file__).parents[2]

PROBE = """
import json, sys
sys.path[:] = [path for path in sys.path if not path.endswith("-packages")] + [{folder!r}]
before = set(sys.modules)
import importlib, pkgutil
import buddy_core
names = [found.name for found in pkgutil.walk_packages(buddy_core.__path__, "buddy_core.")]
for name in names:
    importlib.import_module(name)
loaded = {{name.partition(".")[0] for name in set(sys.modules) - before}}
# The interpreter's own build data are no package, and stdlib_module_names leaves them out.
loaded = {{name for name in loaded if not name.startswith("_sysconfigdata")}}
print(json.dumps([len(names), sorted(loaded - set(sys.stdlib_module_names))]))
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of packages that holds the core and attrs, and nothing else."""
    for package in (attr, attrs):
        source = Path(package.__file__).parent
        shutil.copytree(source, tmp_path / source.name)
    shutil.copytree(ROOT / "buddy_core", tmp_path / "buddy_core")
    return tmp_path


def _run(code: str, folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code.format(folder=str(folder))],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    ).stdout


def test_every_module_of_the_core_imports_with_attrs_alone(bare: Path) -> None:
    """Importing the whole core loads attrs, the core and the standard library, and nothing more."""
    count, loaded = json.loads(_run(PROBE, bare))
    assert count > 50
    assert loaded == ["attr", "attrs", "buddy_core"]


def test_the_core_does_not_load_an_event_loop(bare: Path) -> None:
    """The core brings neither asyncio nor sockets nor threads of its own into a process."""
    unwanted = ("asyncio", "socket", "sqlite3", "http", "urllib.request")
    code = PROBE.replace(
        "print(", f"print(json.dumps([n for n in {unwanted!r} if n in sys.modules])) if 1 else print("
    )
    assert json.loads(_run(code, bare)) == []
