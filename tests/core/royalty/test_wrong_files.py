"""Folders of files in which everything is wrong: what is said of them, word for word.

In a folder: `python -m buddy_core.royalty terms.json ...` with all its other files, in the order
of their names, says what stands in `said.txt`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from buddy_core.royalty import BadInput, Document, read_input

FOLDER = Path(__file__).parent / "wrong_files"
FOLDERS = sorted(path.name for path in FOLDER.iterdir())


def said(folder: Path) -> str:
    """Return what is said of a folder's files; one more has brackets without end."""
    names = sorted(path.name for path in folder.iterdir() if path.name not in ("terms.json", "said.txt"))
    files = [Document(name, (folder / name).read_bytes()) for name in names]
    if folder.name == "other_programs":
        files.append(Document("endless.json", b"[" * 100_000))
    with pytest.raises(BadInput) as refused:
        read_input(Document("terms.json", (folder / "terms.json").read_bytes()), files, None).state()
    assert refused.value.count == len(refused.value.problems)
    return "".join(f"{problem.text()}\n" for problem in refused.value.problems)


@pytest.mark.parametrize("name", FOLDERS)
def test_everything_that_is_wrong_is_said(name: str) -> None:
    """Each file, row and key with what is there and what to write instead, all at once."""
    assert said(FOLDER / name) == (FOLDER / name / "said.txt").read_text("utf-8")
