"""Print how many mutants of each file the tests killed, from what mutmut left in mutants/.

`nox -s mutants` makes them and calls this; docs/mutants.md says what the table means.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

FOLDER = Path("mutants")
ENDINGS = {1: "killed", 3: "killed", 0: "survived", 5: "no test", 33: "no test", None: "not run"}
"""What mutmut's exit codes mean; any other is the signal of a mutant that never ended."""


def counted(folder: Path) -> dict[str, Counter[str]]:
    """Return the endings of all mutants by source file."""
    found = {}
    for meta in sorted(folder.rglob("*.py.meta")):
        codes = json.loads(meta.read_text("utf-8"))["exit_code_by_key"].values()
        name = meta.relative_to(folder).with_suffix("").as_posix()
        found[name] = Counter(ENDINGS.get(code, "endless") for code in codes)
    return {name: endings for name, endings in found.items() if endings}


def row(name: str, endings: Counter[str]) -> str:
    """Return one line of the table; who never ends is noticed, and so counts as killed."""
    total, killed = endings.total(), endings["killed"] + endings["endless"]
    rest = " | ".join(str(endings[name]) for name in ("endless", "survived", "no test", "not run"))
    return f"| {name} | {killed} | {total} | {killed / total:.1%} | {rest} |"


if __name__ == "__main__":
    files = counted(FOLDER)
    print("| file | killed | total | share | of which endless | survived | no test | not run |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, endings in files.items():
        print(row(name, endings))
    print(row("**all**", sum(files.values(), Counter())))
