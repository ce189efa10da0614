"""Fetching the pinned front-end packages, against a stand-in npm that copies local archives."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path

import pytest

from buddy_web import vendor


@pytest.fixture
def npm(tmp_path: Path) -> str:
    """A program that answers `npm pack NAME@VERSION` from a folder, and counts its calls."""
    program = tmp_path / "npm"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, shutil, sys\n"
        f"store = pathlib.Path({str(tmp_path / 'store')!r})\n"
        "with open(store / 'calls', 'a') as calls: calls.write(sys.argv[2] + '\\n')\n"
        "archive = store / (sys.argv[2].replace('@', '-') + '.tgz')\n"
        "if not archive.exists(): sys.exit('npm error 404 no such package: ' + sys.argv[2])\n"
        "shutil.copy(archive, '.')\n",
        "utf-8",
    )
    program.chmod(0o755)
    (tmp_path / "store").mkdir()
    return str(program)


def _publish(tmp_path: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    """Put an archive into the store; return its SHA-512."""
    path = tmp_path / "store" / f"{name}-{version}.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for inside, body in files.items():
            entry = tarfile.TarInfo(f"package/{inside}")
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    return hashlib.sha512(path.read_bytes()).hexdigest()


def _manifest(tmp_path: Path, sha512: str, files: dict[str, str]) -> Path:
    path = tmp_path / "vendor.json"
    package = {"name": "toy", "version": "1.0.0", "sha512": sha512, "files": files}
    path.write_text(json.dumps({"packages": [package]}), "utf-8")
    return path


def _calls(tmp_path: Path) -> int:
    calls = tmp_path / "store" / "calls"
    return len(calls.read_text("utf-8").splitlines()) if calls.exists() else 0


def test_listed_files_arrive_and_no_others(tmp_path: Path, npm: str) -> None:
    """Only what the manifest lists is unpacked, under the names that it gives."""
    sha512 = _publish(tmp_path, "toy", "1.0.0", {"dist/toy.js": b"toy", "evil.sh": b"rm"})
    manifest = _manifest(tmp_path, sha512, {"dist/toy.js": "toy.min.js"})
    assert vendor.fetch(manifest, tmp_path / "out", npm=npm) is True
    assert sorted(os.listdir(tmp_path / "out")) == [".stamp", "toy.min.js"]
    assert (tmp_path / "out" / "toy.min.js").read_bytes() == b"toy"


def test_a_second_call_asks_nobody(tmp_path: Path, npm: str) -> None:
    """With everything in place npm is not started again."""
    sha512 = _publish(tmp_path, "toy", "1.0.0", {"toy.js": b"toy"})
    manifest = _manifest(tmp_path, sha512, {"toy.js": "toy.js"})
    vendor.fetch(manifest, tmp_path / "out", npm=npm)
    assert vendor.fetch(manifest, tmp_path / "out", npm=npm) is False
    assert _calls(tmp_path) == 1


def test_a_lost_file_heals(tmp_path: Path, npm: str) -> None:
    """A file that went missing is fetched again, whatever the stamp says."""
    sha512 = _publish(tmp_path, "toy", "1.0.0", {"toy.js": b"toy"})
    manifest = _manifest(tmp_path, sha512, {"toy.js": "toy.js"})
    vendor.fetch(manifest, tmp_path / "out", npm=npm)
    (tmp_path / "out" / "toy.js").unlink()
    assert vendor.fetch(manifest, tmp_path / "out", npm=npm) is True
    assert (tmp_path / "out" / "toy.js").exists()


def test_another_package_than_pinned_is_refused(tmp_path: Path, npm: str) -> None:
    """An archive with another SHA-512 is not unpacked, and the folder does not count as done."""
    _publish(tmp_path, "toy", "1.0.0", {"toy.js": b"changed by someone"})
    manifest = _manifest(tmp_path, "0" * 128, {"toy.js": "toy.js"})
    with pytest.raises(vendor.WrongChecksum, match=r"toy@1\.0\.0 has SHA-512"):
        vendor.fetch(manifest, tmp_path / "out", npm=npm)
    assert os.listdir(tmp_path / "out") == []
    assert not vendor.is_current(manifest, tmp_path / "out")


def test_npm_s_own_words_are_told(tmp_path: Path, npm: str) -> None:
    """A package that npm does not find is named with npm's reason."""
    manifest = _manifest(tmp_path, "0" * 128, {"toy.js": "toy.js"})
    with pytest.raises(vendor.PackFailed, match="404 no such package"):
        vendor.fetch(manifest, tmp_path / "out", npm=npm)


def test_a_listed_file_that_is_not_there_is_named(tmp_path: Path, npm: str) -> None:
    """A manifest that lists a file the package lacks fails by that file's name."""
    sha512 = _publish(tmp_path, "toy", "1.0.0", {"toy.js": b"toy"})
    manifest = _manifest(tmp_path, sha512, {"dist/other.js": "other.js"})
    with pytest.raises(vendor.PackFailed, match=r"no file dist/other\.js"):
        vendor.fetch(manifest, tmp_path / "out", npm=npm)


def test_names_cannot_lead_out_of_the_folder(tmp_path: Path, npm: str) -> None:
    """A target with a path in it is refused."""
    sha512 = _publish(tmp_path, "toy", "1.0.0", {"toy.js": b"toy"})
    manifest = _manifest(tmp_path, sha512, {"toy.js": "../toy.js"})
    with pytest.raises(ValueError, match="plain file name"):
        vendor.fetch(manifest, tmp_path / "out", npm=npm)


def test_no_npm_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without npm anywhere one line names both ways to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(vendor.NpmMissing, match="apt-get install npm"):
        vendor.find_npm()


def test_the_project_s_own_manifest_is_sound() -> None:
    """Every pinned package has an exact version, a full SHA-512, and targets that no other package has."""
    packages = vendor.read_manifest(vendor.MANIFEST)
    targets = [name for package in packages for name in package.files.values()]
    assert len(targets) == len(set(targets))
    for package in packages:
        assert package.version[0].isdigit()
        assert len(bytes.fromhex(package.sha512)) == 64
