"""The noxfile as a plain script: it makes itself a whole environment, or says in one line why not."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def noxfile() -> ModuleType:
    """The part of the noxfile that runs before nox is there."""
    source = (ROOT / "noxfile.py").read_text("utf-8")
    # All that runs before nox is there; the sessions need nox itself.
    before_nox = source.split("\nimport nox", 1)[0].replace('if __name__ == "__main__":', "if False:")
    module = ModuleType("noxfile_before_nox")
    module.__file__ = str(ROOT / "noxfile.py")
    exec(compile(before_nox, module.__file__, "exec"), module.__dict__)
    return module


@pytest.fixture
def handed_over(noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have replaced the process."""
    commands: list[list[str]] = []

    def remember(program: str, arguments: list[str]) -> None:
        commands.append(arguments)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", remember)
    return commands


def _python_that(folder: Path, exit_code: int) -> None:
    """Lay a stand-in for an environment's Python, which only has an exit code."""
    program = folder / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nexit {exit_code}\n", "utf-8")
    program.chmod(0o755)


def test_a_whole_environment_is_used(
    noxfile: ModuleType, tmp_path: Path, handed_over: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nox imports nothing is made anew, and nox gets the arguments."""
    _python_that(tmp_path / "env", 0)
    monkeypatch.setattr(noxfile, "make_private", lambda folder: pytest.fail("it was whole already"))
    with pytest.raises(SystemExit):
        noxfile.start(["-s", "demo"], tmp_path / "env")
    assert handed_over[0][1:3] == ["-m", "nox"]
    assert handed_over[0][-2:] == ["-s", "demo"]


@pytest.mark.parametrize("left_over", ["nothing", "a folder without Python", "a Python without nox"])
def test_an_interrupted_first_run_heals(
    left_over: str,
    noxfile: ModuleType,
    tmp_path: Path,
    handed_over: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever an earlier run left, an environment in which nox does not import is made anew."""
    folder = tmp_path / "env"
    if left_over == "a folder without Python":
        folder.mkdir()
    if left_over == "a Python without nox":
        _python_that(folder, 1)
    made: list[Path] = []
    monkeypatch.setattr(noxfile, "make_private", made.append)
    with pytest.raises(SystemExit):
        noxfile.start([], folder)
    assert made == [folder]


def test_making_it_removes_what_was_left(
    noxfile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old folder goes first, then venv and pip run with the pinned versions."""
    folder = tmp_path / "env"
    folder.mkdir()
    (folder / "half-written").touch()
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    noxfile.make_private(folder)
    assert not folder.exists()
    assert commands[0][:3] == [sys.executable, "-m", "venv"]
    assert commands[1][-4:] == ["--constraint", str(ROOT / "constraints.txt"), "nox", "uv"]


def test_without_ensurepip_one_line_says_what_to_install(
    noxfile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A Python without ensurepip gets one line with the package's name, and exit code 1."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert noxfile.start([], tmp_path / "env") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert "apt-get install python3-venv" in said.err


def test_an_old_python_is_told_so(noxfile: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.10 is refused by number."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 14))
    assert "needs Python 3.11 or newer" in noxfile.what_is_missing()


def test_a_failed_installation_names_the_step(
    noxfile: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When pip fails the command is shown and the exit code is 1; the next run tries again."""

    def fail(folder: Path) -> None:
        raise subprocess.CalledProcessError(2, ["pip", "install", "nox"])

    monkeypatch.setattr(noxfile, "make_private", fail)
    assert noxfile.start([], tmp_path / "env") == 1
    assert "Setting up failed at: pip install nox" in capsys.readouterr().err


def test_constraints_hold_names_and_exact_versions_only() -> None:
    """No hash, no address: every line is a name, an exact version, and perhaps a marker."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert len(pins) > 80
    for pin in pins:
        assert re.fullmatch(r"[a-z0-9-]+==[A-Za-z0-9.+]+( ; [a-z_]+ .*)?", pin), pin
    assert "://" not in "\n".join(lines)
