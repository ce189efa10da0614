"""What the client wrote down, and the process that it wrote it in until it was killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]


@frozen
class ClientLog:
    """How often each key was sent, and every answer that came."""

    started: Counter[str]
    done: dict[str, set[tuple[str, ...]]]
    """The facts of the answers of each key: one tuple, however often the key was sent."""
    refused: dict[str, set[str]]
    answered: int

    @property
    def in_flight(self) -> int:
        """How many requests had been sent and were not answered."""
        return self.started.total() - self.answered


def killed_in_the_middle(kind: str, url: str, seed: int) -> ClientLog:
    """Run the worker, kill it at the seed's instant, and return what it had logged.

    The instant is some time within 15 ms after some early answer to a request of this `kind`.
    """
    chance = random.Random(f"{kind} {seed}")
    answers, pause_s = chance.randint(1, 20 if kind != "unlock" else 80), chance.random() * 0.015
    own = "done k-" if kind == "unlock" else f"done {kind}-"
    command = [sys.executable, "-m", "tests.crash.worker", kind, url, str(seed)]
    lines: list[str] = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            lines.append(line)
            answers -= line.startswith(own)
            if not answers:
                break
        threading.Event().wait(pause_s)
        worker.send_signal(signal.SIGKILL)
        lines += worker.stdout
    assert worker.returncode == -signal.SIGKILL, "the worker ended before it was killed"
    return _read(lines)


def _read(lines: list[str]) -> ClientLog:
    started: Counter[str] = Counter()
    done: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    refused: dict[str, set[str]] = defaultdict(set)
    answered = 0
    for line in lines:
        what, key, *facts = line.split()
        if what == "start":
            started[key] += 1
            continue
        answered += 1
        if what == "done":
            done[key].add(tuple(facts))
        else:
            refused[key].add(facts[0])
    return ClientLog(started, dict(done), dict(refused), answered)
