"""The real service in a process of its own: the real command line, a SQLite file, and real video."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
from attrs import frozen
from pyotp import TOTP

from buddy_adapters.system.clock import ShiftedClock, SystemClock
from buddy_web.demo.seed import DEMO_PASSWORD, LOGINS, demo_secret

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
PRODUCER = next(login for login in LOGINS if login.producer == "blue-lantern")
ADMIN = next(login for login in LOGINS if login.role == "super_admin")
FINANCE, SECOND_FINANCE = (login for login in LOGINS if login.role == "finance")
SUPPORT = next(login for login in LOGINS if login.role == "support")


@frozen
class Service:
    """A running service: where it listens, and where it keeps its things."""

    url: str
    folder: Path
    password: str = DEMO_PASSWORD

    def code(self, email: str) -> str:
        """Return the six digits that the authenticator of a seeded account shows, by the service's clock."""
        return self.code_of(base64.b32encode(demo_secret(email)).decode("ascii"))

    def code_of(self, secret: str) -> str:
        """Return the six digits of a secret, written in base32, by the service's clock."""
        return TOTP(secret).at(ShiftedClock(SystemClock(), self.folder / "clock.json").now())

    def verify(self) -> str:
        """Run `buddy verify` on the service's database and return what it printed."""
        command = [sys.executable, "-m", "tests.browser.serve", "verify"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment(self.folder), capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


def environment(folder: Path, media: Path | None = None) -> dict[str, str]:
    """Return the environment of a service that keeps its things in `folder`."""
    own = {
        "BUDDY_MODE": "demo",
        "BUDDY_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'buddy.db'}",
        "BUDDY_SECRET_FILE": str(folder / "secret.key"),
        "BUDDY_MEDIA_DIR": str(media or folder / "media"),
        # On a busy machine a request may wait for its turn; what is tested here is not speed.
        "BUDDY_CALL_TIMEOUT_S": "30",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BUDDY_")}
    return {**inherited, **own}


@contextmanager
def serving(folder: Path, media: Path) -> Iterator[Service]:
    """Run `buddy demo` on a free port until the block ends; its output is in `folder/log.txt`."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.browser.serve", "demo", "--port", str(port)]
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(
            command, cwd=ROOT, env=environment(folder, media), stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            _wait_for_start(process, url, folder)
            # A pipe that nobody reads fills up, and the service would wait for its reader.
            reader = Thread(target=shutil.copyfileobj, args=(process.stdout, log), daemon=True)
            reader.start()
            yield Service(url, folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
        reader.join()


def _wait_for_start(process: subprocess.Popen[str], url: str, folder: Path) -> None:
    """Wait until the service answers: it names its addresses when all is made, and listens just after."""
    assert process.stdout is not None
    if not any("Stop with Ctrl-C" in line for line in process.stdout):
        process.wait(PATIENCE_S)
        raise AssertionError(f"the service did not start:\n{(folder / 'log.txt').read_text()}")
    # A refused connection is tried again, a little later each time.
    with httpx.Client(transport=httpx.HTTPTransport(retries=7), timeout=PATIENCE_S) as http:
        assert http.get(f"{url}/ready").status_code == httpx.codes.OK


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
