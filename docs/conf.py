"""How the documentation is built: `nox -s docs` writes it to site/, with warnings as errors."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(ROOT))

project = "Buddy"
author = "The Buddy developers"
copyright = "The Buddy developers"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["pictures"]
html_theme = "furo"
html_title = "Buddy"
html_show_sourcelink = False
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "signature"

_PAGE = """# {name}

{readme}## Reference

```{{eval-rst}}
.. automodule:: buddy_core.{name}
   :members:
   :imported-members:
   :no-index:
```
"""


def write_reference() -> None:
    """Write a page a module: its README, then what its front door exports. They lie in docs/reference/."""
    folder = DOCS / "reference"
    folder.mkdir(exist_ok=True)
    wanted = {}
    for door in sorted((ROOT / "buddy_core").glob("*/__init__.py")):
        name = door.parent.name
        readme = door.parent / "README.md"
        text = re.sub(r"\A# .*\n+", "", readme.read_text("utf-8")).strip() + "\n\n" if readme.exists() else ""
        wanted[folder / f"{name}.md"] = _PAGE.format(name=name, readme=text)
    for path in set(folder.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        # Sphinx reads again only what changed.
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def follow_links(app: object, page: str, source: list[str]) -> None:
    """Lead links from where a text lies in the repository to where it stands in these pages.

    A module's README is read on its reference page, so links that leave it or
    lead to it are written anew. Sphinx hands a page's text in as a list of one.
    """
    folder, name = (DOCS / page).parent, Path(page).name
    lies_in = ROOT / "buddy_core" / name if folder == DOCS / "reference" else folder

    def lead(link: re.Match[str]) -> str:
        target, hash_, anchor = link[1].partition("#")
        if not target or re.match(r"[a-z]+:|/", target):
            return link[0]
        path = Path(os.path.normpath(lies_in / target))
        if path.name == "README.md" and path.parent.parent == ROOT / "buddy_core":
            path = DOCS / "reference" / f"{path.parent.name}.md"
        return f"]({os.path.relpath(path, folder)}{hash_}{anchor})"

    source[0] = re.sub(r"\]\(([^)\s]+)\)", lead, source[0])


def plain_to_rst(lines: list[str]) -> list[str]:
    """Turn a docstring, which is plain text with `code` in backticks, into reStructuredText.

    What stands indented after an empty line is shown as it is; signs that mean
    something in reStructuredText are escaped everywhere else.
    """
    result: list[str] = []
    literal = False
    for line in lines:
        indented = line.startswith((" ", "\t"))
        if indented and not literal and (not result or result[-1] == ""):
            result += ["::", ""]
            literal = True
        elif line.strip() and not indented:
            if literal:
                result.append("")
            literal = False
        result.append(line if literal or not line.strip() else _escaped(line))
    return [*result, ""]


def _escaped(line: str) -> str:
    pieces = re.split(r"(`[^`]+`)", line.replace("``", "`"))
    return "".join(
        f"``{piece[1:-1].strip()}``\\ " if number % 2 else re.sub(r"([\\*|`]|_(?=\W|$))", r"\\\1", piece)
        for number, piece in enumerate(pieces)
    )


def setup(app: object) -> None:
    """Write the reference before Sphinx looks for pages, and read docstrings as the plain text they are."""
    write_reference()

    def read_plainly(
        app: object, what: str, name: str, thing: object, options: object, lines: list[str]
    ) -> None:
        lines[:] = plain_to_rst(lines)

    app.connect("source-read", follow_links)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", read_plainly)  # type: ignore[attr-defined]
