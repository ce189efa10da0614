"""What the client wrote down, and the process that it wrote it in until it was killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path

from attrs import Factory, define

ROOT = Path(__file__).resolve().parents[2]


@define
class ClientLog:
    """How often each key was sent, and every answer that came."""

    started: Counter[str] = Factory(Counter)
    answers: Counter[str] = Factory(Counter)
    """How many of the requests of each key were answered, whatever the answer."""
    done: defaultdict[str, set[tuple[str, ...]]] = Factory(lambda: defaultdict(set))
    """The facts of the answers of each key: one tuple, however often the key was sent."""
    refused: defaultdict[str, set[str]] = Factory(lambda: defaultdict(set))
    unknown: dict[str, int] = Factory(dict)
    """The keys whose connection broke and that have no answer since, with when they were sent, in ns."""

    def note(self, line: str) -> None:
        """Take over one line of the client's log."""
        what, key, *facts = line.split()
        if what == "start":
            self.started[key] += 1
            return
        if what == "unknown":
            self.unknown[key] = min(int(facts[0]), self.unknown.get(key, int(facts[0])))
            return
        self.answers[key] += 1
        self.unknown.pop(key, None)
        if what == "done":
            self.done[key].add(tuple(facts))
        else:
            self.refused[key].add(facts[0])

    @property
    def answered(self) -> int:
        """How many answers came."""
        return self.answers.total()

    @property
    def in_flight(self) -> int:
        """How many requests had been sent and were not answered."""
        return self.started.total() - self.answered

    def has_all_answers(self, key: str) -> bool:
        """Tell whether each request of a key was answered: nothing of it can have come about unseen."""
        return self.started[key] == self.answers[key]


def worker_command(kind: str, url: str, seed: int, *more: str) -> list[str]:
    """Return the command that starts the process of a client."""
    return [sys.executable, "-m", "tests.crash.worker", kind, url, str(seed), *more]


def killed_in_the_middle(kind: str, url: str, seed: int, *more: str) -> ClientLog:
    """Run the worker, kill it at the seed's instant, and return what it had logged.

    The instant is some time within 15 ms after some early answer to a request of this `kind`.
    """
    chance = random.Random(f"{kind} {seed}")
    early = {"unlock": 80, "stories": 120}
    answers, pause_s = chance.randint(1, early.get(kind, 20)), chance.random() * 0.015
    own = {"unlock": "done k-", "stories": "done "}.get(kind, f"done {kind}-")
    lines: list[str] = []
    with subprocess.Popen(
        worker_command(kind, url, seed, *more), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
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
    log = ClientLog()
    for line in lines:
        log.note(line)
    return log
