"""Each example runs as a program of its own and prints what it is there to show."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

# Runs an example and then names what it brought in that is neither ours, attrs nor the standard library.
STRANGERS = """
import runpy, sys
runpy.run_path({path!r}, run_name="__main__")
ours = {{"attr", "attrs", "buddy_core", "buddy_adapters"}}
loaded = {{name.partition(".")[0] for name in sys.modules}}
known = set(sys.stdlib_module_names) | ours
from_packages = {{
    name for name in loaded - known
    if "site-packages" in (getattr(sys.modules[name], "__file__", None) or "")
    and not name.startswith("_") and name not in {before!r}
}}
print("strangers:", sorted(from_packages))
"""


def _run(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_unlock_spends_two_of_three_tokens(tmp_path: Path) -> None:
    """The short script opens an episode for two tokens and keeps one."""
    assert "tokens_spent=2, tokens_left=1" in _run(str(EXAMPLES / "unlock.py"), folder=tmp_path)


def test_unlock_needs_attrs_and_the_standard_library_alone(tmp_path: Path) -> None:
    """Nothing but attrs is loaded from site-packages, save what a bare interpreter loads there itself."""
    bare = _run(
        "-c", "import sys; print(sorted({n.partition('.')[0] for n in sys.modules}))", folder=tmp_path
    )
    before = set(re.findall(r"'([^']+)'", bare))
    code = STRANGERS.format(path=str(EXAMPLES / "unlock.py"), before=before)
    assert _run("-c", code, folder=tmp_path).splitlines()[-1] == "strangers: []"


def test_unlock_is_short() -> None:
    """Imports and frame aside, the script is what a reader has to learn: six lines."""
    text = (EXAMPLES / "unlock.py").read_text("utf-8")
    body = text.split("async def main() -> None:\n")[1].split("\n\n")[0]
    assert len(body.strip().splitlines()) <= 6


def test_the_readme_shows_the_short_script() -> None:
    """The README's first python block is examples/unlock.py, without its docstring."""
    block = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)[0]
    script = (EXAMPLES / "unlock.py").read_text("utf-8")
    assert block.strip() == script.split('"""\n', 1)[1].strip()


def test_royalty_month_adds_up(tmp_path: Path) -> None:
    """The statements come to exactly what came in, rounded once, and say how."""
    printed = _run(str(EXAMPLES / "royalty_month.py"), folder=tmp_path)
    bodies = [json.loads(text) for text in re.findall(r"^\{.*?^\}", printed, re.M | re.S)]
    assert [body["holder"] for body in bodies] == ["blue", "mgld", "platform"]
    assert [body["earned"] for body in bodies[:2]] == [2, 292]
    assert "in: 499 sold, 78/5 of tokens, 2/5 of rounding" in printed
    assert "out: 24 in fees, 294 to holders, 197 to the platform" in printed
    assert "left over: 0" in printed


def test_custom_host_unlocks_on_sqlite_without_flask(tmp_path: Path) -> None:
    """A host of twenty lines refuses, pays, unlocks once and has clean books, twice in a row on one file."""
    for _ in range(2):
        printed = _run(str(EXAMPLES / "custom_host.py"), folder=tmp_path)
        assert "refused: tokens.insufficient" in printed
        assert "unlocked: 10 tokens spent, 2 left" in printed
        assert "the same key again: the same answer" in printed
        assert "books: clean" in printed
    assert (tmp_path / "custom_host.db").exists()


def test_staff_access_needs_two_people(tmp_path: Path) -> None:
    """A role reaches its partner alone, support cannot approve, finance can, and the audit names who did."""
    printed = _run(str(EXAMPLES / "staff_access.py"), folder=tmp_path).splitlines()
    assert printed == [
        "own figures: True",
        "everybody's: out_of_scope",
        "support approves: access.not_permitted",
        "finance approves: approved",
        "asha has: 80",
        "the night desk may: analytics:read, desk:read, user:read",
        "finance gives a role: access.not_permitted",
        "recorded: finance@example.com tokens.grant asha@example.com",
    ]
